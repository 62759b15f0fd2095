# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pictures as bytes, as far as decoders can't be trusted with them: some show a grey rest of what was cut short, and say
nothing.

JPEG: ITU-T T.81 §B.1.1.3 (EOI). WebP: RFC 9649 §2.4. TIFF 6.0: §2 (directories) and the strips' and tiles' tags. OpenEXR:
"OpenEXR File Layout", the offset table and the chunks of scan lines.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from itertools import islice

# Name of the kind by how a file begins.
KINDS = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"\xabKTX 20\xbb\r\n\x1a\n": "KTX2",
    b"\xabKTX 11\xbb\r\n\x1a\n": "KTX",
    b"sB": "Basis Universal",
    b"DDS ": "DDS",
    b"GIF8": "GIF",
    b"\x76\x2f\x31\x01": "OpenEXR",
    b"#?RADIANCE": "Radiance",
    b"#?RGBE": "Radiance",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
_STRIPS = {273: "offset", 279: "length", 324: "offset", 325: "length"}  # TIFF tags
_TIFF_SIZES = {3: ("H", 2), 4: ("I", 4)}
_MOST_STRIPS = 1 << 16


def kind_of(data: bytes) -> str:
    """What kind of picture the bytes begin as, such as "KTX2"; empty where that isn't known."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[4:8] == b"ftyp":
        return "AVIF" if data[8:12] in (b"avif", b"avis", b"mif1") else ""
    return next((name for head, name in KINDS.items() if data.startswith(head)), "")


def is_cut_short(data: bytes) -> bool:
    """Whether a JPEG, WebP, TIFF, OpenEXR or Radiance file ends before its own end; False for any other kind, which decoders tell by themselves."""
    try:
        return READERS.get(kind_of(data), lambda _: False)(data)
    except (struct.error, IndexError, ValueError):
        return True


def _jpeg(data: bytes) -> bool:
    place = 2
    while data[place + 1] != 0xDA:  # segment by segment: a preview in the header has an end of its own
        if data[place] != 0xFF:
            return True
        place += 1 if data[place + 1] == 0xFF else 2 + struct.unpack_from(">H", data, place + 2)[0]
    return data.find(b"\xff\xd9", place) < 0


def _webp(data: bytes) -> bool:
    return len(data) < 8 + struct.unpack_from("<I", data, 4)[0] - 1  # the padding byte is often missing


def _tiff(data: bytes) -> bool:
    order = "<" if data[:2] == b"II" else ">"
    place = struct.unpack_from(f"{order}I", data, 4)[0]
    found: dict[str, list[int]] = {"offset": [], "length": []}
    for number in range(struct.unpack_from(f"{order}H", data, place)[0]):
        tag, kind, count = struct.unpack_from(f"{order}HHI", data, place + 2 + 12 * number)
        if tag in _STRIPS and kind in _TIFF_SIZES:
            letter, size = _TIFF_SIZES[kind]
            at = place + 10 + 12 * number
            if count * size > 4:
                at = struct.unpack_from(f"{order}I", data, at)[0]
            values = struct.iter_unpack(f"{order}{letter}", data[at : at + count * size])
            found[_STRIPS[tag]] += [value for (value,) in islice(values, _MOST_STRIPS)]
    ends = [offset + length for offset, length in zip(found["offset"], found["length"], strict=False)]
    return bool(ends) and max(ends) > len(data)


def has_layers(data: bytes) -> bool:
    """Whether an OpenEXR has channels of named layers, such as "View Layer.Combined.R": no decoder shows that as one picture."""
    if kind_of(data) != "OpenEXR":
        return False
    with contextlib.suppress(struct.error, IndexError, ValueError):
        for name, value, _ in _exr_attributes(data):
            place = 0
            while name == b"channels" and value[place]:
                end = value.index(b"\0", place)
                if b"." in value[place:end]:
                    return True
                place = end + 1 + 16  # type, linearity and sampling
    return False


def _exr_attributes(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Name, value and end of each attribute of the first header."""
    place = 8
    while data[place]:  # an attribute: its name, its type, its length, its value
        end_of_name = data.index(b"\0", place)
        value = data.index(b"\0", end_of_name + 1) + 1 + 4
        end = value + struct.unpack_from("<I", data, value - 4)[0]
        yield data[place:end_of_name], data[value:end], end
        place = end


def _exr(data: bytes) -> bool:
    if struct.unpack_from("<I", data, 4)[0] & 0x1A00:  # tiled, deep or of several parts
        return False
    table = 1 + max((end for _, _, end in _exr_attributes(data)), default=8)
    first = struct.unpack_from("<Q", data, table)[0]
    offsets = struct.unpack_from(f"<{max(0, min(first - table, len(data)) // 8)}Q", data, table)
    return any(offset + 8 + struct.unpack_from("<I", data, offset + 4)[0] > len(data) for offset in offsets)


MOST_READ = 1 << 24  # pixels of a Radiance file whose lines are walked, half a second; a larger one's decoder tells


def _radiance(data: bytes) -> bool:
    """By the run lengths of its lines, as all writers of today have them."""
    place = data.index(b"\n\n") + 2
    end = data.index(b"\n", place)
    first, height, _, width = data[place:end].split()
    place = end + 1
    if place >= len(data):
        return True
    if first[1:] != b"Y" or data[place : place + 2] != b"\x02\x02" or not 8 <= int(width) < 1 << 15:
        return False
    if int(width) * int(height) > MOST_READ:
        return False
    for _ in range(int(height)):
        place += 4
        for _ in range(4):
            x = 0
            while x < int(width):
                count = data[place]
                x += count & 127 if count > 128 else count
                place += 2 if count > 128 else 1 + count
    return place > len(data)


READERS = {"JPEG": _jpeg, "WebP": _webp, "TIFF": _tiff, "OpenEXR": _exr, "Radiance": _radiance}
