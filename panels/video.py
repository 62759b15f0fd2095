# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Video: the clip and its motion."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..operators.display import status, thumbnails
from ..operators.editing import scene_settings
from ..pipeline.settings.choices import BackendName, MotionName
from ..pipeline.stages import LABELS, Stage
from .place import Said
from .references import NO_PICTURE, PICTURE_SCALE
from .sidebar import Sidebar
from .stage import StagePanel, any_endpoint, endpoint_choice, parameters
from .words import message

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


class CONSISTENCY_PT_video(StagePanel, bpy.types.Panel):
    bl_label = LABELS[Stage.VIDEO]
    bl_options = {"DEFAULT_CLOSED"}
    stage = Stage.VIDEO

    def draw(self, context: Context) -> None:
        layout, own, now = self.layout, context.scene.consistency, status.of(context)
        fal = scene_settings.chosen_backend(context.scene) == BackendName.FAL
        exact = MotionName(own.motion).is_exact
        anchored = own.motion == MotionName.ANCHORED_TURNTABLE
        if fal and not exact:
            endpoint_choice(layout, own, "video", "video_endpoint")
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(own, "motion")
        if own.motion != MotionName.NONE:
            column.prop(
                own, "video_angle", text="Angle" if not own.video_end_angle else "From", placeholder="three-quarter"
            )
            if fal and not exact and not anchored:
                column.prop(own, "video_end_angle", text="To", placeholder="none")
            column.prop(own, "duration")
            if exact:
                column.prop(own, "frame_rate")
                column.prop(own, "clip_alpha")
                look = "with the look of the stills" if fal else "as they are"
                message(layout, f"This machine renders the frames, {look}: nothing is bought", icon="INFO")
                draw_surface(layout, context)
            elif anchored:
                column.prop(own, "frame_rate")
                text = (
                    "A purchase for each piece of the turn between two stills up to 120° apart; exact frames for all else"
                    if fal
                    else "This machine renders all of the turn: no AI"
                )
                message(layout, text, icon="INFO")
            elif fal:
                column.prop(own, "audio")
            else:
                message(layout, "This machine renders a turntable: no AI", icon="INFO")
        layout.template_icon(icon_value=thumbnails.icon(now.clip) or NO_PICTURE, scale=PICTURE_SCALE)
        play = layout.row()
        play.enabled = bool(now.clip)
        play.operator("consistency.open_file", text="Play Clip", icon="PLAY").path = now.clip
        in_one = fal and own.motion != MotionName.NONE and not exact and not anchored
        is_shortened = in_one and 0.0 < now.longest_clip < own.duration
        hint = Said(f"{now.longest_clip:g} s: reflections are lost in longer clips") if is_shortened else None
        self.draw_run(layout, context, hint)


def draw_surface(layout: UILayout, context: Context) -> None:
    """What share of the product the stills see, which further angles would see the rest, and a picture of it."""
    now = status.of(context)
    if now.surface:
        text = f"{now.surface}: Further Angles under Photoreal" if ";" in now.surface else now.surface
        message(layout, text, icon="SHADING_RENDERED")
        if now.surface_picture:
            button = layout.operator("consistency.open_file", text="Show What Stills See", icon="IMAGE_DATA")
            button.path = now.surface_picture


class CONSISTENCY_PT_video_parameters(Sidebar, bpy.types.Panel):
    bl_label = "Endpoint Fields"
    bl_parent_id = "CONSISTENCY_PT_video"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return scene_settings.chosen_backend(context.scene) == BackendName.FAL

    def draw(self, context: Context) -> None:
        own = context.scene.consistency
        any_endpoint(self.layout, own, "video_endpoint")
        self.layout.prop(own, "video_elements")
        parameters(self.layout, own, own.video_endpoint, "video")


CLASSES = (CONSISTENCY_PT_video, CONSISTENCY_PT_video_parameters)
