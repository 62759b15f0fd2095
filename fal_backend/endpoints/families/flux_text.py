# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""FLUX from words: the picture that a model is then made from."""

from __future__ import annotations

from pydantic import Field

from ..base import (
    Acceleration,
    Endpoint,
    FileUrl,
    FluxImages,
    ImageSize,
    Inputs,
    JpegPng,
    NamedSize,
    NumImages,
    Prompt,
    Role,
    Safety,
    Seed,
    SyncMode,
    Tolerance6,
)
from ..prices import Price

TABLE, YEAR = "LiteLLM's price table, 2026", "2026-01-01"


class FluxPro(Inputs):
    prompt: Prompt
    image_size: ImageSize | NamedSize = "landscape_4_3"
    num_images: NumImages = 1
    output_format: JpegPng = "jpeg"
    safety_tolerance: Tolerance6 = "2"
    enhance_prompt: bool = False
    seed: Seed = None
    sync_mode: SyncMode = False


class FluxUltra(Inputs):
    prompt: Prompt
    aspect_ratio: str = Field("16:9", pattern=r"^\d+:\d+$", description="width:height")
    num_images: NumImages = 1
    output_format: JpegPng = "jpeg"
    safety_tolerance: Tolerance6 = "2"
    enhance_prompt: bool = False
    image_url: FileUrl | None = None
    image_prompt_strength: float = Field(0.1, ge=0, le=1)
    raw: bool = Field(False, description="a less processed, more natural look")
    seed: Seed = None
    sync_mode: SyncMode = False


class FluxSchnell(Inputs):
    prompt: Prompt
    image_size: ImageSize | NamedSize = "landscape_4_3"
    num_inference_steps: int = Field(4, ge=1, le=12)
    guidance_scale: float = Field(3.5, ge=1, le=20)
    num_images: NumImages = 1
    output_format: JpegPng = "jpeg"
    acceleration: Acceleration = "none"
    enable_safety_checker: Safety = True
    seed: Seed = None
    sync_mode: SyncMode = False


ENDPOINTS = (
    Endpoint(
        "fal-ai/flux-pro/v1.1",
        Role.PICTURE,
        "FLUX 1.1 pro",
        FluxPro,
        FluxImages,
        Price("megapixels", 0.04, TABLE, YEAR),
    ),
    Endpoint(
        "fal-ai/flux-pro/v1.1-ultra",
        Role.PICTURE,
        "FLUX 1.1 pro ultra",
        FluxUltra,
        FluxImages,
        Price("images", 0.06, TABLE, YEAR),
    ),
    Endpoint(
        "fal-ai/flux/schnell",
        Role.PICTURE,
        "FLUX schnell",
        FluxSchnell,
        FluxImages,
        Price("megapixels", 0.003, TABLE, YEAR),
    ),
)
