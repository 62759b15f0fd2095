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


def cures(kinds: Iterable[Kind]) -> str:
    """What to do about things of these kinds, each cure once."""
    return "; ".join(CURES[kind] for kind in dict.fromkeys(kinds))


def missing_parts(root: Object) -> dict[str, Kind]:
    """What the shown objects of the product lean on and doesn't lie where they look for it: sentence → its kind."""
    with as_rendered(root) as depsgraph:
        things = {part.object.original for part in shown_parts(root, depsgraph, SOLID)}
    found = {f"{thing.name!r} {reason}": kind for thing in things for kind, reason in _missing_of(thing)}
    return dict(sorted(found.items()))


def _missing_of(thing: Object) -> Iterator[tuple[Kind, str]]:
    data = thing.data
    for part in (thing, data):
        if part.is_missing and part.library is not None:
            library = bpy.path.basename(part.library.filepath)
            yield Kind.LIBRARY, f"needs {part.name!r} of the library {library}, which is missing"
    if isinstance(data, Volume) and not data.is_sequence and _is_gone(data, data.filepath):
        yield Kind.VOLUME, f"needs a volume that is missing ({bpy.path.basename(data.filepath)})"
    if isinstance(data, TextCurve) and data.font is not None and _is_gone(data.font, data.font.filepath):
        yield Kind.FONT, f"needs a font that is missing ({bpy.path.basename(data.font.filepath)})"
    caches = [part.cache_file for part in thing.constraints if part.type == "TRANSFORM_CACHE" and not part.mute]
    for modifier in thing.modifiers:
        if modifier.type == "MESH_SEQUENCE_CACHE" and modifier.show_render:
            caches.append(modifier.cache_file)
        if modifier.type == "MESH_CACHE" and modifier.show_render and _is_gone(thing, modifier.filepath):
            yield Kind.CACHE, f"needs a cache that is missing ({bpy.path.basename(modifier.filepath)})"
    for cache in caches:
        if cache is not None and not cache.is_sequence and _is_gone(cache, cache.filepath):
            yield Kind.CACHE, f"needs a cache that is missing ({bpy.path.basename(cache.filepath)})"


def _is_gone(owner: ID, path: str) -> bool:
    """Nothing lies at a path that ``owner`` reads, and nothing of it is packed."""
    if path in ("", "<builtin>") or getattr(owner, "packed_file", None) is not None:
        return False
    return not Path(bpy.path.abspath(path, library=owner.library)).is_file()
