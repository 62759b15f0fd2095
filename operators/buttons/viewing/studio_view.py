# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The studio view's button."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ...display import reasons, studio_view
from ..operator_base import Button

if TYPE_CHECKING:
    from bpy.types import Context


class CONSISTENCY_OT_studio_view(Button, bpy.types.Operator):
    """Show the product alone, as a reference shows it; or, where that is shown, everything as it was before"""

    bl_idname = "consistency.studio_view"
    bl_label = "Studio View"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return None if context.scene.consistency.studio_view else reasons.no_product()

    def act(self, context: Context) -> None:
        if context.scene.consistency.studio_view:
            studio_view.leave(context.scene)
        else:
            studio_view.enter(context.scene, context.area)


CLASSES = (CONSISTENCY_OT_studio_view,)
