# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lighting presets as data: where lamps stand, how strong, how large, how warm, all in units of the product's size.

A lamp ``distance`` radii away with ``strength`` times the light of its area, both scaling with the product, gives the
same irradiance on a ring and on a sofa: power ∝ size² at fixed irradiance (inverse square law).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from .groups import LightRig

Role = Literal["key", "fill", "rim"]
DAYLIGHT = 6500.0  # kelvin; white in Blender's Rec. 709 working space


@dataclass(frozen=True)
class Lamp:
    """A square area lamp facing the product's middle.

    ``strength``: irradiance at the product's middle, relative to full exposure (π·strength W/m² makes a perfectly white
    surface facing the lamp display as ``strength``).
    """

    role: Role
    azimuth: float  # degrees, as rig.Angle: 0 = front, 90 = from +X
    elevation: float  # degrees up from the horizon
    strength: float
    size: float  # side length, in radii of the product
    distance: float = 5.0  # from the product's middle, in radii of the product
    kelvin: float = DAYLIGHT


@dataclass(frozen=True)
class Preset:
    """``environment``: strength of the surrounding, which is even white, or partly ``hdri``, a file of Blender's own.

    ``hdri_share``: how much of the picture is mixed in; the rest stays white, so that metal mirrors no black room.
    """

    title: str
    lamps: tuple[Lamp, ...]
    environment: float
    hdri: str | None = None
    hdri_share: float = 0.55


PRESETS: dict[str, Preset] = {
    "studio": Preset(
        "Soft three-point studio",
        (
            Lamp("key", azimuth=-40, elevation=45, strength=0.55, size=4.0),
            Lamp("fill", azimuth=60, elevation=20, strength=0.18, size=5.0),
            Lamp("rim", azimuth=160, elevation=50, strength=0.45, size=2.5),
        ),
        environment=0.35,
    ),
    "softbox": Preset(
        "Softbox tent",
        (
            Lamp("key", azimuth=-80, elevation=15, strength=0.30, size=6.0, distance=4.0),
            Lamp("fill", azimuth=80, elevation=15, strength=0.30, size=6.0, distance=4.0),
            Lamp("rim", azimuth=0, elevation=88, strength=0.35, size=6.0, distance=4.0),
        ),
        environment=0.5,
    ),
    "dramatic": Preset(
        "Dramatic side light",
        (
            Lamp("key", azimuth=-75, elevation=30, strength=0.95, size=2.0, kelvin=5600),
            Lamp("fill", azimuth=60, elevation=10, strength=0.04, size=4.0, kelvin=7500),
            Lamp("rim", azimuth=140, elevation=35, strength=0.70, size=1.5, kelvin=7500),
        ),
        environment=0.10,
    ),
    "hdri": Preset("Neutral HDRI", (), environment=0.8, hdri="studio.exr"),
}


@dataclass(frozen=True)
class PlacedLamp:
    """A lamp for a product of a given radius. Lengths in metres, power in watts as Blender's area lamps count them."""

    role: Role
    direction: tuple[float, float, float]  # unit vector from the product's middle to the lamp
    distance: float
    size: float
    power: float
    kelvin: float


def place(preset: Preset, radius: float, rig: LightRig) -> tuple[PlacedLamp, ...]:
    """The preset's lamps with the corrections applied, around a product of ``radius`` metres."""
    return tuple(_placed(lamp, radius, rig) for lamp in preset.lamps)


def environment(preset: Preset, rig: LightRig) -> float:
    """Strength of the surrounding light."""
    return preset.environment * rig.environment


def _placed(lamp: Lamp, radius: float, rig: LightRig) -> PlacedLamp:
    azimuth, elevation = math.radians(lamp.azimuth + rig.rotation), math.radians(lamp.elevation)
    distance = lamp.distance * radius
    strength = lamp.strength * {"key": rig.key, "fill": rig.fill, "rim": rig.rim}[lamp.role]
    return PlacedLamp(
        role=lamp.role,
        direction=(
            math.sin(azimuth) * math.cos(elevation),
            -math.cos(azimuth) * math.cos(elevation),
            math.sin(elevation),
        ),
        distance=distance,
        size=lamp.size * radius * rig.softness,
        # A Lambertian lamp of power P has the intensity P/π on its axis, so it gives P/(π·d²) at distance d, and π·strength
        # is wanted. The lamp's size cancels out: softness changes shadows, not exposure.
        power=math.pi**2 * strength * distance**2,
        kelvin=min(max(lamp.kelvin + rig.temperature, 1000.0), 20000.0),
    )
