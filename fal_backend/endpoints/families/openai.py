# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""OpenAI's gpt-image edit, billed by tokens: what one picture costs is an estimate until fal has billed it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from ..base import (
    FileUrl,
    Image,
    ImageSize,
    Inputs,
    JpegPngWebp,
    NamedSize,
    NumImages,
    Prompt,
    Result,
    Sizes,
    SyncMode,
    still,
)
from ..prices import Multiplier, Price


class GptImage2(Inputs):
    prompt: Prompt
    image_urls: list[FileUrl] = Field(min_length=1, max_length=16)
    mask_url: FileUrl | None = Field(None, description="what may change")
    quality: Literal["auto", "low", "medium", "high"] = "high"
    image_size: ImageSize | NamedSize | Literal["auto"] = Field("auto", description="multiples of 16 up to 3840 pixels")
    num_images: NumImages = 1
    output_format: JpegPngWebp = "png"
    sync_mode: SyncMode = False


class GptImages(Result):
    images: list[Image]
    usage: dict[str, Any] | None = None


LISTING = "third-party estimate, 2026-05: about 0.02 low, 0.07 medium, 0.19 high a picture"


def _by_quality(values: Mapping[str, Any]) -> list[Multiplier]:
    times = {"low": 0.02 / 0.19, "medium": 0.07 / 0.19}.get(str(values.get("quality")))
    return [Multiplier(times, f"{values['quality']} quality", LISTING)] if times else []


ENDPOINTS = (
    still(
        "openai/gpt-image-2/edit",
        "GPT Image 2",
        GptImage2,
        GptImages,
        Price("images", 0.19, LISTING, "2026-05-01", _by_quality),
        notes="billed by tokens",
        sizes=Sizes(side=(16, 3840), pixels=(655_360, 3840 * 2160), step=16),
    ),
)
