# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environments that Blender comes with, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import StringProperty

from ..display import reasons
from .operator_base import Button

if TYPE_CHECKING:
    from bpy.types import Context


class CONSISTENCY_OT_studio_environment(Button, bpy.types.Operator):
    """Light the product with this environment, which comes with Blender"""

    bl_idname = "consistency.studio_environment"
    bl_label = "Set Environment"
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(
        name="Name", description="Which of Blender's pictures; empty: the lighting's own", options={"SKIP_SAVE"}
    )

    @classmethod
    def description(cls, _context: Context, properties: Any) -> str:
        return (
            str(cls.__doc__)
            if properties.name
            else "Light the product as the preset does, without a picture of your own"
        )

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.busy(context)

    def act(self, context: Context) -> set[str] | None:
        from ...studio.lighting import studio_environments

        if not self.name:
            context.scene.consistency.environment = ""
            return None
        found = studio_environments()
        if self.name not in found:
            return self.refuse(f"this Blender has no surroundings {self.name!r}; it has {', '.join(found) or 'none'}")
        context.scene.consistency.environment = str(found[self.name])
        return None


CLASSES = (CONSISTENCY_OT_studio_environment,)
