# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The handle between render and still, dragged in the viewport or the image editor itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from . import compare, status

if TYPE_CHECKING:
    from bpy.types import Context, Event

REACH = 14.0  # pixels beside the line, at an interface scale of 1, at which it is taken hold of


class CONSISTENCY_GT_divider(bpy.types.Gizmo):
    """The line itself is drawn with the pictures: operators.compare."""

    bl_idname = "CONSISTENCY_GT_divider"
    before: float

    def draw(self, _context: Context) -> None:
        # Blender draws handles below what is drawn over a region: the knob is drawn there, a moment later.
        compare.is_held = self.is_highlight or self.is_modal

    def test_select(self, context: Context, location: tuple[int, int]) -> int:
        corners = compare.corners_here(context)
        if corners is None:
            return -1
        (left, bottom), (right, _), (_, top), _ = corners
        line = left + (right - left) * status.of(context).compare / 100.0
        reach = REACH * (context.preferences.system.ui_scale or 1.0)
        return 0 if abs(location[0] - line) <= reach and bottom <= location[1] <= top else -1

    def invoke(self, context: Context, _event: Event) -> set[str]:
        self.before = status.of(context).compare
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Event, _tweak: set[str]) -> set[str]:
        corners = compare.corners_here(context)
        if corners is not None:
            (left, _), (right, _), *_ = corners
            share = (event.mouse_region_x - left) / max(1.0, right - left)
            status.of(context).compare = 100.0 * min(1.0, max(0.0, share))
        return {"RUNNING_MODAL"}

    def exit(self, context: Context, cancel: bool) -> None:
        if cancel:
            status.of(context).compare = self.before


class Handle:
    bl_label = "Compare"
    bl_region_type = "WINDOW"
    bl_options = {"PERSISTENT"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return bool(status.of(context).comparing)

    def setup(self, _context: Context) -> None:
        self.gizmos.new(CONSISTENCY_GT_divider.bl_idname).use_draw_modal = True


class CONSISTENCY_GGT_compare_viewport(Handle, bpy.types.GizmoGroup):
    bl_idname = "CONSISTENCY_GGT_compare_viewport"
    bl_space_type = "VIEW_3D"


class CONSISTENCY_GGT_compare_image(Handle, bpy.types.GizmoGroup):
    bl_idname = "CONSISTENCY_GGT_compare_image"
    bl_space_type = "IMAGE_EDITOR"


CLASSES = (CONSISTENCY_GT_divider, CONSISTENCY_GGT_compare_viewport, CONSISTENCY_GGT_compare_image)
