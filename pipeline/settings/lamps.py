# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lamps that the artist has added to those of the lighting, in units of the product: they light a ring and a sofa alike."""

from __future__ import annotations

from typing import Literal

from ..declaration import Group, check_ranges, option
from .lights import WHITE, check_place

Shape = Literal["SQUARE", "RECTANGLE", "DISK", "ELLIPSE"]


class AddedLamp(Group):
    """An area lamp. Lengths are in radii of the product, from the middle of its box; the axes are the world's."""

    place: tuple[float, float, float] = option((0.0, -3.0, 3.0), "where it is", flag=None)
    turn: tuple[float, float, float, float] = option(
        (1.0, 0.0, 0.0, 0.0), "its rotation as a quaternion w, x, y, z; unturned it shines along −Z", flag=None
    )
    size: tuple[float, float] = option((1.0, 1.0), "its sides", flag=None)
    shape: Shape = option("SQUARE", "its outline", flag=None)
    power: float = option(100.0, "watts, for a product of one metre's radius", least=0.0, most=1e9, flag=None)
    kelvin: float | None = option(
        None, "its colour temperature", unset="white", unit="kelvin", least=800.0, most=20000.0, digits=1, flag=None
    )
    tint: tuple[float, float, float] = option(WHITE, "its colour as linear light", flag=None)

    def __post_init__(self) -> None:
        check_ranges(self)
        check_place(self, "place", "turn", "size", "tint")
        if min(self.tint) < 0.0:
            raise ValueError("a lamp's colour is not negative")


AddedLamp()  # the first one makes the dataclass of it that the check of a run's settings asks for
