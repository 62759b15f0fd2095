# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variants in a .blend: materials that wait in spare slots. A mesh whose faces all have one slot may show any other instead."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path

import bpy
import numpy as np
from bpy.types import ID, Material, Object

from ...pipeline.model import variant_in
from ..scene.collections import ids_now, ids_since
from .model_files import append_scenes


def variants_in_blend(path: Path) -> list[str]:
    """The names of the materials that a product in the .blend at ``path`` may have, in the order of the slots. Raises BadInput."""
    before = ids_now()
    try:
        append_scenes(path)
        return _names(ids_since(before), _materials_in(path))
    finally:
        bpy.data.batch_remove(ids_since(before))


def show_variant(brought: Iterable[ID], path: Path, wanted: str) -> None:
    """Have each of the objects ``brought`` from the .blend at ``path`` show the material ``wanted`` that is in one of its
    slots; one that has no such material keeps its own. Raises UsageError where none has it."""
    brought, there = list(brought), _materials_in(path)
    names = _names(brought, there)
    name = names[variant_in(names, wanted, path.name)]
    for thing, shown in _choosable(brought):
        for slot in thing.material_slots:
            if slot.material is not None and _name(slot.material, there) == name:
                shown_slot = thing.material_slots[shown]
                material = slot.material
                shown_slot.link = "OBJECT"  # others may share its mesh
                shown_slot.material = material
                break


def _names(brought: Iterable[ID], there: Collection[str]) -> list[str]:
    found: dict[str, None] = {}
    for thing, _ in _choosable(brought):
        found.update((_name(slot.material, there), None) for slot in thing.material_slots if slot.material is not None)
    return list(found)


def _choosable(brought: Iterable[ID]) -> list[tuple[Object, int]]:
    """Objects with a choice, and the slot that their faces have."""
    found = []
    for thing in brought:
        if not isinstance(thing, Object) or thing.type != "MESH" or thing.library is not None:
            continue
        if sum(slot.material is not None for slot in thing.material_slots) < 2 or not thing.data.polygons:
            continue
        slots = np.empty(len(thing.data.polygons), np.int32)
        thing.data.polygons.foreach_get("material_index", slots)
        slots = np.clip(slots, 0, len(thing.material_slots) - 1)  # as renders take them
        if (slots == slots[0]).all():
            found.append((thing, int(slots[0])))
    return found


def _materials_in(path: Path) -> set[str]:
    with bpy.data.libraries.load(str(path), link=False) as (source, _):
        return set(source.materials)


def _name(material: Material, there: Collection[str]) -> str:
    """As the file calls it: beside one of that name in the open file, Blender has called it NAME.001."""
    plain = re.sub(r"\.\d{3,}$", "", material.name)
    return plain if material.name not in there and plain in there else material.name
