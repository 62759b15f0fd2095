"""The tab's parent panel: where the run stands, and the one next step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..operators import reasons, refresh, scene_settings, status, warm_up
from .words import STATE_ICONS, message, money

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


class Sidebar:
    """What all panels of the tab share."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Consistency"


class CONSISTENCY_PT_sidebar(Sidebar, bpy.types.Panel):
    bl_idname = "CONSISTENCY_PT_sidebar"
    bl_label = "Consistency Pipeline"

    def draw_header_preset(self, context: Context) -> None:
        draw_studio_view(self.layout, context, emboss=False)

    def draw(self, context: Context) -> None:
        warm_up.begin()
        layout = self.layout
        now = status.of(context)
        draw_stages(layout, now)
        if now.running:
            draw_progress(layout, now)
        else:
            draw_next_step(layout, context)
        draw_messages(layout, context)


def draw_studio_view(layout: UILayout, context: Context, text: str = "", *, emboss: bool = True) -> None:
    """The toggle between the product alone and the artist's own view."""
    shown = context.scene.consistency.studio_view
    icon: Any = "HIDE_OFF" if shown else "CAMERA_STEREO"
    layout.operator("consistency.studio_view", text=text, icon=icon, depress=shown, emboss=emboss)


def draw_stages(layout: UILayout, now: status.CONSISTENCY_PG_status) -> None:
    if not now.stages:
        return
    flow = layout.grid_flow(row_major=True, columns=2, even_columns=True, align=True)
    for stage in now.stages:
        flow.label(text=stage.name.title(), icon=STATE_ICONS.get(stage.state, "DOT"))
    if now.headline:
        message(layout, now.headline.partition(";")[0], icon=worst(now))


def worst(now: status.CONSISTENCY_PG_status) -> str:
    """The icon of the run's least good still."""
    outcomes = {shot.outcome for shot in now.shots}
    return STATE_ICONS[next((outcome for outcome in ("fail", "unsure") if outcome in outcomes), "pass")]


def draw_progress(layout: UILayout, now: status.CONSISTENCY_PG_status) -> None:
    column = layout.column(align=True)
    share = max(0.0, now.fraction)
    what = "Cancelling" if now.cancelling else f"{now.stage.title()}  {share:.0%}" if now.fraction >= 0 else "Starting"
    column.progress(text=what, factor=share)
    message(column, now.text, height=2)
    layout.operator("consistency.cancel", icon="CANCEL")


def draw_next_step(layout: UILayout, context: Context) -> None:
    """One large button; greyed out with the reason below it where it can't work."""
    own, now = context.scene.consistency, status.of(context)
    column = layout.column()
    column.scale_y = 1.5
    problem = reasons.cannot_run(context)
    unfinished = bool(own.run_folder) and not now.is_finished
    if own.run_folder and now.is_finished and now.is_outdated:
        column.operator("consistency.run", text="Update", icon="FILE_REFRESH").until = "results"
        row = layout.row(align=True)
        row.operator("consistency.open_folder", text="Open Results", icon="FOLDER_REDIRECT")
        row.operator("consistency.new_run", icon="FILE_NEW")
    elif own.run_folder and now.is_finished:
        column.operator("consistency.open_folder", text="Open Results", icon="FOLDER_REDIRECT")
        row = layout.row(align=True)
        row.operator("consistency.run", text="Update", icon="FILE_REFRESH").until = "results"
        row.operator("consistency.new_run", icon="FILE_NEW")
    else:
        text = "Resume" if unfinished else "Run All"
        column.operator("consistency.run", text=text, icon="PLAY").until = "results"
        if unfinished:
            layout.operator("consistency.new_run", icon="FILE_NEW")
    if problem is not None:
        message(layout, problem, icon="INFO")
        if "preferences" in problem:
            layout.operator("consistency.show_preferences", icon="PREFERENCES")
    else:
        backend = "fal.ai" if scene_settings.chosen_backend(context.scene) == "fal" else "This machine, no AI"
        cost = (
            f", about {money(now.estimate)} left"
            if backend == "fal.ai" and not now.is_finished and refresh.estimate_holds(context)
            else ""
        )
        message(layout, f"{backend}{cost}", icon="NONE")


def draw_messages(layout: UILayout, context: Context) -> None:
    now = status.of(context)
    if now.error:
        box = layout.box()
        message(box, now.error, icon="ERROR", alert=True)
        row = box.row(align=True)
        row.operator("consistency.copy_text", icon="COPYDOWN").text = now.details or now.error
        row.operator("consistency.clear_error", icon="X")
    elif now.note:
        row = layout.box().row()
        message(row, now.note, icon="INFO", beside=True)
        row.operator("consistency.clear_error", text="", icon="X", emboss=False)


CLASSES = (CONSISTENCY_PT_sidebar,)
