# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rig's list of angles, and the viewport as one of its cameras."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import EnumProperty, StringProperty

from ...pipeline import names
from ..display import compare, reasons, status, studio_view
from ..editing import live
from ..editing.angles import fill_in, free_name, set_angles, values_of
from .operator_base import Button

if TYPE_CHECKING:
    from bpy.types import Context

SETS = (
    ("product", "Product", "Front, three-quarter, side, top and a detail"),
    ("character-sheet", "Character Sheet", "Front, three-quarter, side, back and a portrait at eye level"),
    ("architecture", "Architecture", "Street, facade, corner, aerial and plan, with wider lenses"),
    ("jewellery", "Jewellery", "Long lenses, steeper views and a macro"),
    ("turnaround", "Turnaround", "Eight views, 45° apart"),
)


class AngleButton(Button):
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.busy(context) or reasons.no_angle_chosen(context)


class CONSISTENCY_OT_load_angles(Button, bpy.types.Operator):
    """Replace the angles by a set made for a kind of product"""

    bl_idname = "consistency.load_angles"
    bl_label = "Load Angle Set"
    bl_options = {"REGISTER", "UNDO"}

    set: EnumProperty(name="Set", description="What kind of product the angles are for", items=SETS)

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.busy(context)

    def act(self, context: Context) -> None:
        from ...pipeline.rig import ANGLE_SETS

        own = context.scene.consistency
        own.video_angle = own.video_end_angle = ""
        set_angles(context.scene, ANGLE_SETS[self.set])


class CONSISTENCY_OT_add_angle(Button, bpy.types.Operator):
    """Add an angle"""

    bl_idname = "consistency.add_angle"
    bl_label = "Add Angle"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.busy(context)

    def act(self, context: Context) -> None:
        add(context.scene, {"name": "angle"})


class CONSISTENCY_OT_duplicate_angle(AngleButton, bpy.types.Operator):
    """Add a copy of the selected angle"""

    bl_idname = "consistency.duplicate_angle"
    bl_label = "Duplicate Angle"

    def act(self, context: Context) -> None:
        own = context.scene.consistency
        add(context.scene, values_of(own.angles[own.angle_index]))


class CONSISTENCY_OT_remove_angle(AngleButton, bpy.types.Operator):
    """Remove the selected angle; pictures made of it stay on disk"""

    bl_idname = "consistency.remove_angle"
    bl_label = "Remove Angle"

    def act(self, context: Context) -> None:
        own = context.scene.consistency
        name = own.angles[own.angle_index].name
        for field in ("video_angle", "video_end_angle"):
            if getattr(own, field) == name:
                setattr(own, field, "")
        own.angles.remove(own.angle_index)
        own.angle_index = max(0, min(own.angle_index, len(own.angles) - 1))
        live.angles_changed(own, context)


class CONSISTENCY_OT_move_angle(AngleButton, bpy.types.Operator):
    """Move the selected angle in the list"""

    bl_idname = "consistency.move_angle"
    bl_label = "Move Angle"

    direction: EnumProperty(
        name="Direction",
        description="Where to move it",
        items=(("UP", "Up", "Towards the first angle"), ("DOWN", "Down", "Towards the last angle")),
    )

    def act(self, context: Context) -> set[str] | None:
        own = context.scene.consistency
        target = own.angle_index + (-1 if self.direction == "UP" else 1)
        if not 0 <= target < len(own.angles):
            return {"CANCELLED"}
        own.angles.move(own.angle_index, target)
        own.angle_index = target
        return None


class CONSISTENCY_OT_select_angle(Button, bpy.types.Operator):
    """Select this angle in the rig; its takes and its camera are those that the panels show"""

    bl_idname = "consistency.select_angle"
    bl_label = "Select Angle"
    bl_options = {"INTERNAL", "UNDO"}

    angle: StringProperty(name="Angle", description="Name of the angle", options={"SKIP_SAVE"})

    def act(self, context: Context) -> set[str] | None:
        own = context.scene.consistency
        found = own.angles.find(self.angle)
        if found < 0:
            return self.refuse(f"There is no angle {self.angle} in the rig any more; add it, or choose another")
        own.angle_index = found
        now, shot = status.of(context), compare.shot_named(context, self.angle)
        if now.comparing not in ("", self.angle) and shot is not None and shot.still and shot.reference:
            over = now.comparing_with if getattr(shot, now.comparing_with) else "reference"
            bpy.ops.consistency.compare(angle=self.angle, over=over)
        return None


class CONSISTENCY_OT_look_through(Button, bpy.types.Operator):
    """Look through this angle's camera in the viewport"""

    bl_idname = "consistency.look_through"
    bl_label = "Look Through"
    bl_options = {"REGISTER", "UNDO"}

    angle: StringProperty(name="Angle", description="Empty: the selected one", options={"SKIP_SAVE"})

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.no_product() or reasons.no_angles(context)

    def act(self, context: Context) -> None:
        from ...studio.rig import camera_for

        own = context.scene.consistency
        name = self.angle or own.angles[max(0, min(own.angle_index, len(own.angles) - 1))].name
        camera = camera_for(name)
        if own.angles.find(name) >= 0:
            own.angle_index = own.angles.find(name)  # or the studio view would soon look through the selected one again
        if context.scene.camera is not None and names.ANGLE not in context.scene.camera:
            own.own_camera = context.scene.camera
        context.scene.camera = camera
        # Outside the studio view it would darken the scene's frame, and the run's is another.
        camera.data.show_passepartout = own.studio_view
        compare.start()
        space = context.space_data
        if space is not None and space.type == "VIEW_3D":
            space.region_3d.view_perspective = "CAMERA"
            space.use_local_camera = False


class CONSISTENCY_OT_angle_from_view(Button, bpy.types.Operator):
    """Add an angle that sees the product from where the viewport does"""

    bl_idname = "consistency.angle_from_view"
    bl_label = "Take from Current View"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        view = None if viewport(context) is not None else "This needs a 3D viewport"
        return reasons.busy(context) or view

    def act(self, context: Context) -> None:
        view = viewport(context)
        assert view is not None
        values = angle_of_view(view.view_rotation)
        if view.view_perspective == "PERSP":
            values["focal_length"] = max(10.0, min(600.0, context.space_data.lens))
        add(context.scene, {"name": "view", **values})


class CONSISTENCY_OT_remove_rig(Button, bpy.types.Operator):
    """Take product, cameras, lights and results out of this scene, and give it back its own camera; files stay on disk"""

    bl_idname = "consistency.remove_rig"
    bl_label = "Remove from Scene"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.busy(context) or reasons.no_product()

    def act(self, context: Context) -> None:
        from ...studio.removal import remove_everything

        own = context.scene.consistency
        compare.stop(context)
        studio_view.leave(context.scene)
        remove_everything(context.scene)
        if context.scene.camera is None:
            context.scene.camera = own.own_camera
        own.own_camera = None


def viewport(context: Context) -> bpy.types.RegionView3D | None:
    """The view that is looked at; from the sidebar, which has none of its own, that beside it."""
    space = context.space_data
    return context.region_data or (space.region_3d if isinstance(space, bpy.types.SpaceView3D) else None)


def angle_of_view(rotation: Any) -> dict[str, float]:
    """Azimuth and elevation, in degrees, of a viewport's rotation (a quaternion; it looks along its −Z)."""
    from mathutils import Vector

    towards = rotation @ Vector((0.0, 0.0, 1.0))
    elevation = math.degrees(math.asin(max(-1.0, min(1.0, towards.z))))
    if math.hypot(towards.x, towards.y) < 1e-4:  # straight down or up: the picture's up side says which way is front
        up = rotation @ Vector((0.0, 1.0, 0.0))
        towards = Vector((-up.x, -up.y, 0.0)) * math.copysign(1.0, elevation)
    return {"azimuth": round(math.degrees(math.atan2(towards.x, -towards.y)), 2), "elevation": round(elevation, 2)}


def add(scene: bpy.types.Scene, values: dict[str, Any]) -> None:
    """Put an angle with these fields, in degrees, at the end of the list, select it and place its camera."""
    own = scene.consistency
    values = {**values, "name": free_name(values["name"], [angle.name for angle in own.angles])}
    fill_in(own.angles.add(), values)
    own.angle_index = len(own.angles) - 1
    live.angles_changed(own, bpy.context)


CLASSES = (
    CONSISTENCY_OT_load_angles,
    CONSISTENCY_OT_add_angle,
    CONSISTENCY_OT_duplicate_angle,
    CONSISTENCY_OT_remove_angle,
    CONSISTENCY_OT_move_angle,
    CONSISTENCY_OT_select_angle,
    CONSISTENCY_OT_look_through,
    CONSISTENCY_OT_angle_from_view,
    CONSISTENCY_OT_remove_rig,
)
