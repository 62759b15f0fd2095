# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hitem3D: a dense mesh from named views, and a texture from a photo for a mesh that is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from ..base import CRAWLED, Endpoint, File, FileUrl, Inputs, Result, Role, Safety
from ..prices import Multiplier, Price

MeshFormat = Literal["glb", "obj", "stl", "fbx", "usdz"]


class HitemViews(Inputs):
    front_image_url: FileUrl | None = None
    left_image_url: FileUrl | None = None
    back_image_url: FileUrl | None = None
    right_image_url: FileUrl | None = None
    model: str = Field("hi3dv3.0", description="the only one that this endpoint has")
    resolution: Literal["2048quality", "2048master"] = Field("2048quality", description="2048master: four times dearer")
    enable_texture: bool = True
    enable_pbr: bool = True
    face_count: int | None = Field(None, ge=100000, le=5000000, description="faces")
    export_format: MeshFormat = "glb"
    shading: float = Field(0.5, ge=0, le=1, description="how much of the photos' shading is taken out")
    enable_safety_checker: Safety = True


class HitemTexture(Inputs):
    image_url: FileUrl
    mesh_url: FileUrl = Field(description="GLB")
    model: Literal["hitem3dv1.5", "scene-portraitv1.5"] = "hitem3dv1.5"
    resolution: Literal["512", "1024", "1536", "1536pro"] | None = None
    export_format: MeshFormat = "glb"
    enable_safety_checker: Safety = True


class MeshFile(Result):
    model_mesh: File
    thumbnail: File | None = None


def _credits(values: Mapping[str, Any]) -> list[Multiplier]:
    """2.10 with texture (10 credits) and PBR (5) at 2048quality, 9.10 at 2048master; 0.02 a credit."""
    usd = 9.10 if values.get("resolution") == "2048master" else 2.10
    if not values.get("enable_texture", True):
        usd -= 0.30
    return [] if usd == 2.10 else [Multiplier(usd / 2.10, "resolution and texture", CRAWLED)]


TEXTURE = Price(
    "units", 0.80, f"{CRAWLED}: 0.02 a credit; no more than the 0.80 of shape and texture together", "2026-08-27"
)

ENDPOINTS = (
    Endpoint(
        "hitem3d/hi3d/v3.0/multi-view-to-3d",
        Role.MODEL,
        "Hi3D 3, one to four photos",
        HitemViews,
        MeshFile,
        Price("units", 2.10, CRAWLED, "2026-08-27", _credits),
        notes="photos in the order front, left, back, right",
        file="model_mesh",
        views=("front_image_url", "left_image_url", "back_image_url", "right_image_url"),
    ),
    Endpoint(
        "hitem3d/hi3d/texture", Role.RETEXTURE, "Hi3D texture", HitemTexture, MeshFile, TEXTURE, file="model_mesh"
    ),
)
