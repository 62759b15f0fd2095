# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Qwen's edit: the one instruction editor here that has a negative prompt."""

from __future__ import annotations

from pydantic import Field

from ..base import (
    Acceleration,
    FileUrl,
    FluxImages,
    ImageSize,
    Inputs,
    JpegPngWebp,
    NamedSize,
    NumImages,
    Prompt,
    Safety,
    Seed,
    SyncMode,
    still,
)
from ..prices import unpriced


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


UNPRICED = unpriced("megapixels")

ENDPOINTS = (still("fal-ai/qwen-image-edit-2511", "Qwen Image Edit", QwenEdit, FluxImages, UNPRICED),)
