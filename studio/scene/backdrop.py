# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is behind and below the product: an exact colour, composited later, and a ground that holds only its shadow."""

from __future__ import annotations

import bpy
import numpy as np
from bpy.types import Material, Object
from numpy.typing import NDArray

from ...pipeline import names
from ...pipeline.settings.groups import RunSettings
from .collections import collection, existing_objects, remove_objects

_FADE = 0.5  # radii of the product beyond its footprint at which its shadow has faded into the backdrop's exact colour


def place_backdrop(settings: RunSettings, points: NDArray[np.float64]) -> None:
    """A shadow catcher below the product, in place of an earlier one; none where ``settings.studio.shadow`` is off.

    ``points``: the product's (N, 3) vertices, metres.
    """
    grounds = existing_objects(names.BACKDROP)
    if not settings.studio.shadow:
        remove_objects(grounds)
        return
    low, high = points.min(axis=0), points.max(axis=0)
    middle = (low + high) / 2
    radius = float(np.linalg.norm(high - low)) / 2
    footprint = float(np.linalg.norm((points - middle)[:, :2], axis=1).max())
    reach = footprint + _FADE * radius
    ground = grounds[0] if grounds else _new_ground()
    ground.hide_render = False
    ground.scale = (reach, reach, reach)
    # A hair below the lowest vertex, or a flat base and the ground would fight for the same depth.
    ground.location = (float(middle[0]), float(middle[1]), float(low[2]) - 1e-4 * radius)
    fade = ground.data.materials[0].node_tree.nodes["Fade"]
    fade.inputs["From Min"].default_value, fade.inputs["From Max"].default_value = footprint / reach, 1.0


def _new_ground() -> Object:
    mesh = bpy.data.meshes.new(names.GROUND)
    mesh.from_pydata([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], [], [(0, 1, 2, 3)])
    mesh.materials.append(_fading_material())
    ground = bpy.data.objects.new(names.GROUND, mesh)
    ground[names.ROLE] = "ground"
    ground.is_shadow_catcher = True
    ground.hide_select = True
    collection(names.BACKDROP).objects.link(ground)
    return ground


def _fading_material() -> Material:
    """Matt in the middle, vanishing towards the edge: an ever fainter shadow, and no edge of the ground."""
    material = bpy.data.materials.new(names.GROUND)
    if material.node_tree is None:
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    place, length = tree.nodes.new("ShaderNodeTexCoord"), tree.nodes.new("ShaderNodeVectorMath")
    fade, mix = tree.nodes.new("ShaderNodeMapRange"), tree.nodes.new("ShaderNodeMixShader")
    matt, clear = tree.nodes.new("ShaderNodeBsdfDiffuse"), tree.nodes.new("ShaderNodeBsdfTransparent")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    length.operation, fade.interpolation_type, fade.name = "LENGTH", "SMOOTHSTEP", "Fade"
    tree.links.new(place.outputs["Object"], length.inputs[0])
    tree.links.new(length.outputs["Value"], fade.inputs["Value"])
    tree.links.new(fade.outputs["Result"], mix.inputs[0])
    tree.links.new(matt.outputs[0], mix.inputs[1])
    tree.links.new(clear.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], output.inputs["Surface"])
    return material
