# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Trellis 2: a texture from a photo, baked on a mesh that is there."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..base import Endpoint, File, FileUrl, Inputs, Result, Role, Seed
from ..prices import unpriced


class Trellis2Texture(Inputs):
    image_url: FileUrl
    mesh_url: FileUrl = Field(description="GLB, OBJ, PLY or STL")
    resolution: Literal[512, 1024] = Field(1024, description="of the texture's own space")
    texture_size: Literal[1024, 2048, 4096] = Field(2048, description="pixels a side")
    tex_slat_sampling_steps: int = Field(12, description="denoising steps")
    tex_slat_guidance_strength: float = 1.0
    tex_slat_guidance_rescale: float = 0.0
    tex_slat_guidance_interval_start: float = 0.6
    tex_slat_guidance_interval_end: float = 0.9
    tex_slat_rescale_t: float = 3.0
    seed: Seed = None


class GlbFile(Result):
    model_glb: File


ENDPOINTS = (
    Endpoint(
        "fal-ai/trellis-2/retexture",
        Role.RETEXTURE,
        "Trellis 2 texture",
        Trellis2Texture,
        GlbFile,
        unpriced("units"),
    ),
)
