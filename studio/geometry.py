"""The product's evaluated geometry: what a renderer would see of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from bpy.types import Depsgraph, Material, Mesh, Object
from numpy.typing import NDArray

from ..pipeline.errors import BadInput

_MESH_LIKE = {"MESH", "CURVE", "SURFACE", "META", "FONT"}


def evaluated_points(root: Object, depsgraph: Depsgraph) -> NDArray[np.float64]:
    """(N, 3) world-space metres: every vertex of a face below ``root``, with modifiers and instances.

    Vertices outside faces aren't rendered, so they aren't counted. Raises BadInput where there is no face at all.
    """
    cache: dict[int, NDArray[np.float64]] = {}
    parts = []
    for mesh, key, matrix in shown_meshes(root, depsgraph):
        if key not in cache:
            cache[key] = _face_vertices(mesh)
        parts.append(cache[key] @ matrix[:3, :3].T + matrix[:3, 3])
    points = np.concatenate(parts) if parts else np.empty((0, 3))
    if len(points) == 0:
        raise BadInput("the model has no mesh with faces that is visible in renders; add one, or show it in renders")
    if not np.isfinite(points).all():
        raise BadInput("the model has vertices at no finite place; repair its mesh and export it again")
    return points


def material_shares(root: Object, depsgraph: Depsgraph) -> dict[Material | None, float]:
    """Each material's share of the product's surface, 0..1."""
    areas: dict[Material | None, float] = {}
    for mesh, _, matrix in shown_meshes(root, depsgraph):
        area, index = np.empty(len(mesh.polygons)), np.empty(len(mesh.polygons), dtype=np.int32)
        mesh.polygons.foreach_get("area", area)
        mesh.polygons.foreach_get("material_index", index)
        scale = abs(np.linalg.det(matrix[:3, :3])) ** (2 / 3)  # exact for even scaling, and enough for a hint
        slots = [None if slot is None else slot.original for slot in mesh.materials] or [None]
        for position, slot in enumerate(slots):
            mine = area[np.minimum(index, len(slots) - 1) == position].sum()
            areas[slot] = areas.get(slot, 0.0) + float(mine) * scale
    total = sum(areas.values()) or 1.0
    return {material: area / total for material, area in areas.items()}


def shown_meshes(root: Object, depsgraph: Depsgraph) -> Iterator[tuple[Mesh, int, NDArray[np.float64]]]:
    """(mesh, key of its geometry, 4×4 matrix) of everything shown below ``root``. A mesh is valid until the next one."""
    for instance in depsgraph.object_instances:
        thing = instance.object
        owner = instance.parent if instance.is_instance else thing
        if not instance.show_self or thing.type not in _MESH_LIKE or not _is_below(owner.original, root):
            continue
        if thing.original.hide_render and not instance.is_instance:
            continue
        matrix = np.array(instance.matrix_world, dtype=np.float64)
        if thing.type == "MESH":
            yield thing.data, thing.data.as_pointer(), matrix
        else:
            mesh = thing.to_mesh()
            if mesh is not None:
                yield mesh, thing.as_pointer(), matrix
            thing.to_mesh_clear()


def _is_below(thing: Object | None, root: Object) -> bool:
    while thing is not None and thing != root:
        thing = thing.parent
    return thing is not None


def _face_vertices(mesh: Mesh) -> NDArray[np.float64]:
    places = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
    mesh.vertices.foreach_get("co", places)
    corners = np.empty(len(mesh.loops), dtype=np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    used = np.zeros(len(mesh.vertices), dtype=bool)
    used[corners] = True
    return places.reshape(-1, 3)[used].astype(np.float64)
