# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is changed of one light by itself: a lamp of the lighting, the environment, or what the product itself sends out."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from ..declaration import Group, check_ranges, option
from ..errors import UsageError

ENVIRONMENT = "environment"
GLOW = "glow"  # the product's own light: it is mixed into the picture, and no material is touched
WHITE = (1.0, 1.0, 1.0)
EXAMPLE = "such as key=1.2, rim=off or fill=4500K"


def check_place(lamp: Any, *names: str) -> None:
    """Make the named fields of a lamp floats. Raises ValueError for numbers that say no place, turn or size."""
    for name in names:
        numbers = tuple(map(float, getattr(lamp, name)))
        object.__setattr__(lamp, name, numbers)
        if not all(abs(number) <= 1e6 for number in numbers):
            raise ValueError(f"a lamp's {name} is not numbers up to a million")
    if not math.isclose(sum(part * part for part in lamp.turn), 1.0, abs_tol=1e-2):
        raise ValueError("a lamp's turn is not a quaternion of length 1")
    if min(lamp.size) < 0.0:
        raise ValueError("a lamp's sides are not negative")


class Moved(Group):
    """Where a lamp of the lighting stands that was moved by hand. Lengths are in radii of the product, from the middle of its
    box; the axes are the world's."""

    place: tuple[float, float, float] = option((0.0, -3.0, 3.0), "where it is", flag=None)
    turn: tuple[float, float, float, float] = option(
        (1.0, 0.0, 0.0, 0.0), "its rotation as a quaternion w, x, y, z; unturned it shines along −Z", flag=None
    )
    size: tuple[float, float] = option((1.0, 1.0), "its sides", flag=None)

    def __post_init__(self) -> None:
        check_place(self, "place", "turn", "size")


Moved()  # the first one makes the dataclass of it that the check of a run's settings asks for


class Light(Group):
    """On top of what the lighting has; the defaults change nothing."""

    on: bool = option(True, "the light is on", label="On", flag=None)
    strength: float = option(
        1.0, "times the light's strength", unit="share", least=0.0, most=100.0, label="Strength", flag=None
    )
    kelvin: float | None = option(
        None,
        "colour temperature, instead of the light's own",
        unset="its own",
        unit="kelvin",
        least=1000.0,
        most=20000.0,
        digits=1,
        label="Temperature",
        flag=None,
    )
    tint: tuple[float, float, float] = option(
        WHITE, "factors of red, green and blue, in linear light", label="Tint", flag=None
    )
    moved: Moved | None = option(
        None, "where it stands, instead of where the lighting has it", unset="the lighting's place", flag=None
    )

    def __post_init__(self) -> None:
        check_ranges(self)
        object.__setattr__(self, "tint", tuple(map(float, self.tint)))
        if len(self.tint) != 3 or not all(0.0 <= factor <= 100.0 for factor in self.tint):
            raise ValueError("a light's tint is three factors of 0 to 100")

    @property
    def changes_nothing(self) -> bool:
        return self == AS_IT_IS

    def after(self, earlier: Light) -> Light:
        """Both, ``earlier`` first, as one."""
        tint = (self.tint[0] * earlier.tint[0], self.tint[1] * earlier.tint[1], self.tint[2] * earlier.tint[2])
        kelvin = earlier.kelvin if self.kelvin is None else self.kelvin
        moved = earlier.moved if self.moved is None else self.moved
        return Light(
            on=self.on and earlier.on, strength=self.strength * earlier.strength, kelvin=kelvin, tint=tint, moved=moved
        )


AS_IT_IS = Light()


def lights_from(words: Iterable[str], flag: str = "--light") -> dict[str, Light]:
    """``["key=1.2,rim=off", "fill=4500K", "fill=#ffe0c0"]``: strength, off or on, kelvin, tint in sRGB. Raises UsageError."""
    found: dict[str, dict[str, Any]] = {}
    for pair in (pair for each in words for pair in each.split(",") if pair.strip()):
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not (name and equals and value):
            raise UsageError(f"{flag} {pair.strip()!r} is not LIGHT=VALUE, {EXAMPLE}")
        found.setdefault(name, {}).update(_value(value, f"{flag} {pair.strip()!r}"))
    try:
        return {name: Light(**values) for name, values in found.items()}
    except ValueError as error:
        raise UsageError(f"{flag}: {error}") from None


def _value(text: str, where: str) -> dict[str, Any]:
    if text.lower() in ("on", "off"):
        return {"on": text.lower() == "on"}
    if re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        return {"tint": linear_of(text)}
    kelvin = text[-1] in "kK"
    try:
        return {"kelvin" if kelvin else "strength": float(text[:-1] if kelvin else text)}
    except ValueError:
        raise UsageError(
            f"{where} is none of a strength, on, off, a temperature as 4500K and a colour as #ffe0c0, {EXAMPLE}"
        ) from None


def linear_of(colour: str) -> tuple[float, float, float]:
    """#RRGGBB (sRGB, IEC 61966-2-1) as linear light."""
    r, g, b = (int(colour[start : start + 2], 16) / 255.0 for start in (1, 3, 5))
    return _linear(r), _linear(g), _linear(b)


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)
