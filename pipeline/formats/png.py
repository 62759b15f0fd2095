# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""PNG, written with its facts inside and checked before it is believed.

PNG specification, third edition (W3C, 2025): chunks in §5, filters in §9, iTXt in §11.3.3.3.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..system.disk import whole_file

if TYPE_CHECKING:
    import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # colour type → samples per pixel
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}  # §11.2.1, table 11.1
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
MAX_PIXELS = 1 << 28  # 16384²: more is an attack or an accident
UP = 2  # filter type: each byte minus the byte above; one numpy subtraction, and it suits smooth backdrops


@dataclass(frozen=True)
class Header:
    """``width`` and ``height`` in pixels, ``depth`` in bits per sample; ``channels`` counts samples per pixel."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool

    @property
    def channels(self) -> int:
        return CHANNELS[self.colour]

    def decompressed_size(self) -> int:
        """Bytes of all filtered scanlines, filter bytes included."""
        passes = ADAM7 if self.interlaced else ((0, 0, 1, 1),)
        total = 0
        for x, y, dx, dy in passes:
            columns, rows = -(-(self.width - x) // dx), -(-(self.height - y) // dy)
            if columns > 0 and rows > 0:
                total += rows * (1 + -(-columns * self.channels * self.depth // 8))
        return total


def encode(pixels: np.ndarray, text: Mapping[str, str] | None = None, level: int = 4) -> bytes:
    """``pixels``, uint8 or uint16, shape (height, width) or (height, width, 1, 3 or 4), top row first, as a PNG file.

    ``text`` becomes one iTXt chunk per key. Keys: 1 to 79 Latin-1 characters. The picture is declared sRGB.
    """
    import numpy as np

    if pixels.dtype not in (np.uint8, np.uint16) or pixels.ndim not in (2, 3):
        raise ValueError(f"a PNG is made of uint8 or uint16 in 2 or 3 dimensions, not {pixels.dtype} in {pixels.ndim}")
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    height, width, channels = pixels.shape
    colour = {1: 0, 3: 2, 4: 6}[channels]
    rows = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder(">")).view(np.uint8).reshape(height, -1)
    lines = np.empty((height, rows.shape[1] + 1), np.uint8)
    lines[:, 0] = UP
    lines[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=lines[1:, 1:])
    parts = [
        SIGNATURE,
        _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, pixels.dtype.itemsize * 8, colour, 0, 0, 0)),
        _chunk(b"sRGB", b"\0"),
    ]
    for key, value in (text or {}).items():
        parts.append(_chunk(b"iTXt", key.encode("latin-1") + b"\0\0\0\0\0" + value.encode()))
    return b"".join([*parts, _chunk(b"IDAT", zlib.compress(lines.tobytes(), level)), _chunk(b"IEND", b"")])


def write(path: Path, pixels: np.ndarray, text: Mapping[str, str] | None = None) -> None:
    """``encode`` to a file that appears whole or not at all. Raises RunFolderError."""
    data = encode(pixels, text)
    with whole_file(path) as file:
        file.write(data)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def read_header(data: bytes) -> Header:
    """The header of a PNG file's first bytes (33 are enough). Raises BadInput where it is none."""
    if data[:8] != SIGNATURE or len(data) < 29 or data[8:16] != b"\0\0\0\rIHDR":
        raise BadInput("this is not a PNG file; save the picture as PNG")
    width, height, depth, colour, compression, filtering, interlace = struct.unpack(">IIBBBBB", data[16:29])
    if depth not in DEPTHS.get(colour, ()) or compression or filtering or interlace > 1 or not width or not height:
        raise BadInput("this PNG's header makes no sense; fetch or save the picture again")
    if width * height > MAX_PIXELS:
        raise BadInput(
            f"this PNG claims {width} × {height} pixels; use a picture of at most {MAX_PIXELS >> 20} megapixels"
        )
    return Header(width, height, depth, colour, bool(interlace))


def size_of(path: Path) -> tuple[int, int]:
    """Width and height in pixels of a PNG file, without decoding it. Raises BadInput where it is none."""
    with path.open("rb") as file:
        header = read_header(file.read(33))
    return header.width, header.height


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 8
    while position < len(data):
        length, kind = struct.unpack(">I4s", data[position : position + 8].ljust(8, b"\0"))
        body, end = data[position + 8 : position + 8 + length], position + 12 + length
        if end > len(data):
            raise BadInput("this PNG ends too early; fetch or save the picture again")
        if zlib.crc32(body, zlib.crc32(kind)) != struct.unpack(">I", data[end - 4 : end])[0]:
            raise BadInput("this PNG is damaged (a checksum is wrong); fetch or save the picture again")
        yield kind, body
        if kind == b"IEND":
            return
        position = end
    raise BadInput("this PNG ends too early; fetch or save the picture again")


def check(data: bytes) -> Header:
    """Every checksum, the header and the length of the decompressed pixels, in bounded memory.

    Returns the header. Raises BadInput where ``data`` is not one whole PNG picture; pixels are not otherwise decoded.
    """
    header = read_header(data)
    expected, size, unpack = header.decompressed_size(), 0, zlib.decompressobj()
    try:
        for kind, body in _chunks(data):
            while kind == b"IDAT" and body and size <= expected:
                size += len(unpack.decompress(body, 1 << 20))
                body = unpack.unconsumed_tail
        while size <= expected and (rest := unpack.decompress(b"", 1 << 20)):  # flush() would unpack a bomb
            size += len(rest)
    except zlib.error as error:
        raise BadInput("this PNG is damaged (its pixels can't be unpacked); fetch or save the picture again") from error
    if size != expected or not unpack.eof:
        raise BadInput("this PNG is damaged (its pixels are incomplete); fetch or save the picture again")
    return header


def read_text(path: Path) -> dict[str, str]:
    """The text that ``encode`` put into the file. Raises BadInput where it is not a whole PNG."""
    data = path.read_bytes()
    read_header(data)
    facts = {}
    for kind, body in _chunks(data):
        key, _, rest = body.partition(b"\0")
        if kind == b"tEXt":
            facts[key.decode("latin-1")] = rest.decode("latin-1")
        elif kind == b"iTXt" and rest[:2] == b"\0\0":  # uncompressed
            facts[key.decode("latin-1")] = rest[2:].split(b"\0", 2)[2].decode(errors="replace")
    return facts
