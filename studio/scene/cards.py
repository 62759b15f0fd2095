# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What reflections show of a lighting: white cards, black flags, and how a lamp fades towards its border."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import bpy
from bpy.types import Material, NodeTree, Object

from ...pipeline import names
from ...pipeline.settings.lighting import DAYLIGHT, PlacedLamp
from ...pipeline.settings.temperature import relative
from .collections import collection, remove_objects

CARD = "Consistency Card"  # its mesh and its material


def new_card(role: str) -> Object:
    """A plane that only reflections, and what glass lets through, show: it lights nothing else and casts no shadow."""
    mesh = bpy.data.meshes.new(CARD)
    half = 0.5
    mesh.from_pydata([(-half, -half, 0), (half, -half, 0), (half, half, 0), (-half, half, 0)], [], [(0, 1, 2, 3)])
    uv = mesh.uv_layers.new()
    for corner, place in zip(uv.data, ((0, 0), (1, 0), (1, 1), (0, 1)), strict=True):
        corner.uv = place
    mesh.materials.append(_material())
    thing = bpy.data.objects.new(f"Light {role}", mesh)
    thing[names.ROLE] = role
    thing.visible_camera = thing.visible_diffuse = thing.visible_shadow = thing.visible_volume_scatter = False
    thing.display_type = "WIRE"
    collection(names.LIGHTING).objects.link(thing)
    return thing


def set_card(thing: Object, lamp: PlacedLamp) -> None:
    """Have a card or a flag shine, or not, as ``lamp`` says."""
    is_flag = lamp.kind == "flag"
    if is_flag:
        thing[names.FLAG] = True
        thing.hide_render = thing.hide_viewport = not lamp.on
    thing[names.KELVIN] = lamp.kelvin
    tree = thing.data.materials[0].node_tree
    _set_falloff(tree, 0.0 if is_flag else lamp.soft, lamp.hole)
    warmth = relative(lamp.kelvin, DAYLIGHT)
    shine = tree.nodes["Shine"]
    shine.inputs["Color"].default_value = (*(tint * warm for tint, warm in zip(lamp.tint, warmth, strict=True)), 1.0)
    if not thing.hide_render:  # shown again, it shines as before
        tree.nodes["Strength"].inputs[1].default_value = 0.0 if is_flag else lamp.radiance


def set_falloff(light: Any, lamp: PlacedLamp) -> None:
    """Have a lamp fade towards its border, or be a ring, with the same light in all."""
    tree = light.node_tree
    is_even = not lamp.soft and lamp.hole is None
    if is_even and (tree is None or "Strength" not in tree.nodes):
        return
    if tree is None:
        light.use_nodes = True
        tree = light.node_tree
    if "Strength" not in tree.nodes:
        _build(tree, "ShaderNodeOutputLight", on_lamp=True)
    _set_falloff(tree, lamp.soft, lamp.hole)
    tree.nodes["Strength"].inputs[1].default_value = 1.0 / mean_falloff(lamp.soft, lamp.hole)


def mean_falloff(soft: float, hole: float | None) -> float:
    """The share of its light that a lamp of even brightness keeps with this falloff: its mean over the square.

    A smoothstep over the share ``soft`` of the way takes half of that, along both axes; a ring is what its radii leave.
    """
    if hole is not None:
        return math.pi * (1.0 - hole**2) / 4.0
    return (1.0 - soft / 2.0) ** 2


def remove(things: Iterable[Object]) -> None:
    """Remove lamps, cards and flags, with the materials that only they had."""
    doomed = list(things)
    materials = {slot.material for thing in doomed for slot in thing.material_slots if slot.material is not None}
    remove_objects(doomed)
    bpy.data.batch_remove([material for material in materials if material.users == 0])


def _material() -> Material:
    material = bpy.data.materials.new(CARD)
    if material.node_tree is None:
        material.use_nodes = True
    _build(material.node_tree, "ShaderNodeOutputMaterial", on_lamp=False)
    material.cycles.emission_sampling = "NONE"  # what only reflections see is found by them
    return material


def _build(tree: NodeTree, output_kind: str, *, on_lamp: bool) -> None:
    """Nodes that shine by the falloff of where on the surface one looks, times Strength."""
    tree.nodes.clear()
    new, link = tree.nodes.new, tree.links.new
    where = new("ShaderNodeNewGeometry").outputs["Parametric"] if on_lamp else new("ShaderNodeTexCoord").outputs["UV"]
    apart: Any = new("ShaderNodeSeparateXYZ")
    link(where, apart.inputs[0])
    steps, distances = [], []
    for axis in (0, 1):
        centred = _math(tree, "MULTIPLY_ADD", apart.outputs[axis], 2.0, -1.0)
        distance = _math(tree, "ABSOLUTE", centred)
        step = new("ShaderNodeMapRange")
        step.name, step.interpolation_type = f"Fade {axis}", "SMOOTHSTEP"
        link(distance, step.inputs["Value"])
        step.inputs["From Max"].default_value = 1.0
        step.inputs["To Min"].default_value, step.inputs["To Max"].default_value = 1.0, 0.0
        steps.append(step.outputs[0])
        distances.append(distance)
    fade = _math(tree, "MULTIPLY", *steps)
    squared = [_math(tree, "MULTIPLY", each, each) for each in distances]
    radius = _math(tree, "SQRT", _math(tree, "ADD", *squared))
    inside = _math(tree, "LESS_THAN", radius, 1.0)
    beyond = _math(tree, "GREATER_THAN", radius, 0.0)
    beyond.node.name = "Hole"
    ring = _math(tree, "MULTIPLY", inside, beyond)
    choice = new("ShaderNodeMix")
    choice.name = "Ring"
    link(fade, choice.inputs["A"])
    link(ring, choice.inputs["B"])
    strength = _math(tree, "MULTIPLY", choice.outputs["Result"], 1.0)
    strength.node.name = "Strength"
    shine, output = new("ShaderNodeEmission"), new(output_kind)
    shine.name = "Shine"
    shine.inputs["Color"].default_value = (1.0, 1.0, 1.0, 1.0)
    link(strength, shine.inputs["Strength"])
    link(shine.outputs[0], output.inputs["Surface"])


def _math(tree: NodeTree, operation: str, *values: Any) -> Any:
    node: Any = tree.nodes.new("ShaderNodeMath")
    node.operation = operation
    for socket, value in zip(node.inputs, values, strict=False):
        if isinstance(value, float):
            socket.default_value = value
        else:
            tree.links.new(value, socket)
    return node.outputs[0]


def _set_falloff(tree: NodeTree, soft: float, hole: float | None) -> None:
    for axis in (0, 1):
        tree.nodes[f"Fade {axis}"].inputs["From Min"].default_value = 1.0 - max(soft, 1e-4)
    tree.nodes["Hole"].inputs[1].default_value = hole or 0.0
    tree.nodes["Ring"].inputs["Factor"].default_value = 0.0 if hole is None else 1.0
