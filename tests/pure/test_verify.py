# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is kept under a bought file's name is that kind of file, whole, and nothing that bursts when it is opened."""

from __future__ import annotations

import json
import struct
import time
import zlib
from pathlib import Path

import pytest

from consistency_pipeline.fal_backend.errors import BadDownload
from consistency_pipeline.fal_backend.service import verify
from tests.fake_fal import clip, media
from tests.fake_fal.model import glb, lying

from .stand_in import png

PICTURE = media.drawn("a vase", (64, 48), 1)
MP4 = clip.mp4(PICTURE, 0.5, 64)
GLB = glb(200, (10, 20, 30))
GOOD = {
    "image/png": png(),
    "image/jpeg": media.encode(PICTURE, "jpeg"),
    "image/webp": media.encode(PICTURE, "webp"),
    "video/mp4": MP4,
    "model/gltf-binary": GLB,
}


def put(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "file"
    path.write_bytes(data)
    return path


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(header: tuple[int, ...], packed: bytes) -> bytes:
    parts = (chunk(b"IHDR", struct.pack(">IIBBBBB", *header)), chunk(b"IDAT", packed), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def glb_of(document: dict, binary: bytes = b"") -> bytes:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def document(**more: object) -> dict:
    return {"asset": {"version": "2.0"}, "meshes": [{"primitives": [{"attributes": {}}]}], **more}


@pytest.mark.parametrize("media_type", GOOD)
def test_good_files_pass_and_say_what_they_are(tmp_path: Path, media_type: str):
    assert verify.check(put(tmp_path, GOOD[media_type]), media_type) == media_type


def test_a_picture_of_another_type_is_still_a_picture(tmp_path: Path):
    assert verify.check(put(tmp_path, GOOD["image/jpeg"]), "image/png") == "image/jpeg"


@pytest.mark.parametrize("media_type", GOOD)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.9])
def test_a_file_that_breaks_off_is_refused(tmp_path: Path, media_type: str, share: float):
    data = GOOD[media_type]
    with pytest.raises(BadDownload, match="resume to download it again"):
        verify.check(put(tmp_path, data[: int(len(data) * share)]), media_type)


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"<html><body>Not Found</body></html>", "image/png"),
        (GOOD["image/png"], "video/mp4"),
        (MP4, "model/gltf-binary"),
        (GLB, "image/png"),
        (b"", "image/png"),
    ],
)
def test_something_else_under_the_name_is_refused(tmp_path: Path, data: bytes, media_type: str):
    with pytest.raises(BadDownload, match=f"not {media_type}"):
        verify.check(put(tmp_path, data), media_type)


def test_a_single_wrong_bit_in_a_png_is_seen(tmp_path: Path):
    data = bytearray(GOOD["image/png"])
    data[len(data) // 2] ^= 1
    with pytest.raises(BadDownload):
        verify.check(put(tmp_path, bytes(data)), "image/png")


BOMBS = {
    "huge sides": (media.png_bomb(), "image/png"),
    "more than its header says": (png_of((8, 8, 8, 0, 0, 0, 0), zlib.compress(bytes(200 << 20), 9)), "image/png"),
    "no sides": (png_of((0, 0, 8, 0, 0, 0, 0), zlib.compress(b"")), "image/png"),
    "less than its header says": (png_of((64, 64, 8, 2, 0, 0, 0), zlib.compress(bytes(99))), "image/png"),
    "no header": (b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""), "image/png"),
    "a chunk of four gigabytes": (b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 2**32 - 1, b"IHDR"), "image/png"),
    "a huge JPEG": (
        b"\xff\xd8\xff\xc0\x00\x11\x08" + struct.pack(">HH", 65500, 65500) + bytes(10) + b"\xff\xd9",
        "image/jpeg",
    ),
    "a JPEG without a size": (b"\xff\xd8\xff\xda\x00\x02\xff\xd9", "image/jpeg"),
    "a GLB that lies about its length": (lying(GLB), "model/gltf-binary"),
    "a GLB of zeros without end": (
        glb_of(document(accessors=[{"componentType": 5126, "type": "MAT4", "count": 10**12}])),
        "model/gltf-binary",
    ),
    "a GLB with a huge texture": (
        glb_of(
            document(
                images=[{"bufferView": 0, "mimeType": "image/png"}],
                bufferViews=[{"buffer": 0, "byteLength": 1000}],
                buffers=[{"byteLength": 1000}],
            ),
            media.png_bomb()[:1000],
        ),
        "model/gltf-binary",
    ),
    "a GLB of brackets": (
        struct.pack("<4sIII4s", b"glTF", 2, 20 + 100_000, 100_000, b"JSON") + b"[" * 100_000,
        "model/gltf-binary",
    ),
    "an MP4 of crumbs": (
        struct.pack(">I4s4s4x", 16, b"ftyp", b"isom") + struct.pack(">I4s", 8, b"free") * 150_000,
        "video/mp4",
    ),
    "an MP4 box larger than the file": (
        struct.pack(">I4s4s4x", 16, b"ftyp", b"isom") + struct.pack(">I4sQ", 1, b"mdat", 2**63),
        "video/mp4",
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_quickly(tmp_path: Path, name: str):
    data, media_type = BOMBS[name]
    path = put(tmp_path, data)
    began = time.process_time()
    with pytest.raises(BadDownload, match="damaged"):
        verify.check(path, media_type)
    assert time.process_time() - began < 2.0  # seconds


def test_a_file_larger_than_any_result_is_refused_by_its_size(tmp_path: Path):
    path = put(tmp_path, GOOD["image/png"])
    with path.open("r+b") as file:
        file.truncate((128 << 20) + 1)  # sparse: nothing is really written
    with pytest.raises(BadDownload, match="larger than 128 MiB"):
        verify.check(path, "image/png")
