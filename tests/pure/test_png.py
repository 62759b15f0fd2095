# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import struct
import zlib

import numpy as np
import pytest

from consistency_pipeline.pipeline.errors import BadInput
from consistency_pipeline.pipeline.formats import png


def noise(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(3).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def decode(data: bytes) -> np.ndarray:
    """An independent reader: every filter that ``encode`` may use is "up"."""
    header = png.read_header(data)
    lines = zlib.decompress(b"".join(body for kind, body in png._chunks(data) if kind == b"IDAT"))
    rows = np.frombuffer(lines, np.uint8).reshape(header.height, -1)
    assert set(rows[:, 0]) == {2}
    flat = np.cumsum(rows[:, 1:], axis=0, dtype=np.uint8)
    kind = ">u2" if header.depth == 16 else np.uint8
    return flat.reshape(-1).view(kind).reshape(header.height, header.width, header.channels)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def file_of(header: tuple[int, ...], pixels: bytes) -> bytes:
    ihdr = struct.pack(">IIBBBBB", *header)
    return png.SIGNATURE + chunk(b"IHDR", ihdr) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_every_pixel_comes_back(dtype, channels):
    pixels = noise(5, 7, channels, dtype=dtype)
    data = png.encode(pixels)
    assert png.check(data) == png.Header(7, 5, pixels.itemsize * 8, {1: 0, 3: 2, 4: 6}[channels], False)
    assert np.array_equal(decode(data), pixels)


def test_a_picture_that_is_a_slice_of_another_is_written_as_seen():
    pixels = noise(8, 8, 4)
    assert np.array_equal(decode(png.encode(pixels[::-1, :, :3])), pixels[::-1, :, :3])


def test_text_comes_back(tmp_path):
    facts = {"Device": "OptiX: GPU – 24 GB", "Angle": '{"name": "front"}', "Empty": ""}
    png.write(tmp_path / "a.png", noise(4, 4, 3), facts)
    assert png.read_text(tmp_path / "a.png") == facts


def test_a_failed_write_leaves_nothing_that_looks_finished(tmp_path):
    with pytest.raises(ValueError, match="uint8"):
        png.write(tmp_path / "a.png", np.zeros((4, 4)))
    assert list(tmp_path.iterdir()) == []


def test_every_cut_is_noticed():
    data = png.encode(noise(6, 6, 3), {"a": "b"})
    for length in range(len(data)):
        with pytest.raises(BadInput):
            png.check(data[:length])


def test_every_flipped_byte_is_noticed():
    data = png.encode(noise(4, 4), {"a": "b"})
    for position in range(len(data)):
        broken = bytearray(data)
        broken[position] ^= 0x55
        with pytest.raises(BadInput):
            png.check(bytes(broken))


@pytest.mark.parametrize("pixels", [b"\0" * (5 * 4 - 1), b"\0" * (5 * 4 + 1), b""])
def test_too_few_or_too_many_pixels_are_noticed(pixels):
    with pytest.raises(BadInput, match="incomplete"):
        png.check(file_of((4, 4, 8, 0, 0, 0, 0), pixels))


def test_a_bomb_is_not_unpacked():
    bomb = file_of((4, 4, 8, 0, 0, 0, 0), b"\0" * (1 << 28))
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(BadInput):
        png.check(bomb)
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(
    "header",
    [(0, 4, 8, 0, 0, 0, 0), (4, 4, 7, 0, 0, 0, 0), (4, 4, 8, 5, 0, 0, 0), (1 << 20, 1 << 20, 8, 2, 0, 0, 0)],
)
def test_senseless_headers_are_refused(header):
    with pytest.raises(BadInput):
        png.read_header(file_of(header, b""))


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff\xd8\xff\xe0" + b"\0" * 60, png.SIGNATURE])
def test_other_files_are_refused(data):
    with pytest.raises(BadInput, match="not a PNG"):
        png.check(data)


def test_interlaced_pictures_are_measured():
    # Adam7 sizes from the definition: each pixel belongs to exactly one pass.
    for width, height in itertools.product((1, 2, 5, 8, 13), repeat=2):
        header = png.Header(width, height, 8, 2, True)
        pixels = rows = 0
        for x, y, dx, dy in png.ADAM7:
            columns, lines = len(range(x, width, dx)), len(range(y, height, dy))
            pixels += columns * lines
            rows += lines if columns else 0
        assert pixels == width * height
        assert header.decompressed_size() == rows + 3 * pixels
