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
from .words import STATE_ICONS, message

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


SHOWN_BELOW = (*STAGES, "costs")  # panels that show an error where it happened


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
        large.operator("consistency.cancel", icon="CANCEL")
    else:
        if is_up_to_date:
            open_results(large)
        else:
            text = "Update" if there and now.is_finished else "Resume" if there else "Run All"
            run_all(large, text)
        icon: Any = worst(now) if now.headline else "NONE"
        large.label(text=where_it_stands(now), icon=icon)
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
    problem = None if now.running else reasons.cannot_run(context)
    if problem is not None:
        message(layout, problem, icon="INFO")
        if "preferences" in problem:
            layout.operator("consistency.show_preferences", icon="PREFERENCES")


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
    now = status.of(context)
    if now.error:
        if now.error_at not in SHOWN_BELOW:
            draw_error(layout, now)
    elif now.note:
        row = layout.box().row()
        message(row, now.note, icon="INFO", beside=True)
        row.operator("consistency.clear_error", text="", icon="X", emboss=False)


def draw_error(layout: UILayout, now: status.CONSISTENCY_PG_status) -> None:
    box = layout.box()
    message(box, now.error, icon="ERROR", alert=True)
    row = box.row(align=True)
    row.operator("consistency.copy_text", icon="COPYDOWN").text = now.details or now.error
    row.operator("consistency.clear_error", icon="X")


CLASSES = (CONSISTENCY_PT_sidebar,)
