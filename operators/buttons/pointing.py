# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lamp by pointing: click on the product where its highlight or its light shall fall."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import EnumProperty, FloatProperty, FloatVectorProperty, StringProperty

from ...pipeline import names
from ...pipeline.lighting.pointing import Aim
from ..display import reasons
from ..editing import live
from .operator_base import Button, attempt

if TYPE_CHECKING:
    from bpy.types import Context, Event, Object, Region

WHEEL = 1.1  # times, for a notch of the wheel
HELP = (
    "Click on the product and drag to place the lamp · Wheel: distance, Ctrl: size, Shift: strength · "
    "H: highlight, L: light from there · Esc: cancel"
)


class CONSISTENCY_OT_point_lamp(Button, bpy.types.Operator):
    """Click on the product where a highlight or the light shall fall: a lamp is placed for it, and follows while you drag"""

    bl_idname = "consistency.point_lamp"
    bl_label = "Add Lamp by Pointing"
    bl_options = {"REGISTER", "UNDO"}

    lamp: StringProperty(
        name="Lamp", description="An added lamp that is placed anew; empty adds one", options={"SKIP_SAVE"}
    )
    aim: EnumProperty(
        name="Falls There",
        description="What falls where you point",
        items=(
            (Aim.HIGHLIGHT, "Highlight", "The lamp is seen mirrored there, from where you look now"),
            (Aim.LIGHT, "Light", "The lamp stands straight above the surface there"),
        ),
    )
    distance: FloatProperty(
        name="Distance",
        description="From the spot to the lamp, as a share of the product's radius",
        subtype="PERCENTAGE",
        default=300.0,
        min=10.0,
        max=10000.0,
        soft_max=1000.0,
        precision=0,
    )
    size: FloatProperty(
        name="Size",
        description="The lamp's side, as a share of the product's radius",
        subtype="PERCENTAGE",
        default=100.0,
        min=1.0,
        max=10000.0,
        soft_max=500.0,
        precision=0,
    )
    strength: FloatProperty(
        name="Strength",
        description="Light on the spot, as a share of full exposure",
        subtype="PERCENTAGE",
        default=50.0,
        min=0.0,
        max=10000.0,
        soft_max=200.0,
        precision=0,
    )
    spot: FloatVectorProperty(
        name="Spot", description="Where it falls", subtype="TRANSLATION", size=3, options={"HIDDEN"}
    )
    normal: FloatVectorProperty(
        name="Normal",
        description="Of the surface there",
        subtype="DIRECTION",
        size=3,
        default=(0.0, -1.0, 0.0),
        options={"HIDDEN"},
    )
    eye: FloatVectorProperty(
        name="Eye",
        description="From the spot to who looks",
        subtype="DIRECTION",
        size=3,
        default=(0.0, -1.0, 0.0),
        options={"HIDDEN"},
    )

    _before: Any = None  # what a lamp that is placed anew was like
    _name = ""  # of the lamp that is being dragged; by name, since an undo makes it another

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        if reasons.busy(context):
            return reasons.busy(context)
        product = bpy.data.collections.get(names.PRODUCT)
        if product is None or not product.all_objects:
            return "There is no product yet; run the Model stage first"
        return None

    def act(self, context: Context) -> set[str] | None:
        if self.lamp and self._thing(self.lamp) is None:
            return self.refuse(f"there is no added lamp {self.lamp!r}; choose one that you have added")
        self._place()
        live.light_changed(context.scene.consistency, context)
        return None

    def invoke(self, context: Context, _event: Event) -> set[str]:
        if context.area is None or context.area.type != "VIEW_3D":
            return self.refuse("a lamp is placed in a 3D viewport; move the mouse over one, and press the button there")
        self._name, self._before = "", None
        context.workspace.status_text_set(HELP)
        context.window.cursor_modal_set("CROSSHAIR")
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Event) -> set[str]:
        if event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            self._take_back()
            return self._end(context, {"CANCELLED"})
        if event.type in {"H", "L"} and event.value == "PRESS":
            self.aim = Aim.HIGHLIGHT if event.type == "H" else Aim.LIGHT
        elif event.type == "LEFTMOUSE" and event.value == "PRESS":
            if not self._view_under(context, event):
                return {"PASS_THROUGH"}  # a panel of the viewport, or another editor
            if not self._point(context, event):
                context.workspace.status_text_set("That is not on the product · " + HELP)
                return {"RUNNING_MODAL"}
        elif event.type == "LEFTMOUSE" and event.value == "RELEASE" and self._name:
            ended = attempt(self, lambda: self.act(context))
            return self._end(context, ended)
        elif not self._name:
            return {"PASS_THROUGH"}  # the view can be turned first
        elif event.type in {"MOUSEMOVE", "INBETWEEN_MOUSEMOVE"}:
            self._point(context, event)
            return {"RUNNING_MODAL"}
        elif event.type in {"WHEELUPMOUSE", "WHEELDOWNMOUSE"}:
            value = "size" if event.ctrl else "strength" if event.shift else "distance"
            factor = WHEEL if event.type == "WHEELUPMOUSE" else 1.0 / WHEEL
            setattr(self, value, getattr(self, value) * factor)
        else:
            return {"RUNNING_MODAL"}
        if self._name:
            self._place()
        return {"RUNNING_MODAL"}

    def cancel(self, context: Context) -> None:
        self._take_back()
        self._end(context, set())

    def _end(self, context: Context, ended: set[str]) -> set[str]:
        context.window.cursor_modal_restore()
        context.workspace.status_text_set(None)
        self._name, self._before = "", None
        return ended

    def _point(self, context: Context, event: Event) -> bool:
        """Have what falls there fall where the mouse is; False where that is not on the product."""
        from bpy_extras import view3d_utils

        from ...studio.lamps import spot_on_product

        found = self._view_under(context, event)
        if not found:
            return False
        region, space = found
        at = event.mouse_x - region.x, event.mouse_y - region.y
        view = space.region_3d
        origin = view3d_utils.region_2d_to_origin_3d(region, view, at)
        towards = view3d_utils.region_2d_to_vector_3d(region, view, at)
        spot = spot_on_product(context.scene, context.evaluated_depsgraph_get(), origin, towards)
        if spot is None:
            return False
        self.spot, self.normal, self.eye = spot.place, spot.normal, -towards
        self._place()
        return True

    def _view_under(self, context: Context, event: Event) -> tuple[Region, Any] | None:
        """The viewport's own region under the mouse, and not a panel that lies over it."""
        inside = [
            region
            for region in context.area.regions
            if region.x <= event.mouse_x < region.x + region.width
            and region.y <= event.mouse_y < region.y + region.height
            and region.width > 1
        ]
        panels = [region for region in inside if region.type != "WINDOW"]
        views = [region for region in inside if region.type == "WINDOW"]
        return (views[0], context.area.spaces.active) if views and not panels else None

    def _place(self) -> None:
        from mathutils import Vector

        from ...studio import lamps

        thing = self._thing(self._name or self.lamp)
        is_new = thing is None
        if thing is None:
            thing = lamps.new_lamp()
        if not self._name:
            self._name, self._before = thing.name, None if is_new else _state(thing)
        _, radius = lamps.span()
        spot = lamps.Spot(Vector(self.spot), Vector(self.normal))
        distance = self.distance / 100.0 * radius
        matrix = lamps.pointed(spot, Vector(self.eye), Aim(self.aim), distance)
        lamps.set_pointed(
            thing, matrix, distance=distance, size=self.size / 100.0 * radius, strength=self.strength / 100.0
        )

        if is_new:  # the studio view shows only what it knows of
            live.light_changed(bpy.context.scene.consistency, bpy.context)

    def _take_back(self) -> None:
        from ...studio.scene.collections import remove_objects

        thing = self._thing(self._name)
        if thing is None:
            return
        if self._before is None:
            remove_objects([thing])
        else:
            thing.matrix_world, thing.data.size, thing.data.size_y, thing.data.energy = self._before

    def _thing(self, name: str) -> Object | None:
        from ...studio.lamps import added_lamps

        return next((thing for thing in added_lamps() if thing.name == name), None)


def _state(thing: Object) -> tuple[Any, ...]:
    return thing.matrix_world.copy(), thing.data.size, thing.data.size_y, thing.data.energy


CLASSES = (CONSISTENCY_OT_point_lamp,)
