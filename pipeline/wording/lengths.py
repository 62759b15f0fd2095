# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lengths as people say them: in millimetres, centimetres or metres, whichever fits."""

from __future__ import annotations

from collections.abc import Sequence


def sides(metres: Sequence[float]) -> str:
    """The sides of a thing, in the unit that fits the longest: "82 × 82 × 95 mm", "20 × 30 × 50 cm", "1.8 × 0.9 × 0.75 m".

    Three digits; none of them an exponent.
    """
    longest = max(metres)
    unit, factor = ("mm", 1000.0) if longest < 0.1 else ("cm", 100.0) if longest < 1.0 else ("m", 1.0)
    return f"{' × '.join(_digits(side * factor) for side in metres)} {unit}"


def _digits(value: float) -> str:
    if value >= 100.0:
        return f"{value:.0f}"
    return f"{value:.2f}".rstrip("0").rstrip(".") if value < 10.0 else f"{value:.1f}".removesuffix(".0")
