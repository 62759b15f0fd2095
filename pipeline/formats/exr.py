# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""OpenEXR as far as render passes need it: scan lines, plain or ZIP-compressed, which loses nothing.

"OpenEXR File Layout" (openexr.com): header attributes, offset tables, scan-line blocks, multi-part files. Blender up to
4.5 puts all passes into one part, from 5.2 each into its own; both come out as one dictionary here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from ..errors import BadRender

MAGIC = 20000630
MULTIPART, OTHER = 0x1000, 0x200 | 0x800  # version flags; OTHER: tiles and deep data, which no render pass uses
TYPES = {0: np.dtype("<u4"), 1: np.dtype("<f2"), 2: np.dtype("<f4")}
NO_COMPRESSION, ZIP = 0, 3
BLOCK = 16  # scan lines that ZIP packs together


@dataclass(frozen=True)
class _Part:
    names: list[str]
    line: np.dtype  # one scan line: a field per channel
    width: int
    height: int
    top: int
    block: int  # scan lines that are packed together


def read(path: Path) -> dict[str, np.ndarray]:
    """Channel name → array (height, width), top row first. Raises BadRender for anything but plain or ZIP-compressed scan lines."""
    data = path.read_bytes()
    try:
        return _read(data)
    except (struct.error, KeyError, ValueError, IndexError, zlib.error) as error:
        raise BadRender(f"{path.name} is not a whole OpenEXR file of scan lines; render it again") from error


def _read(data: bytes) -> dict[str, np.ndarray]:
    magic, flags = struct.unpack_from("<II", data)
    if magic != MAGIC or flags & OTHER:
        raise ValueError("not scan lines")
    multipart = bool(flags & MULTIPART)
    position = 8
    parts: list[_Part] = []
    while not parts or (multipart and data[position]):
        attributes, position = _attributes(data, position)
        parts.append(_part(attributes))
    position += multipart
    channels: dict[str, np.ndarray] = {}
    for part in parts:
        count = -(-part.height // part.block)
        offsets = np.frombuffer(data, "<u8", count, position)
        position += 8 * count
        lines = np.empty(part.height, part.line)
        for offset in offsets.tolist():
            start = offset + (4 if multipart else 0)
            y, size = struct.unpack_from("<ii", data, start)
            row = y - part.top
            whole = min(part.block, part.height - row) * part.line.itemsize
            packed = data[start + 8 : start + 8 + size]
            # A block that would not shrink is stored as it is.
            raw = _unzip(packed, whole) if part.block > 1 and size < whole else packed
            if row < 0 or len(packed) != size or len(raw) != whole:
                raise ValueError("a block has the wrong size")
            lines[row : row + part.block] = np.frombuffer(raw, part.line)
        channels.update({name: lines[name] for name in part.names})
    return channels


def _attributes(data: bytes, position: int) -> tuple[dict[str, bytes], int]:
    attributes = {}
    while data[position]:
        end = data.index(b"\0", position)
        kind_end = data.index(b"\0", end + 1)
        (size,) = struct.unpack_from("<i", data, kind_end + 1)
        attributes[data[position:end].decode()] = data[kind_end + 5 : kind_end + 5 + size]
        position = kind_end + 5 + size
    return attributes, position + 1


def _part(attributes: dict[str, bytes]) -> _Part:
    compression = attributes["compression"][0]
    if compression not in (NO_COMPRESSION, ZIP):
        raise ValueError("another compression")
    left, top, right, bottom = struct.unpack("<4i", attributes["dataWindow"])
    names, formats, position, table = [], [], 0, attributes["channels"]
    while table[position]:
        end = table.index(b"\0", position)
        names.append(table[position:end].decode())
        formats.append((names[-1], TYPES[struct.unpack_from("<i", table, end + 1)[0]], right - left + 1))
        position = end + 17
    return _Part(names, np.dtype(formats), right - left + 1, bottom - top + 1, top, BLOCK if compression == ZIP else 1)


def write(file: IO[bytes], channels: Mapping[str, np.ndarray], text: Mapping[str, str] | None = None) -> None:
    """``channels``: name → float16 or float32 array (height, width), top row first; ZIP-compressed, without loss."""
    ordered = {name: channels[name] for name in sorted(channels)}  # the format wants them in alphabetical order
    height, width = next(iter(ordered.values())).shape
    kinds = {np.dtype("<f2"): 1, np.dtype("<f4"): 2}
    table = b"".join(
        name.encode() + b"\0" + struct.pack("<iB3xii", kinds[array.dtype], 0, 1, 1) for name, array in ordered.items()
    )
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    header = b"".join(
        _attribute(name, kind, value)
        for name, kind, value in (
            ("channels", "chlist", table + b"\0"),
            ("compression", "compression", bytes([ZIP])),
            ("dataWindow", "box2i", window),
            ("displayWindow", "box2i", window),
            ("lineOrder", "lineOrder", b"\0"),
            ("pixelAspectRatio", "float", struct.pack("<f", 1.0)),
            ("screenWindowCenter", "v2f", struct.pack("<ff", 0.0, 0.0)),
            ("screenWindowWidth", "float", struct.pack("<f", 1.0)),
            *((name, "string", value.encode()) for name, value in (text or {}).items()),
        )
    )
    lines = np.concatenate([np.ascontiguousarray(array).view(np.uint8) for array in ordered.values()], axis=1)
    blocks = [struct.pack("<i", y) + _zip(lines[y : y + BLOCK].tobytes()) for y in range(0, height, BLOCK)]
    start = 8 + len(header) + 1 + 8 * len(blocks)
    offsets = np.cumsum([start, *(len(block) for block in blocks[:-1])], dtype="<u8")
    file.write(struct.pack("<II", MAGIC, 2) + header + b"\0" + offsets.tobytes() + b"".join(blocks))


def _attribute(name: str, kind: str, value: bytes) -> bytes:
    return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value


def _zip(raw: bytes) -> bytes:
    """One block: even bytes, then odd bytes, each as the difference to the one before plus 128, deflated."""
    flat = np.frombuffer(raw, np.uint8)
    order = np.concatenate([flat[0::2], flat[1::2]])
    order[1:] = order[1:] - order[:-1] + np.uint8(128)
    packed = zlib.compress(order, 1)
    packed = packed if len(packed) < len(raw) else raw
    return struct.pack("<i", len(packed)) + packed


def _unzip(packed: bytes, size: int) -> bytes:
    """``_zip`` undone: ``size`` bytes, or fewer where the block is damaged. Never more, whatever it claims."""
    flat = np.frombuffer(zlib.decompressobj().decompress(packed, size), np.uint8)
    order = flat - np.uint8(128)
    order[:1] = flat[:1]
    order = np.cumsum(order, dtype=np.uint8)
    raw = np.empty(flat.size, np.uint8)
    half = (flat.size + 1) // 2
    raw[0::2], raw[1::2] = order[:half], order[half:]
    return raw.tobytes()
