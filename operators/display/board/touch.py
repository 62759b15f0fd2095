# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mouse over the board: a click on a picture looks through its camera, a button does what it says.

A handle takes the mouse before the viewport does, so nothing below the board is selected by a click on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from .. import status
from . import overlay

if TYPE_CHECKING:
    from bpy.types import Context, Event


class CONSISTENCY_GT_board(bpy.types.Gizmo):
    """All of the board; its pictures and buttons are drawn by overlay."""

    bl_idname = "CONSISTENCY_GT_board"
    pressed: str

    def draw(self, _context: Context) -> None:
        """Drawn with the pictures."""

    def test_select(self, context: Context, location: tuple[int, int]) -> int:
        laid = overlay.sheet_here(context)
        return -1 if laid is None or laid.at(*location) is None else 0

    def invoke(self, context: Context, event: Event) -> set[str]:
        laid = overlay.sheet_here(context)
        self.pressed = (laid.at(event.mouse_region_x, event.mouse_region_y) if laid is not None else None) or ""
        if self.pressed == "button:before":
            _show_before(on=True)
        return {"RUNNING_MODAL"}

    def modal(self, _context: Context, _event: Event, _tweak: set[str]) -> set[str]:
        return {"RUNNING_MODAL"}

    def exit(self, context: Context, cancel: bool) -> None:
        if self.pressed == "button:before":
            _show_before(on=False)
        elif not cancel and self.pressed:
            _soon(context, self.pressed)


def _show_before(*, on: bool) -> None:
    status.of().board_before = on
    overlay.changed()


def _soon(context: Context, pressed: str) -> None:
    """Once the handle has let go: operators belong to no handle."""
    kind, _, name = pressed.partition(":")
    window, area, region = context.window, context.area, context.region

    def act() -> None:
        if overlay.current() is None:
            return
        with bpy.context.temp_override(window=window, area=area, region=region):
            if kind == "picture":
                _press(bpy.ops.consistency.look_through, angle=name)
                status.of().board_strip = True  # the board makes room for what the camera sees
                overlay.redraw()
            elif name == "drafts":
                _press(bpy.ops.consistency.drafts, "INVOKE_DEFAULT")
            elif name == "close":
                _press(bpy.ops.consistency.board)
            else:
                status.of().board_strip = not status.of().board_strip
                overlay.redraw()

    bpy.app.timers.register(act, first_interval=0.0)


def _press(button: Any, *how: str, **options: str) -> None:
    if button.poll():
        button(*how, **options)


class CONSISTENCY_GGT_board(bpy.types.GizmoGroup):
    bl_idname = "CONSISTENCY_GGT_board"
    bl_label = "Board"
    bl_space_type = "VIEW_3D"
    bl_region_type = "WINDOW"
    bl_options = {"PERSISTENT"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return bool(status.of(context).board)

    def setup(self, _context: Context) -> None:
        self.gizmos.new(CONSISTENCY_GT_board.bl_idname)


CLASSES = (CONSISTENCY_GT_board, CONSISTENCY_GGT_board)
