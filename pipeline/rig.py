# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Camera angles as data: what is looked at from where.

Convention, fixed by the design: azimuth 0° faces the product's front (glTF +Z, Blender −Y) and grows towards the side
that Blender's right view (numpad 3) shows, so azimuth 90° looks from +X. Elevation counts up from the horizon.
"""

import math
import re
from typing import Any

from .declaration import Group, check_ranges, option
from .errors import UsageError

FURTHER = "look-"  # what the names of angles begin with that are chosen by the model's shape
FULL_FRAME_MM = 36.0  # sensor width of the 35 mm film format, Blender's default sensor


class Angle(Group):
    """One camera of the rig; raises ValueError for what can't be one.

    ``fill`` is the share of the frame's limiting side that the product covers; above 1.0 the frame crops the product on
    purpose (``detail``). ``aim`` moves what is centred when it does: fractions of the product's bounding box, 0.5 = middle.
    """

    name: str
    azimuth: float = option(
        0.0,
        "where the camera stands around the product; 0° looks at its front, 90° at its right side",
        unit="degrees",
        label="Azimuth",
        flag=None,
    )
    elevation: float = option(
        15.0,
        "how far above the horizon the camera stands; negative looks up from below",
        unit="degrees",
        least=-90.0,
        most=90.0,
        label="Elevation",
        flag=None,
    )
    fill: float = option(
        0.80,
        "share of the frame that the product fills; above 100% the frame crops it on purpose",
        unit="share",
        least=0.0,
        most=4.0,
        label="Framing",
        flag=None,
    )
    focal_length: float = option(
        85.0,
        "in millimetres on a sensor 36 mm wide",
        unit="millimetres",
        least=10.0,
        most=600.0,
        digits=3,
        label="Focal Length",
        flag=None,
    )
    aim: tuple[float, float, float] = option(
        (0.5, 0.5, 0.5),
        "what a close-up is centred on, in the product's bounding box; 0.5 is the middle",
        label="Aim",
        flag=None,
    )
    prompt: str = option(
        "",
        "sent for this angle instead of the composed prompt",
        unset="the composed prompt",
        label="Own Prompt",
        flag=None,
    )

    def __post_init__(self) -> None:
        # The name becomes a file's name on Windows too, and a camera's name in Blender (63 bytes).
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", self.name):
            raise ValueError("an angle's name is 1-40 lower-case letters, digits and dashes, such as 'three-quarter'")
        check_ranges(self)
        object.__setattr__(self, "aim", tuple(map(float, self.aim)))
        if self.fill == 0.0:
            raise ValueError("an angle's fill is more than 0")

    @property
    def crops(self) -> bool:
        """True where the frame cuts the product on purpose."""
        return self.fill > 1.0

    def direction(self) -> tuple[float, float, float]:
        """Unit vector from the product towards the camera, in Blender's world axes."""
        azimuth, elevation = math.radians(self.azimuth), math.radians(self.elevation)
        return (
            math.sin(azimuth) * math.cos(elevation),
            -math.cos(azimuth) * math.cos(elevation),
            math.sin(elevation),
        )


def _turnaround(steps: int, elevation: float) -> tuple[Angle, ...]:
    return tuple(
        Angle(name=f"turn-{round(i * 360 / steps):03d}", azimuth=i * 360 / steps, elevation=elevation)
        for i in range(steps)
    )


ANGLE_SETS: dict[str, tuple[Angle, ...]] = {
    "product": (
        Angle(name="front", azimuth=0, elevation=15),
        Angle(name="three-quarter", azimuth=45, elevation=25),
        Angle(name="side", azimuth=90, elevation=15),
        Angle(name="top", azimuth=0, elevation=75),
        Angle(name="detail", azimuth=30, elevation=5, fill=1.6, aim=(0.5, 0.5, 0.6)),
    ),
    "character-sheet": (
        Angle(name="front", azimuth=0, elevation=0, fill=0.9),
        Angle(name="three-quarter", azimuth=45, elevation=0, fill=0.9),
        Angle(name="side", azimuth=90, elevation=0, fill=0.9),
        Angle(name="back", azimuth=180, elevation=0, fill=0.9),
        Angle(name="portrait", azimuth=20, elevation=5, fill=2.4, aim=(0.5, 0.5, 0.88)),
    ),
    "architecture": (
        Angle(name="street", azimuth=30, elevation=3, focal_length=35),
        Angle(name="facade", azimuth=0, elevation=5, focal_length=50),
        Angle(name="corner", azimuth=-45, elevation=12, focal_length=35),
        Angle(name="aerial", azimuth=45, elevation=45, focal_length=50),
        Angle(name="plan", azimuth=0, elevation=89, focal_length=85),
    ),
    "jewellery": (
        Angle(name="front", azimuth=0, elevation=20, focal_length=100),
        Angle(name="three-quarter", azimuth=35, elevation=35, focal_length=100),
        Angle(name="profile", azimuth=90, elevation=8, focal_length=100),
        Angle(name="top", azimuth=0, elevation=80, focal_length=100),
        Angle(name="macro", azimuth=20, elevation=30, fill=2.0, focal_length=135, aim=(0.5, 0.5, 0.8)),
    ),
    "turnaround": _turnaround(8, elevation=15),
}
DEFAULT_ANGLE_SET = "product"


def describe(angle: Angle) -> str:
    """The angle in words that an image model understands, such as "three-quarter view from slightly above"."""
    azimuth = (angle.azimuth + 180.0) % 360.0 - 180.0
    side = "right" if azimuth > 0 else "left"
    turn = abs(azimuth)
    if turn <= 15:
        view = "front view"
    elif turn < 75:
        view = f"three-quarter view from the {side}"
    elif turn <= 105:
        view = f"{side} side view"
    elif turn < 165:
        view = f"rear three-quarter view from the {side}"
    else:
        view = "back view"
    if angle.elevation >= 60:
        height = "from above, looking down"
        view = "top view" if turn <= 15 else view
    elif angle.elevation >= 20:
        height = "from slightly above"
    elif angle.elevation > -5:
        height = "at eye level"
    else:
        height = "from below"
    return f"close-up, {view} {height}" if angle.crops else f"{view} {height}"


def parse_angles(text: str | None, known: tuple[Angle, ...]) -> tuple[Angle, ...]:
    """Angles as words: names from ``known``, or own ones as name:azimuth:elevation[:fill[:focal length]].

    None or empty means all that are known. Raises UsageError.
    """
    if text is None or not text.strip():
        return known
    by_name = {angle.name: angle for angle in known}
    angles = []
    for word in (part.strip() for part in text.split(",")):
        if word in by_name:
            angles.append(by_name[word])
        elif ":" in word:
            angles.append(_own_angle(word))
        else:
            import difflib

            near = difflib.get_close_matches(word, by_name, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(by_name)}"
            raise UsageError(f"there is no angle {word!r}; {hint}")
    return tuple(angles)


def _own_angle(word: str) -> Angle:
    name, *numbers = word.split(":")
    try:
        values: dict[str, Any] = dict(
            zip(("azimuth", "elevation", "fill", "focal_length"), map(float, numbers), strict=False)
        )
        if not 2 <= len(numbers) <= 4:
            raise ValueError
    except ValueError:
        raise UsageError(
            f"the angle {word!r} is not name:azimuth:elevation[:fill[:focal length]], such as back:180:15"
        ) from None
    try:
        return Angle(name=name, **values)
    except ValueError as error:
        raise UsageError(f"the angle {word!r}: {error}") from None
