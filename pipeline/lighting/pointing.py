# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a lamp has to be for its highlight, or its light, to fall on a spot of the product. Vectors of any one space."""

from __future__ import annotations

import math
from enum import StrEnum

Vector = tuple[float, float, float]


class Aim(StrEnum):
    """What falls where the artist points."""

    HIGHLIGHT = "highlight"  # the lamp is seen mirrored there
    LIGHT = "light"  # the lamp stands straight above the surface there


def direction_to_lamp(normal: Vector, eye: Vector, aim: Aim) -> Vector:
    """Unit vector from the spot to the lamp. ``normal``: the surface's there; ``eye``: from the spot to who looks.

    Law of reflection: the mirrored view is 2(n·e)n − e. The side of the surface that is looked at counts. Raises ValueError
    for a vector without length.
    """
    n, e = _unit(normal), _unit(eye)
    along = _dot(n, e)
    if along < 0.0:
        n, along = (-n[0], -n[1], -n[2]), -along
    if aim == Aim.LIGHT:
        return n
    return _unit((2 * along * n[0] - e[0], 2 * along * n[1] - e[1], 2 * along * n[2] - e[2]))


def power_for(strength: float, distance: float) -> float:
    """Watts of a square lamp ``distance`` metres away that gives ``strength`` of full exposure (settings.lighting.Lamp)."""
    return math.pi**2 * strength * distance**2


def _dot(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _unit(vector: Vector) -> Vector:
    length = math.sqrt(_dot(vector, vector))
    if not length > 1e-12:
        raise ValueError("a vector without length points nowhere")
    return vector[0] / length, vector[1] / length, vector[2] / length
