# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hyper3D's Rodin: a mesh from up to five photos, or from words."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ..base import Endpoint, File, FileUrl, Image, Inputs, Result, Role, Seed
from ..prices import unpriced

Tier = Literal[
    "Gen-2.5-Minimum",
    "Gen-2.5-Extreme-Low",
    "Gen-2.5-Low",
    "Gen-2.5-Medium",
    "Gen-2.5-High",
    "Gen-2.5-Extreme-High",
]
MeshOption = Literal[
    "Auto", "4K Quad", "8K Quad", "18K Quad", "50K Quad", "100K Quad", "200K Quad",
    "2K Triangle", "20K Triangle", "50K Triangle", "150K Triangle", "500K Triangle", "1M Triangle", "2M Triangle",
]  # fmt: skip


class Rodin25(Inputs):
    image_urls: list[FileUrl] | None = Field(None, max_length=5)
    prompt: str = ""
    tier: Tier = Field("Gen-2.5-High", description="Extreme-High costs twice as much")
    quality_mesh_option: MeshOption = "Auto"
    geometry_file_format: Literal["glb", "usdz", "fbx", "obj", "stl"] = "glb"
    material: Literal["PBR", "Shaded", "All", "None"] = "All"
    texture_mode: Literal["legacy", "extreme-low", "low", "medium", "high"] | None = None
    hd_texture: bool = False
    texture_delight: bool = Field(False, description="take baked light out of the texture")
    use_original_alpha: bool = False
    enable_creative_mode: bool = False
    is_micro: bool = Field(False, description="with Extreme-High: finer detail")
    preview_render: bool = False
    TAPose: bool = Field(False, description="for characters")
    addons: Any = None
    bbox_condition: Any = Field(None, description="the largest size, as three numbers")
    seed: Seed = Field(None, ge=0, le=65535)


class RodinMesh(Result):
    model_mesh: File
    model_meshes: list[File] | None = None
    seed: int | None = None
    textures: list[Image] | None = None


ENDPOINTS = (
    Endpoint(
        "fal-ai/hyper3d/rodin/v2.5",
        Role.MODEL,
        "Rodin 2.5, photos or words",
        Rodin25,
        RodinMesh,
        unpriced("units"),
        file="model_mesh",
    ),
)
