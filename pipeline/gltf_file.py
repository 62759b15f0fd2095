"""glTF files as bytes: is a GLB whole, what does it need, and how does a .gltf with its files become one GLB.

Layout: glTF 2.0 specification, §4.4 (GLB container) and §3.6 (buffers and accessors).
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from .errors import BadInput
from .gltf_textures import LEFT_OUT
from .picture_bytes import kind_of

MAX_BYTES = 1024**3  # of a model, all files together
_HEADER = struct.Struct("<4sII")
_CHUNK = struct.Struct("<I4s")
_COMPONENT_BYTES = {5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4}
_COMPONENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
_REBUILD = "export it again as GLB"


@dataclass(frozen=True)
class GlbFacts:
    meshes: int
    extensions_required: tuple[str, ...]


def check_glb(path: Path) -> GlbFacts:
    """Reads a GLB's header and JSON, not its geometry.

    Raises BadInput, in one sentence with the cure, for what is no GLB, is cut short, has no mesh, points outside its
    own data, or needs files beside it.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise BadInput(f"{path.name} is larger than {MAX_BYTES // 1024**3} GB; reduce its textures or its mesh")
    with path.open("rb") as file:
        head = file.read(_HEADER.size + _CHUNK.size)
        if len(head) < _HEADER.size + _CHUNK.size or head[:4] != b"glTF":
            raise BadInput(f"{path.name} is not a GLB file; {_REBUILD}")
        _, version, declared = _HEADER.unpack_from(head)
        length, kind = _CHUNK.unpack_from(head, _HEADER.size)
        if version != 2:
            raise BadInput(f"{path.name} is glTF version {version}, and version 2 is needed; {_REBUILD}")
        if declared > size or len(head) + length > size or kind != b"JSON":
            raise BadInput(f"{path.name} is cut short or damaged; download or export it again")
        document = _parse(file.read(length), path.name)
        binary = _CHUNK.unpack(file.read(_CHUNK.size))[0] if len(head) + length + _CHUNK.size <= size else 0
    _check_document(document, path.name)
    _check_ranges(document, binary, path.name)
    return GlbFacts(len(document["meshes"]), tuple(document.get("extensionsRequired", ())))


def pack_gltf(path: Path) -> bytes:
    """The .gltf at ``path``, its buffers and its images as the bytes of one GLB. Geometry is copied, not re-encoded.

    Raises BadInput for a file that is missing, lies outside the .gltf's folder, or is fetched from the network.
    """
    document = _parse(_read(path), path.name)
    _check_document(document, path.name, embedded=False)
    packed = bytearray()
    offsets = []
    for buffer in document.get("buffers", []):
        data = _load(buffer.get("uri"), path)
        if len(data) < buffer.get("byteLength", 0):
            raise BadInput(f"a buffer of {path.name} is shorter than declared; {_REBUILD}")
        offsets.append(_append(packed, data[: buffer["byteLength"]]))
    for view in document.get("bufferViews", []):
        view["byteOffset"] = view.get("byteOffset", 0) + offsets[view["buffer"]]
        view["buffer"] = 0
    for image in document.get("images", []):
        if "uri" in image:
            data = _picture(image, path)
            image["bufferView"] = len(document.setdefault("bufferViews", []))
            document["bufferViews"].append(
                {"buffer": 0, "byteOffset": _append(packed, data), "byteLength": len(data)},
            )
    document["buffers"] = [{"byteLength": len(packed)}]
    return _glb(document, bytes(packed))


def _glb(document: dict[str, Any], binary: bytes) -> bytes:
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    total = _HEADER.size + 2 * _CHUNK.size + len(text) + len(binary)
    head = _HEADER.pack(b"glTF", 2, total) + _CHUNK.pack(len(text), b"JSON")
    return head + text + _CHUNK.pack(len(binary), b"BIN\0") + binary


def _parse(data: bytes, name: str) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except ValueError as error:
        raise BadInput(f"the JSON of {name} can't be read; {_REBUILD}") from error
    if not isinstance(document, dict) or not isinstance(document.get("asset"), dict):
        raise BadInput(f"{name} is not a glTF document; {_REBUILD}")
    return document


def _check_document(document: dict[str, Any], name: str, embedded: bool = True) -> None:
    meshes = document.get("meshes")
    if not isinstance(meshes, list) or not any(isinstance(m, dict) and m.get("primitives") for m in meshes):
        raise BadInput(f"{name} holds no mesh; export it again with the product's meshes included")
    if str(document["asset"].get("version", "")).split(".")[0] != "2":
        raise BadInput(f"{name} is not of glTF version 2; {_REBUILD}")
    parts = [part for key in ("buffers", "images") for part in document.get(key, ())]
    if embedded and any(not str(part.get("uri", "data:")).startswith("data:") for part in parts):
        raise BadInput(f"{name} needs files beside it; {_REBUILD} with textures embedded")


def _check_ranges(document: dict[str, Any], binary: int, name: str) -> None:
    damaged = BadInput(f"{name} points outside its own data, so it is cut short or damaged; {_REBUILD}")
    try:
        sizes = [buffer["byteLength"] for buffer in document.get("buffers", [])]
        views = document.get("bufferViews", [])
        if sizes and document["buffers"][0].keys().isdisjoint({"uri", "extensions"}) and sizes[0] > binary:
            raise damaged
        if any(view.get("byteOffset", 0) + view["byteLength"] > sizes[view["buffer"]] for view in views):
            raise damaged
        accessors = [accessor for accessor in document.get("accessors", []) if "bufferView" in accessor]
        if any(_accessor_end(accessor, views) > views[accessor["bufferView"]]["byteLength"] for accessor in accessors):
            raise damaged
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise damaged from error


def _accessor_end(accessor: dict[str, Any], views: list[dict[str, Any]]) -> int:
    element = _COMPONENT_BYTES[accessor["componentType"]] * _COMPONENTS[accessor["type"]]
    stride = views[accessor["bufferView"]].get("byteStride", element)
    return accessor.get("byteOffset", 0) + stride * (accessor["count"] - 1) + element


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadInput(f"{path.name} is larger than {MAX_BYTES // 1024**3} GB; reduce its textures or its mesh")
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
    folder = gltf.parent.resolve()
    target = (folder / unquote(uri)).resolve()
    # A model from the network must not be able to read, say, a key file and upload it as a texture.
    if "://" in uri or not target.is_relative_to(folder):
        raise BadInput(f"{gltf.name} refers to {uri}, outside its own folder; {_REBUILD}, which holds everything")
    if not needed and not target.is_file():
        raise FileNotFoundError(target)
    return _read(target)


def _picture(image: dict[str, Any], gltf: Path) -> bytes:
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
