# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The product's evaluated geometry: what a renderer would see of it."""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager
from typing import Any

import bpy
import numpy as np
from bpy.types import Collection, Depsgraph, DepsgraphObjectInstance, Material, Mesh, Modifier, Object
from mathutils import Matrix
from numpy.typing import NDArray

from ...pipeline import names
from ...pipeline.errors import BadInput
from ...pipeline.look.coverage import is_inside_out
from .collections import existing_objects

MESH_LIKE = {"MESH", "CURVE", "SURFACE", "META", "FONT"}
SOLID = MESH_LIKE | {"CURVES", "POINTCLOUD", "VOLUME"}
DRAWN = {"GREASEPENCIL", "GPENCIL"}  # not by Cycles: over its picture
FARTHEST = 1e12  # metres: single precision, in which meshes are kept, holds no square of a length far beyond
NO_AREA = 1e-10  # of a face, in squares of its mesh's size: thinner than any renderer draws


def evaluated_points(root: Object, depsgraph: Depsgraph) -> NDArray[np.float64]:
    """(N, 3) world-space metres: every vertex of a face of the product, with modifiers and instances; of hair, points and
    volumes roughly where they are.

    What has no area isn't rendered, so it isn't counted. Raises BadInput where there is no face at all.
    """
    cache: dict[int, NDArray[np.float64]] = {}
    parts = []
    for mesh, key, matrix in shown_meshes(root, depsgraph):
        if key not in cache:
            cache[key] = face_vertices(mesh)
        if spans(matrix):
            parts.append(cache[key] @ matrix[:3, :3].T + matrix[:3, 3])
    parts += [_rough_points(instance) for instance in shown_parts(root, depsgraph, SOLID - MESH_LIKE)]
    points = np.concatenate(parts) if parts else np.empty((0, 3))
    if len(points) == 0:
        raise BadInput(
            "the product has no faces that renders show; give it meshes, and turn on the camera beside them in the Outliner"
        )
    if not (np.abs(points) <= FARTHEST).all():  # nor where they are not numbers
        raise BadInput("the model has vertices at no finite place; repair its mesh and export it again")
    return points


def evaluated_triangles(root: Object, depsgraph: Depsgraph) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Vertices (V, 3) in world-space metres and triangles (T, 3) of everything shown below ``root``, their normals outward: also of
    what is mirrored, or inside out, which renders show alike."""
    vertices, triangles, count = [np.empty((0, 3))], [np.empty((0, 3), np.int32)], 0
    for mesh, _, matrix in shown_meshes(root, depsgraph):
        mesh.calc_loop_triangles()
        corners = np.empty(len(mesh.loop_triangles) * 3, np.int32)
        mesh.loop_triangles.foreach_get("vertices", corners)
        places, faces = _positions(mesh) @ matrix[:3, :3].T + matrix[:3, 3], corners.reshape(-1, 3)
        if np.linalg.det(matrix[:3, :3]) < 0.0:
            faces = faces[:, ::-1]
        along, across = (places[faces[:, corner]] - places[faces[:, 0]] for corner in (1, 2))
        if is_inside_out(places[faces], np.cross(along, across)):
            faces = faces[:, ::-1]
        vertices.append(places)
        triangles.append(faces + count)
        count += len(mesh.vertices)
    return np.concatenate(vertices).astype(np.float32), np.concatenate(triangles)


def material_shares(root: Object, depsgraph: Depsgraph) -> dict[Material | None, float]:
    """Each material's share of the product's surface, 0..1."""
    areas: dict[Material | None, float] = {}
    for mesh, _, matrix in shown_meshes(root, depsgraph):
        area, index = np.empty(len(mesh.polygons), dtype=np.float32), read_attribute(mesh, "material_index")
        mesh.polygons.foreach_get("area", area)
        if not len(index):
            index = np.zeros(len(area), dtype=np.int32)
        scale = abs(np.linalg.det(matrix[:3, :3])) ** (2 / 3)  # exact for even scaling, and enough for a hint
        slots = [None if slot is None else slot.original for slot in mesh.materials] or [None]
        for position, slot in enumerate(slots):
            mine = area[np.minimum(index, len(slots) - 1) == position].sum()
            areas[slot] = areas.get(slot, 0.0) + float(mine) * scale
    total = sum(areas.values()) or 1.0
    return {material: area / total for material, area in areas.items()}


@contextmanager
def as_rendered(root: Object) -> Iterator[Depsgraph]:
    """The open scene evaluated as renders have it, for all that is below ``root``: its modifiers and subdivisions, and
    what is hidden inside instances of collections.

    The renderer's own evaluation can't be asked for, so what differs is set so for the moment and put back.
    """
    homes = _instanced(root)
    things = {*parts_of(root), *(thing for home in homes for thing in home.objects)}
    hidden = (*homes, *(thing for home in homes for thing in home.objects))
    differing: list[tuple[Any, str, Any, Any]] = [
        (item, "hide_viewport", item.hide_viewport, item.hide_render) for item in hidden
    ]
    differing += [facts for thing in things for modifier in thing.modifiers for facts in _rendered(modifier)]
    differing = [facts for facts in differing if facts[2] != facts[3]]
    selected = [thing for thing in things if differing and thing.select_get()]  # hiding deselects
    try:
        for item, name, _, rendered in differing:
            setattr(item, name, rendered)
        bpy.context.view_layer.update()
        yield bpy.context.evaluated_depsgraph_get()
    finally:
        for item, name, shown, _ in differing:
            setattr(item, name, shown)
        if differing:
            bpy.context.view_layer.update()
        for thing in selected:
            thing.select_set(True)


def _instanced(root: Object) -> set[Collection]:
    """The collections that are instanced by the product, and those inside them."""
    found: set[Collection] = set()
    pending = list(parts_of(root))
    while pending:
        thing = pending.pop()
        home = thing.instance_collection if thing.instance_type == "COLLECTION" else None
        if home is not None and home not in found:
            found |= {home, *home.children_recursive}
            pending += home.all_objects
    return found


def _rendered(modifier: Modifier) -> Iterator[tuple[Modifier, str, Any, Any]]:
    """(modifier, property, its value in the viewport, what renders have there)."""
    yield modifier, "show_viewport", modifier.show_viewport, modifier.show_render
    if modifier.type in ("SUBSURF", "MULTIRES"):
        yield modifier, "levels", modifier.levels, modifier.render_levels


def parts_of(root: Object) -> set[Object]:
    """The product's objects: what hangs on its root, and where it stands where its file has it, what is in its collection."""
    found = set(root.children_recursive)
    if names.IN_PLACE in root:
        found.update(existing_objects(names.PRODUCT))
    return found - {root}


def seen_by_cameras(thing: Object) -> bool:
    """Renders show its own surface, and not only its shadow or its reflection."""
    return thing.visible_camera and not thing.is_shadow_catcher and not thing.is_holdout


def shown_parts(
    root: Object, depsgraph: Depsgraph, types: Container[str] = frozenset(MESH_LIKE)
) -> Iterator[DepsgraphObjectInstance]:
    """Everything of the product that is shown and of one of the ``types``, valid until the next one."""
    parts = parts_of(root)
    for instance in depsgraph.object_instances:
        thing = instance.object
        if not instance.show_self or thing.type not in types or not seen_by_cameras(thing):
            continue
        maker = instance.parent if instance.is_instance else thing
        if maker.original not in parts or not seen_by_cameras(maker):
            continue
        if instance.is_instance or not thing.original.hide_render:
            yield instance


def box_of(thing: Object, matrix: Matrix) -> NDArray[np.float64]:
    """(2, 3) metres: lowest and highest corner of the box around the evaluated ``thing`` at ``matrix``."""
    corners = np.array(thing.bound_box) @ np.array(matrix)[:3, :3].T + np.array(matrix)[:3, 3]
    return np.stack([corners.min(axis=0), corners.max(axis=0)])


def shown_meshes(root: Object, depsgraph: Depsgraph) -> Iterator[tuple[Mesh, int, NDArray[np.float64]]]:
    """(mesh, key of its geometry, 4×4 matrix) of everything shown of the product. A mesh is valid until the next one."""
    for _, mesh, key, matrix in shown_meshes_of(root, depsgraph):
        yield mesh, key, matrix


def shown_meshes_of(root: Object, depsgraph: Depsgraph) -> Iterator[tuple[str, Mesh, int, NDArray[np.float64]]]:
    """As ``shown_meshes``, each with its object's name before it."""
    for instance in shown_parts(root, depsgraph):
        thing, matrix = instance.object, np.array(instance.matrix_world, dtype=np.float64)
        if thing.type == "MESH" and not thing.data.is_editmode:
            yield thing.original.name, thing.data, thing.data.as_pointer(), matrix
            continue
        mesh = thing.to_mesh()  # what is being edited lies elsewhere until then
        if mesh is not None:
            yield thing.original.name, mesh, thing.as_pointer(), matrix
        thing.to_mesh_clear()


def spans(matrix: NDArray[np.float64]) -> bool:
    """Something of a surface is left at ``matrix``, which may be flat, as of a decal, but no line and no point."""
    first, second, _ = np.linalg.svd(matrix[:3, :3], compute_uv=False)
    return bool(second > 1e-6 * first)


def face_vertices(mesh: Mesh) -> NDArray[np.float64]:
    """(V, 3) metres: the vertices of those faces that have an area."""
    positions, corners = _positions(mesh), read_attribute(mesh, ".corner_vert")
    if not len(corners):
        return np.empty((0, 3))
    area, count = np.empty(len(mesh.polygons), np.float32), np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("area", area)
    mesh.polygons.foreach_get("loop_total", count)
    used = np.zeros(len(positions), dtype=bool)
    used[corners] = True
    size = float(np.linalg.norm(np.ptp(positions[used].astype(np.float64), axis=0)))
    flat = ~(area.astype(np.float64) > NO_AREA * size**2)
    if flat.any() and (np.abs(positions[used]) <= FARTHEST).all():  # vertices astray are told, not left out
        used[:] = False
        used[corners[np.repeat(~flat, count)]] = True
    return positions[used].astype(np.float64)


def _rough_points(instance: DepsgraphObjectInstance) -> NDArray[np.float64]:
    """(N, 3) world-space metres where hair or points are, or the corners of a volume's box."""
    thing, matrix = instance.object, np.array(instance.matrix_world, dtype=np.float64)
    places = thing.data.attributes.get("position") if hasattr(thing.data, "attributes") else None
    if places is None:
        local = np.array(thing.bound_box, dtype=np.float64)
    else:
        flat = np.empty(len(places.data) * 3, np.float32)
        places.data.foreach_get("vector", flat)
        local = flat.reshape(-1, 3).astype(np.float64)
    return local @ matrix[:3, :3].T + matrix[:3, 3]


def _positions(mesh: Mesh) -> NDArray[np.float32]:
    """(V, 3); (0, 3) also of a mesh without vertices, which has no such attribute."""
    return read_attribute(mesh, "position").reshape(-1, 3)


_KINDS: dict[
    str, tuple[str, int, type]
] = {  # of an attribute: the property that holds a value, its length and its type
    "FLOAT": ("value", 1, np.float32),
    "INT": ("value", 1, np.int32),
    "INT8": ("value", 1, np.int8),
    "BOOLEAN": ("value", 1, np.bool_),
    "FLOAT_VECTOR": ("vector", 3, np.float32),
    "FLOAT2": ("vector", 2, np.float32),
    "INT32_2D": ("value", 2, np.int32),
    "INT16_2D": ("value", 2, np.int16),
    "FLOAT_COLOR": ("color", 4, np.float32),
    "BYTE_COLOR": ("color", 4, np.float32),
}


def read_attribute(mesh: Mesh, name: str) -> NDArray[Any]:
    """(N,) or (N, length) values of an attribute, empty where there is none or it holds neither numbers nor colours.

    Copied as one block of memory: a hundred times faster than ``mesh.loops.foreach_get("vertex_index", …)`` and its like.
    """
    attribute = mesh.attributes.get(name)
    if attribute is None or attribute.data_type not in _KINDS:
        return np.empty(0, dtype=np.int32)
    field, length, kind = _KINDS[attribute.data_type]
    values = np.empty(len(attribute.data) * length, dtype=kind)
    attribute.data.foreach_get(field, values)
    return values.reshape(-1, length) if length > 1 else values
