# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a glTF document claims, held against what its file has, before an importer believes it.

An importer sets memory aside by what it is told: a file of 400 bytes may claim 200 million vertices. Rules of the glTF 2.0
specification: §3.5 (nodes are a forest), §3.6 (buffers, views, accessors, sparse), §3.8 (images); KHR_draco_mesh_compression
and EXT_meshopt_compression for data that unpacks to more than its bytes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import BadInput
from .gltf_json import GltfDocument, GltfPart
from .picture_size import picture_size

COMPONENT_BYTES = {5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4}
COMPONENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
MOST_NUMBERS = 200_000_000  # of all accessors together, and of all primitives together: they may share accessors
MOST_PARTS = 100_000  # nodes, and each other list of the document; primitives and morph targets of all meshes together
DEEPEST_JSON = 64  # brackets within brackets
DEEPEST_NODES = 400  # children of children; the importer's recursion has an end
MOST_RATIO = 4096  # numbers that a byte of compressed data may stand for
LARGEST_SIDE = 16384  # pixels; Blender's own limit for textures on most GPUs
MOST_PIXELS = 1 << 30  # of all images together
STRIDES = (4, 252)  # bytes
_DRACO = "KHR_draco_mesh_compression"
_MESHOPT = ("EXT_meshopt_compression", "KHR_meshopt_compression")

Read = Callable[[int, int], bytes]  # (offset, length) in the file's own buffer


class _Wrong(Exception):
    """What is wrong, as it follows the file's name."""


def check_bounds(document: GltfDocument, binary: int, read: Read, name: str) -> int:
    """The bytes that the model unpacks to. ``binary``: the length of the file's own buffer, of which ``read`` reads.

    Raises BadInput, one sentence with the file's ``name`` and the cure, for claims that can't hold or that no product needs.
    """
    try:
        _check_depth(document)
        for key, items in document.items():
            if isinstance(items, list) and len(items) > MOST_PARTS:
                raise _Wrong(
                    f"has {len(items):,} {key}, and {MOST_PARTS:,} can be read; join parts, or export less of it"
                )
        sizes = _buffer_sizes(document, binary)
        views = [_view_size(view, sizes) for view in document.get("bufferViews", [])]
        numbers = _numbers(document, views)
        drawn = _drawn(document, numbers)
        _check_nodes(document)
        pixels = _pixels(document, read)
    except _Wrong as wrong:
        raise BadInput(f"{name} {wrong}") from wrong
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise BadInput(f"{name} {_OUTSIDE}") from error
    return (sum(numbers) + drawn) * 4 + pixels * 4


_OUTSIDE = "points outside its own data, so it is cut short or damaged; export it again as GLB"


def _check_depth(document: GltfDocument) -> None:
    level: list[Any] = [document]
    for _ in range(DEEPEST_JSON):
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise _Wrong("nests its description deeper than any model does; export it again as GLB")


def _count(value: Any) -> int:
    """A whole number from 0. A bool is none, and neither is 3.0."""
    if type(value) is not int or value < 0:
        raise _Wrong(_OUTSIDE)
    return value


def _at(items: Any, index: Any) -> Any:
    """``items[index]``; a negative index counts from nowhere."""
    return items[_count(index)]


def _buffer_sizes(document: GltfDocument, binary: int) -> list[int]:
    sizes = []
    for number, buffer in enumerate(document.get("buffers", [])):
        size = _count(buffer["byteLength"])
        if "uri" in buffer:
            there = len(buffer["uri"].partition(",")[2]) * 3 // 4
        elif number == 0:
            there = binary
        else:  # stands for what compressed views unpack to
            there = 0
        if size > there and not _is_fallback(buffer):
            raise _Wrong(_OUTSIDE)
        sizes.append(size)
    return sizes


def _is_fallback(buffer: GltfPart) -> bool:
    return any(name in buffer.get("extensions", {}) for name in _MESHOPT)


def _view_size(view: GltfPart, sizes: list[int]) -> int:
    """Bytes of a buffer view, checked to lie inside its buffer."""
    size = _count(view["byteLength"])
    for name in _MESHOPT:
        packed = view.get("extensions", {}).get(name)
        if packed is not None:
            _check_inside(packed, sizes)
            if (
                _count(packed["count"]) * _count(packed["byteStride"]) > size
                or size > packed["byteLength"] * MOST_RATIO
            ):
                raise _Wrong(
                    "claims to unpack to more than its compressed data can hold; export it again without compression"
                )
    _check_inside(view, sizes)
    stride = view.get("byteStride")
    if stride is not None and not STRIDES[0] <= _count(stride) <= STRIDES[1]:
        raise _Wrong(
            f"has vertices {stride} bytes apart, and glTF allows {STRIDES[0]} to {STRIDES[1]}; export it again as GLB"
        )
    return size


def _check_inside(view: GltfPart, sizes: list[int]) -> None:
    if _count(view.get("byteOffset", 0)) + _count(view["byteLength"]) > _at(sizes, view["buffer"]):
        raise _Wrong(_OUTSIDE)


def _numbers(document: GltfDocument, views: list[int]) -> list[int]:
    """How many numbers each accessor holds, checked against the bytes there are for them."""
    accessors = document.get("accessors", [])
    packed = _compressed(document, views)
    with_data = [_count(accessor["count"]) for accessor in accessors if "bufferView" in accessor]
    numbers = []
    for index, accessor in enumerate(accessors):
        count, width = _count(accessor["count"]), COMPONENTS[accessor["type"]]
        element = COMPONENT_BYTES[accessor["componentType"]] * width
        if "bufferView" in accessor:
            stride = document["bufferViews"][_count(accessor["bufferView"])].get("byteStride", element)
            _check_fits(accessor, count, element, stride, views)
        elif index in packed:
            if count > packed[index] * MOST_RATIO:
                raise _Wrong(
                    "claims to unpack to more than its compressed data can hold; export it again without compression"
                )
        elif count > max(with_data, default=0):
            # Without data of its own it is zeros, as many as it says: right for a morph or weight beside real vertices.
            raise _Wrong(f"claims {count:,} values for which it holds no data; export it again as GLB")
        if (sparse := accessor.get("sparse")) is not None:
            changed = _count(sparse["count"])
            if changed > count:
                raise _Wrong(_OUTSIDE)
            size = {5121: 1, 5123: 2, 5125: 4}[sparse["indices"]["componentType"]]
            _check_fits(sparse["indices"], changed, size, size, views)
            _check_fits(sparse["values"], changed, element, element, views)
        numbers.append(count * width)
    if sum(numbers) > MOST_NUMBERS:
        raise _Wrong(f"unpacks to {sum(numbers):,} numbers, more than any product has; reduce its meshes")
    return numbers


def _check_fits(part: GltfPart, count: int, element: int, stride: int, views: list[int]) -> None:
    end = _count(part.get("byteOffset", 0)) + (stride * (count - 1) + element if count else 0)
    if end > _at(views, part["bufferView"]):
        raise _Wrong(_OUTSIDE)


def _primitives(document: GltfDocument) -> Iterator[GltfPart]:
    for mesh in document["meshes"]:
        yield from mesh.get("primitives", ())


def _compressed(document: GltfDocument, views: list[int]) -> dict[int, int]:
    """The compressed bytes behind each accessor that Draco fills."""
    found: dict[int, int] = {}
    for primitive in _primitives(document):
        packed = primitive.get("extensions", {}).get(_DRACO)
        if packed is not None:
            size = _at(views, packed["bufferView"])
            found |= dict.fromkeys(_accessors(primitive), size)
    return found


def _accessors(primitive: GltfPart) -> list[int]:
    sets = [primitive.get("attributes", {}), *primitive.get("targets", ())]
    own = [primitive["indices"]] if "indices" in primitive else []
    return own + [index for attributes in sets for index in attributes.values()]


def _drawn(document: GltfDocument, numbers: list[int]) -> int:
    """The numbers of all primitives. Each makes its own copy of what it shares with another."""
    drawn = parts = 0
    for primitive in _primitives(document):
        used = _accessors(primitive)
        drawn += sum(_at(numbers, index) for index in used)
        parts += 1 + len(used)
        if drawn > MOST_NUMBERS or parts > 10 * MOST_PARTS:
            raise _Wrong("unpacks to more than any product has; reduce its meshes")
    return drawn


def _check_nodes(document: GltfDocument) -> None:
    """Each node has one parent at most, and none is below itself."""
    nodes = document.get("nodes", [])
    children = [[_count(child) for child in node.get("children", ())] for node in nodes]
    has_parent = [False] * len(nodes)
    for below in children:
        for child in below:
            if has_parent[child]:
                raise _Wrong("lists a node below two others, or twice; export it again as GLB")
            has_parent[child] = True
    for node in nodes:
        if "mesh" in node:
            _at(document["meshes"], node["mesh"])
    for scene in document.get("scenes", ()):
        roots = scene.get("nodes", ())
        if len(set(roots)) < len(roots):
            raise _Wrong("lists a node twice in one scene; export it again as GLB")
        for root in roots:
            _at(nodes, root)
    level, seen = [index for index, below in enumerate(has_parent) if not below], 0
    for _ in range(DEEPEST_NODES):
        seen += len(level)
        level = [child for index in level for child in children[index]]
        if not level:
            break
    else:
        raise _Wrong(f"has nodes more than {DEEPEST_NODES} deep; flatten its hierarchy and export it again")
    if seen < len(nodes):
        raise _Wrong("has a node that is below itself; export it again as GLB")


def _pixels(document: GltfDocument, read: Read) -> int:
    """Pixels of all embedded images, by their headers; what is no picture known here is somebody else's to refuse."""
    total = 0
    for image in document.get("images", []):
        if "bufferView" in image:
            view = _at(document["bufferViews"], image["bufferView"])
            data = read(view.get("byteOffset", 0), view["byteLength"]) if view["buffer"] == 0 else b""
        else:
            data = _data_of(str(image.get("uri", "")))
        width, height = picture_size(data) or (0, 0)
        if max(width, height) > LARGEST_SIDE:
            raise _Wrong(
                f"has a texture of {width} × {height} pixels, and {LARGEST_SIDE} a side is the most; reduce it"
            )
        total += width * height
    if total > MOST_PIXELS:
        raise _Wrong(
            f"has textures of {total >> 20:,} megapixels together, and {MOST_PIXELS >> 20:,} is the most; reduce them"
        )
    return total


def _data_of(uri: str) -> bytes:
    try:
        return base64.b64decode(uri.partition(",")[2]) if uri.startswith("data:") else b""
    except binascii.Error as error:
        raise _Wrong("has an embedded file that is damaged; export it again as GLB") from error
