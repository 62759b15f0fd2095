# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The product for phones and web pages: product.glb and product.usdz, by Blender's own exporters, and read back from the files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.types import Image, Material, Object, Scene

from ...pipeline.deliver.ar import GLB, MOST_BYTES, SIDES, USDZ
from ...pipeline.errors import BadInput
from ...pipeline.run.run_folder import RunFolder
from ...pipeline.sentences import no_model_yet, not_written
from ...pipeline.stages import Progress, Stage, Steps
from .. import BlenderStudio
from ..export import product_parts
from ..files.model_files import quiet, reason
from ..model import product_root
from ..scene.collections import remove_objects, scratch_scene


def export_ar(folder: RunFolder, out: Path) -> Steps[dict[str, Any]]:
    """Write both files into ``out``; what they hold, read back. The open file is replaced. Raises ConsistencyError."""
    if not folder.product_source.is_file():
        raise no_model_yet(folder.root)
    studio = BlenderStudio(folder.settings, own_file=True)
    try:
        product = yield from studio.load_product(folder.product_source)
        yield Progress(Stage.RESULTS, f"writing {GLB}", 0.3)
        with _alone() as (scene, parts):
            expected = _measured(scene, parts)
            side = _write_glb(out / GLB, parts)
            yield Progress(Stage.RESULTS, f"writing {USDZ}", 0.6)
            _write_usdz(out / USDZ)
    finally:
        studio.close()
    yield Progress(Stage.RESULTS, "reading them back", 0.8)
    found = {name: read_back(out / name) for name in (GLB, USDZ)}
    return {"product": product.name, "made": expected, "texture_side": side, "files": found}


def read_back(path: Path) -> dict[str, Any]:
    """What a GLB or USDZ shows once imported: size in metres (x, y, z of Blender), triangles, materials, textures, and bytes."""
    with scratch_scene() as scene:
        before = set(bpy.data.objects)
        images, materials = set(bpy.data.images), set(bpy.data.materials)
        try:
            with quiet():
                if path.suffix == ".usdz":
                    bpy.ops.wm.usd_import(filepath=str(path), import_textures_mode="IMPORT_PACK")
                else:
                    bpy.ops.import_scene.gltf(filepath=str(path))
        except Exception as error:  # whatever the importer throws
            raise BadInput(f"{path.name} can't be read back ({reason(error)}); deliver it again") from error
        things = [thing for thing in bpy.data.objects if thing not in before]
        found = _measured(scene, things)
        found["bytes"] = path.stat().st_size
        remove_objects(things)
        bpy.data.batch_remove([image for image in bpy.data.images if image not in images])
        bpy.data.batch_remove([material for material in bpy.data.materials if material not in materials])
    return found


@contextmanager
def _alone() -> Iterator[tuple[Scene, list[Object]]]:
    """The product's parts in a scene of their own, with materials and pictures of their own."""
    parts = product_parts(product_root())
    copies: dict[Material, Material] = {}
    pictures: dict[Image, Image] = {}
    try:
        with scratch_scene() as scene:
            for part in parts:
                scene.collection.objects.link(part)
                for slot in part.material_slots:
                    if slot.material is not None:
                        slot.material = _copied(slot.material, copies, pictures)
            yield scene, parts
    finally:
        remove_objects(parts)
        bpy.data.batch_remove([*copies.values(), *pictures.values()])


def _copied(material: Material, copies: dict[Material, Material], pictures: dict[Image, Image]) -> Material:
    if material in copies.values():  # parts that share a mesh share its slots
        return material
    if material not in copies:
        copies[material] = material.copy()
        for node in getattr(copies[material].node_tree, "nodes", ()):
            if node.type == "TEX_IMAGE" and node.image is not None:
                if node.image not in pictures:
                    pictures[node.image] = node.image.copy()
                node.image = pictures[node.image]
    return copies[material]


def _pictures(parts: list[Object]) -> list[Image]:
    found: dict[Image, None] = {}
    for part in parts:
        for slot in part.material_slots:
            for node in getattr(slot.material and slot.material.node_tree, "nodes", ()):
                if node.type == "TEX_IMAGE" and node.image is not None:
                    found[node.image] = None
    return list(found)


def _write_glb(path: Path, parts: list[Object]) -> int:
    """At the largest textures with which it is light enough; their longest side in pixels that was allowed."""
    for side in SIDES:
        for image in _pictures(parts):
            longest = max(image.size)
            if longest > side:
                image.scale(*(max(1, round(length * side / longest)) for length in image.size))
        try:
            with quiet():
                bpy.ops.export_scene.gltf(
                    filepath=str(path),
                    export_format="GLB",
                    use_active_scene=True,
                    export_animations=False,
                    export_image_format="AUTO" if side == SIDES[0] else "JPEG",
                )
        except Exception as error:  # whatever the exporter throws
            raise not_written(path, reason(error)) from error
        if path.stat().st_size <= MOST_BYTES:
            break
    return side


def _write_usdz(path: Path) -> None:
    try:
        with quiet():
            bpy.ops.wm.usd_export(
                filepath=str(path),
                export_animation=False,
                export_cameras=False,
                export_lights=False,
                convert_world_material=False,
                convert_orientation=True,
                export_global_forward_selection="NEGATIVE_Z",
                export_global_up_selection="Y",
                export_textures_mode="NEW",
                triangulate_meshes=True,
            )
    except Exception as error:  # whatever the exporter throws
        raise not_written(path, reason(error)) from error
    if not path.is_file():
        raise not_written(path, "Blender wrote nothing")


def _measured(scene: Scene, things: list[Object]) -> dict[str, Any]:
    scene.view_layers[0].update()
    low, high, triangles = np.full(3, np.inf), np.full(3, -np.inf), 0
    materials: set[str] = set()
    for thing in things:
        if thing.type != "MESH" or not thing.data.vertices:
            continue
        places = np.empty(len(thing.data.vertices) * 3, np.float32)
        thing.data.vertices.foreach_get("co", places)
        matrix = np.array(thing.matrix_world)
        world = places.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
        low, high = np.minimum(low, world.min(axis=0)), np.maximum(high, world.max(axis=0))
        triangles += sum(len(polygon.vertices) - 2 for polygon in thing.data.polygons)
        materials |= {slot.material.name for slot in thing.material_slots if slot.material is not None}
    size = [round(float(side), 6) for side in high - low] if np.isfinite(low).all() else [0.0, 0.0, 0.0]
    textures = [max(image.size) for image in _pictures([thing for thing in things if thing.type == "MESH"])]
    return {
        "size_m": size,
        "triangles": triangles,
        "materials": len(materials),
        "textures": len(textures),
        "largest_texture": max(textures, default=0),
    }
