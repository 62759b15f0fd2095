# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a call costs: USD = unit price × units × multipliers.

fal's pricing API gives a base price and a unit in free text; what audio, texture or resolution add it does not say.
Those multipliers are declared with the endpoint, each with its source. Where two sources disagree the dearer price is
stored, since a quote guards a budget; where a later source settles it, that one.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

FRESH_DAYS = 90  # after so many a stored price is to be looked up again
LOOKED_FOR = "2026-11-25"  # when a price was last looked for where none is stored

# width × height of fal's named picture sizes (fal's ImageSize presets)
NAMED_SIZES = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
    "auto_1K": (1024, 1024),
    "auto_2K": (2048, 2048),
    "auto_3K": (3072, 3072),
    "auto_4K": (4096, 4096),
}


@dataclass(frozen=True)
class Multiplier:
    times: float
    reason: str
    source: str


def no_multipliers(_values: Mapping[str, Any]) -> list[Multiplier]:
    return []


@dataclass(frozen=True)
class Price:
    """``usd`` for one ``unit``, as stored; None where no price is known and only the pricing API can tell.

    ``date``: ISO, the day of the source; of a source that tells only its month or its year, the first day of that, so that
    no price passes for younger than it is.
    """

    unit: str
    usd: float | None
    source: str
    date: str
    multipliers: Callable[[Mapping[str, Any]], list[Multiplier]] = no_multipliers

    def is_stale(self, today: dt.date) -> bool:
        """The stored price is older than FRESH_DAYS."""
        return self.usd is not None and (today - dt.date.fromisoformat(self.date)).days > FRESH_DAYS

    @property
    def in_words(self) -> str:
        """For a list: "$0.025 an image", "$0.112 a second"; where no price is stored, that fal.ai is asked for it."""
        if self.usd is None:
            return "price asked at fal.ai"
        unit = singular(self.unit)
        return f"${self.usd:.3f}".removesuffix("0") + f" {'an' if unit[:1] in 'aeio' else 'a'} {unit}"


def unpriced(unit: str) -> Price:
    """The price of an endpoint for which none was seen."""
    return Price(unit, None, "no price seen; the pricing API knows", LOOKED_FOR)


PLAUSIBLE = 3.0  # times: a price or a bill that is further than that from what was expected is not believed by itself


def is_plausible(usd: float, expected: float) -> bool:
    return expected / PLAUSIBLE <= usd <= expected * PLAUSIBLE


@dataclass(frozen=True)
class Quote:
    """``usd`` is None where neither fal nor the catalogue knows a price. ``live``: the unit price came from fal.

    ``confirmed``: fal's price is in the unit that the catalogue expects, and plausible beside the stored one; only then
    is a number of billed units worth what it says. ``doubt``: what is odd about the price, for the user; empty if nothing.
    """

    usd: float | None
    unit: str
    unit_price: float | None
    units: float
    multipliers: tuple[Multiplier, ...]
    live: bool
    source: str
    confirmed: bool = False
    doubt: str = ""


def singular(unit: str) -> str:
    return unit.strip().lower().removesuffix("s")


def count_units(unit: str, values: Mapping[str, Any], size: tuple[int, int] | None) -> float | None:
    """How many of ``unit`` one call takes, or None for a unit nobody here knows.

    Megapixels are counted as 1024 × 1024 and rounded up for each picture, as fal bills its FLUX endpoints.
    ``size``: pixels of the picture where the arguments leave it to the endpoint.
    """
    pictures = float(values.get("num_images") or 1)
    match singular(unit):
        case "image":
            return pictures
        case "megapixel":
            width, height = pixels(values.get("image_size")) or size or (1024, 1024)
            return pictures * max(1, math.ceil(width * height / 1024**2))
        case "second":
            shots = values.get("multi_prompt") or [values]
            return sum(_length(shot) for shot in shots)
        case "megapixel-frame":
            across, down = _frame(values, size)
            return across * down / 1e6 * float(values.get("num_frames") or 1)
        case "unit" | "video" | "model" | "generation" | "request":
            return 1.0
        case _:
            return None


def _length(values: Mapping[str, Any]) -> float:
    """Seconds of a clip; where only its frames are counted, at 16 a second, as fal bills those (the dearest reading)."""
    if values.get("duration") is None and values.get("num_frames"):
        return float(values["num_frames"]) / 16.0
    return seconds(values.get("duration"))


def _frame(values: Mapping[str, Any], size: tuple[int, int] | None) -> tuple[float, float]:
    """Pixels of a clip's frame: its shorter side is what ``resolution`` says, its aspect that of ``size``."""
    digits = str(values.get("resolution") or "").removesuffix("p")
    shorter = float(digits) if digits.isdigit() else 720.0
    width, height = size or (1280, 720)
    scale = shorter / min(width, height)
    return width * scale, height * scale


def seconds(duration: Any) -> float:
    """Seconds in fal's ways of writing a duration: "5", "8s", 5."""
    return float(str(duration).removesuffix("s")) if duration not in (None, "", "auto") else 5.0


def pixels(image_size: Any) -> tuple[int, int] | None:
    """Width and height of a picture size, named or given; None where the endpoint decides."""
    if isinstance(image_size, Mapping):
        return int(image_size.get("width", 512)), int(image_size.get("height", 512))
    return NAMED_SIZES.get(str(image_size))
