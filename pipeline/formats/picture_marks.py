# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in a picture's or a clip's file beside its pixels: XMP, a colour profile, its density, a maker's own signature.

Pixels are never touched. PNG: third edition §11.3. JPEG: ITU-T T.81 §B.1.1.4; XMP specification part 3 §1.1.3; ICC.1 annex B.
WebP: RFC 9649 §2.7. MP4: ISO/IEC 14496-12 §4.2; XMP part 3 §1.2. Content Credentials: C2PA 2.1, "Embedding manifests".
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from ..errors import BadInput
from .marks import XMP
from .picture_bytes import kind_of
from .picture_size import picture_size

_JPEG_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_BLENDER = b"NeoGeo"  # what its encoder writes in the place of XMP, and nobody knows
_NOTHING = b"Exif\0\0II*\0\x08\0\0\0\0\0"  # a list of camera facts, which OpenImageIO writes, with none in it
_JPEG_ICC = b"ICC_PROFILE\0"
_MP4_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_MP4_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_SEGMENT = 65535 - 2  # bytes of a JPEG's segment
_INCHES = 0.0254  # metres


def with_marks(data: bytes, xmp: str, profile: bytes = b"", dpi: int | None = None) -> bytes:
    """A PNG, JPEG or WebP file with this XMP packet and colour profile in place of what it has of them.

    ``dpi``: dots an inch, which a WebP can't say. Raises BadInput for another kind of file, and for one that its maker has
    signed: what is added to it would break the seal.
    """
    if is_signed(data):
        raise BadInput("this picture carries its maker's signature, which nothing may be added to; keep it as it is")
    writers = {"PNG": _png, "JPEG": _jpeg, "WebP": _webp}
    kind = kind_of(data)
    if kind not in writers:
        raise BadInput(f"a {kind or 'file of this kind'} can't be marked; use PNG, JPEG or WebP")
    try:
        return writers[kind](data, xmp.encode(), profile, dpi)
    except (struct.error, IndexError) as error:
        raise BadInput(f"this {kind} file is damaged; make or fetch it again") from error


def xmp_in(data: bytes) -> str:
    """The XMP packet of a PNG, JPEG, WebP or MP4 file; empty where there is none."""
    try:
        return next(_xmp(data), b"").decode(errors="replace")
    except (struct.error, IndexError):
        return ""


def _xmp(data: bytes) -> Iterator[bytes]:
    kind = kind_of(data)
    if kind == "PNG":
        for name, body in _png_chunks(data):
            key, _, rest = body.partition(b"\0")
            if name == b"iTXt" and key.decode("latin-1") == XMP and rest[:1] == b"\0":
                yield rest[2:].split(b"\0", 2)[2]
    elif kind == "JPEG":
        for marker, body in _segments(data):
            if marker == 0xE1 and body.startswith(_JPEG_XMP):
                yield body[len(_JPEG_XMP) :]
    elif kind == "WebP":
        yield from (body for name, body in _riff_chunks(data) if name == b"XMP ")
    elif data[4:8] == b"ftyp":
        for name, start, end in boxes(data):
            if name == b"uuid" and data[start : start + 16] == _MP4_XMP:
                yield data[start + 16 : end]


def profile_in(data: bytes) -> bytes:
    """The colour profile of a PNG, JPEG or WebP file; empty where there is none, or where it is damaged."""
    kind = kind_of(data)
    try:
        if kind == "PNG":
            found = (body.partition(b"\0")[2][1:] for name, body in _png_chunks(data) if name == b"iCCP")
            return next((zlib.decompress(body) for body in found), b"")
        if kind == "JPEG":
            starts = [body for marker, body in _segments(data) if marker == 0xE2 and body.startswith(_JPEG_ICC)]
            return b"".join(body[14:] for body in sorted(starts, key=lambda body: body[12]))
        if kind == "WebP":
            return next((body for name, body in _riff_chunks(data) if name == b"ICCP"), b"")
    except (struct.error, IndexError, zlib.error):
        pass
    return b""


def is_signed(data: bytes) -> bool:
    """Whether a PNG, JPEG, WebP or MP4 file carries Content Credentials (C2PA)."""
    kind = kind_of(data)
    try:
        if kind == "PNG":
            return any(name == b"caBX" for name, _ in _png_chunks(data))
        if kind == "JPEG":
            return any(marker == 0xEB and b"c2pa" in body[:200] for marker, body in _segments(data))
        if kind == "WebP":
            return any(name == b"C2PA" for name, _ in _riff_chunks(data))
        if data[4:8] == b"ftyp":
            found = (data[start : start + 16] for name, start, _ in boxes(data) if name == b"uuid")
            return _MP4_C2PA in found
    except (struct.error, IndexError):
        pass
    return False


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place < len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        yield name, data[place + 8 : place + 8 + length]
        if name == b"IEND":
            return
        place += 12 + length


def _png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(name)))


def _png(data: bytes, xmp: bytes, profile: bytes, dpi: int | None) -> bytes:
    ours = [(b"iTXt", XMP.encode() + b"\0\0\0\0\0" + xmp)]
    dropped = {b"pHYs"} if dpi else set()
    if profile:  # instead of the chunk that only names sRGB: both together are an error
        ours.insert(0, (b"iCCP", b"sRGB\0\0" + zlib.compress(profile, 9)))
        dropped |= {b"sRGB", b"iCCP", b"gAMA", b"cHRM"}
    if dpi:
        dots = round(dpi / _INCHES)
        ours.append((b"pHYs", struct.pack(">IIB", dots, dots, 1)))
    parts = [data[:8]]
    for name, body in _png_chunks(data):
        if name in dropped or (name == b"iTXt" and body.startswith(XMP.encode() + b"\0")):
            continue
        parts.append(_png_chunk(name, body))
        if name == b"IHDR":
            parts += [_png_chunk(*each) for each in ours]
    return b"".join(parts)


# JPEG


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, body) of each segment before the pixels."""
    place = 2
    while data[place] == 0xFF and data[place + 1] != 0xDA:
        if data[place + 1] == 0xFF:  # a fill byte
            place += 1
            continue
        (length,) = struct.unpack_from(">H", data, place + 2)
        yield data[place + 1], data[place + 4 : place + 2 + length]
        place += 2 + length


def _segment(marker: int, body: bytes) -> bytes:
    if len(body) > _SEGMENT:
        raise BadInput("the words for a JPEG file are too long; say less")
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def _jpeg(data: bytes, xmp: bytes, profile: bytes, dpi: int | None) -> bytes:
    segments = list(_segments(data))
    rest = data[2 + sum(4 + len(body) for _, body in segments) :]  # Blender's and ours have no fill bytes
    if rest[:2] != b"\xff\xda":
        raise IndexError
    size = _SEGMENT - 14
    pieces = [profile[start : start + size] for start in range(0, len(profile), size)]
    ours = [(0xE1, _JPEG_XMP + xmp)]
    ours += [(0xE2, _JPEG_ICC + bytes([i, len(pieces)]) + piece) for i, piece in enumerate(pieces, start=1)]
    kept = [
        (marker, body)
        for marker, body in segments
        if not (marker == 0xE1 and body.startswith((_JPEG_XMP, _BLENDER, _NOTHING)))
        and not (profile and marker == 0xE2 and body.startswith(_JPEG_ICC))
    ]
    if dpi and kept and kept[0][0] == 0xE0 and kept[0][1].startswith(b"JFIF\0"):
        head = kept[0][1]
        kept[0] = 0xE0, head[:7] + struct.pack(">BHH", 1, dpi, dpi) + head[12:]
    after = 1 if kept and kept[0][0] == 0xE0 else 0
    return b"\xff\xd8" + b"".join(_segment(*each) for each in [*kept[:after], *ours, *kept[after:]]) + rest


# WebP


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 12
    while place + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, place)
        yield name, data[place + 8 : place + 8 + length]
        place += 8 + length + length % 2


def _riff(chunks: Iterable[tuple[bytes, bytes]]) -> bytes:
    body = b"".join(name + struct.pack("<I", len(each)) + each + b"\0" * (len(each) % 2) for name, each in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def _webp(data: bytes, xmp: bytes, profile: bytes, _dpi: int | None) -> bytes:
    chunks = [each for each in _riff_chunks(data) if each[0] not in (b"XMP ", b"VP8X")]
    flags = next((body[0] for name, body in _riff_chunks(data) if name == b"VP8X"), 0)
    names = {name for name, _ in chunks}
    if b"ALPH" in names or any(name == b"VP8L" and body[4] & 0x10 for name, body in chunks):
        flags |= 0x10
    flags |= 0x04
    size = picture_size(data)
    if size is None:
        raise IndexError
    if profile:
        flags |= 0x20
        chunks = [(b"ICCP", profile), *(each for each in chunks if each[0] != b"ICCP")]
    width, height = (side - 1 for side in size)
    head = bytes([flags, 0, 0, 0]) + width.to_bytes(3, "little") + height.to_bytes(3, "little")
    return _riff([(b"VP8X", head), *chunks, (b"XMP ", xmp)])


# MP4


def boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(name, start, end) of the body of each box at the top."""
    place = 0
    while place + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        head = 8
        if length == 1:
            (length,), head = struct.unpack_from(">Q", data, place + 8), 16
        length = length or len(data) - place
        if length < head:
            raise struct.error
        yield name, place + head, min(place + length, len(data))
        place += length


def mark_clip(path: Path, xmp: str) -> bool:
    """Put the XMP packet at the end of an MP4, where no place in it moves; what is there of ours already is replaced.

    False, with nothing changed, where its maker has signed it. Raises BadInput for what is no MP4.
    """
    data = path.read_bytes()
    if data[4:8] != b"ftyp":
        raise BadInput(f"{path.name} is not an MP4; make the clip again")
    if is_signed(data):
        return False
    found = list(boxes(data))
    name, start, _ = found[-1]
    if name == b"uuid" and data[start : start + 16] == _MP4_XMP:
        data = data[: start - 8]
    body = _MP4_XMP + xmp.encode()
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(data + struct.pack(">I4s", 8 + len(body), b"uuid") + body)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return True
