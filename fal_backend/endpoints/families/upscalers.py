# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Topaz and SeedVR: larger stills and clips. Topaz's precision models add nothing that is not there."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..base import CRAWLED, Endpoint, File, FileUrl, Image, Inputs, Result, Role, Seed, SyncMode, Video
from ..prices import Price, unpriced

Share = Field(None, ge=0, le=1)
VideoModel = Literal[
    "Proteus", "Proteus Natural", "Iris", "Iris Low Quality", "Dione DV", "Dione TV", "Dione Robust", "Dione Dehalo",
    "Dione Robust Dehalo", "Artemis High Quality", "Artemis Medium Quality", "Artemis Low Quality", "Artemis Strong Halo",
    "Artemis Medium Halo", "Artemis Aliasing & Moire", "Gaia HQ", "Gaia CG", "Gaia 2", "Rhea", "Theia Fine Tune Detail",
    "Theia Fine Tune Fidelity",
]  # fmt: skip
ImageModel = Literal["Standard V2", "High Fidelity V3", "High Fidelity V2", "Low Resolution V2", "CGI", "Text Refine"]


class TopazImage(Inputs):
    image_url: FileUrl
    model: ImageModel = Field("Standard V2", description="Text Refine keeps lettering crisp")
    upscale_factor: float = Field(2.0, ge=1, le=4)
    output_format: Literal["jpeg", "png"] = "jpeg"
    subject_detection: Literal["All", "Foreground", "Background"] = "All"
    face_enhancement: bool = True
    face_enhancement_creativity: float = Field(0.0, ge=0, le=1)
    face_enhancement_strength: float = Field(0.8, ge=0, le=1)
    sharpen: float | None = Share
    denoise: float | None = Share
    fix_compression: float | None = Share
    strength: float | None = Field(None, ge=0.01, le=1, description="of Text Refine")
    crop_to_fill: bool = False


class TopazVideo(Inputs):
    video_url: FileUrl
    model: VideoModel = "Proteus"
    upscale_factor: float = Field(2.0, ge=1, le=4)
    target_fps: int | None = Field(None, ge=16, le=60)
    compression: float | None = Share
    noise: float | None = Share
    halo: float | None = Share
    grain: float | None = Field(None, ge=0, le=0.1)
    recover_detail: float | None = Share
    H264_output: bool = False


class SeedVrImage(Inputs):
    image_url: FileUrl
    upscale_mode: Literal["target", "factor"] = "factor"
    upscale_factor: float = 2.0
    target_resolution: Literal["720p", "1080p", "1440p", "2160p"] = "1080p"
    noise_scale: float = 0.1
    output_format: Literal["png", "jpg", "webp"] = "jpg"
    seed: Seed = None
    sync_mode: SyncMode = False


class SeedVrVideo(Inputs):
    video_url: FileUrl
    upscale_mode: Literal["target", "factor"] = "factor"
    upscale_factor: float = 2.0
    target_resolution: Literal["720p", "1080p", "1440p", "2160p"] = "1080p"
    noise_scale: float = 0.1
    output_format: Literal["X264 (.mp4)", "VP9 (.webm)", "PRORES4444 (.mov)", "GIF (.gif)"] = "X264 (.mp4)"
    output_quality: Literal["low", "medium", "high", "maximum"] = "high"
    output_write_mode: Literal["fast", "balanced", "small"] = "balanced"
    seed: Seed = None
    sync_mode: SyncMode = False


class OneImage(Result):
    image: Image


class SeededImage(OneImage):
    seed: int | None = None


class SeededVideo(Result):
    video: File
    seed: int | None = None


ENDPOINTS = (
    Endpoint(
        "topaz/upscale/image/precision",
        Role.UPSCALE,
        "Topaz, stills",
        TopazImage,
        OneImage,
        Price("images", 0.08, f"{CRAWLED}: for each started 24 megapixels that are made", "2026-08-27"),
    ),
    Endpoint(
        "topaz/upscale/video/precision",
        Role.UPSCALE,
        "Topaz, clips",
        TopazVideo,
        Video,
        Price("seconds", 0.06, f"{CRAWLED}: at 4K and 30 frames a second, the dearest size", "2026-08-27"),
        file="video",
    ),
    Endpoint(
        "fal-ai/seedvr/upscale/image", Role.UPSCALE, "SeedVR, stills", SeedVrImage, SeededImage, unpriced("megapixels")
    ),
    Endpoint(
        "fal-ai/seedvr/upscale/video",
        Role.UPSCALE,
        "SeedVR, clips",
        SeedVrVideo,
        SeededVideo,
        unpriced("megapixels"),
        file="video",
    ),
)
