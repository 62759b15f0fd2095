# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The product: imported, stood on the ground in the middle, and removed again without a trace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import bpy
import numpy as np
from bpy.types import ID, Action, Object, Scene
from mathutils import Matrix, Vector

from ..pipeline import names
from ..pipeline.backend.ports import Product
from ..pipeline.errors import BadInput
from ..pipeline.stages import Progress, Stage, Steps
from ..pipeline.wording.lengths import sides
from ..pipeline.wording.names import in_words
from .files.import_guard import try_import
from .files.model_files import append_blend, import_gltf
from .files.textures import with_textures_checked
from .scene.coincident import lift_coincident
from .scene.collections import (
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
from .scene.doubts import doubtful_parts, follows_camera, needs_place
from .scene.file_scene import FileScene, boxes_of, changed, fineness, set_fineness, show_modifiers_as_rendered
from .scene.geometry import DRAWN, as_rendered, evaluated_points, evaluated_triangles, material_shares, parts_of
from .scene.material_hints import hints

# Renders, lights and cameras scale with the product, so its own size stays, unless it is so far out that the renderer's
# single-precision distances no longer carry it.
SANE_SIZE = (0.001, 1000.0)  # metres, diagonal of the bounding box
FAR_AWAY = 1000.0  # of the product's size: single precision leaves a hundredth of a percent there

_NOT_PRODUCT = {"CAMERA", "LIGHT", "LIGHT_PROBE", "SPEAKER"} | DRAWN


def load_product(
    path: Path, leave_out: Sequence[str] = (), *, own_file: bool = False, allow_missing: bool = False
) -> Steps[Product]:
    """Import a .glb, .gltf or .blend as the product, in place of an earlier one; the earlier stays if this one fails.

    ``leave_out``: names of parts that are not the product. ``own_file``: nobody's work is in the open file, so that its
    scene may be set to the frame of a .blend. Raises BadInput, one sentence with the cure, for what can't be read or holds
    no visible mesh, and unless ``allow_missing`` for textures that can't be shown.
    """
    yield Progress(Stage.MODEL, f"importing {path.name}", 0.0)
    if path.suffix.lower() == ".glb":
        yield from try_import(path)
    before = ids_now()
    notes: list[str] = []
    try:
        home, layer = bpy.context.scene, bpy.context.view_layer
        is_blend = path.suffix.lower() == ".blend"
        if is_blend:
            found = append_blend(path, notes, leave_out)
            objects = found.objects
        else:
            with scratch_scene() as scene:
                objects = import_gltf(path, scene, notes, leave_out)
        with bpy.context.temp_override(scene=home, view_layer=layer):  # a run's scene need not be the one that is shown
            if not is_blend:
                objects, removed = _without_cameras_and_lights(objects)
                if removed:
                    notes.append(f"cameras and lights of the file were left out ({removed})")
            if _freeze_animation(ids_since(before)):
                at = f"as at frame {found.frame}" if is_blend else "in its rest pose"
                notes.append(f"animations of the file were left out; the product stands {at}")
            root = _gather(objects, path.stem, before, in_place=is_blend)
            if is_blend:
                if own_file:
                    home.frame_set(found.frame)
                notes += _not_kept(found, root)
                root[names.FINENESS] = found.fineness
        root[names.SOURCE] = str(path)
    except BaseException:
        bpy.data.batch_remove(ids_since(before))
        raise
    brought = {item.session_uid for item in ids_since(before)}
    try:
        yield Progress(Stage.MODEL, f"measuring {path.name}", 0.7)
        moved: list[str] = []
        stand_on_ground(root, moved)
        notes += lift_coincident(root)
        product = stand_on_ground(root, notes)
        notes += [text for text in moved if text not in notes]
        product = yield from with_textures_checked(replace(product, notes=tuple(notes)), root, path, allow_missing)
    except BaseException:  # whatever else is new by now is the artist's, who may have undone a deletion meanwhile
        bpy.data.batch_remove([item for item in all_ids() if item.session_uid in brought])
        raise
    _remove_previous(root)
    yield Progress(Stage.MODEL, f"{product.name}: {product.vertices:,} vertices, {_size_text(product)}", 1.0)
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
        instance = _instance_of(thing for thing in objects if thing.type not in _NOT_PRODUCT)
        root = _gather([instance], objects[0].name if objects else "nothing", before)
        root[names.FINENESS] = fineness(bpy.context.scene)
        product = stand_on_ground(root, _places_in_world(root))
    except BaseException:
        bpy.data.batch_remove(ids_since(before))
        raise
    _remove_previous(root)
    return product


def _instance_of(objects: Iterable[Object]) -> Object:
    source = bpy.data.collections.new(f"{names.PRODUCT} Source")  # in no scene: only the instance shows
    for thing in objects:
        source.objects.link(thing)
    instance = bpy.data.objects.new("Product Instance", None)
    instance.instance_type = "COLLECTION"
    instance.instance_collection = source
    return instance


def as_instance(root: Object) -> None:
    """Replace parts that stand where their file has them by an instance of them, below the root."""
    home = collection(names.PRODUCT)
    parts = [thing for thing in home.objects if thing != root]
    instance = _instance_of(parts)
    for item in (instance, instance.instance_collection):
        item[names.IMPORTED] = root[names.IMPORTED]
    for thing in parts:
        home.objects.unlink(thing)
    home.objects.link(instance)
    instance.parent = root
    del root[names.IN_PLACE]
    bpy.context.view_layer.update()


def _places_in_world(root: Object) -> list[str]:
    """A sentence for materials that are coloured by where things are, which an instance elsewhere shows differently."""
    with as_rendered(root) as depsgraph:
        found = sorted(
            material.name for material in material_shares(root, depsgraph) if material and needs_place(material)
        )
    return [f"{in_words(found, 'and')} is coloured by its place in the world"] if found else []


def hold_pose(scene: Scene) -> None:
    """Have ``scene`` show the moment for which the rig was placed: what an artist has animated moves on by itself."""
    for root in existing_objects(names.PRODUCT):
        scene.frame_current = root.get(names.FRAME, scene.frame_current)


def subdivide_as_made(scene: Scene) -> None:
    """Have renders of ``scene`` subdivide the product as finely as those of the scene that it was made in."""
    for root in existing_objects(names.PRODUCT):
        if names.FINENESS in root:
            set_fineness(scene, root[names.FINENESS])


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


def standing_place(root: Object) -> Vector:
    """Where on the ground the product's middle stands, metres: the axis of a turntable."""
    return root.matrix_world.translation.copy() if names.IN_PLACE in root else Vector((0.0, 0.0, 0.0))


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
    """Move (and, at absurd sizes, scale) the root so that the product stands at z = 0 with its box centred on x and y.

    A product whose parts stand where their file has them is not moved; its root marks where it stands. At absurd sizes,
    and far away from the origin, it is replaced by an instance of itself, which can be moved.
    """
    restore_transform(root)
    points = _shown_points(root)
    low, high = points.min(axis=0), points.max(axis=0)
    diagonal = float(np.linalg.norm(high - low))
    if diagonal <= 0.0:
        raise BadInput("all faces of the model lie in one point; repair its mesh and export it again")
    if names.IN_PLACE in root:
        if SANE_SIZE[0] <= diagonal <= SANE_SIZE[1] and np.abs(points).max() <= FAR_AWAY * diagonal:
            root.matrix_world = Matrix.Translation([*((low + high) / 2)[:2].tolist(), float(low[2])])
            return _facts(root, points, 1.0, notes)
        as_instance(root)
        notes += [f"{text}, and it is moved and scaled" for text in _places_in_world(root)]
    scale = 1.0
    while not SANE_SIZE[0] <= diagonal * scale <= SANE_SIZE[1]:
        scale *= 1000.0 if diagonal * scale < SANE_SIZE[0] else 0.001
    if scale != 1.0:
        notes.append(f"the model was {diagonal:.3g} m large and is scaled by {scale:g}")
    offset = -np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]]) * scale
    root.matrix_world = Matrix.Translation(offset.tolist()) @ Matrix.Scale(scale, 4) @ root.matrix_world
    return _facts(root, points, scale, notes)


def _facts(root: Object, points: np.ndarray, scale: float, notes: list[str]) -> Product:
    """``points``: (N, 3) metres before ``scale`` was applied."""
    bpy.context.view_layer.update()
    materials, reflective = hints(material_shares(root, bpy.context.evaluated_depsgraph_get()))
    with as_rendered(root) as depsgraph:
        notes += doubtful_parts(root, depsgraph)
    width, depth, height = (float(side) for side in (points.max(axis=0) - points.min(axis=0)) * scale)
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


def _not_kept(found: FileScene, root: Object) -> list[str]:
    """What looks different outside of the file's own scene, a sentence each."""
    bpy.context.view_layer.update()
    now = boxes_of(found.objects, bpy.context.evaluated_depsgraph_get())
    parts = changed(found.boxes, now, found.objects)
    notes = []
    if parts:
        notes.append(
            f"{in_words(parts, 'and')} may not look as in the file, being simulated or made for its scene or its frame "
            f"{found.frame}; apply the modifiers, then save the file again"
        )
    followers = [thing.name for thing in parts_of(root) if follows_camera(thing)]
    if followers:
        notes.append(
            f"{in_words(followers, 'and')} changes with the scene's camera, so each angle shows it differently; "
            "apply the modifier, then save the file again"
        )
    return notes


def _gather(objects: list[Object], label: str, before: set[int], *, in_place: bool = False) -> Object:
    """Put the objects below a new root in the product's collection, and mark all that came with them.

    ``in_place``: beside the root, where they are, so that all that they refer to goes on meaning the same.
    """
    root = bpy.data.objects.new(names.PRODUCT_ROOT, None)
    root.empty_display_size = 0.1
    root[names.ORIGINAL_MATRIX] = [float(value) for row in Matrix() for value in row]
    root[names.LABEL] = label
    home = collection(names.PRODUCT)
    home.objects.link(root)
    if in_place:
        root[names.IN_PLACE] = True
    for thing in objects:
        if thing.name not in home.objects:
            home.objects.link(thing)
        if thing.parent is None and not in_place:
            thing.parent = root  # the parent inverse stays identity: the root's transform is all that is added
            thing.matrix_parent_inverse = Matrix()
        show_modifiers_as_rendered(thing)
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


def _size_text(product: Product) -> str:
    return sides(product.size)
