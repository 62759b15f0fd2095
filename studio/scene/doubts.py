# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may not be meant: a floor many times the product's size, stray faces, and what changes with place or camera."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from bpy.types import Depsgraph, Material, Node, Object
from numpy.typing import NDArray

from ...pipeline.wording.names import in_words
from .geometry import MESH_LIKE, SOLID, face_vertices, shown_meshes_of, shown_parts, spans
from .node_trees import all_nodes

MANY_TIMES = 4.0  # the size of all the rest: a floor or a wall
THIN = 0.05  # of its largest side: the thickness of a floor or a wall
NEARLY_ALL = 0.98  # of the surface
SMALL = 0.2  # of the product's size: what holds nearly all of its surface should be larger
MOST_FACES = 500_000  # that are looked at; of more, every second or third


class _Part(NamedTuple):
    name: str
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    centres: NDArray[np.float64]  # (F, 3) metres
    areas: NDArray[np.float64]

    @property
    def sides(self) -> NDArray[np.float64]:
        return self.high - self.low


def doubtful_parts(root: Object, depsgraph: Depsgraph) -> list[str]:
    """A sentence for each kind of part that may not belong to the product, with the way to leave it out."""
    parts = list(_parts(root, depsgraph))
    if not parts:
        return []
    return [*_floors(parts), *_strays(parts)]


def _floors(parts: list[_Part]) -> Iterator[str]:
    """Parts that are flat and each many times as large as everything smaller together."""
    parts = sorted(parts, key=lambda part: float(np.linalg.norm(part.sides)))
    low, high = parts[0].low, parts[0].high
    for number in range(1, len(parts)):
        rest, largest = float(np.linalg.norm(high - low)), float(np.linalg.norm(parts[number].sides))
        flat = all(part.sides.min() <= THIN * part.sides.max() for part in parts[number:])
        if rest > 0.0 and largest > MANY_TIMES * rest and flat:
            names = list(dict.fromkeys(part.name for part in parts[number:]))
            odd = f"{in_words(names, 'and')} is {largest / rest:.0f} times as large as all the rest"
            yield f"{odd}, as a floor or a wall is; {_cure(names)}"
            return
        low, high = np.minimum(low, parts[number].low), np.maximum(high, parts[number].high)


def _strays(parts: list[_Part]) -> Iterator[str]:
    """Nearly all surface fills a small share of the frame."""
    centres, areas = (np.concatenate([getattr(part, name) for part in parts]) for name in ("centres", "areas"))
    step = len(areas) // MOST_FACES + 1
    centres, areas = centres[::step], areas[::step]
    if not areas.sum() > 0.0:
        return
    reach = np.sqrt(areas) / 2.0  # of a face to each side of its middle
    low, high = np.empty(3), np.empty(3)
    for axis in range(3):
        low[axis] = _below(centres[:, axis] - reach, areas, (1.0 - NEARLY_ALL) / 2)
        high[axis] = _below(centres[:, axis] + reach, areas, (1.0 + NEARLY_ALL) / 2)
    whole = np.max([part.high for part in parts], axis=0) - np.min([part.low for part in parts], axis=0)
    held, size = float(np.linalg.norm(high - low)), float(np.linalg.norm(whole))
    if held >= SMALL * size:
        return
    margin = max(held, 0.1 * size)
    outside = [part for part in parts if ((part.low < low - margin) | (part.high > high + margin)).any()]
    if not outside:
        return
    names = list(dict.fromkeys(part.name for part in outside))
    inside = [part for part in parts if part not in outside]
    start = (
        f"nearly all of the product's surface is within {100 * held / size:.0f} % of its size, so it will look small"
    )
    if inside:
        yield f"{start}: {in_words(names, 'and')} lies far from it; {_cure(names)}"
    else:
        yield f"{start}: some faces of {in_words(names, 'and')} lie far from the others; delete them in the file"


def _below(values: NDArray[np.float64], weights: NDArray[np.float64], share: float) -> float:
    """The value below which ``share`` of the weights lie."""
    order = np.argsort(values)
    sums = np.cumsum(weights[order])
    return float(values[order[min(np.searchsorted(sums, share * sums[-1]), len(order) - 1)]])


def _cure(names: list[str]) -> str:
    options = " ".join(f"--leave-out {shlex.quote(name)}" for name in names[:3])
    return f"if it isn't the product, leave it out ({options}; in Blender, Leave Out below the file)"


def _parts(root: Object, depsgraph: Depsgraph) -> Iterator[_Part]:
    known: dict[int, tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = {}
    for name, mesh, key, matrix in shown_meshes_of(root, depsgraph):
        if key not in known:
            count = len(mesh.polygons)
            centres, areas = np.empty(count * 3, np.float32), np.empty(count, np.float32)
            mesh.polygons.foreach_get("center", centres)
            mesh.polygons.foreach_get("area", areas)
            known[key] = centres.reshape(-1, 3), areas, face_vertices(mesh)
        centres, areas, corners = known[key]
        first, second, _ = np.linalg.svd(matrix[:3, :3], compute_uv=False)
        if not areas.any() or not len(corners) or not spans(matrix):
            continue
        corners = corners @ matrix[:3, :3].T + matrix[:3, 3]
        places = centres @ matrix[:3, :3].T + matrix[:3, 3]
        yield _Part(name, corners.min(axis=0), corners.max(axis=0), places, areas * float(first * second))


_PLACES = {"NEW_GEOMETRY": ("Position",), "OBJECT_INFO": ("Location", "Random")}


def needs_place(material: Material) -> bool:
    """The material looks at where in the world it is, or at which object it is on."""
    return any(
        any(node.outputs[name].is_linked for name in _PLACES.get(node.type, ()))
        or (node.type == "TEX_COORD" and node.object is not None and node.outputs["Object"].is_linked)
        for node in all_nodes(material.node_tree)
    )


def follows_camera(thing: Object) -> bool:
    """Geometry nodes of it ask for the scene's camera."""
    return any(
        node.type == "INPUT_ACTIVE_CAMERA"
        for modifier in thing.modifiers
        if modifier.type == "NODES" and modifier.show_render
        for node in all_nodes(modifier.node_group)
    )


def shows_more_than_faces(root: Object, depsgraph: Depsgraph) -> bool:
    """Renders may show something beyond the product's faces, or not all of them: hair, points, volumes, displacement,
    transparency."""
    for instance in shown_parts(root, depsgraph, SOLID):
        thing = instance.object
        if thing.type not in MESH_LIKE or any(one.settings.type == "HAIR" for one in thing.particle_systems):
            return True
        if any(slot.material is not None and _is_uneven(slot.material) for slot in thing.material_slots):
            return True
    return False


def _is_uneven(material: Material) -> bool:
    if material.node_tree is None:
        return False
    output = material.node_tree.get_output_node("CYCLES")
    if output is None or not output.inputs["Surface"].is_linked:
        return True
    return any(output.inputs[name].is_linked for name in ("Volume", "Displacement")) or any(
        _is_clear(node) for node in all_nodes(material.node_tree)
    )


def _is_clear(node: Node) -> bool:
    alpha = node.inputs.get("Alpha") if node.type == "BSDF_PRINCIPLED" else None
    return node.type in ("BSDF_TRANSPARENT", "HOLDOUT") or (
        alpha is not None and (alpha.is_linked or alpha.default_value < 1.0)
    )
