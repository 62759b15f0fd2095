# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The button that keeps what the slider from as it came to faithful shows: for scripts; in a window the slider does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.props import StringProperty

from ...display import faithful, reasons
from ..operator_base import Button

if TYPE_CHECKING:
    from bpy.types import Context


class CONSISTENCY_OT_make_faithful(Button, bpy.types.Operator):
    """Make a take of the angle's still with as much of its render's detail as its slider says; nothing is bought"""

    bl_idname = "consistency.make_faithful"
    bl_label = "Make Faithful"
    bl_options = {"REGISTER"}
    error_at = "photoreal"

    angle: StringProperty(name="Angle", description="Name of the angle", options={"SKIP_SAVE"})

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.busy(context) or reasons.no_run(context)

    def act(self, context: Context) -> set[str] | None:
        if self.angle not in context.scene.consistency.angles:
            return self.refuse(f"there is no angle {self.angle!r}; choose one of the rig's")
        reason = faithful.why_not(context.scene, self.angle)
        if reason is not None:
            return self.refuse(reason)
        faithful.keep_now(context.scene, self.angle)
        return None


CLASSES = (CONSISTENCY_OT_make_faithful,)
