# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Alibaba's Wan 2.2 with VACE: a clip that follows a depth clip, frame by frame. The render's own depth is exact."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from ..base import Endpoint, File, FileUrl, Inputs, Prompt, Result, Role, Seed, SyncMode
from ..prices import Multiplier, Price

LISTING = (
    "third-party listings, 2026: 0.10 for each 16 frames at 720p, 0.08 at 580p, 0.05 at 480p; the dearest is taken"
)


class VaceDepth(Inputs):
    prompt: Prompt
    video_url: FileUrl = Field(description="the depth clip, near = white")
    preprocess: bool = Field(False, description="estimate depth from the clip; false: it is a depth clip")
    first_frame_url: FileUrl | None = None
    last_frame_url: FileUrl | None = None
    ref_image_urls: list[FileUrl] | None = None
    negative_prompt: str | None = None
    match_input_num_frames: bool = False
    num_frames: int = Field(81, ge=17, le=241)
    match_input_frames_per_second: bool = False
    frames_per_second: int | None = Field(16, ge=5, le=30)
    resolution: Literal["auto", "240p", "360p", "480p", "580p", "720p"] = "auto"
    aspect_ratio: Literal["auto", "16:9", "1:1", "9:16"] = "auto"
    num_inference_steps: int = Field(30, ge=2, le=50)
    guidance_scale: float = Field(5.0, ge=1, le=10)
    shift: float = Field(5.0, ge=1, le=15)
    sampler: Literal["unipc", "dpm++", "euler"] = "unipc"
    acceleration: Literal["none", "low", "regular"] | None = "regular"
    enable_safety_checker: bool = False
    enable_prompt_expansion: bool = False
    enable_auto_downsample: bool = False
    auto_downsample_min_fps: float = 15.0
    temporal_downsample_factor: int = 0
    interpolator_model: Literal["rife", "film"] = "film"
    num_interpolated_frames: int = 0
    transparency_mode: Literal["content_aware", "white", "black"] = "content_aware"
    video_quality: Literal["low", "medium", "high", "maximum"] = "high"
    video_write_mode: Literal["fast", "balanced", "small"] = "balanced"
    return_frames_zip: bool = False
    seed: Seed = None
    sync_mode: SyncMode = False


class VideoFile(File):
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    duration: float | None = None
    num_frames: int | None = None


class VaceVideo(Result):
    video: VideoFile
    prompt: str | None = None
    seed: int | None = None
    frames_zip: File | None = None


def _interpolated(values: Mapping[str, Any]) -> list[Multiplier]:
    frames = int(values.get("num_interpolated_frames") or 0)
    return [Multiplier(1.0 + frames, "interpolated frames", LISTING)] if frames else []


ENDPOINTS = (
    Endpoint(
        "fal-ai/wan-22-vace-fun-a14b/depth",
        Role.VIDEO,
        "Wan 2.2 VACE, from our depth",
        VaceDepth,
        VaceVideo,
        Price("seconds", 0.10, LISTING, "2026-08-01", _interpolated),
        notes="follows the depth clip that this machine renders",
        follows="depth",
    ),
)
