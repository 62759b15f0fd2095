# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which light group each light of ours is in: Cycles then keeps its part of the picture by itself."""

from __future__ import annotations

import json
import re
import zlib
from typing import Any

import bpy
from bpy.types import Object, ViewLayer

from ...pipeline import names
from ...pipeline.settings.groups import RunSettings
from ...pipeline.settings.lighting import DAYLIGHT, PRESETS
from ...pipeline.settings.lights import AS_IT_IS, ENVIRONMENT, GLOW
from .collections import existing_objects
from .moved import added_things, own_lights

_UNSEEN = (
    "use_nodes",
    "use_fake_user",
    "tag",
    "is_runtime_data",
    "use_extra_user",
)  # of a lamp: no light comes of them
_SENT = ("energy", "exposure", "color", "temperature", "use_temperature")  # of a lamp: what a factor makes another of
# Names of groups that an artist's lamp can't have: another light's, or that of something else in the files of lights.
TAKEN = {lamp.role for preset in PRESETS.values() for lamp in preset.lamps} | {ENVIRONMENT, GLOW, "shadow", "coverage"}
LONGEST = 40  # characters of a group's name, which becomes a part of the name of a channel in a file


def group_lights(settings: RunSettings) -> dict[str, float]:
    """Put every light of our collection, and our world, in a group each: name → its colour temperature in kelvin.

    A lamp that the artist has added has its own name, or the group that the artist gave it; several may share one.
    """
    found: dict[str, float] = {}
    for thing in existing_objects(names.LIGHTING):
        if names.FLAG in thing:
            continue
        name = group_of(thing)
        if thing.lightgroup != name:
            thing.lightgroup = name
        found.setdefault(name, kelvin_of(thing))
    world = bpy.data.worlds.get(names.WORLD)
    if world is not None:
        world.lightgroup = ENVIRONMENT
        light = settings.studio.lights.get(ENVIRONMENT)
        found[ENVIRONMENT] = light.kelvin if light is not None and light.kelvin is not None else DAYLIGHT
    return found


def groups_for_glow(settings: RunSettings) -> list[str]:
    """The groups that a render has to keep where the product's own light shall be another than it is; else none."""
    return [] if settings.studio.lights.get(GLOW, AS_IT_IS).changes_nothing else list(group_lights(settings))


def group_of(thing: Object) -> str:
    """The name of a light's group: its role, the artist's own group, or the lamp's name, in what a channel's name may hold."""
    if own_lights().get(thing.get(names.ROLE, "")) == thing:
        return str(thing[names.ROLE])
    for name in (thing.lightgroup, thing.name):
        plain = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[:LONGEST].strip("_")
        if plain and plain.lower() not in TAKEN:
            return plain
    return f"{plain}_light" if plain else "light"


def kelvin_of(thing: Object) -> float:
    """A lamp's colour temperature; daylight where it has none."""
    if thing.type == "LIGHT" and thing.data.use_temperature:
        return float(thing.data.temperature)
    return float(thing.get(names.KELVIN, DAYLIGHT))


def sent_by_added_lamps() -> dict[str, list[float]]:
    """What the lamps that the artist has added send out together, by their group: red, green, blue; then for each a number that
    differs where it stands, or shines, in another way that no factor makes of it."""
    found: dict[str, list[float]] = {}
    for thing in added_things():
        total = found.setdefault(group_of(thing), [0.0, 0.0, 0.0])
        sent, rest = _sent(thing)
        for axis in range(3):
            total[axis] += sent[axis]
        total.append(float(zlib.crc32(json.dumps([_flat(thing), rest], sort_keys=True).encode())))
    return found


def _sent(thing: Object) -> tuple[list[float], dict[str, Any]]:
    """Red, green and blue that a light sends out, and all else that its data say. Of a mesh: whether it is there."""
    values = _values(thing.data)
    if thing.type != "LIGHT":
        return [0.0 if thing.hide_render else 1.0] * 3, values
    lamp = thing.data
    warm = lamp.temperature_color if lamp.use_temperature else (1.0, 1.0, 1.0)
    energy = 0.0 if thing.hide_render else lamp.energy * 2.0 ** getattr(lamp, "exposure", 0.0)
    rest = {name: value for name, value in values.items() if name not in _SENT}
    return [energy * lamp.color[axis] * warm[axis] for axis in range(3)], rest


def _flat(thing: Object) -> list[float]:
    return [round(value, 4) + 0.0 for row in thing.matrix_world for value in row]


def added_lights() -> list[list[Any]]:
    """What the artist has added to our collection, lamps and what only reflects or blocks light, as values that differ where
    it gives other light: for who asks whether anything has changed."""
    added = added_things()
    if added:
        bpy.context.view_layer.update()
    return [
        [
            group_of(thing),
            thing.type,
            [round(value, 5) for row in thing.matrix_world for value in row],
            _values(thing.data),
            *(["hidden"] if thing.hide_render else []),
        ]
        for thing in sorted(added, key=lambda thing: thing.name)
    ]


def _values(data: Any) -> dict[str, Any]:
    """A lamp's own settings; of a mesh, how large it is."""
    if not isinstance(data, bpy.types.Light):
        return {"vertices": len(getattr(data, "vertices", ()))}
    found = {}
    for prop in data.bl_rna.properties:
        if prop.type in ("FLOAT", "INT", "BOOLEAN", "ENUM") and not prop.is_readonly and prop.identifier not in _UNSEEN:
            value = getattr(data, prop.identifier)
            found[prop.identifier] = [round(each, 5) for each in value] if getattr(prop, "is_array", False) else value
    return found


def keep_groups(layer: ViewLayer, groups: list[str]) -> None:
    """Have renders of ``layer`` keep each of ``groups`` as a pass, and what they add up to before it is denoised."""
    for name in groups:
        if name not in layer.lightgroups:
            layer.lightgroups.add(name=name)
    layer.cycles.denoising_store_passes = bool(groups)
