# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stills around a product that a turn can be put together of, and the pieces of the turn between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .rig import Angle

STEEPEST = 45.0  # degrees of elevation up to which a still is one of the turn's
WIDEST = (
    120.0  # degrees between two stills up to which a model is asked: further apart, it may take the other way round
)
ALIKE = 5.0  # degrees of azimuth that two stills of a turn are apart at least


@dataclass(frozen=True)
class Span:
    """A piece of a turn: from the still of ``one`` to that of ``other``, ``degrees`` on by larger azimuths, in (0, 360]."""

    one: Angle
    other: Angle
    degrees: float

    @property
    def name(self) -> str:
        """Of its takes; angles' names have no dots."""
        return f"{self.one.name}.{self.other.name}"

    @property
    def can_be_bought(self) -> bool:
        return self.degrees <= WIDEST and self.one.name != self.other.name


def spans(angles: Sequence[Angle], first: Angle) -> tuple[Span, ...]:
    """The pieces of a full turn between the stills of ``angles``, in their order from ``first``, or from the one that is next to
    it by azimuth; none where no angle shows the whole product from the side.

    Of angles that look from the same side, the one nearest in height to ``first`` counts.
    """
    whole = [angle for angle in angles if not angle.crops and abs(angle.elevation) <= STEEPEST]
    height = first.elevation if abs(first.elevation) <= STEEPEST else 0.0
    chosen: list[Angle] = []
    for angle in sorted(whole, key=lambda each: (each != first, abs(each.elevation - height))):
        if all(min(_on(angle, other), _on(other, angle)) >= ALIKE for other in chosen):
            chosen.append(angle)
    chosen.sort(key=lambda angle: _on(first, angle) % 360.0)
    return tuple(
        Span(one, other, _on(one, other) or 360.0)
        for one, other in zip(chosen, [*chosen[1:], *chosen[:1]], strict=True)
    )


def _on(one: Angle, other: Angle) -> float:
    """Degrees in [0, 360) from ``one`` to ``other`` by larger azimuths."""
    on = (other.azimuth - one.azimuth) % 360.0
    return 0.0 if 360.0 - on < 1e-6 else on
