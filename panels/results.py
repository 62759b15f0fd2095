# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results: everything where an artist looks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..operators.buttons.results import planes
from ..operators.display import status
from ..operators.display.compare import OVER, UNDER
from ..pipeline.stages import LABELS, Stage
from ..pipeline.verdicts import Outcome
from ..pipeline.wording.program import PROGRAM, SHORT_NAME
from .faithful import draw_faithful
from .place import LINES, Said, fill, unfold_button
from .sidebar import worst
from .stage import StagePanel
from .words import LINE, STATE_ICONS, message, wrapped

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


class CONSISTENCY_PT_results(StagePanel, bpy.types.Panel):
    bl_label = LABELS[Stage.RESULTS]
    bl_options = {"DEFAULT_CLOSED"}
    stage = Stage.RESULTS

    def draw(self, context: Context) -> None:
        layout = self.layout
        draw_scores(layout, context)
        draw_compare(layout, context)
        taking = status.of(context).taking  # Esc ends it
        column = layout.column(align=True)
        column.operator("consistency.take_picture", text=taking or None, icon="RENDER_STILL")
        column.operator("consistency.export_photoreal", icon="EXPORT")
        layout.operator("consistency.open_folder", icon="FILE_FOLDER")
        row = layout.row(align=True)
        found = planes()
        shown = found is not None and not found.hide_viewport
        row.operator("consistency.toggle_planes", depress=shown, icon="HIDE_OFF" if shown else "HIDE_ON")
        row.operator("consistency.send_to_sequencer", text="Sequencer", icon="SEQUENCE")
        self.draw_run(layout, context)


def draw_scores(layout: UILayout, context: Context) -> None:
    """The run's headline, and below it each angle that somebody should look at: on as many lines as there are angles,
    cut off where that is too few, until all of it is asked for."""
    now = status.of(context)
    headline = now.headline.partition(";")[0] or "Not looked at yet"
    said = [Said(headline, worst(now) if now.headline else "NONE")]
    for shot in now.shots:
        if shot.outcome not in ("", Outcome.PASS):
            words = f"{shot.name}: {shot.verdict}" if shot.verdict else shot.name
            said.append(Said(words, STATE_ICONS.get(shot.outcome, "DOT"), alert=shot.outcome == Outcome.FAIL))
    text = "\n".join(words for words, *_ in said)
    unfolded = now.unfolded == text
    lines = max(LINES, 1 + len(context.scene.consistency.angles))
    needed = sum(len(wrapped(each.text, icon=each.icon != "NONE", beside=True)) for each in said)
    is_whole = needed <= lines
    row = layout.row()
    column = row.column(align=True)
    for each in said:
        height = None if unfolded or is_whole else 1
        message(column, each.text, icon=each.icon, alert=each.alert, height=height, beside=True)
    for _ in range(lines - (needed if unfolded or is_whole else len(said))):
        message(column, "", height=1)
    buttons = row.column(align=True)
    buttons.scale_y = LINE
    if not is_whole:
        unfold_button(buttons, text, text, unfolded=unfolded)
    fill(buttons, lines - (not is_whole))


def draw_compare(layout: UILayout, context: Context) -> None:
    """The slider between reference and still, and which angle it shows."""
    now = status.of(context)
    made = [shot for shot in now.shots if shot.still and shot.reference]
    column = layout.column(align=True)
    if not now.comparing:
        column.operator("consistency.compare", text="Compare Render and Still", icon="IMAGE_ALPHA")
        return
    column.prop(now, "compare", text=f"{OVER[now.comparing_with]} | {UNDER}", slider=True)
    if now.comparing in context.scene.consistency.angles:
        draw_faithful(column, context, now.comparing)
    flow = column.grid_flow(row_major=True, columns=2, even_columns=True, align=True)
    for shot in made:
        chosen = shot.name == now.comparing
        button = flow.operator("consistency.compare", text=shot.name, depress=chosen)
        button.angle, button.over = shot.name, now.comparing_with if chosen or shot.heatmap else "reference"


class CONSISTENCY_PT_compare(bpy.types.Panel):
    """The same slider beside a picture."""

    bl_label = PROGRAM
    bl_space_type = "IMAGE_EDITOR"
    bl_region_type = "UI"
    bl_category = SHORT_NAME

    def draw(self, context: Context) -> None:
        draw_compare(self.layout, context)


CLASSES = (CONSISTENCY_PT_results, CONSISTENCY_PT_compare)
