# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""FLUX 3 of Black Forest Labs: clips between a start and an end picture, or through keyframes. 24 frames a second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from ..base import CRAWLED, Endpoint, FileUrl, Inputs, Prompt, Role, Video
from ..prices import Multiplier, Price

Seconds = Literal[5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]


class Flux3(Inputs):
    prompt: Prompt
    aspect_ratio: Literal["auto", "21:9", "2:1", "16:9", "4:3", "1:1", "3:4", "9:16"] = "auto"
    resolution: Literal["720p", "1080p"] = "720p"
    duration: Seconds = 5
    generate_audio: bool = True
    safety_tolerance: int = Field(2, ge=0, le=4, description="0 is the strictest")


class Flux3Ends(Flux3):
    start_image_url: FileUrl
    end_image_url: FileUrl


class Keyframe(Inputs):
    image_url: FileUrl
    frame_index: int = Field(ge=0, le=480, description="of 24 a second")


class Flux3Keyframes(Flux3):
    keyframes: list[Keyframe] = Field(min_length=1, max_length=10)


def _large(values: Mapping[str, Any]) -> list[Multiplier]:
    return [Multiplier(0.29 / 0.17, "1080p", CRAWLED)] if values.get("resolution") == "1080p" else []


PRICE = Price("seconds", 0.17, CRAWLED, "2026-08-27", _large)

ENDPOINTS = (
    Endpoint(
        "blackforestlabs/flux-3/first-last-frame-to-video",
        Role.VIDEO,
        "FLUX 3, start and end",
        Flux3Ends,
        Video,
        PRICE,
    ),
    Endpoint(
        "blackforestlabs/flux-3/keyframes-to-video", Role.VIDEO, "FLUX 3, keyframes", Flux3Keyframes, Video, PRICE
    ),
)
