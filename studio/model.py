"""The product: imported, stood on the ground in the middle, and removed again without a trace."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import bpy
import numpy as np
from bpy.types import ID, Action, Object, Scene
from mathutils import Matrix

from ..pipeline.errors import BadInput
from ..pipeline.lengths import sides
from ..pipeline.ports import Product
from ..pipeline.stages import Progress, Steps
from . import names
from .collections import (
    all_ids,
    collection,
    existing_objects,
    ids_now,
    ids_since,
    remove_objects,
    remove_unused,
    rendered_objects,
    scratch_scene,
)
from .geometry import as_rendered, evaluated_points, evaluated_triangles, material_shares
from .material_hints import hints
from .model_files import append_blend, import_gltf

# Renders, lights and cameras scale with the product, so its own size stays, unless it is so far out that the renderer's
# single-precision distances no longer carry it.
SANE_SIZE = (0.001, 1000.0)  # metres, diagonal of the bounding box

_NOT_PRODUCT = {"CAMERA", "LIGHT", "LIGHT_PROBE", "SPEAKER"}


def load_product(path: Path) -> Steps[Product]:
    """Import a .glb, .gltf or .blend as the product, in place of an earlier one; the earlier stays if this one fails.

    Raises BadInput, one sentence with the cure, for what can't be read or holds no visible mesh.
    """
    yield Progress("model", f"importing {path.name}", 0.0)
    before = ids_now()
    notes: list[str] = []
    try:
        home, layer = bpy.context.scene, bpy.context.view_layer
        with scratch_scene() as scene:
            objects = append_blend(path, notes) if path.suffix.lower() == ".blend" else import_gltf(path, scene)
        with bpy.context.temp_override(scene=home, view_layer=layer):  # a run's scene need not be the one that is shown
            objects, removed = _without_cameras_and_lights(objects)
            if removed:
                notes.append(f"cameras and lights of the file were left out ({removed})")
            if _freeze_animation(ids_since(before)):
                notes.append("animations of the file were left out; the product stands in its rest pose")
            root = _gather(objects, path.stem, before)
        root[names.SOURCE] = str(path)
    except BaseException:
        bpy.data.batch_remove(ids_since(before))
        raise
    brought = {item.session_uid for item in ids_since(before)}
    try:
        yield Progress("model", f"measuring {path.name}", 0.7)
        product = stand_on_ground(root, notes)
    except BaseException:  # whatever else is new by now is the artist's, who may have undone a deletion meanwhile
        bpy.data.batch_remove([item for item in all_ids() if item.session_uid in brought])
        raise
    _remove_previous(root)
    yield Progress("model", f"{product.name}: {product.vertices:,} vertices, {_size_text(product)}", 1.0)
    return product


def adopt_objects(objects: Sequence[Object]) -> Product:
    """Take objects of the artist's own scene as the product. They stay as they are: the product is an instance of them.

    What this extension has placed is left out, and what renders don't show, such as cutters. Raises BadInput where none
    of them has visible faces.
    """
    own = [thing for thing in objects if not _is_placed(thing)]
    if objects and not own:
        raise BadInput("what is selected was placed by this extension; select objects of your own")
    shown = rendered_objects(bpy.context.view_layer)
    objects = [thing for thing in own if thing in shown]
    if own and not objects:
        raise BadInput("renders show nothing of what is selected; turn on the camera beside it in the Outliner")
    before = ids_now()
    try:
        source = bpy.data.collections.new(f"{names.PRODUCT} Source")  # in no scene: only the instance shows
        for thing in objects:
            if thing.type not in _NOT_PRODUCT:
                source.objects.link(thing)
        instance = bpy.data.objects.new("Product Instance", None)
        instance.instance_type = "COLLECTION"
        instance.instance_collection = source
        root = _gather([instance], objects[0].name if objects else "nothing", before)
        product = stand_on_ground(root, [])
    except BaseException:
        bpy.data.batch_remove(ids_since(before))
        raise
    _remove_previous(root)
    return product


def hold_pose(scene: Scene) -> None:
    """Have ``scene`` show the moment for which the rig was placed: what an artist has animated moves on by itself."""
    for root in existing_objects(names.PRODUCT):
        scene.frame_current = root.get(names.FRAME, scene.frame_current)


def pack_textures() -> None:
    """Put textures that lie beside a .blend into the open file, so that it can be moved."""
    for image in bpy.data.images:
        if image.source == "FILE" and image.packed_file is None and Path(bpy.path.abspath(image.filepath)).is_file():
            image.pack()


def product_root() -> Object:
    """The empty that carries the product. Raises BadInput where there is none."""
    for thing in existing_objects(names.PRODUCT):
        if names.ORIGINAL_MATRIX in thing:
            return thing
    raise BadInput("there is no product in this scene; load a model first")


def restore_transform(root: Object) -> None:
    """Put the product back where its own file had it."""
    root.matrix_world = Matrix(np.array(root[names.ORIGINAL_MATRIX]).reshape(4, 4).tolist())
    bpy.context.view_layer.update()


def product_points() -> np.ndarray:
    """``geometry.evaluated_points`` of the current product."""
    bpy.context.view_layer.update()
    return _shown_points(product_root())


def _shown_points(root: Object) -> np.ndarray:
    try:
        with as_rendered(root) as depsgraph:
            return evaluated_points(root, depsgraph)
    except BadInput:
        if root.visible_get():
            raise
        raise BadInput(
            f"the product is hidden in this view layer; show the collection {names.ROOT} in the Outliner, then try again"
        ) from None


def product_triangles() -> tuple[np.ndarray, np.ndarray]:
    """``geometry.evaluated_triangles`` of the current product."""
    bpy.context.view_layer.update()
    with as_rendered(product_root()) as depsgraph:
        return evaluated_triangles(product_root(), depsgraph)


def stand_on_ground(root: Object, notes: list[str]) -> Product:
    """Move (and, at absurd sizes, scale) the root so that the product stands at z = 0 with its box centred on x and y."""
    restore_transform(root)
    points = _shown_points(root)
    low, high = points.min(axis=0), points.max(axis=0)
    diagonal = float(np.linalg.norm(high - low))
    if diagonal <= 0.0:
        raise BadInput("all faces of the model lie in one point; repair its mesh and export it again")
    scale = 1.0
    while not SANE_SIZE[0] <= diagonal * scale <= SANE_SIZE[1]:
        scale *= 1000.0 if diagonal * scale < SANE_SIZE[0] else 0.001
    if scale != 1.0:
        notes.append(f"the model was {diagonal:.3g} m large and is scaled by {scale:g}")
    offset = -np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]]) * scale
    root.matrix_world = Matrix.Translation(offset.tolist()) @ Matrix.Scale(scale, 4) @ root.matrix_world
    bpy.context.view_layer.update()
    materials, reflective = hints(material_shares(root, bpy.context.evaluated_depsgraph_get()))
    notes += _missing_textures()
    width, depth, height = (float(side) for side in (high - low) * scale)
    return Product(
        str(root.get(names.LABEL, root.name)), (width, depth, height), len(points), materials, reflective, tuple(notes)
    )


def _without_cameras_and_lights(objects: list[Object]) -> tuple[list[Object], int]:
    stray = [thing for thing in objects if thing.type in _NOT_PRODUCT]
    for thing in stray:
        for child in list(thing.children):
            # Hand the child over to the grandparent: world = parent · inverse · basis stays the same product.
            inverse = thing.matrix_parent_inverse @ thing.matrix_basis @ child.matrix_parent_inverse
            child.parent = thing.parent
            if thing.parent is None:  # without a parent, the inverse counts for nothing
                child.matrix_basis = inverse @ child.matrix_basis
            else:
                child.matrix_parent_inverse = inverse
    left = [thing for thing in objects if thing not in stray]
    remove_objects(stray)
    return left, len(stray)


def _freeze_animation(items: list[ID]) -> bool:
    """Take actions and NLA tracks off everything new; drivers stay, they are part of how a thing is built."""
    found = False
    for item in items:
        data = getattr(item, "animation_data", None)
        if data is None:
            continue
        found = found or data.action is not None or len(data.nla_tracks) > 0
        data.action = None
        for track in list(data.nla_tracks):
            data.nla_tracks.remove(track)
    remove_unused(item for item in items if isinstance(item, Action))
    return found


def _gather(objects: list[Object], label: str, before: set[int]) -> Object:
    """Put the objects below a new root in the product's collection, and mark all that came with them."""
    root = bpy.data.objects.new(names.PRODUCT_ROOT, None)
    root.empty_display_size = 0.1
    root[names.ORIGINAL_MATRIX] = [float(value) for row in Matrix() for value in row]
    root[names.LABEL] = label
    home = collection(names.PRODUCT)
    home.objects.link(root)
    for thing in objects:
        if thing.name not in home.objects:
            home.objects.link(thing)
        if thing.parent is None:
            thing.parent = root  # the parent inverse stays identity: the root's transform is all that is added
            thing.matrix_parent_inverse = Matrix()
        for modifier in thing.modifiers:
            modifier.show_viewport = modifier.show_render  # framing sees what the render shows
            if modifier.type in ("SUBSURF", "MULTIRES"):
                modifier.levels = modifier.render_levels
    token = uuid4().hex
    for item in ids_since(before):
        with suppress(TypeError):  # a few kinds of datablock carry no custom properties
            item[names.IMPORTED] = token
    return root


def _is_placed(thing: Object) -> bool:
    """Made by this extension: part of an imported product, a camera, a lamp, the ground or a still."""
    return any(mark in thing for mark in (names.IMPORTED, names.ANGLE, names.ROLE)) or any(
        home.name == names.RESULTS for home in thing.users_collection
    )


def _mark(item: ID) -> str | None:
    try:
        return item.get(names.IMPORTED)
    except TypeError:
        return None


def _remove_previous(root: Object) -> None:
    """Remove what an earlier import brought, as far as the artist doesn't use it elsewhere."""
    token = root[names.IMPORTED]
    remove_objects(thing for thing in existing_objects(names.PRODUCT) if _mark(thing) not in (None, token))
    remove_unused(item for item in all_ids() if _mark(item) not in (None, token))
    root.name = names.PRODUCT_ROOT


def _missing_textures() -> list[str]:
    missing = [
        image.name
        for image in bpy.data.images
        if names.IMPORTED in image and image.source == "FILE" and image.packed_file is None and not image.has_data
    ]
    return [f"textures not found: {', '.join(missing)}; pack them into the file before loading it"] if missing else []


def _size_text(product: Product) -> str:
    return sides(product.size)
