# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""FLUX Kontext: edits a picture by words and keeps what the words don't name. No negative prompt in any of them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..base import (
    Acceleration,
    FileUrl,
    FluxImages,
    Inputs,
    JpegPng,
    NumImages,
    Prompt,
    Safety,
    Seed,
    SyncMode,
    Tolerance6,
    still,
)
from ..prices import Price

Resolution = Literal[
    "auto", "match_input", "1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21"
]
Aspect = Literal["21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21"]


class KontextDev(Inputs):
    prompt: Prompt
    image_url: FileUrl
    num_inference_steps: int = Field(28, ge=10, le=50)
    guidance_scale: float = Field(2.5, ge=1, le=20)
    resolution_mode: Resolution = Field("match_input", description="match_input keeps the reference's size")
    num_images: NumImages = 1
    output_format: JpegPng = "jpeg"
    acceleration: Acceleration = "none"
    enable_safety_checker: Safety = True
    seed: Seed = None
    sync_mode: SyncMode = False


class Kontext(Inputs):
    prompt: Prompt
    guidance_scale: float = Field(3.5, ge=1, le=20)
    aspect_ratio: Aspect | None = Field(None, description="none: the reference's")
    num_images: NumImages = 1
    output_format: JpegPng = "jpeg"
    safety_tolerance: Tolerance6 = "2"
    enhance_prompt: bool = False
    seed: Seed = None
    sync_mode: SyncMode = False


class KontextOne(Kontext):
    image_url: FileUrl


class KontextMulti(Kontext):
    image_urls: list[FileUrl] = Field(min_length=1)


DEV = Price("images", 0.025, "third-party listing, 2026", "2026-01-01")
PRO = Price("images", 0.04, "fal's llms.txt, 2026", "2026-01-01")
MAX = Price("images", 0.08, "third-party listing, 2026", "2026-01-01")

ENDPOINTS = (
    still("fal-ai/flux-kontext/dev", "FLUX Kontext dev", KontextDev, FluxImages, DEV),
    still("fal-ai/flux-pro/kontext", "FLUX Kontext pro", KontextOne, FluxImages, PRO),
    still("fal-ai/flux-pro/kontext/max", "FLUX Kontext max", KontextOne, FluxImages, MAX),
    still("fal-ai/flux-pro/kontext/multi", "FLUX Kontext pro multi", KontextMulti, FluxImages, PRO),
    still("fal-ai/flux-pro/kontext/max/multi", "FLUX Kontext max multi", KontextMulti, FluxImages, MAX),
)
