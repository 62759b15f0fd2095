# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The extension's collections, and removing what it has placed without leaving data behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import bpy
from bpy.types import ID, Camera, Collection, Image, Object, Scene, ViewLayer

from ...pipeline import names


def collection(name: str) -> Collection:
    """The named collection below the extension's root, in the current scene; made where it is missing."""
    root = _child(bpy.context.scene.collection, names.ROOT)
    return root if name == names.ROOT else _child(root, name)


def _child(parent: Collection, name: str) -> Collection:
    found = bpy.data.collections.get(name)
    if found is None:
        found = bpy.data.collections.new(name)
    if found.name not in parent.children:
        parent.children.link(found)
    return found


def own_collections() -> list[Collection]:
    """The extension's root, and all collections below it; none where there is no root."""
    root = bpy.data.collections.get(names.ROOT)
    return [] if root is None else [root, *root.children_recursive]


def existing_objects(name: str) -> list[Object]:
    """The objects of the named collection; none where it is missing."""
    found = bpy.data.collections.get(name)
    return [] if found is None else list(found.all_objects)


def rendered_objects(layer: ViewLayer) -> set[Object]:
    """What the layer's renders show: neither the object nor every collection that it is in is hidden from them.

    A collection that is hidden from renders hides those inside it; one that is excluded from the layer does not.
    """
    shown: set[Object] = set()
    pending = [layer.layer_collection]
    while pending:
        home = pending.pop()
        if home.collection.hide_render:
            continue
        if not home.exclude:
            shown.update(thing for thing in home.collection.objects if not thing.hide_render)
        pending += home.children
    return shown


def remove_objects(objects: Iterable[Object]) -> None:
    """Remove objects, and their own data where nothing else uses it."""
    for thing in list(objects):
        data = thing.data
        bpy.data.objects.remove(thing)
        if data is not None and data.users == 0:
            bpy.data.batch_remove([data])


def remove_backgrounds(camera: Camera, image: Image | None = None) -> None:
    """Take what shows ``image`` behind or before a camera away; all that it shows where none is named.

    Blender itself forgets to tell its evaluated camera: that goes on drawing the picture when it has long been freed, and
    crashes at some look through it.
    """
    shown = camera.background_images
    for each in [each for each in shown if image is None or each.image == image]:
        shown.remove(each)
    camera.update_tag()


def all_ids() -> Iterator[ID]:
    """Every datablock of the file."""
    for prop in bpy.data.bl_rna.properties:
        if prop.type == "COLLECTION":
            yield from getattr(bpy.data, prop.identifier)


def remove_unused(candidates: Iterable[ID]) -> None:
    """Remove those that nothing uses, and then those that only they used."""
    left = list(candidates)
    while unused := [item for item in left if item.users - item.use_fake_user == 0]:
        left = [item for item in left if item not in unused]
        bpy.data.batch_remove(unused)


def ids_now() -> set[int]:
    """The session's numbers of all datablocks, for ``ids_since``."""
    return {item.session_uid for item in all_ids()}


def ids_since(before: set[int]) -> list[ID]:
    """The datablocks that have been made since ``ids_now`` was asked.

    Without the render result, which is Blender's own.
    """
    return [item for item in all_ids() if item.session_uid not in before and not _is_render_result(item)]


def _is_render_result(item: ID) -> bool:
    return isinstance(item, Image) and item.type == "RENDER_RESULT"


@contextmanager
def scratch_scene() -> Iterator[Scene]:
    """A scene of its own to import into or export from: the artist's selection, frame range and active object stay.

    An override of the scene that was in force before is void afterwards: enter it anew, or yield to whoever does.
    """
    scene = bpy.data.scenes.new("Consistency Scratch")
    try:
        with shown_scene(scene, scene.view_layers[0]):
            yield scene
    finally:
        bpy.data.scenes.remove(scene)


@contextmanager
def shown_scene(scene: Scene, layer: ViewLayer) -> Iterator[None]:
    """``scene`` shown in the window: a context override is not enough for the importer, which enters edit mode for bones,
    nor for what drivers say, which Blender writes down for a scene that is shown only."""
    window = bpy.context.window or bpy.context.window_manager.windows[0]
    before, layer_before = window.scene, window.view_layer
    try:
        window.scene, window.view_layer = scene, layer
        # Scene and layer as well, where a run overrides them because the artist has left its scene: else Blender crashes.
        with bpy.context.temp_override(window=window, scene=scene, view_layer=layer):
            yield
    finally:
        window.scene, window.view_layer = before, layer_before
