# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Microsoft's, Reve's and xAI's edits of one picture by words. None takes a seed; the render's aspect is kept by "auto"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from ..base import CRAWLED, FileUrl, Image, Images, Inputs, JpegPngWebp, NumImages, Prompt, Result, SyncMode, still
from ..prices import Multiplier, Price, unpriced

ReveRatio = Literal[
    "auto", "4:1", "3:1", "21:9", "2:1", "17:9", "16:9", "3:2", "4:3", "5:4", "1:1",
    "4:5", "3:4", "2:3", "9:16", "1:2", "1:3", "1:4",
]  # fmt: skip
GrokRatio = Literal[
    "auto", "2:1", "20:9", "19.5:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:19.5", "9:20", "1:2"
]


class MaiEdit(Inputs):
    prompt: Prompt
    image_url: FileUrl
    aspect_ratio: Literal["auto", "1:1", "4:3", "3:4", "16:9", "9:16", "3:2", "2:3"] = "auto"
    num_images: NumImages = 1
    output_format: JpegPngWebp = "png"
    sync_mode: SyncMode = False


class ReveEdit(Inputs):
    prompt: Prompt
    image_url: FileUrl
    aspect_ratio: ReveRatio = "auto"
    num_images: NumImages = 1
    output_format: JpegPngWebp = "png"
    sync_mode: SyncMode = False


class GrokEdit(Inputs):
    prompt: Prompt
    image_urls: list[FileUrl] = Field(min_length=1, max_length=3)
    aspect_ratio: GrokRatio = "auto"
    resolution: Literal["1k", "2k"] = "1k"
    quality: Literal["low", "medium"] = "medium"
    num_images: NumImages = 1
    output_format: JpegPngWebp = "jpeg"


class MaiImages(Result):
    images: list[Image]
    description: str | None = None


class GrokImages(Result):
    images: list[Image]
    revised_prompt: str | None = None


def _grok(values: Mapping[str, Any]) -> list[Multiplier]:
    usd = 0.05 if values.get("quality") == "low" else 0.07  # with 0.01 for the picture that is sent
    usd += 0.02 * (values.get("resolution") == "2k")
    return [Multiplier(usd / 0.05, "quality and resolution", CRAWLED)] if usd > 0.05 else []


ENDPOINTS = (
    still(
        "microsoft/mai-image-2.5-pro/edit",
        "MAI Image 2.5 pro",
        MaiEdit,
        MaiImages,
        Price("images", 0.17, f"{CRAWLED}: about that for a picture from words; billed by tokens", "2026-08-27"),
        notes="billed by tokens",
    ),
    still("reve/2.1/edit", "Reve 2.1", ReveEdit, Images, unpriced("images")),
    still(
        "xai/grok-imagine-image/v2.0/edit",
        "Grok Imagine 2",
        GrokEdit,
        GrokImages,
        Price("images", 0.05, CRAWLED, "2026-08-27", _grok),
    ),
)
