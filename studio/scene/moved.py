# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which lamps, cards and flags are the lighting's, where it has put them, and what an artist has done to them by hand since.

What was moved, turned or resized stands so from then on, in runs and looks too, until another lighting is chosen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace

import bpy
from bpy.types import Object
from mathutils import Matrix, Quaternion, Vector

from ...pipeline import names
from ...pipeline.settings.lighting import PlacedLamp
from ...pipeline.settings.lights import AS_IT_IS, Light, Moved
from .collections import collection, existing_objects

SAME = 1e-4  # of the product's radius, or of a direction: by how much single precision, or a parent, may be off


def own_lights() -> dict[str, Object]:
    """What the lighting has placed, by role. A copy that an artist makes of one has its role too: it comes later."""
    found: dict[str, Object] = {}
    for thing in existing_objects(names.LIGHTING):
        if names.ROLE in thing:
            found.setdefault(thing[names.ROLE], thing)
    return found


def added_things() -> list[Object]:
    """What the artist has put into our collection of lamps, copies of the lighting's own included."""
    own = set(own_lights().values())
    return [thing for thing in existing_objects(names.LIGHTING) if thing not in own]


def stand(thing: Object, lamp: PlacedLamp, middle: Vector, moved: Moved | None) -> None:
    """Put a lamp, a card or a flag where ``lamp`` says, around a product's ``middle``, metres. ``moved``: by which it is there, where
    that is not the lighting's own place."""
    away = Vector(lamp.direction)
    # They shine along −Z.
    turn = away.to_track_quat("Z", "Y") if lamp.turn is None else Quaternion(lamp.turn).normalized()
    wide, high = lamp.size, lamp.height or lamp.size
    scale = Vector((wide, high, 1.0)) if thing.type == "MESH" else None
    if thing.type == "LIGHT":
        thing.data.shape = "SQUARE" if lamp.height is None else "RECTANGLE"
        thing.data.size, thing.data.size_y = wide, high
    thing.matrix_world = Matrix.LocRotScale(middle + away * lamp.distance, turn, scale)
    _remember(thing, moved)


def lights_by_hand(lighting: str, middle: Vector, radius: float) -> dict[str, Light]:
    """By role, what was done by hand to the lights of ``lighting``: moved, or hidden from renders. Of a product with ``radius``, metres."""
    if _lighting() != lighting:
        return {}
    found: dict[str, Light] = {}
    for role, thing in own_lights().items():
        light = replace(AS_IT_IS, moved=_moved(thing, middle, radius))
        if thing.hide_render and names.FLAG not in thing:
            light = replace(light, on=False)
        if not light.changes_nothing:
            found[role] = light
    return found


def note_lighting(lighting: str) -> None:
    """The lights that stand are those of ``lighting`` from now on."""
    collection(names.LIGHTING)[names.LIT_BY] = lighting


def take_back(lights: Mapping[str, Light]) -> None:
    """Forget what was done by hand: as soon as they are placed, the lights stand as ``lights`` say."""
    for role, thing in own_lights().items():
        thing.hide_render = False
        moved = lights.get(role, AS_IT_IS).moved
        if moved is not None:
            _remember(thing, moved)
            continue
        for name in (names.PUT, names.MOVED):
            if name in thing:
                del thing[name]


def _remember(thing: Object, moved: Moved | None) -> None:
    thing[names.PUT] = _now(thing)
    if moved is not None:
        thing[names.MOVED] = json.dumps(asdict(moved))
    elif names.MOVED in thing:
        del thing[names.MOVED]


def _lighting() -> str:
    home = bpy.data.collections.get(names.LIGHTING)
    return "" if home is None else home.get(names.LIT_BY, "")


def _now(thing: Object) -> list[float]:
    """Its matrix, row-major, and its sides, metres."""
    sides = (thing.data.size, thing.data.size_y) if thing.type == "LIGHT" else (1.0, 1.0)
    return [value for row in thing.matrix_world for value in row] + [*sides]


def _moved(thing: Object, middle: Vector, radius: float) -> Moved | None:
    now = _now(thing)
    try:
        before = [float(value) for value in thing.get(names.PUT, ())]
        kept = Moved(**json.loads(thing[names.MOVED])) if names.MOVED in thing else None
    except (TypeError, ValueError):  # whatever else has written there
        return None
    if len(before) != len(now):
        return None
    if all(abs(a - b) <= SAME * max(radius, abs(a)) for a, b in zip(before, now, strict=True)):
        return kept
    place, turn, scale = thing.matrix_world.decompose()
    wide, high = now[-2:]
    if thing.type == "LIGHT" and thing.data.shape in ("SQUARE", "DISK"):
        high = wide
    x, y, z = ((place - middle) / radius)[:]
    sides = wide * abs(scale.x) / radius, high * abs(scale.y) / radius
    turned = turn.normalized()
    return Moved(
        place=(round(x, 4), round(y, 4), round(z, 4)),
        turn=(round(turned.w, 5), round(turned.x, 5), round(turned.y, 5), round(turned.z, 5)),
        size=(round(sides[0], 4), round(sides[1], 4)),
    )
