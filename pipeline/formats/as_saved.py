# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a picture that somebody saved anew says of its pixels, and Blender's decoder does not heed: that they are to be turned (Exif),
or are colours of another space than sRGB (ICC)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_ORIENTATION = 0x0112
# sRGB's primaries as ICC profiles have them, adapted to D50 (IEC 61966-2-1, sRGB v2 of color.org).
_SRGB = {b"rXYZ": (0.436, 0.222, 0.014), b"gXYZ": (0.385, 0.717, 0.097), b"bXYZ": (0.143, 0.061, 0.714)}
_NEAR = 0.01  # by which makers of sRGB profiles round differently


def orientation_in(png: bytes) -> int:
    """Exif's orientation of a PNG file, 1 to 8; 1, upright, where it says nothing."""
    at = png.find(b"eXIf")
    exif = png[at + 4 :] if at >= 0 else b""
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for number in range(count):
            tag, _kind, _count, value = struct.unpack_from(f"{order}HHIH", exif, start + 2 + 12 * number)
            if tag == _ORIENTATION:
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def other_colours(profile: bytes) -> str:
    """What an ICC profile is called that is another than sRGB; empty where it is that, says nothing, or is of greys."""
    if profile[36:40] != b"acsp" or profile[16:20] == b"GRAY":
        return ""
    try:
        tags = dict(_tags(profile))
    except struct.error:
        return ""
    name = _name(tags.get(b"desc", b"")) or "another"
    if not tags.keys() >= _SRGB.keys():
        return "" if "srgb" in name.lower() else name
    is_linear = tags.get(b"rTRC", b"")[:12] == b"curv" + bytes(8)
    found = {tag: [value / 65536.0 for value in struct.unpack_from(">3i", tags[tag], 8)] for tag in _SRGB}
    is_near = all(abs(a - b) < _NEAR for tag, wanted in _SRGB.items() for a, b in zip(found[tag], wanted, strict=True))
    return "" if is_near and not is_linear else name


def _tags(profile: bytes) -> Iterator[tuple[bytes, bytes]]:
    (count,) = struct.unpack_from(">I", profile, 128)
    for number in range(min(count, 100)):
        tag, start, size = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        yield tag, profile[start : start + size]


def _name(described: bytes) -> str:
    if described[:4] == b"desc":
        return described[12:].split(b"\0")[0].decode("ascii", "replace").strip()[:80]
    if described[:4] == b"mluc" and len(described) >= 28:
        size, start = struct.unpack_from(">II", described, 20)
        return described[start : start + size].decode("utf-16-be", "replace").strip("\0 ")[:80]
    return ""
