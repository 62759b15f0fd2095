# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tab's parent panel: where the run stands, and the one next step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..operators.display import first_screen, reasons, status
from ..operators.editing import scene_settings
from ..operators.runs import gradual_imports
from ..pipeline.stages import LABELS, STAGES, StageState
from ..pipeline.verdicts import Outcome
from ..pipeline.wording.program import PROGRAM, SHORT_NAME
from .place import Said, error, place
from .words import LINE, STATE_ICONS, message

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


SHOWN_BELOW = (*STAGES, "costs")  # panels that show an error where it happened
STANDING = 3  # lines for how the run stands, or why none can begin


class Sidebar:
    """What all panels of the tab share."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = SHORT_NAME


class CONSISTENCY_PT_sidebar(Sidebar, bpy.types.Panel):
    bl_idname = "CONSISTENCY_PT_sidebar"
    bl_label = PROGRAM

    def draw_header_preset(self, context: Context) -> None:
        draw_studio_view(self.layout, context, emboss=False)

    def draw(self, context: Context) -> None:
        gradual_imports.begin()
        first_screen.guess_soon()
        layout = self.layout
        now = status.of(context)
        draw_stages(layout, now)
        draw_next_step(layout, context)
        draw_messages(layout, context)


def draw_studio_view(layout: UILayout, context: Context, text: str = "", *, emboss: bool = True) -> None:
    """The toggle between the product alone and the artist's own view."""
    shown = context.scene.consistency.studio_view
    icon: Any = "HIDE_OFF" if shown else "CAMERA_STEREO"
    layout.operator("consistency.studio_view", text=text, icon=icon, depress=shown, emboss=emboss)


def draw_stages(layout: UILayout, now: status.CONSISTENCY_PG_status) -> None:
    flow = layout.grid_flow(row_major=True, columns=2, even_columns=True, align=True)
    states = {stage.name: stage.state for stage in now.stages}
    for stage in STAGES:
        flow.label(text=LABELS[stage], icon=STATE_ICONS.get(states.get(stage, StageState.WAITING), "DOT"))


def worst(now: status.CONSISTENCY_PG_status) -> str:
    """The icon of the run's least good still."""
    outcomes = {shot.outcome for shot in now.shots}
    return STATE_ICONS[next((each for each in reversed(Outcome) if each in outcomes), Outcome.PASS)]


def draw_next_step(layout: UILayout, context: Context) -> None:
    """One large button, who makes the pictures, and what else can be done; the reason below where nothing can.

    All of it stands at the same place whether a run is active or not, and where one button would take another's place
    there is a line of text instead: a press that comes too early or too late does nothing.
    """
    now = status.of(context)
    there = bool(now.run_folder)  # a run of what the panels say now; another product's is not gone on with
    is_up_to_date = there and now.is_finished and not now.is_outdated
    large = layout.column()
    large.scale_y = 1.5
    if now.running:
        what = "Cancelling; what is done is kept" if now.cancelling else now.text
        large.progress(text=what, factor=max(0.0, now.fraction))
        draw_cancel(layout)
    else:
        if is_up_to_date:
            open_results(large)
        else:
            text = "Update" if there and now.is_finished else "Resume" if there else "Run All"
            run_all(large, text)
        draw_standing(layout, context)
    below = layout.column()
    below.enabled = not now.running
    draw_backends(below, context)
    row = below.row(align=True)
    row.enabled = there
    if is_up_to_date and not now.running:
        run_all(row, "Update")
    else:
        open_results(row)
    row.operator("consistency.new_run", icon="FILE_NEW")


def draw_cancel(layout: UILayout) -> None:
    """As high as ``draw_standing``."""
    column = layout.column(align=True)
    button = column.column(align=True)
    button.scale_y = (STANDING - 1) * LINE
    button.operator("consistency.cancel", icon="CANCEL")
    message(column, "Esc does the same", height=1)


def draw_standing(layout: UILayout, context: Context) -> None:
    """How the run stands that is not active; or why none can begin."""
    now, problem = status.of(context), reasons.cannot_run(context)
    if problem is None:
        message(layout, where_it_stands(now), icon=worst(now) if now.headline else "NONE", height=STANDING)
        return
    row = layout.row()
    needs_preferences = "preferences" in problem
    message(row, problem, icon="INFO", height=STANDING, beside=needs_preferences)
    if needs_preferences:
        row.operator("consistency.show_preferences", text="", icon="PREFERENCES")


def run_all(layout: UILayout, text: str) -> None:
    icon: Any = "FILE_REFRESH" if text == "Update" else "PLAY"
    layout.operator("consistency.run", text=text, icon=icon).until = "results"


def open_results(layout: UILayout) -> None:
    layout.operator("consistency.open_folder", text="Open Results", icon="FOLDER_REDIRECT")


def where_it_stands(now: status.CONSISTENCY_PG_status) -> str:
    """The run that is not active in a line, which Results tells at length."""
    if now.headline:
        return now.headline.partition(";")[0].partition(":")[0]
    if not now.run_folder:
        return "No run yet"
    if not now.is_finished:
        return "Not finished yet"
    return "Changed since it was made" if now.is_outdated else "Finished"


def draw_backends(layout: UILayout, context: Context) -> None:
    """Who makes the stills and clips, and what that costs; the one that is on is pressed in."""
    chosen = scene_settings.chosen_backend(context.scene)
    cost = first_screen.what_fal_costs(context)
    column = layout.column(align=True)
    for backend, words in (("local", "This machine, free"), ("fal", f"fal.ai{cost}")):
        is_on = backend == chosen
        icon: Any = "RADIOBUT_ON" if is_on else "RADIOBUT_OFF"
        column.operator("consistency.choose_backend", text=words, icon=icon, depress=is_on).backend = backend


def draw_messages(layout: UILayout, context: Context) -> None:
    """What went wrong, else what is worth knowing, else what comes next: always at this one place."""
    now = status.of(context)
    said = Said(what_is_next(now), "BLANK1")
    if now.error and now.error_at not in SHOWN_BELOW:
        said = error(now)
    elif now.note and not now.error:
        said = Said(now.note, can_go=True)
    place(layout, context, "top", said)


def what_is_next(now: status.CONSISTENCY_PG_status) -> str:
    """For whoever doesn't know the panels yet."""
    if now.running:
        return "Each picture is shown below as soon as it is made"
    if not now.run_folder:
        return "Run All makes everything, each stage below its own part"
    if not now.is_finished:
        return "Resume goes on; what is done is kept"
    return "Update makes anew what has changed" if now.is_outdated else ""


CLASSES = (CONSISTENCY_PT_sidebar,)
