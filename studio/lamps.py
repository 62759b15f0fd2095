# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lamps that the artist adds to our collection: placed by a spot on the product, read as settings, placed from settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from itertools import count
from typing import NamedTuple

import bpy
from bpy.types import Depsgraph, Object, Scene
from mathutils import Matrix, Quaternion, Vector
from mathutils.interpolate import poly_3d_calc

from ..pipeline import names
from ..pipeline.lighting.pointing import Aim, direction_to_lamp, power_for
from ..pipeline.settings.lamps import AddedLamp
from .scene.collections import collection, existing_objects, own_collections, remove_objects
from .scene.moved import added_things

PASSED = 64  # surfaces that are not the product's and lie before it
SAME = 1e-4  # by which numbers may differ that went through Blender's single precision


class Spot(NamedTuple):
    """A place on the product's surface, metres, and its normal there."""

    place: Vector
    normal: Vector


def added_lamps() -> list[Object]:
    """The area lamps in our collection that no lighting has placed."""
    return [thing for thing in added_things() if thing.type == "LIGHT" and thing.data.type == "AREA"]


def spot_on_product(scene: Scene, graph: Depsgraph, origin: Vector, towards: Vector) -> Spot | None:
    """What of the product a ray meets first, whatever else of the scene stands before it."""
    parts = set(existing_objects(names.PRODUCT))
    parts |= {
        inside for part in list(parts) if part.instance_collection for inside in part.instance_collection.all_objects
    }
    towards = towards.normalized()
    for _ in range(PASSED):
        hit, place, normal, face, thing, matrix = scene.ray_cast(graph, origin, towards)
        if not hit:
            return None
        if thing.original in parts:
            return Spot(place, _shading_normal(thing.evaluated_get(graph), matrix, place, face) or normal)
        origin = place + towards * max(1e-5 * place.length, 1e-6)
    return None


def _shading_normal(thing: Object, matrix: Matrix, place: Vector, face: int) -> Vector | None:
    """The normal as it is shaded there: a ray meets flat faces, over which a highlight would jump."""
    mesh = thing.data
    if thing.type != "MESH" or not 0 <= face < len(mesh.polygons):
        return None
    polygon = mesh.polygons[face]
    corners = [_three(mesh.vertices[index].co) for index in polygon.vertices]
    weights = poly_3d_calc(corners, matrix.inverted_safe() @ place)
    normals = mesh.corner_normals
    mean = sum(
        (normals[loop].vector * weight for loop, weight in zip(polygon.loop_indices, weights, strict=True)), Vector()
    )
    turned = matrix.to_3x3().inverted_safe().transposed() @ mean
    return turned.normalized() if turned.length > 1e-9 else None


def pointed(spot: Spot, eye: Vector, aim: Aim, distance: float) -> Matrix:
    """The matrix of a lamp ``distance`` metres from ``spot``, shining on it. ``eye``: from the spot to who looks."""
    away = Vector(direction_to_lamp(_three(spot.normal), _three(eye), aim))
    return Matrix.LocRotScale(spot.place + away * distance, away.to_track_quat("Z", "Y"), None)


def new_lamp(name: str = "") -> Object:
    """A square area lamp in our collection that no camera sees, as white as daylight."""
    name = name or next(free for free in (f"Light {number}" for number in count(1)) if free not in bpy.data.objects)
    thing = bpy.data.objects.new(name, bpy.data.lights.new(name, "AREA"))
    thing.visible_camera = False
    thing.data.shape = "SQUARE"
    collection(names.LIGHTING).objects.link(thing)
    return thing


def set_pointed(thing: Object, matrix: Matrix, *, distance: float, size: float, strength: float) -> None:
    """Stand a lamp where ``pointed`` says. Lengths in metres; ``strength`` of full exposure."""
    thing.matrix_world = matrix
    thing.data.size = thing.data.size_y = size
    thing.data.energy = power_for(strength, distance)


def span() -> tuple[Vector, float]:
    """Middle and radius of the product that the lamps stand around, metres; of one with a radius of a metre where none does."""
    home = bpy.data.collections.get(names.LIGHTING)
    *middle, radius = home[names.SPAN] if home is not None and names.SPAN in home else (0.0, 0.0, 1.0, 1.0)
    return Vector(middle), radius


def read_lamps() -> dict[str, AddedLamp]:
    """The added lamps by name, in units of the product that they stand around."""
    middle, radius = span()
    return {thing.name: _read(thing, middle, radius) for thing in added_lamps() if not thing.hide_render}


def _read(thing: Object, middle: Vector, radius: float) -> AddedLamp:
    place, turn, scale = thing.matrix_world.decompose()
    lamp = thing.data
    wide, high = lamp.size * abs(scale.x), (lamp.size_y if lamp.shape in ("RECTANGLE", "ELLIPSE") else lamp.size)
    found = AddedLamp(
        place=tuple(round(value, 4) for value in (place - middle) / radius),
        turn=tuple(round(value, 5) for value in turn.normalized()),
        size=(round(wide / radius, 4), round(high * abs(scale.y) / radius, 4)),
        shape=lamp.shape,
        power=float(f"{lamp.energy * 2**lamp.exposure / radius**2:.5g}"),
        kelvin=round(lamp.temperature, 1) if lamp.use_temperature else None,
        tint=tuple(round(value, 5) for value in lamp.color),
    )
    placed = AddedLamp(**json.loads(thing[names.LAMP])) if names.LAMP in thing else found
    return placed if _alike(placed, found) else found  # or its last decimal would be another each time it is placed


def place_lamps(lamps: Mapping[str, AddedLamp], middle: Vector, radius: float) -> None:
    """Have the lamps of the settings stand around a product, metres; others that the artist added stay as they are."""
    collection(names.LIGHTING)[names.SPAN] = [*middle, radius]
    standing = {thing.name: thing for thing in added_lamps()}
    for name, lamp in lamps.items():
        thing = standing.get(name)
        if thing is None:
            thing = new_lamp(name)
        elif _alike(_read(thing, middle, radius), lamp):
            continue
        _set(thing, lamp, middle, radius)


def have_only(lamps: Mapping[str, AddedLamp]) -> None:
    """Have just these lamps stand beside those of the lighting: another look has others. One that is in the artist's own scene
    as well stays there; so does a library's, which is not ours to take away."""
    ours = own_collections()
    for thing in added_lamps():
        if thing.name in lamps or thing.library is not None:
            continue
        if all(home in ours for home in thing.users_collection):
            remove_objects([thing])
            continue
        for home in ours:
            if thing.name in home.objects:
                home.objects.unlink(thing)
    if lamps:
        place_lamps(lamps, *span())


def _set(thing: Object, lamp: AddedLamp, middle: Vector, radius: float) -> None:
    place = middle + Vector(lamp.place) * radius
    thing.matrix_world = Matrix.LocRotScale(place, Quaternion(lamp.turn).normalized(), None)
    thing.data.shape = lamp.shape
    thing.data.size, thing.data.size_y = (side * radius for side in lamp.size)
    thing.data.energy = lamp.power * radius**2
    if hasattr(thing.data, "exposure"):
        thing.data.exposure = 0.0
    thing.data.use_temperature = lamp.kelvin is not None
    if lamp.kelvin is not None:
        thing.data.temperature = lamp.kelvin
    thing.data.color = lamp.tint
    thing.hide_render = False
    thing[names.LAMP] = json.dumps(asdict(lamp))


def _alike(one: AddedLamp, other: AddedLamp) -> bool:
    if one.shape != other.shape or (one.kelvin is None) != (other.kelvin is None):
        return False
    pairs = [
        (one.kelvin or 0.0, other.kelvin or 0.0),
        (one.power, other.power),
        *zip(
            (*one.place, *one.size, *one.tint, *one.turn),
            (*other.place, *other.size, *other.tint, *other.turn),
            strict=True,
        ),
    ]
    return all(abs(a - b) <= SAME * max(1.0, abs(a)) for a, b in pairs)


def _three(vector: Vector) -> tuple[float, float, float]:
    return vector.x, vector.y, vector.z
