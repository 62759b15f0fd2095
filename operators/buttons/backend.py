# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The buttons that say who makes the pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.props import EnumProperty

from ..display import reasons, status
from .operator_base import Button

if TYPE_CHECKING:
    from bpy.types import Context


class CONSISTENCY_OT_choose_backend(Button, bpy.types.Operator):
    """Have the stills and clips made here, or at fal.ai"""

    bl_idname = "consistency.choose_backend"
    bl_label = "Choose Who Makes the Pictures"
    bl_options = {"REGISTER", "UNDO"}

    backend: EnumProperty(
        name="Backend",
        description="Who makes the stills and clips",
        items=(
            ("local", "This Machine", "Finished Cycles renders and a real turntable: no AI, no network, no cost"),
            (
                "fal",
                "fal.ai",
                "Photoreal stills and clips by image and video models; the price is shown before anything is paid",
            ),
        ),
        options={"SKIP_SAVE"},
    )

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.busy(context)

    @classmethod
    def description(cls, _context: Context, properties: bpy.types.OperatorProperties) -> str:
        return str(cls.bl_rna.properties["backend"].enum_items[properties.backend].description)

    def act(self, context: Context) -> None:
        context.scene.consistency.backend = self.backend
        status.of(context).error = ""
        status.redraw()


CLASSES = (CONSISTENCY_OT_choose_backend,)
