# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an MP4 says of itself: how large its picture is and how long it lasts. ISO/IEC 14496-12 §8.2.2 (mvhd), §8.3.2 (tkhd)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ..errors import BadInput
from .picture_marks import boxes


@dataclass(frozen=True)
class ClipFacts:
    """Pixels and seconds, as players show it."""

    width: int
    height: int
    seconds: float


def clip_facts(data: bytes, name: str) -> ClipFacts:
    """Of the bytes of a clip called ``name``. Raises BadInput for what is no MP4, or is cut short."""
    try:
        movie = _within(data, b"moov")
        head = _within(movie, b"mvhd")
        scale, length = struct.unpack_from(">IQ", head, 20) if head[0] == 1 else struct.unpack_from(">II", head, 12)
        sides = [_sides(_within(movie[start:end], b"tkhd")) for box, start, end in boxes(movie) if box == b"trak"]
        width, height = max(sides)  # a track of sound has none
        if data[4:8] != b"ftyp" or not width or not height:
            raise ValueError
        return ClipFacts(width, height, length / scale)
    except (struct.error, LookupError, ValueError, ZeroDivisionError) as error:
        raise BadInput(f"{name} is not a whole MP4; make the clip again") from error


def _within(data: bytes, name: bytes) -> bytes:
    return next((data[start:end] for box, start, end in boxes(data) if box == name), b"")


def _sides(head: bytes) -> tuple[int, int]:
    """The last two fields of a track's head, as 16.16 fixed point."""
    width, height = struct.unpack_from(">II", head, len(head) - 8)
    return width >> 16, height >> 16
