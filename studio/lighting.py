# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lighting preset as lamps and a world around the product."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
from bpy.types import Object, World
from mathutils import Vector
from numpy.typing import NDArray

from ..pipeline import names
from ..pipeline.sentences import no_such_lighting
from ..pipeline.settings import lighting
from ..pipeline.settings.groups import RunSettings
from ..pipeline.settings.lighting import PlacedLamp, Preset
from .scene.collections import collection, existing_objects, remove_objects


def place_lighting(settings: RunSettings, points: NDArray[np.float64]) -> None:
    """Lamps and world of ``settings.studio.lighting`` around the product, with the corrections of ``settings.studio.light_rig``.

    Lamps that stand there already are changed in place, so a slider can call this. ``points``: the product's (N, 3)
    vertices, metres. Raises UsageError for an unknown preset.
    """
    preset = _preset(settings.studio.lighting)
    low, high = points.min(axis=0), points.max(axis=0)
    middle, radius = Vector(((low + high) / 2).tolist()), float(np.linalg.norm(high - low)) / 2
    placed = lighting.place(preset, radius, settings.studio.light_rig)
    standing = {thing.get(names.ROLE): thing for thing in existing_objects(names.LIGHTING)}
    remove_objects(thing for role, thing in standing.items() if role not in {lamp.role for lamp in placed})
    for lamp in placed:
        _set_lamp(standing.get(lamp.role) or _new_lamp(lamp.role), lamp, middle)
    _set_world(preset, settings)


def missing_hdri(settings: RunSettings) -> bool:
    """Whether this Blender lacks the preset's environment picture, so that an even white one stands in for it."""
    preset = _preset(settings.studio.lighting)
    return preset.hdri is not None and _hdri_path(preset.hdri) is None


def surroundings_rotation() -> float:
    """How far the world's picture is turned about z, radians; 0 where it has none."""
    mapping = _rotation()
    return 0.0 if mapping is None else float(mapping.default_value[2])


def turn_surroundings(before: float, angle: float) -> None:
    """Turn the world's picture by ``angle`` radians about z from ``before``, as lamps are turned."""
    mapping = _rotation()
    if mapping is not None:
        mapping.default_value[2] = before - angle  # it turns what is looked up, not what is seen


def _rotation() -> bpy.types.NodeSocket | None:
    world = bpy.data.worlds.get(names.WORLD)
    mapping = world.node_tree.nodes.get("Rotation") if world is not None and world.node_tree is not None else None
    return None if mapping is None else mapping.inputs["Rotation"]


def _preset(name: str) -> Preset:
    if name not in lighting.PRESETS:
        raise no_such_lighting(name, lighting.PRESETS)
    return lighting.PRESETS[name]


def _new_lamp(role: str) -> Object:
    name = f"Light {role}"
    thing = bpy.data.objects.new(name, bpy.data.lights.new(name, "AREA"))
    thing[names.ROLE] = role
    thing.visible_camera = False
    collection(names.LIGHTING).objects.link(thing)
    return thing


def _set_lamp(thing: Object, lamp: PlacedLamp, middle: Vector) -> None:
    direction = Vector(lamp.direction)
    thing.location = middle + direction * lamp.distance
    thing.rotation_euler = direction.to_track_quat("Z", "Y").to_euler()  # area lamps shine along −Z
    thing.data.shape = "SQUARE"
    thing.data.size = lamp.size
    thing.data.energy = lamp.power
    thing.data.use_temperature = True
    # A black body at 6500 K is a touch pinker than the working space's white (D65); divide that out, so that daylight
    # leaves a grey product exactly grey and other temperatures are relative to it.
    thing.data.temperature = lighting.DAYLIGHT
    daylight = thing.data.temperature_color
    thing.data.color = [daylight[1] / channel for channel in daylight]
    thing.data.temperature = lamp.kelvin


def _set_world(preset: Preset, settings: RunSettings) -> None:
    world = bpy.data.worlds.get(names.WORLD)
    if world is None:
        world = bpy.data.worlds.new(names.WORLD)
        if world.node_tree is None:
            world.use_nodes = True
    path = _hdri_path(preset.hdri) if preset.hdri else None
    background = _surrounding(world, path)
    background.inputs["Strength"].default_value = lighting.environment(preset, settings.studio.light_rig)
    mapping = world.node_tree.nodes.get("Rotation")
    if mapping is not None:
        world.node_tree.nodes["Share"].inputs["Fac"].default_value = preset.hdri_share
        mapping.inputs["Rotation"].default_value[2] = np.radians(-settings.studio.light_rig.rotation)


def _surrounding(world: World, picture: Path | None) -> bpy.types.Node:
    """The world's background node, with the picture or plain white behind it; rebuilt only where that changes."""
    tree = world.node_tree
    background = tree.nodes.get("Surrounding")
    shown = tree.nodes.get("Picture")
    if background is not None and (shown is None) == (picture is None):
        return background
    tree.nodes.clear()
    output = tree.nodes.new("ShaderNodeOutputWorld")
    background = tree.nodes.new("ShaderNodeBackground")
    background.name = "Surrounding"
    background.inputs["Color"].default_value = (1.0, 1.0, 1.0, 1.0)
    tree.links.new(background.outputs[0], output.inputs["Surface"])
    if picture is not None:
        shown = tree.nodes.new("ShaderNodeTexEnvironment")
        shown.name = "Picture"
        shown.image = bpy.data.images.load(str(picture), check_existing=True)
        mapping, place = tree.nodes.new("ShaderNodeMapping"), tree.nodes.new("ShaderNodeTexCoord")
        mapping.name = "Rotation"
        grey = tree.nodes.new("ShaderNodeRGBToBW")  # neutral: product colours must not take on the room's
        mix = tree.nodes.new("ShaderNodeMixRGB")
        mix.name = "Share"
        mix.inputs["Color1"].default_value = (1.0, 1.0, 1.0, 1.0)
        tree.links.new(place.outputs["Generated"], mapping.inputs["Vector"])
        tree.links.new(mapping.outputs[0], shown.inputs["Vector"])
        tree.links.new(shown.outputs["Color"], grey.inputs[0])
        tree.links.new(grey.outputs[0], mix.inputs["Color2"])
        tree.links.new(mix.outputs[0], background.inputs["Color"])
    return background


def _hdri_path(name: str) -> Path | None:
    folder = bpy.utils.system_resource("DATAFILES", path="studiolights/world")
    path = Path(folder) / name if folder else None
    return path if path is not None and path.is_file() else None
