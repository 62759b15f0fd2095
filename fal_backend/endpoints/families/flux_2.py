# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""FLUX.2 edits: dev and its turbo, flash and klein distillations, and the hosted pro, max and flex."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..base import (
    Acceleration,
    FileUrl,
    FluxImages,
    Image,
    ImageSize,
    Inputs,
    JpegPng,
    JpegPngWebp,
    NamedSize,
    NumImages,
    Prompt,
    Result,
    Safety,
    Seed,
    Sizes,
    SyncMode,
    Tolerance5,
    still,
)
from ..prices import unpriced


class Flux2(Inputs):
    prompt: Prompt
    image_urls: list[FileUrl] = Field(min_length=1, description="the first 4 are used")
    image_size: ImageSize | NamedSize | None = Field(None, description="512 to 2048 pixels a side")
    num_images: NumImages = 1
    output_format: JpegPngWebp = "png"
    enable_safety_checker: Safety = True
    seed: Seed = None
    sync_mode: SyncMode = False


class Flux2Dev(Flux2):
    guidance_scale: float = Field(2.5, ge=0, le=20)
    num_inference_steps: int = Field(28, ge=4, le=50)
    acceleration: Acceleration = "regular"
    enable_prompt_expansion: bool = False


class Flux2Turbo(Flux2):
    image_size: ImageSize | NamedSize = Field("square_hd", description="512 to 2048 pixels a side")
    guidance_scale: float = Field(2.5, ge=0, le=20)
    enable_prompt_expansion: bool = False


class Flux2Klein(Flux2):
    image_urls: list[FileUrl] = Field(min_length=1, max_length=4)
    num_inference_steps: int = Field(4, ge=4, le=8)


class Flux2Pro(Inputs):
    prompt: Prompt
    image_urls: list[FileUrl] = Field(min_length=1)
    image_size: ImageSize | NamedSize | Literal["auto"] = "auto"
    output_format: JpegPng = "jpeg"
    safety_tolerance: Tolerance5 = "2"
    enable_safety_checker: Safety = True
    seed: Seed = None
    sync_mode: SyncMode = False


class Flux2Flex(Flux2Pro):
    guidance_scale: float = Field(3.5, ge=1.5, le=10)
    num_inference_steps: int = Field(28, ge=2, le=50)


class Flux2ProImages(Result):
    images: list[Image]
    seed: int | None = None


UNPRICED = unpriced("megapixels")
SIDES = Sizes(side=(512, 2048), step=16)

ENDPOINTS = (
    still("fal-ai/flux-2/edit", "FLUX.2 dev", Flux2Dev, FluxImages, UNPRICED, sizes=SIDES),
    still("fal-ai/flux-2/turbo/edit", "FLUX.2 turbo", Flux2Turbo, FluxImages, UNPRICED, sizes=SIDES),
    still("fal-ai/flux-2/flash/edit", "FLUX.2 flash", Flux2Turbo, FluxImages, UNPRICED, sizes=SIDES),
    still("fal-ai/flux-2/klein/4b/edit", "FLUX.2 klein 4B", Flux2Klein, FluxImages, UNPRICED, sizes=SIDES),
    still("fal-ai/flux-2/klein/9b/edit", "FLUX.2 klein 9B", Flux2Klein, FluxImages, UNPRICED, sizes=SIDES),
    still("fal-ai/flux-2-pro/edit", "FLUX.2 pro", Flux2Pro, Flux2ProImages, UNPRICED, sizes=SIDES),
    still("fal-ai/flux-2-max/edit", "FLUX.2 max", Flux2Pro, Flux2ProImages, UNPRICED, sizes=SIDES),
    still("fal-ai/flux-2-flex/edit", "FLUX.2 flex", Flux2Flex, Flux2ProImages, UNPRICED, sizes=SIDES),
)
