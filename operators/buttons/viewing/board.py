# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The board's buttons: show it, and render drafts for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ....pipeline.errors import Cancelled, ConsistencyError
from ....pipeline.stages import Stage
from ...display import reasons, status
from ...display.board import drafts, overlay
from ..lighting import keep_rows
from ..operator_base import Button, TimedModal, push_undo, say_error

if TYPE_CHECKING:
    from bpy.types import Area, Context, Event


class CONSISTENCY_OT_board(Button, bpy.types.Operator):
    """Show all angles side by side over the viewport, in any mix of their lights; or hide them again"""

    bl_idname = "consistency.board"
    bl_label = "Light Board"
    bl_options = {"REGISTER"}

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return overlay.why_not(context) or (None if _viewport(context) is not None else "This needs a 3D viewport")

    def act(self, context: Context) -> None:
        area = _viewport(context)
        if status.of(context).board:
            overlay.close()
            return
        assert area is not None
        if not len(context.scene.consistency.mix):
            bpy.ops.consistency.begin_mix()
            push_undo("Light Mix")  # or the next undo would take it back as well
        status.of(context).board_strip = False
        overlay.show(context.scene, area)


def _viewport(context: Context) -> Area | None:
    """The viewport that the button is in, else the window's largest."""
    if context.area is not None and context.area.type == "VIEW_3D":
        return context.area
    areas = [area for area in context.window.screen.areas if area.type == "VIEW_3D"] if context.window else []
    return max(areas, key=lambda area: area.width * area.height, default=None)


class CONSISTENCY_OT_drafts(TimedModal, Button, bpy.types.Operator):
    """Render all angles as drafts for the board, then in the quality that is set, until a light is changed; or stop that"""

    bl_idname = "consistency.drafts"
    bl_label = "Drafts"
    bl_options = {"REGISTER"}
    error_at = Stage.RIG

    _steps: Any = None

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        if status.of(context).drafting:
            return None
        return reasons.busy(context) or reasons.no_product() or reasons.no_angles(context) or reasons.blender_renders()

    def act(self, context: Context) -> None:
        """Without a window: drafts alone, and it waits for them."""
        for _ in drafts.render(context.scene, refine=False):
            pass

    def invoke(self, context: Context, _event: Event) -> set[str]:
        now = status.of(context)
        if now.drafting:
            now.drafting = False  # the one at work sees it
            return {"FINISHED"}
        now.error = now.details = ""
        keep_rows(context.scene)
        now.running = now.drafting = True
        now.text, now.stage, now.fraction = "Rendering drafts", Stage.REFERENCES, -1.0
        self._steps = drafts.render(context.scene)
        return self.start_timer(context)

    def modal(self, context: Context, event: Event) -> set[str]:
        now = status.of(context)
        if event.type == "ESC" and event.value == "PRESS":
            now.drafting = False
        elif event.type != "TIMER":
            return {"PASS_THROUGH"}
        if not now.drafting or now.cancelling:
            return self._end(context)
        try:
            said = next(self._steps)
        except (StopIteration, Cancelled):
            return self._end(context)
        except (ConsistencyError, ReferenceError) as error:
            self._end(context)
            if not drafts.was_undone():
                say_error(self, error, self.error_at)
            return {"CANCELLED"}
        except BaseException:
            self._end(context)
            raise
        if said.text != now.text:
            now.text = said.text
            status.redraw()
            overlay.redraw()
        return {"PASS_THROUGH"}

    def _end(self, context: Context) -> set[str]:
        self.stop_timer(context)
        self._steps.close()
        status.nothing_runs()
        status.of(context).drafting = False
        status.redraw(pictures=True)
        return {"FINISHED"}

    def cancel(self, context: Context) -> None:
        self._end(context)


CLASSES = (CONSISTENCY_OT_board, CONSISTENCY_OT_drafts)
