# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of things that a product's file can lean on and a run can't have, each with its own cure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path

import bpy
from bpy.types import ID, Object, TextCurve, Volume

from ..scene.geometry import SOLID, as_rendered, shown_parts

GO_ON = "or go on without (--allow-missing-textures; in Blender, Allow Missing Textures)"


class Kind(StrEnum):
    TEXTURE = "texture"
    LIBRARY = "library"
    FONT = "font"
    VOLUME = "volume"  # OpenVDB
    CACHE = "cache"  # Alembic, USD, or a Mesh Cache modifier's


CURES = {
    Kind.TEXTURE: "export the product with its textures as PNG or JPEG inside the file (of a .blend: File > External Data > "
    "Pack Resources)",
    Kind.LIBRARY: "put the library into the folder of the .blend and link it from there, or make its parts local (Object > "
    "Relations > Make Local)",
    Kind.FONT: "put the font into the folder of the .blend and choose it again, or pack it (File > External Data > Pack "
    "Resources)",
    Kind.VOLUME: "put the volume's file into the folder of the .blend and choose it again, or pack it (File > External Data "
    "> Pack Resources)",
    Kind.CACHE: "put the cache into the folder of the .blend and choose it again, or keep the shape as a mesh (Object > "
    "Convert > Mesh)",
}


NEEDS = {  # how the reason begins why something can't be shown
    Kind.FONT: "needs a font that",
    Kind.VOLUME: "needs a volume that",
    Kind.CACHE: "needs a cache that",
}


def cures(kinds: Iterable[Kind]) -> str:
    """What to do about things of these kinds, each cure once."""
    return "; ".join(CURES[kind] for kind in dict.fromkeys(kinds))


def missing_parts(root: Object) -> dict[str, Kind]:
    """What the shown objects of the product lean on and doesn't lie where they look for it: sentence → its kind."""
    with as_rendered(root) as depsgraph:
        things = {part.object.original for part in shown_parts(root, depsgraph, SOLID)}
    found = {f"{thing.name!r} {reason}": kind for thing in things for kind, reason in _missing_of(thing)}
    return dict(sorted(found.items()))


def of_missing_library(part: ID) -> str:
    """Why a part that comes from another .blend, which isn't there, can't be shown."""
    library = bpy.path.basename(part.library.filepath)
    return f"needs {part.name!r} of the library {library}, which is missing"


def _missing_of(thing: Object) -> Iterator[tuple[Kind, str]]:
    for part in (thing, thing.data):
        if part.is_missing and part.library is not None:
            yield Kind.LIBRARY, of_missing_library(part)
    for kind, owner, path in _files_of(thing):
        if _is_gone(owner, path):
            yield kind, f"{NEEDS[kind]} is missing ({bpy.path.basename(path)})"


def _files_of(thing: Object) -> Iterator[tuple[Kind, ID, str]]:
    """Each single file that an object leans on: its kind, what reads it, and where."""
    data = thing.data
    if isinstance(data, Volume) and not data.is_sequence:
        yield Kind.VOLUME, data, data.filepath
    if isinstance(data, TextCurve) and data.font is not None:
        yield Kind.FONT, data.font, data.font.filepath
    caches = [part.cache_file for part in thing.constraints if part.type == "TRANSFORM_CACHE" and not part.mute]
    for modifier in thing.modifiers:
        if modifier.type == "MESH_SEQUENCE_CACHE" and modifier.show_render:
            caches.append(modifier.cache_file)
        if modifier.type == "MESH_CACHE" and modifier.show_render:
            yield Kind.CACHE, thing, modifier.filepath
    for cache in caches:
        if cache is not None and not cache.is_sequence:
            yield Kind.CACHE, cache, cache.filepath


def _is_gone(owner: ID, path: str) -> bool:
    """Nothing lies at a path that ``owner`` reads, and nothing of it is packed."""
    if path in ("", "<builtin>") or getattr(owner, "packed_file", None) is not None:
        return False
    return not Path(bpy.path.abspath(path, library=owner.library)).is_file()
