# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lightricks' LTX: 2.5 from a picture, and 2.3's adapter that turns a render of this machine into a photographed clip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from ..base import CRAWLED, Endpoint, File, FileUrl, Inputs, Prompt, Result, Role, Safety, Seed, SyncMode, Video
from ..prices import Multiplier, Price

CameraMotion = Literal[
    "dolly_in", "dolly_out", "dolly_left", "dolly_right", "jib_up", "jib_down", "static", "focus_shift"
]


class Ltx25(Inputs):
    prompt: Prompt
    image_url: FileUrl
    end_image_url: FileUrl | None = None
    duration: Literal[6, 8, 10, "auto"] = "auto"
    resolution: Literal["720p", "1080p"] = "1080p"
    aspect_ratio: Literal["auto", "16:9", "9:16"] = "auto"
    fps: Literal[24, 25, 50] = 25
    generate_audio: bool = True
    camera_motion: CameraMotion | None = None


class RenderToReal(Inputs):
    video_url: FileUrl = Field(description="the render")
    prompt: str = Field("3DREAL. ", description="begins with the word that the adapter hears")
    image_url: FileUrl | None = Field(None, description="how the first frame looks")
    intensity: Literal["light", "strong", "strong-v2"] = Field("light", description="light keeps most of the render")
    resolution: Literal["480p", "720p"] = Field("720p", description="of the shorter side; 720p for about 6 s at most")
    num_frames: int = 121
    frames_per_second: float = 24
    num_inference_steps: int = Field(15, ge=1, le=30)
    guidance_scale: float = 1.0
    negative_prompt: str | None = None
    enable_detail_refine: bool = Field(False, description="twice the size, at four times the price")
    detail_refine_strength: float = 0.75
    enable_prompt_expansion: bool = False
    generate_audio: bool = True
    video_quality: Literal["low", "medium", "high", "maximum"] = "high"
    video_write_mode: Literal["fast", "balanced", "small"] = "balanced"
    enable_safety_checker: Safety = True
    seed: Seed = None
    sync_mode: SyncMode = False


class SeededVideo(Result):
    video: File
    prompt: str | None = None
    seed: int | None = None


def _large(values: Mapping[str, Any]) -> list[Multiplier]:
    return [Multiplier(0.17 / 0.12, "1080p", CRAWLED)] if values.get("resolution") == "1080p" else []


def _refined(values: Mapping[str, Any]) -> list[Multiplier]:
    return [Multiplier(4.0, "detail refine", BY_FRAME)] if values.get("enable_detail_refine") else []


BY_FRAME = "third-party listing, 2026: 0.0024075 a megapixel and frame, so 0.27 for 121 frames at 720p"

ENDPOINTS = (
    Endpoint(
        "lightricks/ltx-2.5/image-to-video/pro",
        Role.VIDEO,
        "LTX 2.5 pro",
        Ltx25,
        Video,
        Price("seconds", 0.12, CRAWLED, "2026-08-27", _large),
    ),
    Endpoint(
        "fal-ai/ltx-2.3-quality/render-to-real",
        Role.VIDEO,
        "LTX 2.3, from our render",
        RenderToReal,
        SeededVideo,
        Price("megapixel-frames", 0.0024075, BY_FRAME, "2026-08-01", _refined),
        notes="keeps the geometry of the clip that this machine renders",
        follows="render",
    ),
)
