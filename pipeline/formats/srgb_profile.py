# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sRGB colour profile that is embedded in pictures for shops, made from the standard's own numbers.

IEC 61966-2-1 (sRGB). ICC.1:2001-04 (profile version 2.4, which every program reads): header §6.1, tags §6.3 and §6.5; the
primaries are adapted to D50 as that specification's annex A asks for.
"""

from __future__ import annotations

import struct
from functools import cache

NAME = "sRGB IEC61966-2.1"
_D50 = (0.9642, 1.0, 0.8249)
_PRIMARIES = {"r": (0.43607, 0.22249, 0.01392), "g": (0.38515, 0.71687, 0.09708), "b": (0.14307, 0.06061, 0.71410)}
_STEPS = 1024  # of the tone curve


@cache
def srgb_profile() -> bytes:
    """The whole profile, some 2.5 kB."""
    curve = _curve()
    tags = {
        b"desc": _description(NAME),
        b"cprt": b"text\0\0\0\0No copyright, use freely\0",
        b"wtpt": _xyz(_D50),
        **{f"{letter}XYZ".encode(): _xyz(value) for letter, value in _PRIMARIES.items()},
        **{f"{letter}TRC".encode(): curve for letter in _PRIMARIES},
    }
    place = 128 + 4 + 12 * len(tags)
    table, body, placed = [struct.pack(">I", len(tags))], [], {}
    for name, data in tags.items():
        if data not in placed:
            placed[data] = place
            padded = data + b"\0" * (-len(data) % 4)
            body.append(padded)
            place += len(padded)
        table.append(struct.pack(">4sII", name, placed[data], len(data)))
    whole = b"".join([*table, *body])
    return _header(128 + len(whole)) + whole


def _header(size: int) -> bytes:
    made = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    head = struct.pack(">I4sI4s4s4s12s4s", size, b"\0\0\0\0", 0x02400000, b"mntr", b"RGB ", b"XYZ ", made, b"acsp")
    return head.ljust(68, b"\0") + b"".join(_fixed(value) for value in _D50) + b"\0" * 48


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(_fixed(value) for value in values)


def _curve() -> bytes:
    steps = (step / (_STEPS - 1) for step in range(_STEPS))
    light = [step / 12.92 if step <= 0.04045 else ((step + 0.055) / 1.055) ** 2.4 for step in steps]
    return b"curv\0\0\0\0" + struct.pack(f">I{_STEPS}H", _STEPS, *(round(value * 65535) for value in light))


def _description(text: str) -> bytes:
    words = text.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(words)) + words + b"\0" * (4 + 4 + 2 + 1 + 67)
