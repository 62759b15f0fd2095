# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tripo: a textured mesh from two to four photos, in the order front, left, back, right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from ..base import CRAWLED, Endpoint, File, FileUrl, Inputs, Result, Role
from ..prices import Multiplier, Price
from .meshy import ModelUrls


class TripoViews(Inputs):
    image_urls: list[FileUrl] = Field(min_length=2, max_length=4, description="front, left, back, right, in this order")
    face_limit: int | None = Field(None, ge=1000, le=2000000, description="faces")
    texture: bool = True
    pbr: bool = Field(True, description="metallic, roughness and normal maps; texture too")
    texture_quality: Literal["standard", "detailed"] = "standard"
    geometry_quality: Literal["standard", "detailed"] = "standard"
    texture_alignment: Literal["original_image", "geometry"] = "original_image"
    auto_size: bool = Field(False, description="scaled to metres by a guess")
    orientation: Literal["default", "align_image"] = "default"
    quad: bool = Field(False, description="quads; the file is an FBX then, which is not read here")
    model_seed: int | None = Field(None, description="of the shape")
    texture_seed: int | None = Field(None, description="of the texture")


class MeshFile(Result):
    model_mesh: File
    model_urls: ModelUrls | None = None
    rendered_image: File | None = None


def _extras(values: Mapping[str, Any]) -> list[Multiplier]:
    is_textured = bool(values.get("texture") or values.get("pbr"))
    usd = 0.20 + 0.10 * is_textured + 0.10 * (is_textured and values.get("texture_quality") == "detailed")
    usd += 0.20 * (values.get("geometry_quality") == "detailed") + 0.05 * bool(values.get("quad"))
    return [Multiplier(usd / 0.20, "texture and quality", CRAWLED)] if usd > 0.20 else []


ENDPOINTS = (
    Endpoint(
        "tripo3d/h3.1/multiview-to-3d",
        Role.MODEL,
        "Tripo H3.1, two to four photos",
        TripoViews,
        MeshFile,
        Price("units", 0.20, CRAWLED, "2026-08-27", _extras),
        notes="photos in the order front, left, back, right",
        file="model_mesh",
    ),
)
