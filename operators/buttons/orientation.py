# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turning the product so that its front looks to the front, and putting it on the floor."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import EnumProperty

from ..display import follow, reasons, refresh, status
from ..editing import scene_settings
from ..editing.live import Change, tell
from ..runs import staleness
from .operator_base import Button, attempt

if TYPE_CHECKING:
    from bpy.types import Context, Event, OperatorProperties
    from mathutils import Matrix, Vector

VIEW = 2.0  # distance of a viewport, in diagonals of the product
TURNS = (
    ("LEFT", "Turn Left", "A quarter turn: what was at its right is its front now", "Z", -90.0),
    ("RIGHT", "Turn Right", "A quarter turn: what was at its left is its front now", "Z", 90.0),
    ("FORWARD", "Tip Forward", "A quarter turn: what was on top is its front now", "X", 90.0),
    ("BACK", "Tip Back", "A quarter turn: what was below is its front now", "X", -90.0),
    ("NONE", "As Its File", "No turn: as the file has it", "Z", 0.0),
)
SIDES = (
    ("FRONT", "This Is the Front", "Click the side of the product that the front camera shall look at"),
    ("FLOOR", "This Stands on the Floor", "Click the side of the product that it shall stand on"),
)


def cannot_turn(context: Context) -> str | None:
    return reasons.busy(context) or reasons.no_product()


def turn(context: Context, by: Matrix | None) -> None:
    """Turn the product by a rotation about the world's axes, None: back to what its file has, and put it on the floor.

    Raises ConsistencyError.
    """
    from ...pipeline import names
    from ...studio import model, orientation

    scene = context.scene
    own, root = scene.consistency, model.product_root()
    before = root.get(names.TURN, orientation.NONE)
    turned = orientation.NONE if by is None else orientation.turn_of(by @ orientation.rotation(before))
    tell(Change.NAME, scene)
    own.turn = [math.radians(angle) for angle in turned]
    orientation.turn_product(root, turned)
    product = staleness.put_in_place(root)
    inputs = scene_settings.inputs_of(scene)
    called = own.product_name or (Path(inputs[0]).stem if inputs else own.text.strip())
    refresh.product(called, product.size, inputs, own.text)
    tell(Change.ANGLES, scene)
    follow.place_lights(scene)
    status.redraw()


def look_at_product(context: Context) -> None:
    """Have the viewports of the window show the whole product, from where they look; the studio view shows it already."""
    if context.scene.consistency.studio_view:
        return
    from ...studio import model

    points = model.product_points()
    low, high = points.min(axis=0), points.max(axis=0)
    size = float(((high - low) ** 2).sum() ** 0.5)
    for area in context.window.screen.areas:
        if area.type != "VIEW_3D":
            continue
        space = area.spaces.active
        if space.region_3d.view_perspective == "CAMERA":
            space.region_3d.view_perspective = "PERSP"
        space.region_3d.view_location = ((low + high) / 2.0).tolist()
        space.region_3d.view_distance = VIEW * size
        space.clip_start = min(space.clip_start, size / 100.0)


class CONSISTENCY_OT_turn_product(Button, bpy.types.Operator):
    """Turn the product by 90 degrees, and put it on the floor"""

    bl_idname = "consistency.turn_product"
    bl_label = "Turn Product"
    bl_options = {"REGISTER", "UNDO"}
    error_at = "model"

    by: EnumProperty(name="By", description="Which way", items=[each[:3] for each in TURNS], options={"SKIP_SAVE"})

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return cannot_turn(context)

    @classmethod
    def description(cls, _context: Context, properties: OperatorProperties) -> str:
        return next(words for word, _, words, *_ in TURNS if word == properties.by)

    def act(self, context: Context) -> None:
        from mathutils import Matrix

        axis, angle = next((axis, angle) for word, _, _, axis, angle in TURNS if word == self.by)
        turn(context, None if self.by == "NONE" else Matrix.Rotation(math.radians(angle), 4, axis))


class CONSISTENCY_OT_pick_side(Button, bpy.types.Operator):
    """Click the side of the product that is its front, or that it stands on"""

    bl_idname = "consistency.pick_side"
    bl_label = "Pick Side"
    bl_options = {"REGISTER", "UNDO"}
    error_at = "model"

    side: EnumProperty(name="Side", description="What the picked side is", items=SIDES, options={"SKIP_SAVE"})

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return cannot_turn(context)

    @classmethod
    def description(cls, _context: Context, properties: OperatorProperties) -> str:
        return next(words for word, _, words in SIDES if word == properties.side)

    def invoke(self, context: Context, _event: Event) -> set[str]:
        context.window.cursor_modal_set("EYEDROPPER")
        words = next(words for word, _, words in SIDES if word == self.side)
        context.workspace.status_text_set(f"{words}    Esc: Cancel")
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Event) -> set[str]:
        if event.type in ("ESC", "RIGHTMOUSE") and event.value == "PRESS":
            self._let_go(context)
            return {"CANCELLED"}
        if event.type != "LEFTMOUSE" or event.value != "PRESS":
            is_key = event.type != "LEFTMOUSE" and not event.type.startswith("TIMER") and "MOUSE" not in event.type
            return {"RUNNING_MODAL"} if is_key or event.type == "LEFTMOUSE" else {"PASS_THROUGH"}
        self._let_go(context)
        ray = _ray(context, event.mouse_x, event.mouse_y)
        return attempt(self, lambda: self.take(context, *ray), self.error_at) if ray is not None else {"CANCELLED"}

    def take(self, context: Context, origin: Vector, direction: Vector) -> set[str]:
        """The side that a ray of the viewport hits. Raises ConsistencyError."""
        from ...studio import orientation

        normal = orientation.side_at(origin, direction)
        if normal is None:
            self.report({"WARNING"}, "There is nothing of the product there; click the product itself")
            return {"CANCELLED"}
        turn(context, (orientation.to_front if self.side == "FRONT" else orientation.to_floor)(normal))
        return {"FINISHED"}

    def cancel(self, context: Context) -> None:
        self._let_go(context)

    def _let_go(self, context: Context) -> None:
        context.window.cursor_modal_restore()
        context.workspace.status_text_set(None)


def _ray(context: Context, x: int, y: int) -> tuple[Any, Any] | None:
    """Origin and direction of what the viewport shows at a place of the window; None where there is no viewport."""
    from bpy_extras import view3d_utils

    for area in context.window.screen.areas:
        region = next((region for region in area.regions if region.type == "WINDOW"), None)
        if area.type != "VIEW_3D" or region is None:
            continue
        at = (x - region.x, y - region.y)
        if 0 <= at[0] < region.width and 0 <= at[1] < region.height:
            view = area.spaces.active.region_3d
            direction = view3d_utils.region_2d_to_vector_3d(region, view, at)
            return view3d_utils.region_2d_to_origin_3d(region, view, at), direction
    return None


CLASSES = (CONSISTENCY_OT_turn_product, CONSISTENCY_OT_pick_side)
