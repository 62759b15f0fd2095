# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mattes: where the product is in a still or a clip, by a model that knows neither the render nor the prompt."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ..base import CRAWLED, Endpoint, FileUrl, Image, Inputs, JpegPngWebp, Result, Role, SyncMode, Video
from ..prices import Price

BiRefModel = Literal[
    "General Use (Light)",
    "General Use (Light 2K)",
    "General Use (Heavy)",
    "Matting",
    "Portrait",
    "General Use (Dynamic)",
]
Container = Literal[
    "mp4_h265", "mp4_h264", "webm_vp9", "mov_h265", "mov_proresks", "mkv_h265", "mkv_h264", "mkv_vp9", "gif"
]
Backdrop = Literal[
    "Transparent", "Black", "White", "Gray", "Red", "Green", "Blue", "Yellow", "Cyan", "Magenta", "Orange"
]


class BiRefNet(Inputs):
    image_url: FileUrl
    model: BiRefModel = "General Use (Light)"
    operating_resolution: Literal["1024x1024", "2048x2048", "2304x2304"] = "1024x1024"
    output_format: Literal["webp", "png", "gif"] = "png"
    mask_only: bool = Field(False, description="the mask in place of the cut-out")
    output_mask: bool = Field(False, description="the mask beside the cut-out")
    refine_foreground: bool = True
    sync_mode: SyncMode = False


class Sam31(Inputs):
    image_url: FileUrl
    prompt: str = Field("wheel", description="what to find, in words")
    point_prompts: list[dict[str, Any]] | None = None
    box_prompts: list[dict[str, Any]] | None = None
    apply_mask: bool = Field(True, description="false: the mask alone")
    return_multiple_masks: bool = False
    max_masks: int = 3
    include_scores: bool = False
    include_boxes: bool = False
    output_format: JpegPngWebp = "png"
    sync_mode: SyncMode = False


class BriaVideo(Inputs):
    video_url: FileUrl = Field(description="below 4000 × 4000 pixels and 30 seconds")
    background_color: Backdrop = "Black"
    output_container_and_codec: Container = "webm_vp9"
    preserve_audio: bool = True
    auto_zoom: bool = Field(False, description="crop to what the product needs")


class BiRefMatte(Result):
    image: Image
    mask_image: Image | None = None


class SamMasks(Result):
    masks: list[Image]
    image: Image | None = None
    scores: list[float] | None = None
    boxes: list[Any] | None = None
    metadata: list[Any] | None = None


class BriaClip(Video):
    request_id: str | None = None


ENDPOINTS = (
    Endpoint(
        "fal-ai/birefnet/v2",
        Role.MATTE,
        "BiRefNet 2",
        BiRefNet,
        BiRefMatte,
        Price("images", 0.003, "third-party listing of September 2026", "2026-09-18"),
    ),
    Endpoint(
        "fal-ai/sam-3-1/image",
        Role.MATTE,
        "SAM 3.1",
        Sam31,
        SamMasks,
        Price("images", 0.005, "third-party listing of September 2026, of SAM 3", "2026-09-18"),
        file="masks.0",
    ),
    Endpoint(
        "bria/video/background-removal/v3",
        Role.MATTE,
        "Bria 3, clips",
        BriaVideo,
        BriaClip,
        Price("seconds", 0.0042, CRAWLED, "2026-08-27"),
        file="video",
    ),
)
