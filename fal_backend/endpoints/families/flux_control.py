# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Endpoints that follow a depth map. The renderer's own map is exact, so estimating one again is switched off."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ..base import (
    Acceleration,
    FileUrl,
    FluxImages,
    ImageSize,
    Inputs,
    JpegPng,
    JpegPngWebp,
    LoraWeight,
    NamedSize,
    NumImages,
    Prompt,
    Safety,
    Seed,
    SyncMode,
    still,
)
from ..prices import unpriced


class ControlLora(Inputs):
    prompt: Prompt
    control_lora_image_url: FileUrl = Field(description="the control picture")
    control_lora_strength: float = Field(1.0, ge=0, le=2)
    image_size: ImageSize | NamedSize | None = "landscape_4_3"
    num_inference_steps: int = Field(28, ge=1, le=50)
    guidance_scale: float = Field(3.5, ge=0, le=35)
    loras: list[LoraWeight] | None = Field(None, description="further weights to load")
    num_images: NumImages = 1
    output_format: JpegPng = "jpeg"
    enable_safety_checker: Safety = True
    seed: Seed = None
    sync_mode: SyncMode = False


class ControlLoraDepth(ControlLora):
    preprocess_depth: bool = Field(True, description="estimate depth from the picture; false: it is a depth map")
    image_url: FileUrl | None = None


class ControlLoraDepthEdit(ControlLora):
    image_size: ImageSize | NamedSize | None = None
    image_url: FileUrl
    strength: float = Field(0.85, ge=0, le=1, description="1: nothing of the picture is kept")


class ZImageControl(Inputs):
    prompt: Prompt
    image_url: FileUrl = Field(description="the control picture")
    preprocess: Literal["none", "canny", "depth", "pose"] = Field("none", description="none: use it as it is")
    control_scale: float = Field(0.75, ge=0, le=1)
    control_start: float = Field(0.0, ge=0, le=1)
    control_end: float = Field(0.8, ge=0, le=1)
    image_size: ImageSize | NamedSize | Literal["auto"] = "auto"
    num_inference_steps: int = Field(8, ge=1, le=8)
    num_images: NumImages = 1
    output_format: JpegPngWebp = "png"
    acceleration: Acceleration = "regular"
    enable_prompt_expansion: bool = False
    enable_safety_checker: Safety = True
    seed: Seed = None
    sync_mode: SyncMode = False


class SdxlUnion(Inputs):
    prompt: Prompt
    negative_prompt: str = ""
    depth_image_url: FileUrl | None = None
    depth_preprocess: bool = Field(True, description="estimate depth from the picture; false: it is a depth map")
    normal_image_url: FileUrl | None = None
    normal_preprocess: bool = True
    canny_image_url: FileUrl | None = None
    canny_preprocess: bool = True
    openpose_image_url: FileUrl | None = None
    openpose_preprocess: bool = True
    segmentation_image_url: FileUrl | None = None
    segmentation_preprocess: bool = True
    teed_image_url: FileUrl | None = None
    teed_preprocess: bool = True
    controlnet_conditioning_scale: float = Field(0.5, ge=0, le=1)
    image_size: ImageSize | NamedSize | None = None
    num_inference_steps: int = Field(35, ge=1, le=70)
    guidance_scale: float = Field(7.5, ge=0, le=20)
    loras: list[LoraWeight] | None = None
    embeddings: list[dict[str, Any]] | None = None
    num_images: NumImages = 1
    format: JpegPng = "jpeg"
    expand_prompt: bool = False
    enable_safety_checker: Safety = True
    safety_checker_version: Literal["v1", "v2"] = "v1"
    request_id: str = ""
    seed: Seed = None
    sync_mode: SyncMode = False


UNPRICED = unpriced("megapixels")
CONTROL = "control_lora_image_url"
LORA = "fal-ai/flux-control-lora-"

ENDPOINTS = (
    still(LORA + "depth", "FLUX depth", ControlLoraDepth, FluxImages, UNPRICED, depth_field=CONTROL),
    still(
        LORA + "depth/image-to-image",
        "FLUX depth + reference",
        ControlLoraDepthEdit,
        FluxImages,
        UNPRICED,
        notes="has no switch against estimating depth from the map again",
        depth_field=CONTROL,
    ),
    still(LORA + "canny", "FLUX edges", ControlLora, FluxImages, UNPRICED),
    still(
        "fal-ai/z-image/turbo/controlnet",
        "Z-Image depth",
        ZImageControl,
        FluxImages,
        UNPRICED,
        depth_field="image_url",
    ),
    still(
        "fal-ai/sdxl-controlnet-union",
        "SDXL depth",
        SdxlUnion,
        FluxImages,
        UNPRICED,
        depth_field="depth_image_url",
    ),
)
