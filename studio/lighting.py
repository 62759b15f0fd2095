# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lighting preset as lamps and a world around the product."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
from bpy.types import Image, Object, World
from mathutils import Vector
from numpy.typing import NDArray

from ..pipeline import names
from ..pipeline.formats.input_file import check_regular
from ..pipeline.run.preflight import check_picture
from ..pipeline.sentences import no_environment, no_such_lighting
from ..pipeline.settings import lighting
from ..pipeline.settings.groups import RunSettings
from ..pipeline.settings.lighting import PlacedLamp, Preset
from ..pipeline.settings.lights import AS_IT_IS, ENVIRONMENT, Light
from ..pipeline.settings.temperature import relative
from .lamps import place_lamps
from .scene import cards
from .scene.collections import collection
from .scene.light_groups import group_of
from .scene.moved import added_things, note_lighting, own_lights, stand, take_back


def place_lighting(settings: RunSettings, points: NDArray[np.float64]) -> None:
    """Lamps and world of ``settings.studio.lighting`` around the product, with the corrections of ``settings.studio.light_rig``
    and of each light's own.

    Lamps that stand there already are changed in place, so a slider can call this; those that the artist added stay. ``points``: the product's (N, 3)
    vertices, metres. Raises UsageError for an unknown preset.
    """
    preset = _preset(settings.studio.lighting)
    low, high = points.min(axis=0), points.max(axis=0)
    middle, radius = Vector(((low + high) / 2).tolist()), float(np.linalg.norm(high - low)) / 2
    placed = lighting.place(preset, radius, settings.studio.light_rig, settings.studio.lights)
    standing = own_lights()
    kinds = {lamp.role: "LIGHT" if lamp.kind == "lamp" else "MESH" for lamp in placed}
    fits = {role: thing for role, thing in standing.items() if kinds.get(role) == thing.type}
    cards.remove(thing for role, thing in standing.items() if role not in fits)
    for lamp in placed:
        thing = fits.get(lamp.role) or _new_light(lamp)
        stand(thing, lamp, middle, settings.studio.lights.get(lamp.role, AS_IT_IS).moved)
        (_set_lamp if lamp.kind == "lamp" else cards.set_card)(thing, lamp)
    note_lighting(settings.studio.lighting)
    place_lamps(settings.studio.lamps, middle, radius)
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


def take_back_by_hand(settings: RunSettings) -> None:
    """Forget what was done by hand to the lights of the lighting: placed next, they stand as ``settings`` say."""
    lights = settings.studio.lights
    note_lighting(settings.studio.lighting)
    for lamp in lighting.place(_preset(settings.studio.lighting), 1.0, settings.studio.light_rig, lights):
        if lamp.turn is not None and lamp.role not in own_lights():
            _new_light(lamp)
    take_back(lights)


def _new_light(lamp: PlacedLamp) -> Object:
    if lamp.kind != "lamp":
        return cards.new_card(lamp.role)
    name = f"Light {lamp.role}"
    thing = bpy.data.objects.new(name, bpy.data.lights.new(name, "AREA"))
    thing[names.ROLE] = lamp.role
    thing.visible_camera = False
    collection(names.LIGHTING).objects.link(thing)
    return thing


def _set_lamp(thing: Object, lamp: PlacedLamp) -> None:
    cards.set_falloff(thing.data, lamp)
    if not thing.hide_render:  # shown again, it shines as before
        thing.data.energy = lamp.power
    thing.data.use_temperature = True
    # A black body at 6500 K is a touch pinker than the working space's white (D65); divide that out, so that daylight
    # leaves a grey product exactly grey and other temperatures are relative to it.
    thing.data.temperature = lighting.DAYLIGHT
    daylight = thing.data.temperature_color
    thing.data.color = [tint * daylight[1] / daylight[axis] for axis, tint in enumerate(lamp.tint)]
    thing.data.temperature = lamp.kelvin


def change_added_lamps(group: str, light: Light) -> bool:
    """Give the lamps that the artist has added to our collection, and that are in ``group``, the change of ``light``; False where there
    is something in it that can't have it: a library's lamp, or no lamp at all."""
    members = [thing for thing in added_things() if group_of(thing) == group]
    if any(thing.type != "LIGHT" or thing.library is not None or thing.data.library is not None for thing in members):
        return False
    for thing in members:
        if thing.data.users > 1:  # others of the scene that share it stay as they are
            thing.data = thing.data.copy()
        lamp = thing.data
        lamp.energy *= light.strength * light.on
        colour = light.tint
        if light.kelvin is not None and lamp.use_temperature:
            lamp.temperature = light.kelvin
        elif light.kelvin is not None:
            warmth = relative(light.kelvin, lighting.DAYLIGHT)
            colour = (colour[0] * warmth[0], colour[1] * warmth[1], colour[2] * warmth[2])
        lamp.color = [lamp.color[axis] * factor for axis, factor in enumerate(colour)]
    return True


def _set_world(preset: Preset, settings: RunSettings) -> None:
    world = bpy.data.worlds.get(names.WORLD)
    if world is None:
        world = bpy.data.worlds.new(names.WORLD)
        if world.node_tree is None:
            world.use_nodes = True
    own = settings.studio.environment
    path = Path(own) if own else _hdri_path(preset.hdri) if preset.hdri else None
    light = settings.studio.lights.get(ENVIRONMENT, AS_IT_IS)
    nodes = _surrounding(world, path)
    strength = lighting.environment(preset, settings.studio.light_rig, light)
    if path is not None and own:
        strength *= settings.studio.environment_strength / _brightness(path, nodes["Picture"].image)
    nodes["Surrounding"].inputs["Strength"].default_value = strength
    warmth = (1.0, 1.0, 1.0) if light.kelvin is None else relative(light.kelvin, lighting.DAYLIGHT)
    nodes["Tint"].inputs[1].default_value = [tint * warm for tint, warm in zip(light.tint, warmth, strict=True)]
    if path is not None:
        turn = settings.studio.light_rig.rotation + (settings.studio.environment_rotation if own else 0.0)
        nodes["Share"].inputs["Fac"].default_value = 1.0 if own else preset.hdri_share
        nodes["Colour"].inputs["Fac"].default_value = 1.0 if own else 0.0
        nodes["Rotation"].inputs["Rotation"].default_value[2] = np.radians(-turn)


def _surrounding(world: World, picture: Path | None) -> bpy.types.Nodes:
    """The world's nodes, with the picture or plain white behind them; rebuilt only where that changes.

    Raises BadInput for what is no picture, or isn't there any more.
    """
    nodes, links = world.node_tree.nodes, world.node_tree.links
    if picture is not None:
        check_regular(picture)  # what was loaded once and is gone, Blender shows in pink
    shown = nodes.get("Picture")
    shows = None if shown is None or shown.image is None else Path(bpy.path.abspath(shown.image.filepath))
    if "Tint" in nodes and shows == picture:
        return nodes
    image = None if picture is None else load_environment(picture)
    nodes.clear()
    output = nodes.new("ShaderNodeOutputWorld")
    background, tint = nodes.new("ShaderNodeBackground"), nodes.new("ShaderNodeVectorMath")
    background.name, tint.name, tint.operation = "Surrounding", "Tint", "MULTIPLY"
    tint.inputs[0].default_value = (1.0, 1.0, 1.0)
    links.new(tint.outputs[0], background.inputs["Color"])
    links.new(background.outputs[0], output.inputs["Surface"])
    if image is not None:
        shown = nodes.new("ShaderNodeTexEnvironment")
        shown.name, shown.image = "Picture", image
        mapping, place = nodes.new("ShaderNodeMapping"), nodes.new("ShaderNodeTexCoord")
        mapping.name = "Rotation"
        # Blender's own is made neutral: products must not take on the colours of a room that nobody chose.
        grey, colour = nodes.new("ShaderNodeRGBToBW"), nodes.new("ShaderNodeMixRGB")
        colour.name = "Colour"
        mix = nodes.new("ShaderNodeMixRGB")
        mix.name = "Share"
        mix.inputs["Color1"].default_value = (1.0, 1.0, 1.0, 1.0)
        links.new(place.outputs["Generated"], mapping.inputs["Vector"])
        links.new(mapping.outputs[0], shown.inputs["Vector"])
        links.new(shown.outputs["Color"], grey.inputs[0])
        links.new(grey.outputs[0], colour.inputs["Color1"])
        links.new(shown.outputs["Color"], colour.inputs["Color2"])
        links.new(colour.outputs[0], mix.inputs["Color2"])
        links.new(mix.outputs[0], tint.inputs[0])
    return nodes


def load_environment(path: Path) -> Image:
    """The picture as a datablock, loaded once. Raises BadInput for what is no picture, or isn't there."""
    check_picture(path, environment=True)
    try:
        image = bpy.data.images.load(str(path), check_existing=True)
    except RuntimeError as error:
        raise no_environment(path) from error
    if not image.has_data and image.size[0] == 0:
        if image.users == 0:
            bpy.data.images.remove(image)
        raise no_environment(path)
    return image


_known: dict[tuple[str, int], float] = {}  # by file and when it was written: a slider asks sixty times a second


def _brightness(path: Path, image: Image) -> float:
    """Mean light of a picture of surroundings from all directions. It says how the picture was exposed, and nothing of the product."""
    key = (str(path), path.stat().st_mtime_ns)
    if key not in _known:
        (width, height), channels = image.size, image.channels
        pixels = np.empty(width * height * channels, np.float32)
        image.pixels.foreach_get(pixels)
        rows = np.nan_to_num(pixels.reshape(height, width, channels)[..., :3].mean(axis=(1, 2), dtype=np.float64))
        area = np.sin((np.arange(height) + 0.5) / height * np.pi)  # that a row of it has on the sphere
        _known[key] = max(float((rows * area).sum() / area.sum()), 1e-4)
    return _known[key]


def studio_environments() -> dict[str, Path]:
    """The pictures of surroundings that this Blender comes with, by the name that Blender shows."""
    folder = bpy.utils.system_resource("DATAFILES", path="studiolights/world")
    return {path.stem.title(): path for path in sorted(Path(folder).glob("*.exr"))} if folder else {}


def _hdri_path(name: str) -> Path | None:
    folder = bpy.utils.system_resource("DATAFILES", path="studiolights/world")
    path = Path(folder) / name if folder else None
    return path if path is not None and path.is_file() else None
