# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real MP4 without ffmpeg: Motion JPEG frames in ISO boxes. Checked by opening it in Blender."""

from __future__ import annotations

import math
import struct

from PIL import Image

from .media import encode, fit

FRAME_RATE = 24
HOLD = 3  # frames that share one picture: keeps a five-second clip quick to make
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def mp4(start: Image.Image, seconds: float, longer_side: int, end: Image.Image | None = None) -> bytes:
    """A slow push-in from the start picture (towards ``end``, if given), ``seconds`` long at 24 frames/s."""
    size = _size(start, longer_side)
    first = fit(start, size)
    last = fit(end, size) if end else None
    count = max(1, round(seconds * FRAME_RATE))
    pictures = [encode(_moved(first, last, i * HOLD / count), "jpeg") for i in range(math.ceil(count / HOLD))]
    return _mux(pictures, [i // HOLD for i in range(count)], size)


def shown(pictures: list[Image.Image], seconds: float, longer_side: int) -> bytes:
    """``pictures`` one after another, as long each, ``seconds`` long at 24 frames/s."""
    size = _size(pictures[0], longer_side)
    count = max(1, round(seconds * FRAME_RATE))
    encoded = [encode(fit(picture, size), "jpeg") for picture in pictures]
    return _mux(encoded, [i * len(pictures) // count for i in range(count)], size)


def _size(picture: Image.Image, longer_side: int) -> tuple[int, int]:
    scale = longer_side / max(picture.size)
    width, height = (max(2, round(side * scale / 2) * 2) for side in picture.size)  # video sides are even
    return width, height


def _moved(first: Image.Image, last: Image.Image | None, t: float) -> Image.Image:
    width, height = first.size
    shrink = 1 - 0.02 * t
    left, top = width * 0.01 * t, height * 0.01 * t
    frame = first.resize(
        first.size, Image.Resampling.BILINEAR, box=(left, top, left + width * shrink, top + height * shrink)
    )
    return Image.blend(frame, last, t) if last else frame


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _full(kind: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", flags), *parts)


def _table(kind: bytes, *numbers: int, count: int = 1) -> bytes:
    return _full(kind, struct.pack(f">I{len(numbers)}I", count, *numbers))


def _mux(pictures: list[bytes], order: list[int], size: tuple[int, int]) -> bytes:
    """ISO/IEC 14496-12 boxes; the codec is 14496-1 object type 0x6C, JPEG. One sample a chunk, chunks may repeat."""
    width, height = size
    frames = len(order)
    head = _box(b"ftyp", b"isom", struct.pack(">I", 512), b"isommp41")
    offsets, at = [], len(head) + 8
    for picture in pictures:
        offsets.append(at)
        at += len(picture)
    decoder = b"\x04\x0d" + struct.pack(">BB3xII", 0x6C, 0x11, 0, 0)
    descriptor = b"\x03" + bytes([3 + len(decoder) + 3]) + b"\x00\x01\x00" + decoder + b"\x06\x01\x02"
    entry = _box(
        b"mp4v",
        struct.pack(">6xH16xHHIIIH32xHh", 1, width, height, 0x480000, 0x480000, 0, 1, 24, -1),
        _full(b"esds", descriptor),
    )
    samples = _box(
        b"stbl",
        _full(b"stsd", struct.pack(">I", 1), entry),
        _table(b"stts", frames, 1),
        _table(b"stsc", 1, 1, 1),
        _table(b"stsz", frames, *(len(pictures[i]) for i in order), count=0),
        _table(b"stco", *(offsets[i] for i in order), count=frames),
    )
    media = _box(
        b"mdia",
        _full(b"mdhd", struct.pack(">IIIIHH", 0, 0, FRAME_RATE, frames, 0x55C4, 0)),
        _full(b"hdlr", struct.pack(">I4s12x", 0, b"vide"), b"VideoHandler\0"),
        _box(
            b"minf",
            _full(b"vmhd", bytes(8), flags=1),
            _box(b"dinf", _full(b"dref", struct.pack(">I", 1), _full(b"url ", flags=1))),
            samples,
        ),
    )
    track = _box(
        b"trak",
        _full(
            b"tkhd",
            struct.pack(">IIIII8xHHHH", 0, 0, 1, 0, frames, 0, 0, 0, 0),
            _MATRIX,
            struct.pack(">II", width << 16, height << 16),
            flags=3,
        ),
        media,
    )
    movie = _box(
        b"moov",
        _full(
            b"mvhd",
            struct.pack(">IIIIIH10x", 0, 0, FRAME_RATE, frames, 0x10000, 0x100),
            _MATRIX,
            bytes(24),
            struct.pack(">I", 2),
        ),
        track,
    )
    return head + _box(b"mdat", *pictures) + movie
