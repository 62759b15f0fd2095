# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""MiniMax H3: a clip from a start picture, and an end picture where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from ..base import CRAWLED, Endpoint, FileUrl, Inputs, Prompt, Role, Video
from ..prices import Multiplier, Price

USD = {"480P": 0.05, "768P": 0.06, "2K": 0.13, "4K": 0.16}


class MinimaxH3(Inputs):
    prompt: Prompt
    image_url: FileUrl
    end_image_url: FileUrl | None = None
    duration: int = Field(5, ge=5, le=15, description="seconds")
    resolution: Literal["480P", "768P", "2K", "4K"] = "2K"


def _by_resolution(values: Mapping[str, Any]) -> list[Multiplier]:
    times = USD.get(str(values.get("resolution")), 0.13) / 0.05
    return [Multiplier(times, f"{values.get('resolution')}", CRAWLED)] if times > 1.0 else []


ENDPOINTS = (
    Endpoint(
        "minimax/h3/image-to-video",
        Role.VIDEO,
        "MiniMax H3",
        MinimaxH3,
        Video,
        Price("seconds", 0.05, f"{CRAWLED}, of the same model from words", "2026-08-27", _by_resolution),
    ),
)
