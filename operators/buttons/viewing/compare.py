# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The button that lays a reference over its still, and takes it away again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import EnumProperty, StringProperty

from ...display import compare, reasons, status
from ..operator_base import Button

if TYPE_CHECKING:
    from bpy.types import Context


class CONSISTENCY_OT_compare(Button, bpy.types.Operator):
    """Lay the reference over the still, up to the slider; in the viewport through the angle's camera"""

    bl_idname = "consistency.compare"
    bl_label = "Compare"
    bl_options = {"REGISTER", "UNDO"}

    angle: StringProperty(
        name="Angle", description="Empty: the selected one, else the first with a still", options={"SKIP_SAVE"}
    )
    over: EnumProperty(
        name="Over the Still",
        description="What lies over the still",
        items=(
            ("reference", "Reference", "The render that holds the product still"),
            ("heatmap", "Heat Map", "Where the still departs from its reference"),
        ),
        options={"SKIP_SAVE"},
    )

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        made = any(shot.still and shot.reference for shot in status.of(context).shots)
        return None if made else reasons.NO_STILL

    @classmethod
    def description(cls, _context: Context, properties: bpy.types.OperatorProperties) -> str:
        if properties.over == "heatmap":
            return "Lay a map of where the still departs from its reference over it, up to the slider"
        return str(cls.__doc__)

    def act(self, context: Context) -> set[str] | None:
        now = status.of(context)
        name = self.angle or _first_angle(context)
        shot = compare.shot_named(context, name)
        if (now.comparing, now.comparing_with) == (name, self.over) and compare.is_shown_here(context, shot):
            compare.stop(context)
            return None
        over = getattr(shot, self.over, "")
        if shot is None or not (shot.still and over):
            return self.refuse(f"{name} has no still to compare yet; run Photoreal first")
        for path in (over, shot.still):
            if not Path(path).is_file():
                return self.refuse(f"{path} is not there any more; make it again")
        still = bpy.data.images.load(shot.still, check_existing=True)
        bpy.data.images.load(over, check_existing=True).reload()
        now.comparing, now.comparing_with = name, self.over
        if context.area is not None and context.area.type == "VIEW_3D":
            if bpy.ops.consistency.look_through.poll():
                bpy.ops.consistency.look_through(angle=name)
        elif context.area is not None and context.area.type == "IMAGE_EDITOR":
            context.space_data.image = still
        compare.start()
        status.redraw(pictures=True)
        return None


def _first_angle(context: Context) -> str:
    """The selected angle where it has a still, else the first that has one."""
    own = context.scene.consistency
    shots = [shot for shot in status.of(context).shots if shot.still and shot.reference]
    chosen = own.angles[own.angle_index].name if 0 <= own.angle_index < len(own.angles) else ""
    return chosen if any(shot.name == chosen for shot in shots) else shots[0].name if shots else ""


CLASSES = (CONSISTENCY_OT_compare,)
