# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking everything that this extension has placed out of a file again; files on disk stay."""

from __future__ import annotations

import bpy
from bpy.types import ID, Collection, Material, Object, Scene

from ..pipeline import names
from .rendering.render_scene import remove_render_scene
from .results import SEQUENCE
from .scene.collections import all_ids, own_collections, remove_objects, remove_unused


def remove_everything(scene: Scene) -> None:
    """Remove product, cameras, lights, backdrop, results, and the scenes they need. What the artist has put into our
    collections moves to ``scene``."""
    collections = own_collections()
    results = bpy.data.collections.get(names.RESULTS)
    planes = list(results.objects) if results is not None else []
    objects = {thing for home in collections for thing in home.objects}
    ours = [thing for thing in objects if thing in planes or _is_ours(thing)]
    left = _pictures(planes) + [material for plane in planes for material in _materials(plane)]
    left += [world for world in bpy.data.worlds if world.name == names.WORLD]
    left += [material for thing in ours if names.ROLE in thing for material in _materials(thing)]  # the ground's
    for thing in objects.difference(ours):
        _keep(thing, scene, collections)
    remove_objects(ours)
    bpy.data.batch_remove([home for home in collections if home is not None])
    sequence = bpy.data.scenes.get(SEQUENCE)
    if sequence is not None:
        bpy.data.scenes.remove(sequence)
    remove_render_scene()
    for item in left:
        item.use_fake_user = False
    remove_unused([*left, *(item for item in all_ids() if _is_ours(item))])


def _is_ours(item: ID) -> bool:
    try:
        return any(name.startswith("consistency_") for name in item.keys())  # noqa: SIM118 - an ID is no dict
    except TypeError:  # a few kinds of datablock carry no custom properties
        return False


def _materials(thing: Object) -> list[Material]:
    return [slot.material for slot in thing.material_slots if slot.material is not None]


def _keep(thing: Object, scene: Scene, collections: list[Collection]) -> None:
    if all(home in collections for home in thing.users_collection):
        scene.collection.objects.link(thing)
    if thing.parent is not None and _is_ours(thing.parent):
        place = thing.matrix_world.copy()
        thing.parent = None
        thing.matrix_world = place


def _pictures(planes: list[Object]) -> list[ID]:
    """The stills on the planes, and the clips."""
    stills = [
        node.image
        for plane in planes
        for material in _materials(plane)
        for node in material.node_tree.nodes
        if node.type == "TEX_IMAGE"
    ]
    clips = [image for image in bpy.data.images if image.source == "MOVIE" and image.name.startswith("Clip ")]
    return [image for image in (*stills, *clips) if image is not None]
