# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fake's accounts: what was accepted, what it cost, who pays. Tests hold the product's ledger against these."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any


class Clock:
    """The fake's time in seconds since 1970. It runs with the machine's and can be pushed forward."""

    def __init__(self) -> None:
        self._start, self._zero, self.pushed = time.time(), time.monotonic(), 0.0

    def __call__(self) -> float:
        return self._start + time.monotonic() - self._zero + self.pushed

    def advance(self, seconds: float) -> None:
        self.pushed += seconds


def iso(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat().replace("+00:00", "Z")


def http_date(seconds: float) -> str:
    """As in a ``Date`` header."""
    return formatdate(seconds, usegmt=True)


@dataclass
class Entry:
    """One accepted request. Times in seconds since 1970, prices in USD; ``units`` is 0 until it is billed.

    ``answered``: the HTTP status that the customer was told for the submission; None where the answer was lost or is
    still on its way. ``files``: address on the CDN → SHA-256 of the bytes that are there. ``listed``: the price and unit
    that the price list last told anybody before; None where it was not asked.
    """

    request_id: str
    endpoint: str
    arguments: dict[str, Any]
    key_id: str
    unit: str
    unit_price: float
    submitted_at: float
    state: str = "IN_QUEUE"
    started_at: float | None = None
    finished_at: float | None = None
    status_code: int | None = None
    cancelled: bool = False
    billed: bool = False
    units: float = 0.0
    answered: int | None = None
    files: dict[str, str] = field(default_factory=dict)
    listed: tuple[Any, Any] | None = None

    @property
    def usd(self) -> float:
        return round(self.units * self.unit_price, 6) if self.billed else 0.0


@dataclass
class Books:
    entries: list[Entry] = field(default_factory=list)

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self.entries))

    def __len__(self) -> int:
        return len(self.entries)

    def of(self, endpoint: str) -> list[Entry]:
        """The entries of an endpoint id, or of every id that starts so."""
        return [entry for entry in self if entry.endpoint.startswith(endpoint)]

    def entry(self, request_id: str) -> Entry:
        return next(entry for entry in self if entry.request_id == request_id)

    @property
    def billed(self) -> list[Entry]:
        return [entry for entry in self if entry.billed]

    @property
    def usd(self) -> float:
        """What all customers owe."""
        return round(sum(entry.usd for entry in self), 6)


@dataclass(frozen=True)
class Price:
    usd: float
    unit: str


# From fal.md's list of prices seen; the rest are plausible, and a test that cares sets its own.
DEFAULT_PRICES: dict[str, tuple[float, str]] = {
    "fal-ai/flux-kontext/dev": (0.025, "images"),
    "fal-ai/flux-pro/kontext": (0.04, "images"),
    "fal-ai/flux-pro/kontext/multi": (0.04, "images"),
    "fal-ai/flux-pro/kontext/max": (0.08, "images"),
    "fal-ai/flux-pro/kontext/max/multi": (0.08, "images"),
    "fal-ai/flux-pro/v1.1": (0.04, "megapixels"),
    "fal-ai/flux-pro/v1.1-ultra": (0.06, "images"),
    "fal-ai/flux/schnell": (0.003, "megapixels"),
    "fal-ai/flux-2/edit": (0.012, "megapixels"),
    "fal-ai/flux-control-lora-depth": (0.04, "megapixels"),
    "fal-ai/nano-banana/edit": (0.039, "images"),
    "fal-ai/nano-banana-pro/edit": (0.15, "images"),
    "fal-ai/nano-banana-2/edit": (0.08, "images"),
    "fal-ai/bytedance/seedream/v4.5/edit": (0.04, "images"),
    "fal-ai/kling-video/v1/standard/image-to-video": (0.045, "seconds"),
    "fal-ai/kling-video/v1.6/pro/image-to-video": (0.095, "seconds"),
    "fal-ai/kling-video/v2.1/pro/image-to-video": (0.098, "seconds"),
    "fal-ai/kling-video/v2.5-turbo/pro/image-to-video": (0.07, "seconds"),
    "fal-ai/kling-video/v2.5-turbo/standard/image-to-video": (0.042, "seconds"),
    "fal-ai/kling-video/v2.6/pro/image-to-video": (0.07, "seconds"),
    "fal-ai/kling-video/v3/pro/image-to-video": (0.112, "seconds"),
    "fal-ai/veo3.1/image-to-video": (0.20, "seconds"),
    "fal-ai/veo3.1/first-last-frame-to-video": (0.20, "seconds"),
    "fal-ai/veo3.1/fast/image-to-video": (0.10, "seconds"),
    "fal-ai/veo3/image-to-video": (0.20, "seconds"),
    "fal-ai/meshy/v5/multi-image-to-3d": (0.40, "units"),
    "fal-ai/meshy/v6/multi-image-to-3d": (0.80, "units"),
    "fal-ai/meshy/v6/image-to-3d": (0.80, "units"),
    "fal-ai/meshy/v6/text-to-3d": (0.80, "units"),
    "fal-ai/meshy/v6-preview/multi-image-to-3d": (3.00, "units"),
    "openrouter/router/vision": (0.005, "requests"),
    "meshy/v7/multi-image-to-3d": (0.80, "units"),
    "meshy/v7/image-to-3d": (0.80, "units"),
    "fal-ai/meshy/v5/retexture": (1.20, "units"),
    "tripo3d/h3.1/multiview-to-3d": (0.20, "units"),
    "hitem3d/hi3d/v3.0/multi-view-to-3d": (2.10, "units"),
    "hitem3d/hi3d/texture": (0.80, "units"),
    "fal-ai/hunyuan-3d/v3.1/pro/image-to-3d": (0.375, "units"),
    "microsoft/mai-image-2.5-pro/edit": (0.17, "images"),
    "xai/grok-imagine-image/v2.0/edit": (0.05, "images"),
    "bytedance/seedance-2.5/image-to-video": (0.473, "seconds"),
    "bytedance/seedance-2.5/reference-to-video": (0.473, "seconds"),
    "minimax/h3/image-to-video": (0.05, "seconds"),
    "fal-ai/veo3.1/lite/image-to-video": (0.10, "seconds"),
    "fal-ai/veo3.1/reference-to-video": (0.20, "seconds"),
    "fal-ai/ltx-2.3-quality/render-to-real": (0.0024075, "megapixel-frames"),
    "fal-ai/wan-22-vace-fun-a14b/depth": (0.10, "seconds"),
    "topaz/upscale/image/precision": (0.08, "images"),
    "topaz/upscale/video/precision": (0.06, "seconds"),
    "fal-ai/birefnet/v2": (0.003, "images"),
    "fal-ai/sam-3-1/image": (0.005, "images"),
    "bria/video/background-removal/v3": (0.0042, "seconds"),
}
_BY_KIND = {
    "picture": Price(0.04, "images"),
    "model": Price(1.20, "units"),
    "video": Price(0.14, "seconds"),
    "words": Price(0.005, "requests"),
}


class Prices:
    """USD per unit by endpoint id. Set with ``prices[id] = 0.05`` or ``= (0.05, "images")``."""

    def __init__(self, kinds: dict[str, str], changed: dict[str, Any] | None = None) -> None:
        self._prices = {endpoint: _BY_KIND[kind] for endpoint, kind in kinds.items()}
        self.factors = [1.0]  # on the first prices, as time went on
        for endpoint, price in (DEFAULT_PRICES | (changed or {})).items():
            self[endpoint] = price

    def __getitem__(self, endpoint: str) -> Price:
        return self._prices[endpoint]

    def __setitem__(self, endpoint: str, price: float | tuple[float, str] | list) -> None:
        known = self._prices.get(endpoint, Price(0.0, "units"))
        self._prices[endpoint] = Price(*price) if isinstance(price, (tuple, list)) else Price(price, known.unit)

    def scale(self, factor: float) -> None:
        """Every price rises or falls by the factor."""
        self.factors.append(self.factors[-1] * factor)
        self._prices = {name: Price(price.usd * factor, price.unit) for name, price in self._prices.items()}

    def __contains__(self, endpoint: str) -> bool:
        return endpoint in self._prices


def units(price: Price, endpoint: str, arguments: dict[str, Any], pixels: list[int]) -> float:
    """What ``X-Fal-Billable-Units`` says: the price list has only the base, so extras show up as more units."""
    if price.unit == "megapixels":
        return float(sum(-(-area // 1_000_000) for area in pixels))
    if price.unit == "images":
        return len(pixels) * {"0.5K": 0.75, "2K": 1.5, "4K": 2.0}.get(arguments.get("resolution", "1K"), 1.0)
    if price.unit == "megapixel-frames":
        return 0.72 * 0.72 * arguments.get("num_frames", 121)
    if price.unit == "seconds":
        return seconds(endpoint, arguments) * _sound(endpoint, arguments)
    return 1.0 + 0.25 * bool(arguments.get("enable_rigging")) + 0.15 * bool(arguments.get("enable_animation"))


def seconds(endpoint: str, arguments: dict[str, Any]) -> float:
    """The clip's length, from strings such as "5", "8s" and "auto"."""
    if arguments.get("multi_prompt"):
        return float(sum(int(shot["duration"]) for shot in arguments["multi_prompt"]))
    if "num_frames" in arguments:
        return arguments["num_frames"] / 16.0
    asked = str(arguments.get("duration", "8s" if "veo" in endpoint else "5")).rstrip("s")
    return float(asked) if asked.isdigit() else 5.0


def _sound(endpoint: str, arguments: dict[str, Any]) -> float:
    audible = arguments.get("generate_audio", "kling-video/o3" not in endpoint)
    if "veo" in endpoint:
        return 1.0 + audible + (arguments.get("resolution") == "4k")
    if "kling-video/v2.6" in endpoint:
        return 1.0 + audible
    if "kling-video/v3" in endpoint and "turbo" not in endpoint:
        return 1.0 + 0.5 * audible
    return 1.0
