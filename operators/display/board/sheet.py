# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where each picture and button of the board is in its region, in pixels from bottom left, and what lies under the mouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

GAP, LINE = 8.0, 24.0  # between pictures, and of a line of words or buttons, at an interface scale of 1
STRIP = 0.3  # of the region's height that a strip takes
BUTTON = 96.0  # the width of a button
BUTTONS = ("before", "drafts", "size", "close")


class Box(NamedTuple):
    left: float
    bottom: float
    right: float
    top: float

    def holds(self, x: float, y: float) -> bool:
        return self.left <= x < self.right and self.bottom <= y < self.top


@dataclass(frozen=True)
class Sheet:
    """``plates``: under all, the first with everything on it; ``pictures``: by angle, each with ``LINE`` for words below it;
    ``buttons``: by name."""

    plates: tuple[Box, ...]
    pictures: dict[str, Box]
    buttons: dict[str, Box]
    scale: float

    def at(self, x: float, y: float) -> str | None:
        """A button as "button:NAME", a picture as "picture:NAME", "" between them; None outside."""
        if not any(plate.holds(x, y) for plate in self.plates):
            return None
        for kind, boxes in (("button", self.buttons), ("picture", self.pictures)):
            for name, box in boxes.items():
                if box.holds(x, y):
                    return f"{kind}:{name}"
        return ""


def laid_out(
    free: Box,
    names: Sequence[str],
    aspect: float,
    scale: float,
    *,
    strip: bool,
    handles: tuple[float, float] = (0.0, 0.0),
) -> Sheet:
    """In ``free``, what toolbar and sidebar leave of the region: as large as they fit; in one row along its lower edge where ``strip``.

    ``aspect``: width over height of every picture. ``handles``: how wide and high the upper right corner is that stays free.
    """
    gap, line = GAP * scale, LINE * scale
    whole, beside = free, None
    if strip:
        whole = Box(free.left, free.bottom, free.right, free.bottom + max(STRIP * (free.top - free.bottom), 4 * line))
    elif handles[0]:
        whole = free._replace(right=free.right - handles[0])
        beside = Box(whole.right, free.bottom, free.right, max(free.bottom, free.top - handles[1]))
    wide = whole.right - whole.left - gap
    high = whole.top - whole.bottom - line - 2 * gap
    count = max(1, len(names))
    columns, width = max(
        (
            (n, _width(n, -(-count // n), wide, high, gap, line, aspect))
            for n in ((count,) if strip else range(1, count + 1))
        ),
        key=lambda found: found[1],
    )
    rows, height = -(-count // columns), width / aspect
    left = whole.left + gap + (wide - columns * (width + gap)) / 2.0
    top = whole.top - line - 2 * gap - max(0.0, high - rows * (height + line + gap)) / 2.0
    pictures = {}
    for index, name in enumerate(names):
        row, column = divmod(index, columns)
        x, y = left + column * (width + gap), top - row * (height + line + gap)
        pictures[name] = Box(x, y - height, x + width, y)
    right, buttons = whole.right - gap, {}
    button = min(BUTTON * scale, (wide - gap * len(BUTTONS)) / len(BUTTONS))
    for name in reversed(BUTTONS):
        buttons[name] = Box(right - button, whole.top - gap - line, right, whole.top - gap)
        right -= button + gap
    return Sheet((whole,) if beside is None else (whole, beside), pictures, buttons, scale)


def _width(columns: int, rows: int, wide: float, high: float, gap: float, line: float, aspect: float) -> float:
    """Of a picture in so many columns and rows."""
    return max(1.0, min(wide / columns - gap, (high / rows - gap - line) * aspect))
