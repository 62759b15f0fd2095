# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variants of a glTF file's product: the names that it has for them, and a copy that shows one of them, whoever reads it.

KHR_materials_variants: the document names its variants, and each primitive says which material it has in which of them; where
it says nothing, it keeps its own.
"""

from __future__ import annotations

from typing import Any

from ..errors import BadInput
from .gltf_json import GltfDocument, GltfPart

VARIANTS = "KHR_materials_variants"


def variant_names(document: GltfDocument) -> list[str]:
    """In the file's order; numbered where it gives no name, or one name twice."""
    names: list[str] = []
    for number, variant in enumerate(_list(_extension(document).get("variants")), 1):
        name = str(variant.get("name") or "").strip() if isinstance(variant, dict) else ""
        name = name or f"variant {number}"
        names.append(f"{name} {number}" if name in names else name)
    return names


def choose_variant(document: GltfDocument, number: int, file: str) -> None:
    """Give each primitive of ``document`` the material that it has in the variant of that ``number``, and forget the others.

    Raises BadInput where the file called ``file`` refers to a material that it does not have.
    """
    materials = len(_list(document.get("materials")))
    for part in _primitives(document):
        material = _material(part, number)
        if material is None:
            continue
        if not isinstance(material, int) or not 0 <= material < materials:
            raise BadInput(f"{file} gives a variant a material that it does not have; export it again")
        part["material"] = material
    for part in [document, *_primitives(document)]:
        extensions = part.get("extensions")
        if isinstance(extensions, dict) and extensions.pop(VARIANTS, None) is not None and not extensions:
            del part["extensions"]
    for key in ("extensionsUsed", "extensionsRequired"):
        if VARIANTS in _list(document.get(key)):
            document[key] = [each for each in document[key] if each != VARIANTS]
            if not document[key]:
                del document[key]


def _primitives(document: GltfDocument) -> list[GltfPart]:
    meshes = [mesh for mesh in _list(document.get("meshes")) if isinstance(mesh, dict)]
    return [part for mesh in meshes for part in _list(mesh.get("primitives")) if isinstance(part, dict)]


def _material(primitive: GltfPart, number: int) -> object:
    for mapping in _list(_extension(primitive).get("mappings")):
        if isinstance(mapping, dict) and number in _list(mapping.get("variants")):
            return mapping.get("material", -1)
    return None


def _extension(part: GltfPart) -> GltfPart:
    extensions = part.get("extensions")
    found = extensions.get(VARIANTS) if isinstance(extensions, dict) else None
    return found if isinstance(found, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
