# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Width and height of a photo from its header, without decoding it.

Enough to refuse a file that isn't a picture before it is uploaded and paid for. PNG: RFC 2083 §11.2.1. JPEG: ITU-T T.81
§B.2.2 (the SOFn marker). WebP: RFC 9649. AVIF: the ``ispe`` box of ISO/IEC 23008-12.
"""

from __future__ import annotations

import struct
from pathlib import Path

from ..errors import BadInput
from .input_file import check_regular
from .picture_bytes import is_cut_short
from .picture_size import jpeg_frame, webp_size

PHOTO_SUFFIXES = (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".avif")
MAX_PHOTO_BYTES = 50 * 1024**2
MIN_SIDE, MAX_SIDE = 64, 14142  # pixels; the upper is fal's own limit for a picture


def photo_size(path: Path) -> tuple[int, int]:
    """(width, height) in pixels. Raises BadInput for what is no photo, is cut short, or is too small or too large."""
    if check_regular(path).st_size > MAX_PHOTO_BYTES:
        raise BadInput(f"{path.name} is larger than {MAX_PHOTO_BYTES // 1024**2} MB; save it as a smaller JPEG")
    data = path.read_bytes()
    reader = next((read for matches, read in _READERS if matches(data)), None)
    if reader is None:
        raise BadInput(f"{path.name} is not a PNG, JPEG, WebP or AVIF picture; export the photo as JPEG or PNG")
    try:
        size = reader(data)
    except (struct.error, IndexError, ValueError):
        size = None
    if size is None:
        raise BadInput(f"{path.name} is damaged or cut short; copy or export the photo again")
    if min(size) < MIN_SIDE or max(size) > MAX_SIDE:
        found = f"{size[0]}×{size[1]}"
        raise BadInput(f"{path.name} is {found} pixels; use a photo of {MIN_SIDE} to {MAX_SIDE} pixels a side")
    return size


def _png(data: bytes) -> tuple[int, int] | None:
    if data[12:16] != b"IHDR":
        return None
    position = 8
    while (
        data[position + 4 : position + 8] != b"IEND"
    ):  # what follows it is nothing's: cameras and editors append notes
        position += 12 + struct.unpack(">I", data[position : position + 4])[0]
    return struct.unpack(">II", data[16:24]) if len(data) >= position + 12 else None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    frame = jpeg_frame(data)
    return frame[:2] if frame is not None and data.rfind(b"\xff\xd9") > frame[2] else None


def _webp(data: bytes) -> tuple[int, int] | None:
    return None if is_cut_short(data) else webp_size(data)


def _avif(data: bytes) -> tuple[int, int] | None:
    position = data.find(b"ispe")
    return struct.unpack(">II", data[position + 8 : position + 16]) if position > 0 else None


_READERS = (
    (lambda data: data.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    (lambda data: data.startswith(b"\xff\xd8\xff"), _jpeg),
    (lambda data: data.startswith(b"RIFF") and data[8:12] == b"WEBP", _webp),
    (lambda data: data[4:8] == b"ftyp" and data[8:12] in (b"avif", b"avis", b"mif1"), _avif),
)
