# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kling image to video. No version takes a seed; the start picture's field and the end picture's differ by version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from ..base import Endpoint, FileUrl, Inputs, Role, Video
from ..prices import Multiplier, Price, unpriced

KlingPrompt = Annotated[str, Field(min_length=1, max_length=2500, description="what happens, in words")]
Avoid = Annotated[str, Field(max_length=2500, description="what must not happen")]
Cfg = Annotated[float, Field(ge=0, le=1, description="how closely the prompt is followed")]
FiveOrTen = Literal["5", "10"]
Seconds = Literal["3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"]
ShotSeconds = Literal["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"]
UNWANTED = "blur, distort, and low quality"


class Kling1(Inputs):
    prompt: KlingPrompt
    image_url: FileUrl
    duration: FiveOrTen = "5"
    negative_prompt: Avoid = UNWANTED
    cfg_scale: Cfg = 0.5
    tail_image_url: FileUrl | None = Field(None, description="the end picture")


class Kling1Standard(Kling1):
    static_mask_url: FileUrl | None = None
    dynamic_masks: list[dict[str, Any]] | None = None


class Kling1Pro(Kling1Standard):
    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"


class Kling16Pro(Kling1):
    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"


class Kling26Pro(Inputs):
    prompt: KlingPrompt
    start_image_url: FileUrl
    end_image_url: FileUrl | None = None
    duration: FiveOrTen = "5"
    negative_prompt: Avoid = UNWANTED
    generate_audio: bool = True
    voice_ids: list[str] | None = Field(None, max_length=2)


class Element(Inputs):
    frontal_image_url: FileUrl | None = None
    reference_image_urls: list[FileUrl] | None = Field(None, min_length=1, max_length=3)
    video_url: FileUrl | None = None
    voice_id: str | None = None


class PromptedShot(Inputs):
    prompt: str
    duration: ShotSeconds = "5"


class Kling3(Inputs):
    prompt: KlingPrompt | None = Field(None, description="either this or multi_prompt")
    multi_prompt: list[PromptedShot] | None = None
    start_image_url: FileUrl
    end_image_url: FileUrl | None = None
    duration: Seconds = "5"
    generate_audio: bool = True
    elements: list[Element] | None = Field(None, description="named @Element1, @Element2 … in the prompt")
    shot_type: str = Field("customize", description="customize or intelligent")
    negative_prompt: Avoid = UNWANTED
    cfg_scale: Cfg = 0.5

    @model_validator(mode="after")
    def _one_prompt(self) -> Self:
        if bool(self.prompt) == bool(self.multi_prompt):
            raise ValueError("give either prompt or multi_prompt, not both")
        return self


class Kling3Turbo(Inputs):
    prompt: KlingPrompt | None = Field(None, description="either this or multi_prompt")
    multi_prompt: list[PromptedShot] | None = Field(None, max_length=6, description="15 seconds in all at most")
    image_url: FileUrl = Field(description="at least 300 pixels a side")
    duration: Seconds = "5"

    @model_validator(mode="after")
    def _one_prompt(self) -> Self:
        if bool(self.prompt) == bool(self.multi_prompt):
            raise ValueError("give either prompt or multi_prompt, not both")
        return self


class KlingO3References(Inputs):
    prompt: KlingPrompt | None = Field(None, description="either this or multi_prompt")
    multi_prompt: list[PromptedShot] | None = None
    start_image_url: FileUrl | None = None
    end_image_url: FileUrl | None = None
    image_urls: list[FileUrl] | None = Field(None, description="named @Image1, @Image2 … in the prompt")
    elements: list[Element] | None = Field(None, description="named @Element1, @Element2 … in the prompt")
    aspect_ratio: Literal["16:9", "9:16", "1:1"] = "16:9"
    duration: Seconds = "5"
    generate_audio: bool = False
    shot_type: str = Field("customize", description="customize or intelligent")

    @model_validator(mode="after")
    def _one_prompt(self) -> Self:
        if bool(self.prompt) == bool(self.multi_prompt):
            raise ValueError("give either prompt or multi_prompt, not both")
        return self


def _table(silent: float, audio: float, voice: float, source: str, date: str) -> Price:
    """USD a second: without audio, with it, and with a voice that is chosen."""

    def multipliers(values: Mapping[str, Any]) -> list[Multiplier]:
        if not values.get("generate_audio"):
            return []
        elements = values.get("elements") or []
        if values.get("voice_ids") or any(element.get("voice_id") for element in elements):
            return [Multiplier(voice / silent, "audio with a chosen voice", source)]
        return [Multiplier(audio / silent, "audio", source)]

    return Price("seconds", silent, source, date, multipliers)


LLMS = "fal's llms.txt, 2026"
PULL = "fal's llms.txt as quoted in github.com/NousResearch/hermes-agent/pull/92720"
V3_PRO = _table(0.112, 0.168, 0.196, PULL, "2026-08-23")
V3_TURBO = Price("seconds", 0.14, "fal's llms.txt, quoted in public code of 2026", "2026-07-01")
V3_STANDARD = _table(0.084, 0.126, 0.154, PULL, "2026-08-23")
V26_PRO = _table(0.07, 0.14, 0.168, LLMS, "2026-01-01")
V25_PRO = Price("seconds", 0.07, f"{LLMS}: 0.35 for 5 s, then 0.07 a second", "2026-01-01")
V1_STANDARD = Price("seconds", 0.045, LLMS, "2026-01-01")
UNPRICED = unpriced("seconds")
V1_PRO_GONE = (
    "not in fal's list of active models since 2026-04; fal-ai/kling-video/v2.5-turbo/pro/image-to-video has its fields"
)


def _kling(version: str, label: str, fields: type[Inputs], price: Price, retired: str = "") -> Endpoint:
    return Endpoint(f"fal-ai/kling-video/{version}/image-to-video", Role.VIDEO, label, fields, Video, price, retired)


ENDPOINTS = (
    _kling("v3/pro", "Kling 3 pro", Kling3, V3_PRO),
    _kling("v3/turbo/pro", "Kling 3 turbo pro", Kling3Turbo, V3_TURBO),
    _kling("v3/4k", "Kling 3 4K", Kling3, UNPRICED),
    _kling("v3/standard", "Kling 3 standard", Kling3, V3_STANDARD),
    _kling("v2.6/pro", "Kling 2.6 pro", Kling26Pro, V26_PRO),
    _kling("v2.5-turbo/pro", "Kling 2.5 turbo pro", Kling1, V25_PRO),
    _kling("v1.6/pro", "Kling 1.6 pro", Kling16Pro, UNPRICED),
    _kling("v1/standard", "Kling 1 standard", Kling1Standard, V1_STANDARD),
    _kling("v1/pro", "Kling 1 pro", Kling1Pro, UNPRICED, V1_PRO_GONE),
    Endpoint(
        "fal-ai/kling-video/o3/pro/reference-to-video",
        Role.VIDEO,
        "Kling O3 pro, from views",
        KlingO3References,
        Video,
        UNPRICED,
    ),
)
