# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Width and height that a picture's header claims, of the kinds that textures come in; nothing is decoded.

PNG: RFC 2083 §11.2.1. JPEG: ITU-T T.81 §B.2.2. WebP: RFC 9649. KTX2: Khronos KTX 2.0 §3.
"""

from __future__ import annotations

import struct

_KTX2 = b"\xabKTX 20\xbb\r\n\x1a\n"


def picture_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels by the header at the start of ``data``; None for another kind or a damaged header."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return struct.unpack_from(">II", data, 16)
        if data.startswith(b"\xff\xd8\xff"):
            frame = jpeg_frame(data)
            return frame and frame[:2]
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return webp_size(data)
        if data.startswith(_KTX2):
            width, height = struct.unpack_from("<II", data, 20)
            return width, max(1, height)
    except (struct.error, IndexError):
        pass
    return None


def jpeg_frame(data: bytes) -> tuple[int, int, int] | None:
    """(width, height) in pixels and where in ``data`` the frame's header begins. Raises struct.error or IndexError."""
    position = 2
    while data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, position + 5)
            return width, height, position
        position += 2 + struct.unpack_from(">H", data, position + 2)[0]
    return None


def webp_size(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None
