# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a glTF claims is held against its own bytes, so that no importer sets memory aside for a lie."""

from __future__ import annotations

import base64
import json
import struct

import pytest

from consistency_pipeline.fal_backend.errors import BadDownload
from consistency_pipeline.fal_backend.service import verify
from consistency_pipeline.pipeline.errors import BadInput
from consistency_pipeline.pipeline.formats.gltf_file import check_glb, pack_gltf
from tests.fake_fal import media

from .test_model_files import TRIANGLE, document, glb

VIEW = {"buffer": 0, "byteLength": len(TRIANGLE)}
POSITION = {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}
INDICES = {"bufferView": 0, "componentType": 5125}
VALUES = {"bufferView": 0}
DRACO = {"extensions": {"KHR_draco_mesh_compression": {"bufferView": 0, "attributes": {"POSITION": 0}}}}
MESHOPT = "EXT_meshopt_compression"


def positions(**changes):
    return document(accessors=[{**POSITION, **changes}])


def zeros(count):
    return {"componentType": 5126, "count": count, "type": "VEC3"}


def sparse(count=1, indices=INDICES, values=VALUES):
    return positions(sparse={"count": count, "indices": indices, "values": values})


def chain(length):
    return document(nodes=[{"children": [index + 1]} for index in range(length - 1)] + [{"mesh": 0}])


def deep(levels):
    found: list = []
    for _ in range(levels):
        found = [found]
    return document(extras=found)


def png_header(width, height):
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + bytes(8)


def ktx2_header(width, height):
    return b"\xabKTX 20\xbb\r\n\x1a\n" + struct.pack("<IIII", 0, 1, width, height) + bytes(4)


def jpeg_header(width, height):
    return b"\xff\xd8\xff\xe1\x10\x00" + bytes(4094) + b"\xff\xc2\x00\x11\x08" + struct.pack(">HH", height, width)


def webp_header(width, height):
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + bytes(4) + b"WEBPVP8X" + struct.pack("<II", 10, 0) + sides


def textured(*pictures):
    uris = [{"uri": "data:;base64," + base64.b64encode(data).decode()} for data in pictures]
    return document(images=uris)


BOMBS = {
    "199 million vertices without data": document(accessors=[zeros(199_000_000)]),
    "zeros beside a triangle": document(accessors=[POSITION, zeros(4)]),
    "a negative count": positions(count=-5),
    "a count of 2^31": positions(count=2**31),
    "a count that is no whole number": positions(count=2.5),
    "a count that is true": positions(count=True),
    "a negative offset": positions(byteOffset=-36),
    "a negative view": positions(bufferView=-1),
    "a negative buffer": document(bufferViews=[{**VIEW, "buffer": -1}]),
    "a view before its buffer": document(bufferViews=[{**VIEW, "byteOffset": -4}]),
    "a stride of zero": document(bufferViews=[{**VIEW, "byteStride": 0}]),
    "a stride of 2^31": document(bufferViews=[{**VIEW, "byteStride": 2**31}]),
    "a stride below zero": document(bufferViews=[{**VIEW, "byteStride": -12}]),
    "a sparse count past its accessor": sparse(4),
    "a sparse count below zero": sparse(-1),
    "sparse indices past their view": sparse(3, {**INDICES, "byteOffset": 32}),
    "sparse values past their view": sparse(3, values={"bufferView": 0, "byteOffset": 8}),
    "sparse zeros": document(
        accessors=[{**zeros(10**9), "sparse": {"count": 1, "indices": INDICES, "values": VALUES}}]
    ),
    "many accessors on one view": document(
        buffers=[{"byteLength": 4_000_000}],
        bufferViews=[{"buffer": 0, "byteLength": 4_000_000}],
        accessors=[{**POSITION, "componentType": 5121, "count": 1_000_000}] * 90,
    ),
    "many primitives of one accessor": document(
        buffers=[{"byteLength": 4_000_000}],
        bufferViews=[{"buffer": 0, "byteLength": 4_000_000}],
        accessors=[{**POSITION, "componentType": 5121, "count": 1_000_000}],
        meshes=[{"primitives": [{"attributes": {"POSITION": 0}}] * 90}],
    ),
    "Draco of 36 bytes": document(
        accessors=[zeros(10**7)], meshes=[{"primitives": [{"attributes": {"POSITION": 0}, **DRACO}]}]
    ),
    "meshopt of 36 bytes": document(
        buffers=[{"byteLength": 36}, {"byteLength": 10**9, "extensions": {MESHOPT: {"fallback": True}}}],
        bufferViews=[
            {
                "buffer": 1,
                "byteLength": 10**9,
                "extensions": {MESHOPT: {"buffer": 0, "byteLength": 36, "byteStride": 4, "count": 250_000_000}},
            }
        ],
    ),
    "a second buffer that is nowhere": document(buffers=[{"byteLength": 36}, {"byteLength": 10**9}]),
    "a node below itself": document(nodes=[{"children": [1]}, {"children": [0]}, {"mesh": 0}]),
    "a node of its own": document(nodes=[{"children": [0]}]),
    "a node with two parents": document(nodes=[{"children": [2]}, {"children": [2]}, {"mesh": 0}]),
    "a child twice": document(nodes=[{"children": [1, 1]}, {"mesh": 0}]),
    "a child that is nowhere": document(nodes=[{"children": [7]}]),
    "a child counted from the end": document(nodes=[{"children": [-1]}, {"mesh": 0}]),
    "a scene that lists a node twice": document(nodes=[{"mesh": 0}], scenes=[{"nodes": [0, 0]}]),
    "a mesh that is nowhere": document(nodes=[{"mesh": 3}]),
    "an accessor that is nowhere": document(meshes=[{"primitives": [{"attributes": {"POSITION": 9}}]}]),
    "nodes 5000 deep": chain(5000),
    "too many nodes": document(nodes=[{}] * 100_001),
    "brackets 500 deep": deep(500),
    "lists of the wrong kind": document(nodes=[3, "x"]),
    "nodes that are a number": document(nodes=4),
    "a huge PNG": textured(png_header(60_000, 10)),
    "a huge JPEG": textured(jpeg_header(10, 65_000)),
    "a huge WebP": textured(webp_header(1 << 24, 1 << 24)),
    "a huge KTX2": textured(ktx2_header(10, 1 << 30)),
    "many large PNGs": textured(*[png_header(16384, 16384)] * 5),
}


def refused(path):
    """The sentence; the file has the same end as a download and as the user's own."""
    with pytest.raises(BadInput) as caught:
        check_glb(path)
    with pytest.raises(BadDownload):
        verify.check(path, "model/gltf-binary")
    said = str(caught.value)
    assert "\n" not in said
    assert path.name in said
    return said


@pytest.mark.parametrize("name", BOMBS)
def test_a_claim_that_cannot_hold_is_refused(tmp_path, name):
    doc = BOMBS[name]
    path = tmp_path / "kettle.glb"
    path.write_bytes(glb(doc, bytes(doc["buffers"][0]["byteLength"])))
    refused(path)


@pytest.mark.parametrize(
    "name",
    [
        "199 million vertices without data",
        "a count of 2^31",
        "a stride of 2^31",
        "a node below itself",
        "sparse zeros",
        "a huge PNG",
    ],
)
def test_the_same_as_gltf_is_refused_before_it_is_packed(tmp_path, name):
    uri = "data:;base64," + base64.b64encode(TRIANGLE).decode()
    path = tmp_path / "kettle.gltf"
    path.write_text(json.dumps({**BOMBS[name], "buffers": [{"byteLength": len(TRIANGLE), "uri": uri}]}))
    with pytest.raises(BadInput, match=r"kettle\.gltf"):
        pack_gltf(path)


@pytest.mark.parametrize("brackets", [b"[" * 200_000, b'{"a":' * 200_000])
def test_brackets_without_end_are_no_json(tmp_path, brackets):
    text = b'{"asset":{"version":"2.0"},"extras":' + brackets + b" " * 3
    text += b" " * (-len(text) % 4)
    path = tmp_path / "kettle.glb"
    path.write_bytes(struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text), len(text), b"JSON") + text)
    assert "JSON" in refused(path)


GOOD = {
    "a triangle": document(),
    "zeros as many as vertices": document(accessors=[POSITION, zeros(3)]),
    "a sparse change": sparse(1, {**INDICES, "componentType": 5121}),
    "interleaved": document(bufferViews=[{**VIEW, "byteStride": 12}]),
    "an empty accessor": document(accessors=[POSITION, {**POSITION, "count": 0}]),
    "nodes 100 deep": chain(100),
    "a node in two scenes": document(nodes=[{"mesh": 0}], scenes=[{"nodes": [0]}, {"nodes": [0]}]),
    "a mesh in two nodes": document(nodes=[{"mesh": 0}, {"mesh": 0}]),
    "a texture": textured(media.encode(media.drawn("a vase", (64, 48), 1), "jpeg")),
    "Draco": document(accessors=[zeros(500)], meshes=[{"primitives": [{"attributes": {"POSITION": 0}, **DRACO}]}]),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_the_standard_allows_is_taken(tmp_path, name):
    path = tmp_path / "kettle.glb"
    path.write_bytes(glb(GOOD[name]))
    facts = check_glb(path)
    assert facts.meshes == 1
    assert facts.length == path.stat().st_size


def test_what_a_model_unpacks_to_is_known(tmp_path):
    path = tmp_path / "kettle.glb"
    path.write_bytes(glb(textured(png_header(4096, 4096))))
    assert 4096 * 4096 * 4 < check_glb(path).unpacked < 4096 * 4096 * 4 + 1000
