# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results: everything where an artist looks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..operators.buttons.results import planes
from ..operators.display import status
from ..operators.display.compare import OVER, UNDER
from ..pipeline.stages import LABELS
from ..pipeline.verdicts import Outcome
from ..pipeline.wording.program import PROGRAM, SHORT_NAME
from .faithful import draw_faithful
from .sidebar import worst
from .stage import StagePanel
from .words import STATE_ICONS, message

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


class CONSISTENCY_PT_results(StagePanel, bpy.types.Panel):
    bl_label = LABELS["results"]
    bl_options = {"DEFAULT_CLOSED"}
    stage = "results"

    def draw(self, context: Context) -> None:
        layout, now = self.layout, status.of(context)
        if now.headline:
            draw_scores(layout.box(), now)
        draw_compare(layout, context)
        layout.operator("consistency.open_folder", icon="FILE_FOLDER")
        row = layout.row(align=True)
        found = planes()
        shown = found is not None and not found.hide_viewport
        row.operator("consistency.toggle_planes", depress=shown, icon="HIDE_OFF" if shown else "HIDE_ON")
        row.operator("consistency.send_to_sequencer", text="Sequencer", icon="SEQUENCE")
        self.draw_run(layout, context)


def draw_scores(layout: UILayout, now: Any) -> None:
    """The run's headline, and below it each angle that somebody should look at."""
    message(layout, now.headline.partition(";")[0], icon=worst(now))
    for shot in now.shots:
        if shot.outcome not in ("", Outcome.PASS):
            words = f"{shot.name}: {shot.verdict}" if shot.verdict else shot.name
            message(layout, words, icon=STATE_ICONS.get(shot.outcome, "DOT"), alert=shot.outcome == Outcome.FAIL)


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
