# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib.util
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from consistency_pipeline.pipeline.errors import BadRender
from consistency_pipeline.pipeline.formats import exr


def attribute(name: str, kind: str, value: bytes) -> bytes:
    return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value


def header(channels: dict[str, np.ndarray], compression: int = 0) -> bytes:
    height, width = next(iter(channels.values())).shape
    table = b"".join(name.encode() + b"\0" + struct.pack("<iiii", 2, 0, 1, 1) for name in sorted(channels))
    return (
        attribute("channels", "chlist", table + b"\0")
        + attribute("compression", "compression", bytes([compression]))
        + attribute("dataWindow", "box2i", struct.pack("<4i", 0, 0, width - 1, height - 1))
        + b"\0"
    )


def uncompressed(parts: list[dict[str, np.ndarray]], compression: int = 0) -> bytes:
    """A file as Blender writes it: one part (4.5), or several (5.2)."""
    many = len(parts) > 1
    head = struct.pack("<II", 20000630, 2 | (0x1000 if many else 0))
    head += b"".join(header(part, compression) for part in parts) + (b"\0" if many else b"")
    heights = [next(iter(part.values())).shape[0] for part in parts]
    position, tables, chunks = len(head) + 8 * sum(heights), b"", b""
    for number, part in enumerate(parts):
        for y in range(heights[number]):
            line = b"".join(part[name][y].astype("<f4").tobytes() for name in sorted(part))
            tables += struct.pack("<Q", position + len(chunks))
            chunks += (struct.pack("<i", number) if many else b"") + struct.pack("<ii", y, len(line)) + line
    return head + tables + chunks


@pytest.fixture
def planes() -> dict[str, np.ndarray]:
    make = np.random.default_rng(1)
    return {name: make.normal(size=(37, 21)).astype(np.float32) for name in ("L.Z", "L.A", "Depth.Z")}


def test_one_part_and_several_read_alike(planes, tmp_path):
    one, several = tmp_path / "one.exr", tmp_path / "several.exr"
    one.write_bytes(uncompressed([planes]))
    several.write_bytes(uncompressed([{name: plane} for name, plane in planes.items()]))
    for path in (one, several):
        found = exr.read(path)
        assert set(found) == set(planes)
        assert all(np.array_equal(found[name], planes[name]) for name in planes)


def test_every_cut_is_noticed(planes, tmp_path):
    data, path = uncompressed([planes]), tmp_path / "cut.exr"
    for length in [*range(0, 400, 7), len(data) // 2, len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises(BadRender, match=r"cut\.exr .* render it again"):
            exr.read(path)


def test_compressed_files_and_strangers_are_refused(planes, tmp_path):
    path = tmp_path / "a.exr"
    for data in (uncompressed([planes], compression=4), b"", b"\x89PNG\r\n\x1a\n" + b"\0" * 90):
        path.write_bytes(data)
        with pytest.raises(BadRender):
            exr.read(path)


def unzip(data: bytes, width: int, height: int, names: list[str], item: np.dtype) -> dict[str, np.ndarray]:
    """An independent decoder of ZIP blocks, for files with one part."""
    start = data.index(b"screenWindowWidth")
    start = data.index(b"\0", data.index(b"float\0", start)) + 1 + 4 + 4 + 1
    found = {name: np.empty((height, width), item) for name in names}
    for (offset,) in struct.iter_unpack("<Q", data[start : start + 8 * -(-height // 16)]):
        y, size = struct.unpack_from("<ii", data, offset)
        rows = min(16, height - y)
        raw = data[offset + 8 : offset + 8 + size]
        if size < rows * width * len(names) * item.itemsize:
            deltas = bytearray(zlib.decompress(raw))
            for i in range(1, len(deltas)):
                deltas[i] = (deltas[i - 1] + deltas[i] - 128) & 255
            half = -(-len(deltas) // 2)
            raw = bytes(deltas[i // 2 + (half if i % 2 else 0)] for i in range(len(deltas)))
        block = np.frombuffer(raw, item).reshape(rows, len(names), width)
        for i, name in enumerate(sorted(names)):
            found[name][y : y + rows] = block[:, i]
    return found


@pytest.mark.parametrize("kind", ["<f4", "<f2"])
@pytest.mark.parametrize("flat", [True, False])
def test_written_without_loss(kind, flat):
    shape = (37, 21)
    make = np.random.default_rng(2)
    planes = {name: (np.ones(shape) if flat else make.normal(size=shape)).astype(kind) for name in "RGB"}
    file = io.BytesIO()
    exr.write(file, planes)
    found = unzip(file.getvalue(), 21, 37, list("RGB"), np.dtype(kind))
    assert all(np.array_equal(found[name], planes[name]) for name in "RGB")


@pytest.mark.parametrize("flat", [True, False], ids=["packed", "too random to pack"])
def test_what_is_written_is_read_back_and_damage_is_noticed(flat, tmp_path):
    make = np.random.default_rng(2)
    planes = {name: (np.ones((37, 21)) if flat else make.normal(size=(37, 21))).astype("<f4") for name in "RGB"}
    path = tmp_path / "a.exr"
    with path.open("wb") as file:
        exr.write(file, planes)
    found = exr.read(path)
    assert all(np.array_equal(found[name], planes[name]) for name in "RGB")
    whole = path.read_bytes()
    for length in (len(whole) - 1, len(whole) - 40, 400):
        path.write_bytes(whole[:length])
        with pytest.raises(BadRender):
            exr.read(path)


def test_written_files_open_elsewhere(tmp_path: Path):
    """OpenImageIO's own reader, which travels inside the bpy wheel and starts without Blender."""
    bpy = importlib.util.find_spec("bpy")
    assert bpy is not None
    (packages,) = Path(str(bpy.origin)).parent.glob("*/python/lib/python3*/site-packages")
    plane = np.random.default_rng(4).normal(size=(40, 30)).astype(np.float32)
    with (tmp_path / "a.exr").open("wb") as file:
        exr.write(file, {"Y": plane})
    read = "import sys; sys.path.append(sys.argv[1]); import OpenImageIO as oiio, numpy as np; "
    read += "np.save(sys.argv[3], oiio.ImageInput.open(sys.argv[2]).read_image('float'))"
    subprocess.run([sys.executable, "-c", read, packages, tmp_path / "a.exr", tmp_path / "a.npy"], check=True)
    assert np.array_equal(np.squeeze(np.load(tmp_path / "a.npy")), plane)
