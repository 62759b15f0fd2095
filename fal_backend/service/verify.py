# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a downloaded file is what was bought: its type, that it is whole, and that it is of a sane size.

Nothing here unpacks more than it was told to expect, so a file made to exhaust memory is refused by its header.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from ...pipeline.errors import BadInput
from ...pipeline.formats import gltf_file
from ...pipeline.formats.gltf_bounds import LARGEST_SIDE
from ...pipeline.formats.picture_size import webp_size
from ..errors import BadDownload
from ..problems import Problem

MOST_BOXES = 100_000  # of an MP4 at its top level; a fragmented one has two for each second
LARGEST_FILE = {"image": 128 << 20, "video": 2 << 30, "model": 512 << 20}  # bytes

EXTENSIONS = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "model/gltf-binary": ".glb",
}


def largest(media: str) -> int:
    """The most bytes a file of this media type may have."""
    return LARGEST_FILE[media.split("/")[0]]


def suffixes(media: str) -> list[str]:
    """The extensions of all types of the same kind, its own first."""
    kind = media.split("/")[0]
    return sorted((s for m, s in EXTENSIONS.items() if m.startswith(kind)), key=lambda s: s != EXTENSIONS.get(media))


def identify(path: Path) -> str:
    """The media type by the first bytes; empty where unknown."""
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp":
        return "video/mp4"
    return "model/gltf-binary" if head.startswith(b"glTF") else ""


def check(path: Path, media: str) -> str:
    """The media type of the file at ``path``, which is of the same kind as ``media`` and whole.

    Raises BadDownload otherwise.
    """
    found = identify(path)
    if found.split("/")[0] != media.split("/")[0]:
        raise BadDownload(Problem.FILE_OF_OTHER_KIND, media=media, found=found or "something unknown")
    if path.stat().st_size > largest(media):
        raise BadDownload(Problem.FILE_TOO_LARGE, mebibytes=largest(media) >> 20)
    try:
        _CHECKS[found](path)
    except (
        struct.error,
        zlib.error,
        LookupError,
        TypeError,
        AttributeError,
        ValueError,
        RecursionError,
        MemoryError,
        BadInput,
    ) as error:
        raise BadDownload(Problem.FILE_DAMAGED, why=str(error)) from error
    return found


def _sane(width: int, height: int) -> None:
    if not (0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE):
        raise ValueError(f"a picture of {width} × {height} pixels")


def _check_png(path: Path) -> None:
    data = path.read_bytes()
    position, packed, header = 8, [], None
    while True:
        length, kind = struct.unpack_from(">I4s", data, position)
        body = data[position + 8 : position + 8 + length]
        (crc,) = struct.unpack_from(">I", data, position + 8 + length)
        if zlib.crc32(kind + body) != crc:
            raise ValueError("a PNG chunk's checksum is wrong")
        position += 12 + length
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
            _sane(header[0], header[1])
        elif kind == b"IDAT":
            packed.append(body)
        elif kind == b"IEND":
            break
    if header is None:
        raise ValueError("a PNG without a header")
    width, height, depth, colour = header[:4]
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 4)
    expected = height * (1 + (width * channels * depth + 7) // 8)
    inflate = zlib.decompressobj()
    size = 0
    for chunk in packed:
        while chunk:
            size += len(inflate.decompress(chunk, 1 << 20))
            chunk = inflate.unconsumed_tail
            if size > expected + height * 8:  # interlacing adds a few filter bytes per pass
                raise ValueError("a PNG that unpacks to more than its size says")
    if size < expected:
        raise ValueError("a PNG that ends early")


def _check_jpeg(path: Path) -> None:
    data = path.read_bytes()
    position, sized = 2, False
    while True:
        if data[position] != 0xFF:
            raise ValueError("a JPEG with a broken segment")
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        (length,) = struct.unpack_from(">H", data, position + 2)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, position + 5)
            _sane(width, height)
            sized = True
        if marker == 0xDA:
            break
        position += 2 + length
    if not sized:
        raise ValueError("a JPEG without a size")
    if b"\xff\xd9" not in data[-64:]:
        raise ValueError("a JPEG that ends early")


def _check_webp(path: Path) -> None:
    data = path.read_bytes()
    (length,) = struct.unpack_from("<I", data, 4)
    if length + 8 > len(data) + 1:
        raise ValueError("a WebP that ends early")
    size = webp_size(data)
    if size is None:
        raise ValueError("a WebP without a picture")
    _sane(*size)


def _check_mp4(path: Path) -> None:
    size = path.stat().st_size
    seen: set[bytes] = set()
    with path.open("rb") as file:
        position = boxes = 0
        while position + 8 <= size:
            file.seek(position)
            length, kind = struct.unpack(">I4s", file.read(8))
            if length == 1:
                (length,) = struct.unpack(">Q", file.read(8))
            elif length == 0:
                length = size - position
            if length < 8 or position + length > size:
                raise ValueError("an MP4 that ends early")
            seen.add(kind)
            position += length
            boxes += 1
            if boxes > MOST_BOXES:
                raise ValueError("an MP4 of nothing but crumbs")
    if position != size or not {b"moov", b"mdat"} <= seen:
        raise ValueError("an MP4 without its index or its pictures")


_CHECKS: dict[str, Callable[[Path], object]] = {
    "image/png": _check_png,
    "image/jpeg": _check_jpeg,
    "image/webp": _check_webp,
    "video/mp4": _check_mp4,
    "model/gltf-binary": gltf_file.check_glb,
}
