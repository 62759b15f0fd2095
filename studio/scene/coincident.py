# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A part that lies flush in another's surface, such as a label, is lifted by a hair, or said."""

from __future__ import annotations

from typing import NamedTuple

import bpy
import numpy as np
from bpy.types import Mesh, Object
from numpy.typing import NDArray

from ...pipeline import names
from ...pipeline.geometry.coincident import Coincidence, coincidences
from .geometry import as_rendered, read_attribute, shown_parts

HAIR = 1e-4  # share of the product's size; a tenth of a pixel at 1024
MOST = 1_000_000  # triangles that are looked at
LIFTED = "Consistency Lifted"


class _Part(NamedTuple):
    """One material of one shown object."""

    thing: str
    label: str
    own_mesh: bool  # its vertices are the object's own, not made by modifiers or instances of nodes
    corners: NDArray[np.int32]  # vertices of its triangles, (N, 3)


def lift_coincident(root: Object, only_say: bool = False) -> list[str]:
    """Lift parts of an imported product out of the surface that they lie in, by a modifier. What was done, for the user.

    Objects of the artist's own scene stay as they are, and so does everything where ``only_say``: what would be lifted is
    said.
    """
    parts, triangles, owners = _parts(root)
    if not parts or len(triangles) > MOST:
        return []
    size = float(np.linalg.norm(np.ptp(triangles.reshape(-1, 3), axis=0)))
    firsts = np.searchsorted(owners, np.arange(len(parts)))
    notes: dict[str, None] = {}
    for found in coincidences(triangles, owners):
        part, other = parts[found.part], parts[found.other]
        thing = bpy.data.objects[part.thing]
        what = f"{part.label} lies in the same place as the surface of {other.label}"
        if part.own_mesh and names.IMPORTED in thing and not only_say:
            vertices = np.unique(part.corners[found.triangles - firsts[found.part]])
            _lift(thing, vertices, size, found)
            notes[f"{what}, and is lifted by {HAIR * size * 1000:.2g} mm"] = None
        else:
            notes[f"{what}, and may be rendered black; lift it a little"] = None
    return list(notes)


def _parts(root: Object) -> tuple[list[_Part], NDArray[np.float64], NDArray[np.int64]]:
    """(parts, triangles (N, 3, 3) in metres, the part of each), in the order of the parts."""
    parts: list[_Part] = []
    triangles, owners = [np.empty((0, 3, 3))], [np.empty(0, np.int64)]
    with as_rendered(root) as depsgraph:
        for instance in shown_parts(root, depsgraph):
            thing, mesh = instance.object, instance.object.data
            if not isinstance(mesh, Mesh) or mesh.is_editmode:
                continue
            matrix = np.array(instance.matrix_world, dtype=np.float64)
            mesh.calc_loop_triangles()
            count = len(mesh.loop_triangles)
            corners, polygons = np.empty(count * 3, np.int32), np.empty(count, np.int32)
            mesh.loop_triangles.foreach_get("vertices", corners)
            mesh.loop_triangles.foreach_get("polygon_index", polygons)
            places = read_attribute(mesh, "position").reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
            index = read_attribute(mesh, "material_index")
            used = index[polygons] if len(index) else np.zeros(count, np.int32)
            original = thing.original
            same = original.type == "MESH" and len(original.data.vertices) == len(mesh.vertices)
            for number in np.unique(used):
                mine = corners.reshape(-1, 3)[used == number]
                material = mesh.materials[min(number, len(mesh.materials) - 1)] if len(mesh.materials) else None
                label = f"{original.name!r}" + (f" ({material.name})" if material is not None else "")
                owners.append(np.full(len(mine), len(parts), np.int64))
                triangles.append(places[mine])
                parts.append(_Part(original.name, label, same and original.library is None, mine))
    return parts, np.concatenate(triangles), np.concatenate(owners)


def _lift(thing: Object, vertices: NDArray[np.int64], size: float, found: Coincidence) -> None:
    """Move vertices along their normals by a hair of the product, which is ``size`` metres large."""
    name = LIFTED if found.same_side else f"{LIFTED} Back"
    group = thing.vertex_groups.get(name) or thing.vertex_groups.new(name=name)
    group.add(vertices.tolist(), 1.0, "REPLACE")
    if name in thing.modifiers:
        return
    scale = float(np.abs(np.linalg.det(np.array(thing.matrix_world)[:3, :3]))) ** (1 / 3) or 1.0
    modifier = thing.modifiers.new(name, "DISPLACE")
    modifier.vertex_group, modifier.mid_level, modifier.direction = name, 0.0, "NORMAL"
    modifier.strength = HAIR * size / scale * (1.0 if found.same_side else -1.0)
