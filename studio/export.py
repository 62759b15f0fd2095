# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The product as a GLB: what renders show of it, part by part, as plain meshes.

Blender's exporter would write the objects themselves: without what hangs on an object that was not taken, without the
instances of geometry nodes, armatures at rest, and animations at another frame than the one that is shown.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import bpy
from bpy.types import Mesh, Object
from mathutils import Matrix

from ..pipeline.sentences import not_written
from ..pipeline.stages import Progress, Stage, Steps
from .files.model_files import quiet, reason
from .model import product_root
from .scene.collections import remove_objects, scratch_scene
from .scene.geometry import as_rendered, shown_parts


def export_product(out: Path) -> Steps[None]:
    """Write the product as a GLB, standing as it does here, modifiers applied. Raises ConsistencyError."""
    yield Progress(Stage.MODEL, f"writing {out.name}", 0.0)
    parts = product_parts(product_root())
    try:
        write_glb(parts, out)
    finally:
        remove_objects(parts)
    yield Progress(Stage.MODEL, f"{out.name} written", 1.0)


def write_glb(parts: list[Object], out: Path) -> None:
    """Objects that are in no scene as the GLB ``out``. Raises ConsistencyError."""
    partial = out.with_name(f".{out.name}.part.glb")
    try:
        with scratch_scene() as scene:
            for part in parts:
                scene.collection.objects.link(part)
            out.parent.mkdir(parents=True, exist_ok=True)
            with quiet():
                bpy.ops.export_scene.gltf(
                    filepath=str(partial), export_format="GLB", use_active_scene=True, export_animations=False
                )
        partial.replace(out)
    except Exception as error:  # whatever the exporter throws; Blender makes a RuntimeError of most of it
        raise not_written(out, reason(error)) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def product_parts(root: Object) -> list[Object]:
    """An object of its own for each part that is shown; parts of the same mesh and materials share one."""
    meshes: dict[tuple[object, ...], Mesh] = {}
    parts = []
    bpy.context.view_layer.update()
    with as_rendered(root) as depsgraph:
        for instance in shown_parts(root, depsgraph):
            thing, matrix = instance.object, instance.matrix_world.copy()
            materials = [slot.material and slot.material.original for slot in thing.material_slots]
            key = (thing.data.as_pointer() if thing.type == "MESH" else thing.as_pointer(), *materials)
            if key not in meshes:
                meshes[key] = bpy.data.meshes.new_from_object(thing)
            parts.append(bpy.data.objects.new(thing.original.name, meshes[key]))
            _place(parts[-1], matrix)
    return parts


def _place(part: Object, matrix: Matrix) -> None:
    """At ``matrix``; what no location, rotation and scale can say, a shear, goes into a mesh of its own."""
    part.matrix_world = matrix
    rest = part.matrix_basis.inverted_safe() @ matrix
    if max(abs(value) for row in rest - Matrix() for value in row) < 1e-5:
        return
    part.data, part.matrix_world = part.data.copy(), Matrix()
    part.data.transform(matrix)
    if matrix.is_negative:
        part.data.flip_normals()
