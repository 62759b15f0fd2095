# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sentences in lines of a given width, with no word cut off."""

from __future__ import annotations

from collections.abc import Callable


def broken(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """``text`` in lines of at most ``width``, between words, and inside those that are longer than a line."""
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if measure(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        while measure(word) > width and len(word) > 1:
            fits = next((n for n in range(len(word) - 1, 1, -1) if measure(word[:n]) <= width), 1)
            at = max(word.rfind(mark, 1, fits) + 1 for mark in "/\\_-.,")  # a path breaks between its folders
            at = at if at > fits / 3 else fits
            lines.append(word[:at])
            word = word[at:]
        line = word
    return [*lines, line] if line else lines
