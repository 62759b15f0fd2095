"""What is behind and below the product: an exact colour, composited later, and a ground that holds only its shadow."""

from __future__ import annotations

import bpy
import numpy as np
from bpy.types import Object
from numpy.typing import NDArray

from ..pipeline.settings import RunSettings
from . import names
from .collections import collection, existing_objects, remove_objects

# Display values (sRGB, 0..1). The grey is the middle of the display scale, RGB 128.
COLOURS = {"white": (1.0, 1.0, 1.0), "grey": (128 / 255, 128 / 255, 128 / 255)}
_REACH = 12.0  # half the ground's side, in radii of the product: past the longest soft shadow that still shows


def backdrop_colour(settings: RunSettings) -> tuple[float, float, float]:
    """The colour that the finished file has where nothing is: display-referred sRGB, 0..1."""
    return COLOURS[settings.backdrop]


def place_backdrop(settings: RunSettings, points: NDArray[np.float64]) -> None:
    """A shadow catcher below the product, in place of an earlier one; none where ``settings.shadow`` is off.

    ``points``: the product's (N, 3) vertices, metres.
    """
    grounds = existing_objects(names.BACKDROP)
    if not settings.shadow:
        remove_objects(grounds)
        return
    low, high = points.min(axis=0), points.max(axis=0)
    radius = float(np.linalg.norm(high - low)) / 2
    ground = grounds[0] if grounds else _new_ground()
    ground.scale = (_REACH * radius,) * 3
    # A hair below the lowest vertex, or a flat base and the ground would fight for the same depth.
    ground.location = (float(low[0] + high[0]) / 2, float(low[1] + high[1]) / 2, float(low[2]) - 1e-4 * radius)


def _new_ground() -> Object:
    mesh = bpy.data.meshes.new(names.GROUND)
    mesh.from_pydata([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)], [], [(0, 1, 2, 3)])
    material = bpy.data.materials.new(names.GROUND)
    if material.node_tree is None:
        material.use_nodes = True
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = (0.8, 0.8, 0.8, 1.0)
    shader.inputs["Roughness"].default_value = 1.0
    shader.inputs["Specular IOR Level"].default_value = 0.0
    mesh.materials.append(material)
    ground = bpy.data.objects.new(names.GROUND, mesh)
    ground[names.ROLE] = "ground"
    ground.is_shadow_catcher = True
    ground.hide_select = True
    collection(names.BACKDROP).objects.link(ground)
    return ground
