# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lighting presets as data: where lamps stand, how strong, how large, how warm, all in units of the product's size.

A lamp ``distance`` radii away with ``strength`` times the light of its area, both scaling with the product, gives the
same irradiance on a ring and on a sofa: power ∝ size² at fixed irradiance (inverse square law).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from .lights import AS_IT_IS, ENVIRONMENT, GLOW, WHITE, Light, Moved
from .options import LightRig

Slider = Literal["key", "fill", "rim"]  # of LightRig
Kind = Literal["lamp", "card", "flag"]
DAYLIGHT = 6500.0  # kelvin; white in Blender's Rec. 709 working space


@dataclass(frozen=True)
class Lamp:
    """An area lamp facing the product's middle, or a ``card`` or ``flag``: a white or black plane that only reflections and
    what is seen through glass show.

    ``strength``: of a lamp the irradiance at the product's middle, relative to full exposure (π·strength W/m² makes a
    perfectly white surface facing the lamp display as ``strength``); of a card its light beside that of white.
    """

    role: str  # the light's name; letters, digits, - and _
    azimuth: float  # degrees, as rig.Angle: 0 = front, 90 = from +X
    elevation: float  # degrees up from the horizon
    strength: float
    size: float  # side length, in radii of the product
    distance: float = 5.0  # from the product's middle, in radii of the product
    kelvin: float = DAYLIGHT
    height: float | None = None  # its other side, upright; None: square
    soft: float = 0.0  # share of the way from its middle to its border over which it fades, 0..1
    hole: float | None = None  # of a ring, the inner over the outer radius
    kind: Kind = "lamp"
    slider: Slider | None = None  # the correction that it follows; None: that of its role's name, or none


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
    words: str = "Soft studio lighting"  # for prompts
    backdrop: str = "white"  # that it is meant for; the backdrop of a run is chosen by itself


PRESETS: dict[str, Preset] = {
    "studio": Preset(
        "Soft three-point studio",
        (
            Lamp("key", azimuth=-40, elevation=45, strength=0.55, size=4.0),
            Lamp("fill", azimuth=60, elevation=20, strength=0.18, size=5.0),
            Lamp("rim", azimuth=160, elevation=50, strength=0.45, size=2.5),
        ),
        environment=0.35,
        words="Soft three-point studio lighting",
    ),
    "softbox": Preset(
        "Softbox tent",
        (
            Lamp("key", azimuth=-80, elevation=15, strength=0.30, size=6.0, distance=4.0),
            Lamp("fill", azimuth=80, elevation=15, strength=0.30, size=6.0, distance=4.0),
            Lamp("rim", azimuth=0, elevation=88, strength=0.35, size=6.0, distance=4.0),
        ),
        environment=0.5,
        words="Even softbox lighting from all sides",
    ),
    "dramatic": Preset(
        "Dramatic side light",
        (
            Lamp("key", azimuth=-75, elevation=30, strength=0.95, size=2.0, kelvin=5600),
            Lamp("fill", azimuth=60, elevation=10, strength=0.04, size=4.0, kelvin=7500),
            Lamp("rim", azimuth=140, elevation=35, strength=0.70, size=1.5, kelvin=7500),
        ),
        environment=0.10,
        words="Dramatic side lighting with deep, soft shadows",
    ),
    "hdri": Preset("Neutral HDRI", (), environment=0.8, hdri="studio.exr", words="Neutral ambient studio lighting"),
    "strips": Preset(
        "Strip boxes: edge highlights on metal and glass",
        (
            Lamp("key", azimuth=-78, elevation=12, strength=0.62, size=1.0, height=4.5, distance=3.2, soft=1.0),
            Lamp("rim", azimuth=82, elevation=12, strength=0.42, size=0.7, height=4.5, distance=3.2, soft=1.0),
            Lamp("fill", azimuth=0, elevation=80, strength=0.22, size=4.0, distance=4.0, soft=0.6),
        ),
        environment=0.16,
        words="Two tall strip softboxes with long, soft edge highlights",
        backdrop="grey",
    ),
    "bank": Preset(
        "Overhead bank: one large light from above, a card in front",
        (
            Lamp("key", azimuth=180, elevation=72, strength=0.75, size=6.0, distance=4.0, soft=0.5),
            Lamp("fill", azimuth=-25, elevation=25, strength=0.25, size=5.0, distance=5.0),
            Lamp(
                "card", azimuth=20, elevation=8, strength=0.7, size=4.0, height=2.5, distance=3.5, soft=0.6, kind="card"
            ),
        ),
        environment=0.25,
        words="One large overhead softbox with a soft gradient",
    ),
    "dark-field": Preset(
        "Dark field: glass drawn by its bright edges",
        (
            Lamp("key", azimuth=-125, elevation=14, strength=0.5, size=1.6, height=4.5, distance=3.2, soft=0.7),
            Lamp("rim", azimuth=125, elevation=14, strength=0.5, size=1.6, height=4.5, distance=3.2, soft=0.7),
            Lamp("fill", azimuth=0, elevation=75, strength=0.14, size=3.0, distance=4.0),
            Lamp("flag", azimuth=180, elevation=8, strength=0.0, size=3.4, height=6.0, distance=3.0, kind="flag"),
        ),
        environment=0.025,
        words="Dark-field lighting: bright edges on black",
        backdrop="#050506",
    ),
    "bright-field": Preset(
        "Bright field: glass drawn by its dark edges",
        (
            Lamp(
                "key",
                azimuth=180,
                elevation=10,
                strength=0.95,
                size=5.0,
                height=6.0,
                distance=3.5,
                soft=0.4,
                kind="card",
                slider="key",
            ),
            Lamp("fill", azimuth=-35, elevation=50, strength=0.45, size=4.0, distance=4.5),
            Lamp("left", azimuth=-80, elevation=6, strength=0.0, size=2.2, height=5.0, distance=1.8, kind="flag"),
            Lamp("right", azimuth=80, elevation=6, strength=0.0, size=2.2, height=5.0, distance=1.8, kind="flag"),
        ),
        environment=0.40,
        words="Bright-field lighting: dark edges on white",
    ),
    "card-and-flag": Preset(
        "Bounce card and flag: one side of metal white, the other black",
        (
            Lamp("key", azimuth=-45, elevation=50, strength=0.55, size=3.0, soft=0.5),
            Lamp("rim", azimuth=150, elevation=45, strength=0.40, size=2.0),
            Lamp(
                "card",
                azimuth=-70,
                elevation=8,
                strength=0.95,
                size=2.0,
                height=4.0,
                distance=2.4,
                soft=0.5,
                kind="card",
                slider="fill",
            ),
            Lamp("flag", azimuth=68, elevation=8, strength=0.0, size=1.0, height=4.0, distance=2.2, kind="flag"),
        ),
        environment=0.32,
        words="Soft key light with a white bounce card and a black flag",
    ),
    "gradient": Preset(
        "Gradient panels: smooth falloff over polished surfaces",
        (
            Lamp("key", azimuth=-60, elevation=35, strength=0.6, size=6.0, distance=4.0, soft=1.0),
            Lamp("fill", azimuth=70, elevation=15, strength=0.2, size=6.0, distance=4.0, soft=1.0),
            Lamp("rim", azimuth=180, elevation=40, strength=0.4, size=5.0, height=2.0, distance=4.0, soft=1.0),
        ),
        environment=0.18,
        words="Large gradient softboxes with smooth falloff",
        backdrop="gradient",
    ),
    "jewellery": Preset(
        "Ring light and sparkle: jewellery and stones",
        (
            Lamp("key", azimuth=0, elevation=62, strength=0.5, size=3.6, distance=3.4, hole=0.6, slider="key"),
            Lamp("fill", azimuth=-75, elevation=25, strength=0.22, size=3.0, distance=3.5, soft=0.8),
            Lamp("rim", azimuth=150, elevation=35, strength=0.35, size=0.35, distance=4.0),
            Lamp("spark", azimuth=60, elevation=40, strength=0.25, size=0.25, distance=4.0, slider="rim"),
            Lamp("flag", azimuth=110, elevation=10, strength=0.0, size=1.2, height=2.0, distance=2.6, kind="flag"),
        ),
        environment=0.35,
        words="Ring light with small sparkling highlights",
    ),
}


@dataclass(frozen=True)
class PlacedLamp:
    """A lamp for a product of a given radius. Lengths in metres, power in watts as Blender's area lamps count them."""

    role: str
    direction: tuple[float, float, float]  # unit vector from the product's middle to the lamp
    distance: float
    size: float
    power: float
    kelvin: float
    tint: tuple[float, float, float] = WHITE  # factors of red, green and blue on top of the temperature's, linear
    height: float | None = None  # of a rectangle
    soft: float = 0.0
    hole: float | None = None
    kind: Kind = "lamp"
    radiance: float = 0.0  # of a card
    on: bool = True
    turn: tuple[float, float, float, float] | None = None  # as a quaternion; None: it faces the product's middle


def place(
    preset: Preset, radius: float, rig: LightRig, lights: Mapping[str, Light] | None = None
) -> tuple[PlacedLamp, ...]:
    """The preset's lamps with the corrections and then ``lights`` applied, around a product of ``radius`` metres."""
    own = lights or {}
    return tuple(_placed(lamp, radius, rig, own.get(lamp.role, AS_IT_IS)) for lamp in preset.lamps)


def environment(preset: Preset, rig: LightRig, light: Light | None = None) -> float:
    """Strength of the surrounding light, with ``light`` applied."""
    strength = preset.environment * rig.environment
    return strength if light is None else strength * light.strength * light.on


def light_names(preset: Preset) -> list[str]:
    """The lights that a product lit by ``preset`` has; a flag gives none."""
    return [*(lamp.role for lamp in preset.lamps if lamp.kind != "flag"), ENVIRONMENT, GLOW]


def _placed(lamp: Lamp, radius: float, rig: LightRig, light: Light) -> PlacedLamp:
    azimuth, elevation = math.radians(lamp.azimuth + rig.rotation), math.radians(lamp.elevation)
    distance = lamp.distance * radius
    strength = lamp.strength * {"key": rig.key, "fill": rig.fill, "rim": rig.rim}.get(lamp.slider or lamp.role, 1.0)
    size = lamp.size * radius * rig.softness
    placed = PlacedLamp(
        role=lamp.role,
        direction=(
            math.sin(azimuth) * math.cos(elevation),
            -math.cos(azimuth) * math.cos(elevation),
            math.sin(elevation),
        ),
        distance=distance,
        size=size,
        # A Lambertian lamp of power P has the intensity P/π on its axis, so it gives P/(π·d²) at distance d, and π·strength
        # is wanted. The lamp's size cancels out: softness changes shadows, not exposure.
        power=math.pi**2 * strength * distance**2 * light.strength * light.on,
        kelvin=min(max(lamp.kelvin + rig.temperature, 1000.0), 20000.0) if light.kelvin is None else light.kelvin,
        tint=light.tint,
        height=None if lamp.height is None else size * lamp.height / lamp.size,
        soft=lamp.soft,
        hole=lamp.hole,
        kind=lamp.kind,
        radiance=strength * light.strength * light.on,
        on=light.on,
    )
    return placed if light.moved is None else _moved(placed, light.moved, radius)


def _moved(placed: PlacedLamp, moved: Moved, radius: float) -> PlacedLamp:
    """With the power that it has in the lighting: nearer to the product it is brighter there, as a lamp is."""
    distance = math.sqrt(sum(part * part for part in moved.place))
    x, y, z = (part / max(distance, 1e-9) for part in moved.place)
    wide, high = (side * radius for side in moved.size)
    return replace(
        placed,
        direction=(x, y, z),
        distance=distance * radius,
        size=wide,
        height=None if math.isclose(wide, high) else high,
        turn=moved.turn,
    )
