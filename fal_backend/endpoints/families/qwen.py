# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Qwen's edits: the instruction editors here that have a negative prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from ..base import (
    CRAWLED,
    Acceleration,
    FileUrl,
    FluxImages,
    Image,
    ImageSize,
    Inputs,
    JpegPngWebp,
    NamedSize,
    NumImages,
    Prompt,
    Result,
    Safety,
    Seed,
    Sizes,
    SyncMode,
    still,
)
from ..prices import Multiplier, Price, pixels, unpriced


class QwenEdit(Inputs):
    prompt: Prompt
    image_urls: list[FileUrl] = Field(min_length=1)
    negative_prompt: str = ""
    image_size: ImageSize | NamedSize | None = None
    guidance_scale: float = Field(4.5, ge=1, le=20)
    num_inference_steps: int = Field(28, ge=1, le=50)
    acceleration: Acceleration = "regular"
    num_images: NumImages = 1
    output_format: JpegPngWebp = "png"
    enable_safety_checker: Safety = True
    seed: Seed = None
    sync_mode: SyncMode = False


class QwenImage3(Inputs):
    prompt: Prompt = Field(max_length=5000)
    image_urls: list[FileUrl] = Field(min_length=1, max_length=3, description="384 to 2048 pixels a side")
    negative_prompt: str = Field("", max_length=500)
    image_size: ImageSize | NamedSize | None = Field(None, description="512 × 512 to 2048 × 2048 pixels in all")
    enable_prompt_expansion: bool = True
    num_images: int = Field(1, ge=1, le=6, description="pictures per call")
    output_format: JpegPngWebp = "png"
    enable_safety_checker: Safety = True
    seed: Seed = None


class SeededImages(Result):
    images: list[Image]
    seed: int | None = None


def _large(values: Mapping[str, Any]) -> list[Multiplier]:
    width, height = pixels(values.get("image_size")) or (2048, 2048)
    return [Multiplier(0.075 / 0.04, "2K", CRAWLED)] if width * height > 1024**2 else []


UNPRICED = unpriced("megapixels")

ENDPOINTS = (
    still("fal-ai/qwen-image-edit-2511", "Qwen Image Edit", QwenEdit, FluxImages, UNPRICED),
    still(
        "alibaba/qwen-image-3/edit",
        "Qwen Image 3",
        QwenImage3,
        SeededImages,
        Price("images", 0.04, CRAWLED, "2026-08-27", _large),
        sizes=Sizes(side=(1, 2048), pixels=(512 * 512, 2048 * 2048)),
    ),
)
