# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Google's nano-banana edits. Aspect and resolution are named, not given in pixels; "auto" follows the reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from ..base import FileUrl, Images, Inputs, JpegPngWebp, NumImages, Seed, SyncMode, Tolerance6, still
from ..prices import Multiplier, Price, unpriced

Aspect = Literal["auto", "21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16"]
WideAspect = Literal[Aspect, "4:1", "1:4", "8:1", "1:8"]


class Banana(Inputs):
    prompt: str = Field(min_length=3, max_length=50000, description="what to make, in words")
    image_urls: list[FileUrl] = Field(min_length=1)
    num_images: NumImages = 1
    output_format: JpegPngWebp = "png"
    safety_tolerance: Tolerance6 = "4"
    limit_generations: bool = Field(False, description="one picture a round, whatever the prompt says")
    seed: Seed = None
    sync_mode: SyncMode = False


class NanoBanana(Banana):
    aspect_ratio: Aspect = "auto"


class NanoBananaPro(NanoBanana):
    resolution: Literal["1K", "2K", "4K"] = "1K"
    enable_web_search: bool = False
    system_prompt: str = Field("", description="how the model is to see itself and its work")


class NanoBananaLite(Banana):
    aspect_ratio: WideAspect = "auto"
    limit_generations: bool = Field(True, description="one picture a round, whatever the prompt says")
    thinking_level: Literal["minimal", "high"] | None = None
    system_prompt: str = Field("", description="how the model is to see itself and its work")


class NanoBanana2(NanoBananaLite):
    resolution: Literal["0.5K", "1K", "2K", "4K"] = "1K"
    enable_web_search: bool = False
    video_url: FileUrl | None = Field(None, description="at most 15 MB")
    audio_url: FileUrl | None = Field(None, description="at most 15 MB")
    pdf_url: FileUrl | None = Field(None, description="at most 15 MB")


class NanoBananaImages(Images):
    description: str | None = None


def _by_resolution(source: str, **times: float) -> Any:
    def multipliers(values: Mapping[str, Any]) -> list[Multiplier]:
        resolution = str(values.get("resolution"))
        factor = times.get("r" + resolution)
        return [Multiplier(factor, resolution, source)] if factor else []

    return multipliers


PAGE = "fal's model page, 2026"
LISTING = "third-party listing, 2026"
PRO = Price("images", 0.15, LISTING, "2026-01-01", _by_resolution(LISTING, r4K=2.0))
TWO = Price("images", 0.08, PAGE, "2026-01-01", _by_resolution(PAGE, r2K=1.5, r4K=2.0))
UNPRICED = unpriced("images")

ENDPOINTS = (
    still("fal-ai/nano-banana/edit", "Nano Banana", NanoBanana, NanoBananaImages, UNPRICED),
    still("fal-ai/nano-banana-pro/edit", "Nano Banana Pro", NanoBananaPro, NanoBananaImages, PRO),
    still("fal-ai/nano-banana-2/edit", "Nano Banana 2", NanoBanana2, NanoBananaImages, TWO),
    still("google/nano-banana-lite/edit", "Nano Banana lite", NanoBananaLite, NanoBananaImages, UNPRICED),
)
