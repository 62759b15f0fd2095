# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tencent's Hunyuan 3D: a mesh from a front view and up to seven others, of which four photos fill the first four."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from ..base import Endpoint, File, FileUrl, Inputs, Result, Role
from ..prices import Multiplier, Price
from .meshy import ModelUrls

LISTING = "third-party listing of 2026: 0.375, and 0.15 for each of PBR, further views, and another face count"


class HunyuanViews(Inputs):
    input_image_url: FileUrl = Field(description="the front view")
    left_image_url: FileUrl | None = None
    back_image_url: FileUrl | None = None
    right_image_url: FileUrl | None = None
    top_image_url: FileUrl | None = None
    bottom_image_url: FileUrl | None = None
    left_front_image_url: FileUrl | None = None
    right_front_image_url: FileUrl | None = None
    enable_pbr: bool = Field(False, description="metallic, roughness and normal maps")
    face_count: int = Field(500000, ge=40000, le=1500000, description="faces")
    generate_type: Literal["Normal", "Geometry"] = Field("Normal", description="Geometry: without texture")


class HunyuanModel(Result):
    model_glb: File
    model_urls: ModelUrls | None = None
    thumbnail: File | None = None
    seed: int | None = None


def _extras(values: Mapping[str, Any]) -> list[Multiplier]:
    views = any(value for name, value in values.items() if name.endswith("_image_url") and name != "input_image_url")
    times = 1.0 + 0.4 * sum((bool(values.get("enable_pbr")), views, values.get("face_count", 500000) != 500000))
    return [Multiplier(times, "PBR, views and faces", LISTING)] if times > 1.0 else []


ENDPOINTS = (
    Endpoint(
        "fal-ai/hunyuan-3d/v3.1/pro/image-to-3d",
        Role.MODEL,
        "Hunyuan 3D 3.1 pro, one to four photos",
        HunyuanViews,
        HunyuanModel,
        Price("units", 0.375, LISTING, "2026-08-01", _extras),
        notes="photos in the order front, left, back, right",
        views=("input_image_url", "left_image_url", "back_image_url", "right_image_url"),
    ),
)
