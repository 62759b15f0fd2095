# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which textures of a GLB no glTF importer makes a picture of, told from its JSON: the importer itself leaves them out in
silence. glTF 2.0 specification, §3.8 (textures, images) and §3.5 (the default scene)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..names import LEFT_OUT
from .gltf_json import GltfDocument, GltfPart
from .gltf_shown import read_document, shown_nodes

FALLBACK_FREE = {  # extensions that carry a texture's picture; without a "source" beside, nothing is shown
    "KHR_texture_basisu": "KTX2",
    "EXT_texture_avif": "AVIF",
    "EXT_texture_webp": "WebP",
    "MSFT_texture_dds": "DDS",
}


class BadTexture(NamedTuple):
    """``material`` and ``texture`` by their names in the file; ``reason`` completes "texture X …"."""

    material: str
    texture: str
    reason: str


def unreadable_textures(path: Path, read: Collection[str] = ("EXT_texture_webp",)) -> list[BadTexture]:
    """Textures of materials that the default scene shows, and for which the file has no picture that can be taken.

    ``read``: the extensions for pictures that the importer knows. The GLB has been checked before.
    """
    document, _ = read_document(path)
    found = []
    for material in _shown_materials(document):
        name = material[1].get("name") or f"material {material[0]}"
        for texture in dict.fromkeys(_textures(material[1])):
            problem = _problem(document, texture, read)
            if problem is not None:
                found.append(BadTexture(name, *problem))
    return found


def _at(document: GltfDocument, key: str, index: Any) -> GltfPart | None:
    items = document.get(key)
    if not isinstance(items, list) or not isinstance(index, int) or not 0 <= index < len(items):
        return None
    return items[index] if isinstance(items[index], dict) else None


def _shown_materials(document: GltfDocument) -> Iterator[tuple[int, GltfPart]]:
    meshes = [_at(document, "meshes", node.get("mesh")) or {} for node in shown_nodes(document)]
    materials = {part["material"] for mesh in meshes for part in mesh.get("primitives", ()) if "material" in part}
    for number in sorted(materials):
        material = _at(document, "materials", number)
        if material is not None:
            yield number, material


def _textures(part: Any, key: str = "") -> Iterator[int]:
    """Indices of all textures that a material names, in extensions too: its members called "…Texture".

    Without the baked occlusion, which a path tracer has no use for.
    """
    if not isinstance(part, dict):
        return
    if key == "occlusionTexture":
        return
    if key.endswith("Texture") and isinstance(part.get("index"), int):
        yield part["index"]
    for name, inner in part.items():
        yield from _textures(inner, name)


def _problem(document: GltfDocument, index: int, read: Collection[str]) -> tuple[str, str] | None:
    """(name, reason), None where the importer makes a picture of it, which may still not be decoded."""
    texture = _at(document, "textures", index)
    if texture is None:
        return f"texture {index}", "is not in the file"
    extensions = texture.get("extensions", {})
    sources = {name: extensions[name].get("source") for name in FALLBACK_FREE if name in extensions}
    chosen = texture.get("source")
    if chosen is None:
        chosen = next((sources[name] for name in read if name in sources), None)
    known = [source for source in (chosen, *sources.values()) if source is not None]
    image = _at(document, "images", known[0]) if known else None
    name = texture.get("name") or (image or {}).get("name") or f"texture {index}"
    if chosen is None:
        kind = next((FALLBACK_FREE[extension] for extension in sources), "")
        return name, f"is kept as {kind} alone, which Blender can't read" if kind else "has no picture"
    if image is None:
        return name, "has no picture"
    if LEFT_OUT in (image.get("extras") or {}):
        return name, str(image["extras"][LEFT_OUT])
    if "bufferView" not in image and not str(image.get("uri", "")).startswith("data:"):
        return name, "has no picture"
    return None
