# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""ByteDance's Seedream edits. They make large pictures only; version 5 lost its ``fal-ai/`` prefix in 2026."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from ..base import (
    FileUrl,
    Image,
    Images,
    ImageSize,
    Inputs,
    JpegPng,
    NamedSize,
    Prompt,
    Result,
    Safety,
    Seed,
    Sizes,
    SyncMode,
    still,
)
from ..prices import Multiplier, Price, pixels


class Seedream45(Inputs):
    prompt: Prompt
    image_urls: list[FileUrl] = Field(min_length=1, description="the last 10 are used")
    image_size: ImageSize | NamedSize | Literal["auto_2K", "auto_4K"] | None = Field(
        None, description="2560 × 1440 to 4096 × 4096 pixels in all"
    )
    num_images: int = Field(1, ge=1, le=6, description="rounds; inputs and outputs together at most 15")
    max_images: int = Field(1, ge=1, le=6, description="pictures a round")
    enable_safety_checker: Safety = True
    seed: Seed = None
    sync_mode: SyncMode = False


class Seedream5Lite(Inputs):
    prompt: Prompt
    image_urls: list[FileUrl] = Field(min_length=1, description="the last 10 are used")
    image_size: ImageSize | NamedSize | Literal["auto_2K", "auto_3K", "auto_4K"] = Field(
        "auto_2K", description="2560 × 1440 to 4096 × 4096 pixels in all"
    )
    num_images: int = Field(1, ge=1, le=6, description="rounds; inputs and outputs together at most 15")
    max_images: int = Field(1, ge=1, le=6, description="pictures a round")
    enable_safety_checker: Safety = True
    sync_mode: SyncMode = False


class Seedream5Pro(Inputs):
    prompt: Prompt
    image_urls: list[FileUrl] = Field(min_length=1, max_length=10)
    image_size: ImageSize | NamedSize | Literal["auto_1K", "auto_2K"] = Field(
        "auto_2K", description="1024 × 1024 to 2048 × 2048 pixels in all"
    )
    output_format: JpegPng = "jpeg"
    enable_safety_checker: Safety = True
    sync_mode: SyncMode = False


class SeedreamImages(Result):
    images: list[Image]
    seed: int | None = None


LISTING = "third-party listing, 2026: 0.0675 up to 1536², 0.135 up to 2048²; fal calls it tentative"


def _large(values: Mapping[str, Any]) -> list[Multiplier]:
    width, height = pixels(values.get("image_size")) or (2048, 2048)
    return [Multiplier(2.0, "more than 1536 × 1536 pixels", LISTING)] if width * height > 1536**2 else []


LARGE = Sizes(side=(1, 4096), pixels=(2560 * 1440, 4096 * 4096), step=2)
PRO_SIZES = Sizes(pixels=(1024 * 1024, 2048 * 2048), step=2)
V45 = Price("images", 0.04, "fal's model page, 2026", "2026-01-01")
LITE = Price(
    "images", 0.035, "fal's llms.txt of its earlier id fal-ai/bytedance/seedream/v5/lite/edit, 2026", "2026-01-01"
)
PRO = Price("images", 0.0675, LISTING, "2026-01-01", _large)

ENDPOINTS = (
    still("fal-ai/bytedance/seedream/v4.5/edit", "Seedream 4.5", Seedream45, Images, V45, sizes=LARGE),
    still("bytedance/seedream/v5/lite/edit", "Seedream 5 lite", Seedream5Lite, SeedreamImages, LITE, sizes=LARGE),
    still("bytedance/seedream/v5/pro/edit", "Seedream 5 pro", Seedream5Pro, SeedreamImages, PRO, sizes=PRO_SIZES),
)
