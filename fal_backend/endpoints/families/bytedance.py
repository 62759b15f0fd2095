# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""ByteDance's Seedream edits, which make large pictures only (version 5 lost its ``fal-ai/`` prefix in 2026), and Seedance clips."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from ..base import (
    CRAWLED,
    Endpoint,
    File,
    FileUrl,
    Image,
    Images,
    ImageSize,
    Inputs,
    JpegPng,
    NamedSize,
    NumImages,
    Prompt,
    Result,
    Role,
    Safety,
    Seed,
    Sizes,
    SyncMode,
    still,
)
from ..prices import Multiplier, Price, pixels


class Seedream45(Inputs):
    prompt: Prompt
    image_urls: list[FileUrl] = Field(min_length=1, description="the last 10 are used")
    image_size: ImageSize | NamedSize | Literal["auto_2K", "auto_4K"] | None = Field(
        None, description="2560 × 1440 to 4096 × 4096 pixels in all"
    )
    num_images: int = Field(1, ge=1, le=6, description="rounds; inputs and outputs together at most 15")
    max_images: int = Field(1, ge=1, le=6, description="pictures a round")
    enable_safety_checker: Safety = True
    seed: Seed = None
    sync_mode: SyncMode = False


class Seedream5Lite(Inputs):
    prompt: Prompt
    image_urls: list[FileUrl] = Field(min_length=1, description="the last 10 are used")
    image_size: ImageSize | NamedSize | Literal["auto_2K", "auto_3K", "auto_4K"] = Field(
        "auto_2K", description="2560 × 1440 to 4096 × 4096 pixels in all"
    )
    num_images: int = Field(1, ge=1, le=6, description="rounds; inputs and outputs together at most 15")
    max_images: int = Field(1, ge=1, le=6, description="pictures a round")
    enable_safety_checker: Safety = True
    sync_mode: SyncMode = False


class Seedream5Pro(Inputs):
    prompt: Prompt
    image_urls: list[FileUrl] = Field(min_length=1, max_length=10)
    image_size: ImageSize | NamedSize | Literal["auto_1K", "auto_2K"] = Field(
        "auto_2K", description="1024 × 1024 to 2048 × 2048 pixels in all"
    )
    output_format: JpegPng = "jpeg"
    num_images: NumImages = 1
    enable_safety_checker: Safety = True
    sync_mode: SyncMode = False


class SeedreamImages(Result):
    images: list[Image]
    seed: int | None = None


SeedanceSeconds = Literal[
    "auto", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22", "23", "24",
    "25", "26", "27", "28", "29", "30",
]  # fmt: skip


class Seedance25(Inputs):
    prompt: Prompt
    resolution: Literal["480p", "720p", "1080p"] = "720p"
    duration: SeedanceSeconds = Field("auto", description="seconds")
    generate_audio: bool = Field(True, description="costs nothing")
    bitrate_mode: Literal["standard", "high"] = "standard"
    end_user_id: str | None = None


class Seedance25Start(Seedance25):
    image_url: FileUrl
    end_image_url: FileUrl | None = None
    aspect_ratio: str = Field("auto", description="always auto")


class Seedance25References(Seedance25):
    image_urls: list[FileUrl] | None = Field(None, max_length=30, description="named @Image1, @Image2 … in the prompt")
    video_urls: list[FileUrl] | None = Field(None, max_length=10)
    audio_urls: list[FileUrl] | None = Field(None, max_length=10)
    aspect_ratio: Literal["auto", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16"] = "auto"


class SeededVideo(Result):
    video: File
    seed: int | None = None


def _seedance(values: Mapping[str, Any]) -> list[Multiplier]:
    """By tokens: height × width × seconds × 24 / 1024, at 0.0214 for 1000, and 0.0234 at 1080p."""
    usd = {"480p": 0.2205, "1080p": 0.4730 * 2.25 * 0.0234 / 0.0214}.get(str(values.get("resolution")), 0.4730)
    return [] if usd == 0.4730 else [Multiplier(usd / 0.4730, f"{values['resolution']}", CRAWLED)]


SEEDANCE = Price("seconds", 0.4730, f"{CRAWLED}: roughly, billed by tokens", "2026-08-27", _seedance)
LISTING = "third-party listing, 2026: 0.0675 up to 1536², 0.135 up to 2048²; fal calls it tentative"


def _large(values: Mapping[str, Any]) -> list[Multiplier]:
    width, height = pixels(values.get("image_size")) or (2048, 2048)
    return [Multiplier(2.0, "more than 1536 × 1536 pixels", LISTING)] if width * height > 1536**2 else []


LARGE = Sizes(side=(1, 4096), pixels=(2560 * 1440, 4096 * 4096), step=2)
PRO_SIZES = Sizes(pixels=(1024 * 1024, 2048 * 2048), step=2)
V45 = Price("images", 0.04, "fal's model page, 2026", "2026-01-01")
LITE = Price(
    "images", 0.035, "fal's llms.txt of its earlier id fal-ai/bytedance/seedream/v5/lite/edit, 2026", "2026-01-01"
)
PRO = Price("images", 0.0675, LISTING, "2026-01-01", _large)

ENDPOINTS = (
    still("fal-ai/bytedance/seedream/v4.5/edit", "Seedream 4.5", Seedream45, Images, V45, sizes=LARGE),
    still("bytedance/seedream/v5/lite/edit", "Seedream 5 lite", Seedream5Lite, SeedreamImages, LITE, sizes=LARGE),
    still("bytedance/seedream/v5/pro/edit", "Seedream 5 pro", Seedream5Pro, Images, PRO, sizes=PRO_SIZES),
)
CLIPS = (
    Endpoint(
        "bytedance/seedance-2.5/image-to-video", Role.VIDEO, "Seedance 2.5", Seedance25Start, SeededVideo, SEEDANCE
    ),
    Endpoint(
        "bytedance/seedance-2.5/reference-to-video",
        Role.VIDEO,
        "Seedance 2.5, from views",
        Seedance25References,
        SeededVideo,
        SEEDANCE,
    ),
)
