# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import os
import struct
import zlib
from pathlib import Path

import pytest

from consistency_pipeline.pipeline.errors import BadInput, UsageError
from consistency_pipeline.pipeline.formats.gltf_file import check_glb, pack_gltf
from consistency_pipeline.pipeline.formats.photo_header import photo_size
from consistency_pipeline.pipeline.model import classify

pytestmark = pytest.mark.by_turns

TRIANGLE = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 0)


def png(width=80, height=96):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"".join(b"\0" + b"\x80" * width for _ in range(height)))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def jpeg(width=80, height=96):
    frame = b"\xff\xc0" + struct.pack(">HBHHB", 8, 8, height, width, 0)
    return b"\xff\xd8\xff\xe0\x00\x04ab" + frame + b"\xff\xda\x00\x02pixels\xff\xd9"


def webp_lossless(width=80, height=96):
    body = b"WEBPVP8L" + struct.pack("<I", 5) + b"\x2f" + struct.pack("<I", width - 1 | height - 1 << 14) + b"\0"
    return b"RIFF" + struct.pack("<I", len(body)) + body


def webp_extended(width=80, height=96):
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + size
    return b"RIFF" + struct.pack("<I", len(body)) + body


def avif(width=80, height=96):
    return b"\0\0\0\x18ftypavif\0\0\0\0" + b"....\0\0\0\x14ispe\0\0\0\0" + struct.pack(">II", width, height)


PHOTOS = {"png": png, "jpg": jpeg, "webp": webp_lossless, "x.webp": webp_extended, "avif": avif}


def document(**changes):
    return {
        "asset": {"version": "2.0"},
        "buffers": [{"byteLength": len(TRIANGLE)}],
        "bufferViews": [{"buffer": 0, "byteLength": len(TRIANGLE)}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        **changes,
    }


def glb(doc, binary=TRIANGLE):
    text = json.dumps(doc).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


@pytest.fixture
def write(tmp_path):
    def write(name, data):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(data)
        return path

    return write


# what a run starts from


def test_each_route_is_recognised(write):
    photos = [write(f"{index}.{kind}", make()) for index, (kind, make) in enumerate(PHOTOS.items())][:4]
    assert classify([write("a.GLB", glb(document()))]) == "own"
    assert classify([write("a.blend", b"BLENDER")]) == "own"
    assert classify(photos) == "photos"
    assert classify([str(photos[0])]) == "photos"
    assert classify([], "a red kettle") == "words"


@pytest.mark.parametrize(
    ("names", "text", "says"),
    [
        ([], " ", "nothing to start from"),
        (["a.png"], "a kettle", "not both"),
        (["a.png", "b.png", "c.png", "d.png", "e.png"], "", "choose the 4"),
        (["a.png", "a.glb"], "", "can't be mixed"),
        (["a.glb", "b.glb"], "", "2 models"),
    ],
)
def test_a_senseless_combination_is_a_usage_error(write, names, text, says):
    paths = [write(name, png() if name.endswith("png") else glb(document())) for name in names]
    with pytest.raises(UsageError, match=says) as caught:
        classify(paths, text)
    assert caught.value.exit_status == 2


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("photo.png", b"<html>404</html>", "not a PNG, JPEG, WebP or AVIF"),
        ("photo.jpg", b"", "empty"),
        ("photo.png", png()[:-20], "cut short"),
        ("photo.jpg", jpeg()[:-6], "cut short"),
        ("photo.jpg", b"\xff\xd8\xff", "cut short"),
        ("photo.webp", webp_lossless()[:-3], "cut short"),
        ("photo.avif", avif()[:-4], "cut short"),
        ("photo.png", png(20, 90), "20×90 pixels"),
        ("photo.png", png(20000, 64), "20000×64 pixels"),
        ("photo.heic", b"....ftypheic", "export it as JPEG"),
        ("model.fbx", b"Kaydara", "kind that isn't read"),
    ],
)
def test_an_unusable_file_says_what_to_do(write, name, data, says):
    with pytest.raises(BadInput, match=says):
        classify([write(name, data)])


def test_a_folder_and_a_missing_file(tmp_path):
    folder = tmp_path / "product.glb"
    folder.mkdir()
    with pytest.raises(BadInput, match="is a folder"):
        classify([folder])
    with pytest.raises(BadInput, match="doesn't exist"):
        classify([tmp_path / "missing.png"])


@pytest.mark.parametrize("kind", PHOTOS)
def test_the_size_is_read_from_every_kind(write, kind):
    assert photo_size(write(f"photo.{kind}", PHOTOS[kind](320, 200))) == (320, 200)


# GLB


def test_a_good_glb_is_described(write):
    doc = document(extensionsRequired=["KHR_draco_mesh_compression"])
    facts = check_glb(write("a.glb", glb(doc)))
    assert (facts.meshes, facts.extensions_required) == (1, ("KHR_draco_mesh_compression",))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"PK\3\4 a zip file, renamed", "not a GLB"),
        (b"glTF", "not a GLB"),
        (struct.pack("<4sII", b"glTF", 1, 40) + b"\0" * 28, "version 1"),
        (glb(document())[:-5], "cut short"),
        (glb(document())[:40], "cut short"),
        (struct.pack("<4sIII4s", b"glTF", 2, 24, 4, b"JSON") + b"{{{{", "JSON"),
        (glb([]), "not a glTF document"),
        (glb(document(meshes=[])), "no mesh"),
        (glb(document(meshes="none")), "no mesh"),
        (glb(document(meshes=[{"primitives": []}])), "no mesh"),
        (glb(document(), b""), "outside its own data"),
        (glb(document(bufferViews=[{"buffer": 0, "byteLength": 999}])), "outside its own data"),
        (glb(document(bufferViews=[{"buffer": 3, "byteLength": 9}])), "outside its own data"),
        (glb(document(bufferViews="?")), "outside its own data"),
        (
            glb(document(accessors=[{"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3"}])),
            "outside its own data",
        ),
        (glb(document(images=[{"uri": "label.png"}])), "needs files beside it"),
    ],
)
def test_a_bad_glb_is_refused_in_one_sentence(write, data, says):
    with pytest.raises(BadInput, match=says) as caught:
        check_glb(write("bad.glb", data))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.999])
def test_real_models_pass_whole_and_fail_cut_short(write, kept):
    folder = os.environ.get("CONSISTENCY_TEST_MODELS")
    if not folder:
        pytest.skip("CONSISTENCY_TEST_MODELS names no folder of models")
    for path in sorted(Path(folder).glob("*.glb")):
        assert check_glb(path).meshes >= 1
        data = path.read_bytes()
        with pytest.raises(BadInput, match="cut short"):
            check_glb(write(path.name, data[: int(len(data) * kept)]))


# .gltf with its files


def unpack(data):
    length = struct.unpack_from("<I", data, 12)[0]
    return json.loads(data[20 : 20 + length]), data[28 + length :]


def test_packing_keeps_every_byte(write):
    second = bytes(range(7))
    "data:application/octet-stream;base64," + base64.b64encode(second).decode()
    doc = document(
        buffers=[
            {
                "byteLength": len(second),
                "uri": "data:application/octet-stream;base64," + base64.b64encode(second).decode(),
            },
            {"byteLength": len(TRIANGLE), "uri": "my%20mesh.bin"},
        ],
        bufferViews=[{"buffer": 1, "byteLength": len(TRIANGLE)}, {"buffer": 0, "byteOffset": 2, "byteLength": 5}],
        images=[{"uri": "textures/label.png"}],
    )
    write("my mesh.bin", TRIANGLE)
    write("textures/label.png", png())
    packed = pack_gltf(write("a.gltf", json.dumps(doc).encode()))

    assert check_glb(write("a.glb", packed)).meshes == 1
    result, binary = unpack(packed)

    def view(index):
        found = result["bufferViews"][index]
        assert found["buffer"] == 0
        return binary[found["byteOffset"] :][: found["byteLength"]]

    assert view(0) == TRIANGLE
    assert view(1) == second[2:]
    assert view(result["images"][0]["bufferView"]) == png()
    assert result["images"][0] == {"mimeType": "image/png", "bufferView": 2}


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("../secret.bin", "outside its own folder"),
        ("%2e%2e/secret.bin", "outside its own folder"),
        ("/etc/hostname", "outside its own folder"),
        ("https://example.com/mesh.bin", "outside its own folder"),
        ("missing.bin", "missing"),
        ("short.bin", "shorter than declared"),
        ("data:;base64,@@", "embedded file"),
        (None, "without compression"),
    ],
)
def test_packing_refuses_files_it_must_not_or_cannot_read(write, uri, says):
    write("secret.bin", TRIANGLE)
    write("model/short.bin", TRIANGLE[:10])
    buffer = {"byteLength": len(TRIANGLE)} | ({"uri": uri} if uri else {})
    path = write("model/a.gltf", json.dumps(document(buffers=[buffer])).encode())
    with pytest.raises(BadInput, match=says):
        pack_gltf(path)


def test_a_link_out_of_the_folder_is_refused(write, tmp_path):
    write("secret.bin", TRIANGLE)
    path = write("model/a.gltf", json.dumps(document(buffers=[{"byteLength": 36, "uri": "link.bin"}])).encode())
    (tmp_path / "model/link.bin").symlink_to(tmp_path / "secret.bin")
    with pytest.raises(BadInput, match="outside its own folder"):
        pack_gltf(path)
