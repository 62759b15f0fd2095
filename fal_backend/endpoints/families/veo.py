# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Google's Veo image to video: 16:9 or 9:16, at least 720p; other start pictures are cropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from ..base import Endpoint, FileUrl, Inputs, Role, Seed, Tolerance6, Video
from ..prices import Multiplier, Price


class Veo(Inputs):
    prompt: str = Field(min_length=1, max_length=20000, description="what happens, in words")
    aspect_ratio: Literal["auto", "16:9", "9:16"] = "auto"
    duration: Literal["4s", "6s", "8s"] = "8s"
    generate_audio: bool = True
    negative_prompt: str | None = None
    auto_fix: bool = Field(False, description="rewrite a prompt that the content policy refuses")
    safety_tolerance: Tolerance6 = "4"
    seed: Seed = None


class Veo3(Veo):
    image_url: FileUrl
    resolution: Literal["720p", "1080p"] = "720p"


class Veo31(Veo):
    image_url: FileUrl
    resolution: Literal["720p", "1080p", "4k"] = "720p"


class Veo31Lite(Veo):
    image_url: FileUrl
    resolution: Literal["720p", "1080p"] = "720p"


class Veo31References(Inputs):
    prompt: str = Field(min_length=1, max_length=20000, description="what happens, in words")
    image_urls: list[FileUrl] = Field(min_length=1)
    aspect_ratio: Literal["16:9", "9:16"] = "16:9"
    duration: str = Field("8s", description="8s")
    generate_audio: bool = True
    resolution: Literal["720p", "1080p", "4k"] = "720p"
    auto_fix: bool = Field(False, description="rewrite a prompt that the content policy refuses")
    safety_tolerance: Tolerance6 = "4"


class Veo31Frames(Veo):
    first_frame_url: FileUrl
    last_frame_url: FileUrl
    resolution: Literal["720p", "1080p", "4k"] = "720p"


def _table(base: float, audio: float, large: float, large_audio: float, source: str) -> Price:
    """USD a second: 720p and 1080p without and with audio, then 4k."""

    def multipliers(values: Mapping[str, Any]) -> list[Multiplier]:
        sound, is_4k = bool(values.get("generate_audio")), values.get("resolution") == "4k"
        usd = (large_audio if sound else large) if is_4k else (audio if sound else base)
        reason = " + ".join(name for name, used in (("4k", is_4k), ("audio", sound)) if used)
        return [Multiplier(usd / base, reason, source)] if reason else []

    return Price("seconds", base, source, "2026-01-01", multipliers)


LLMS = "fal's llms.txt, 2026"
FULL = _table(0.20, 0.40, 0.40, 0.60, LLMS)
FAST = _table(0.10, 0.15, 0.30, 0.35, LLMS)
VEO3 = _table(0.20, 0.40, 0.40, 0.60, "assumed as Veo 3.1")
LITE = _table(0.10, 0.15, 0.30, 0.35, "assumed as Veo 3.1 fast, which is no cheaper")
GONE = "not in fal's types since 2026-08; use fal-ai/veo3.1/image-to-video, which has its fields"
FRAMES = "first-last-frame-to-video"

ENDPOINTS = (
    Endpoint("fal-ai/veo3.1/image-to-video", Role.VIDEO, "Veo 3.1", Veo31, Video, FULL),
    Endpoint(f"fal-ai/veo3.1/{FRAMES}", Role.VIDEO, "Veo 3.1, start and end", Veo31Frames, Video, FULL),
    Endpoint("fal-ai/veo3.1/fast/image-to-video", Role.VIDEO, "Veo 3.1 fast", Veo31, Video, FAST),
    Endpoint(f"fal-ai/veo3.1/fast/{FRAMES}", Role.VIDEO, "Veo 3.1 fast, start and end", Veo31Frames, Video, FAST),
    Endpoint("fal-ai/veo3.1/lite/image-to-video", Role.VIDEO, "Veo 3.1 lite", Veo31Lite, Video, LITE),
    Endpoint("fal-ai/veo3.1/reference-to-video", Role.VIDEO, "Veo 3.1, from views", Veo31References, Video, FULL),
    Endpoint("fal-ai/veo3/image-to-video", Role.VIDEO, "Veo 3", Veo3, Video, VEO3, GONE),
)
