# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""glTF files as bytes: is a GLB whole, what does it need, and how does a .gltf with its files become one GLB.

Layout: glTF 2.0 specification, §4.4 (GLB container) and §3.6 (buffers and accessors).
"""

from __future__ import annotations

import base64
import binascii
import json
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from ..errors import BadInput
from ..names import LEFT_OUT
from .gltf_bounds import check_bounds
from .gltf_json import GltfDocument, GltfPart
from .gltf_variants import choose_variant, variant_names
from .input_file import check_regular
from .picture_bytes import kind_of

MAX_BYTES = 1024**3  # of a model, all files together
MAX_JSON = 32 << 20  # bytes of a model's description; the geometry lies outside of it
_HEADER = struct.Struct("<4sII")
_CHUNK = struct.Struct("<I4s")
_REBUILD = "export it again as GLB"


@dataclass(frozen=True)
class GlbFacts:
    meshes: int
    extensions_required: tuple[str, ...]
    length: int  # bytes; more may follow in the file, and are nothing's
    unpacked: int  # bytes of geometry and textures in memory, by its own counts
    is_compressed: bool  # so that ``unpacked`` is a claim, not a fact


def check_glb(path: Path) -> GlbFacts:
    """Reads a GLB's header, its JSON, and the headers of its images, not its geometry.

    Raises BadInput, in one sentence with the cure, for what is no GLB, is cut short, has no mesh, claims what its own
    data can't hold, or needs files beside it.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _check_glb(data, path.name)
    except (OSError, ValueError) as error:  # an empty file can't be mapped
        raise BadInput(f"{path.name} is not a GLB file that can be read; {_REBUILD}") from error


def _check_glb(data: bytes | mmap.mmap, name: str) -> GlbFacts:
    size, start = len(data), _HEADER.size + _CHUNK.size
    _check_size(size, name)
    if size < start or data[:4] != b"glTF":
        raise BadInput(f"{name} is not a GLB file; {_REBUILD}")
    _, version, declared = _HEADER.unpack_from(data)
    length, kind = _CHUNK.unpack_from(data, _HEADER.size)
    if version != 2:
        raise BadInput(f"{name} is glTF version {version}, and version 2 is needed; {_REBUILD}")
    if declared > size or start + length > declared or kind != b"JSON":
        raise BadInput(f"{name} is cut short or damaged; download or export it again")
    document = _parse(data[start : start + length], name)
    own = start + length + _CHUNK.size
    binary = min(_CHUNK.unpack_from(data, own - _CHUNK.size)[0], declared - own) if own <= declared else 0
    _check_document(document, name)
    unpacked = check_bounds(document, binary, lambda at, count: data[own + at : own + at + count], name)
    used = {str(item) for key in ("extensionsUsed", "extensionsRequired") for item in document.get(key, ())}
    required = tuple(str(item) for item in document.get("extensionsRequired", ()))
    return GlbFacts(len(document["meshes"]), required, declared, unpacked, any("compression" in item for item in used))


def _check_size(size: int, name: str) -> None:
    if size > MAX_BYTES:
        raise BadInput(f"{name} is larger than {MAX_BYTES // 1024**3} GB; reduce its textures or its mesh")


def pack_gltf(path: Path) -> bytes:
    """The .gltf at ``path``, its buffers and its images as the bytes of one GLB. Geometry is copied, not re-encoded.

    Raises BadInput for a file that is missing, lies outside the .gltf's folder, or is fetched from the network.
    """
    document = _parse(_read(path), path.name)
    _check_document(document, path.name, embedded=False)
    try:
        packed = _pack(document, path)
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise BadInput(f"{path.name} points outside its own data, so it is cut short or damaged; {_REBUILD}") from error
    check_bounds(document, len(packed), lambda at, count: bytes(packed[at : at + count]), path.name)
    return _glb(document, bytes(packed))


def glb_variants(data: bytes, name: str) -> list[str]:
    """The names of the variants in the bytes of a GLB that has been checked."""
    return variant_names(_json_of(data, name)[0])


def with_variant(data: bytes, number: int, name: str) -> bytes:
    """The bytes of a GLB that has been checked, showing the variant of that ``number`` and no other. Raises BadInput."""
    document, rest = _json_of(data, name)
    choose_variant(document, number, name)
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    total = _HEADER.size + _CHUNK.size + len(text) + len(rest)
    return _HEADER.pack(b"glTF", 2, total) + _CHUNK.pack(len(text), b"JSON") + text + rest


def _json_of(data: bytes, name: str) -> tuple[GltfDocument, bytes]:
    """The JSON of a GLB, and the bytes of what follows it."""
    start = _HEADER.size + _CHUNK.size
    end = start + _CHUNK.unpack_from(data, _HEADER.size)[0]
    return _parse(data[start:end], name), data[end:]


def _pack(document: GltfDocument, path: Path) -> bytearray:
    """The bytes of all buffers and images; the document's views then point into them."""
    packed = bytearray()
    offsets = []
    for buffer in document.get("buffers", []):
        data = _load(buffer.get("uri"), path)
        if len(data) < buffer.get("byteLength", 0):
            raise BadInput(f"a buffer of {path.name} is shorter than declared; {_REBUILD}")
        offsets.append((_append(packed, data[: buffer["byteLength"]]), buffer["byteLength"]))
    for view in document.get("bufferViews", []):
        offset, size = offsets[view["buffer"]]
        if not 0 <= view.get("byteOffset", 0) <= size - view["byteLength"] <= size:
            raise ValueError(view)
        view["byteOffset"] = view.get("byteOffset", 0) + offset
        view["buffer"] = 0
    for image in document.get("images", []):
        if "uri" in image:
            data = _picture(image, path)
            image["bufferView"] = len(document.setdefault("bufferViews", []))
            document["bufferViews"].append(
                {"buffer": 0, "byteOffset": _append(packed, data), "byteLength": len(data)},
            )
    document["buffers"] = [{"byteLength": len(packed)}]
    return packed


def _glb(document: GltfDocument, binary: bytes) -> bytes:
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    total = _HEADER.size + 2 * _CHUNK.size + len(text) + len(binary)
    head = _HEADER.pack(b"glTF", 2, total) + _CHUNK.pack(len(text), b"JSON")
    return head + text + _CHUNK.pack(len(binary), b"BIN\0") + binary


def _parse(data: bytes, name: str) -> GltfDocument:
    if len(data) > MAX_JSON and b"base64," not in data:
        raise BadInput(f"{name} describes itself in {len(data) >> 20} MiB of JSON; {_REBUILD}, or join its parts")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the JSON of {name} can't be read; {_REBUILD}") from error
    if not isinstance(document, dict) or not isinstance(document.get("asset"), dict):
        raise BadInput(f"{name} is not a glTF document; {_REBUILD}")
    return document


def _check_document(document: GltfDocument, name: str, embedded: bool = True) -> None:
    meshes = document.get("meshes")
    if not isinstance(meshes, list) or not any(isinstance(m, dict) and m.get("primitives") for m in meshes):
        raise BadInput(f"{name} holds no mesh; export it again with the product's meshes included")
    if str(document["asset"].get("version", "")).split(".")[0] != "2":
        raise BadInput(f"{name} is not of glTF version 2; {_REBUILD}")
    lists = [document.get(key, []) for key in ("buffers", "images", "bufferViews", "accessors", "nodes", "scenes")]
    if not all(isinstance(part, dict) for items in lists for part in (items if isinstance(items, list) else "?")):
        raise BadInput(f"{name} points outside its own data, so it is cut short or damaged; {_REBUILD}")
    parts = [*lists[0], *lists[1]]
    if embedded and any(not str(part.get("uri", "data:")).startswith("data:") for part in parts):
        raise BadInput(f"{name} needs files beside it; {_REBUILD} with textures embedded")


def _read(path: Path) -> bytes:
    try:
        _check_size(check_regular(path).st_size, path.name)
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path.name} is missing or can't be read; keep it in the model's folder") from error


def _load(uri: str | None, gltf: Path, needed: bool = True) -> bytes:
    """Raises BadInput; FileNotFoundError for a missing file that is not ``needed``."""
    if uri is None:
        raise BadInput(f"{gltf.name} keeps its geometry compressed; export it again without compression")
    if uri.startswith("data:"):
        try:
            return base64.b64decode(uri.partition(",")[2], validate=True)
        except binascii.Error as error:
            raise BadInput(f"an embedded file of {gltf.name} is damaged; {_REBUILD}") from error
    try:
        folder = gltf.parent.resolve()
        target = (folder / unquote(uri)).resolve()
    except (OSError, RuntimeError) as error:  # a link to itself
        raise BadInput(f"{gltf.name} refers to {uri[:80]}, which can't be read; {_REBUILD}") from error
    # A model from the network must not be able to read, say, a key file and upload it as a texture.
    if "://" in uri or not target.is_relative_to(folder):
        raise BadInput(f"{gltf.name} refers to {uri[:80]}, outside its own folder; {_REBUILD}, which holds everything")
    if not needed and not target.is_file():
        raise FileNotFoundError(target)
    return _read(target)


def _picture(image: GltfPart, gltf: Path) -> bytes:
    """The bytes of an image with a file; where that is missing or no picture, a note in their place and in its extras.

    Only what is shown needs its picture: who reads the GLB looks at that.
    """
    uri = image.pop("uri")
    name = unquote(uri).rpartition("/")[2] if not uri.startswith("data:") else "an embedded file"
    kinds = {"PNG": "image/png", "JPEG": "image/jpeg", "WebP": "image/webp", "AVIF": "image/avif", "KTX2": "image/ktx2"}
    try:
        data = _load(uri, gltf, needed=False)
        reason = "" if kind_of(data) in kinds else f"is neither PNG, JPEG nor WebP ({name})"
    except FileNotFoundError:
        data, reason = b"", f"is missing ({name})"
    if reason:
        image["extras"] = {**(image.get("extras") or {}), LEFT_OUT: reason}
        image.setdefault("name", name)
        image["mimeType"] = "image/png"
        return b"left out"
    image["mimeType"] = kinds[kind_of(data)]
    return data


def _append(packed: bytearray, data: bytes) -> int:
    """Where the data begins; multiples of 4, as the specification wants for any accessor."""
    offset = len(packed)
    packed += data + b"\0" * (-len(data) % 4)
    if len(packed) > MAX_BYTES:
        raise BadInput(f"the model is larger than {MAX_BYTES // 1024**3} GB; reduce its textures or its mesh")
    return offset
