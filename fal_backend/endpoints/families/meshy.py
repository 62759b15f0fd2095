# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Meshy: a textured GLB from one photo, from up to four, or from words. Five to ten minutes a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from ..base import Endpoint, File, FileUrl, Inputs, Prompt, Result, Role, Safety, Seed
from ..prices import Multiplier, Price, unpriced

ModelType = Annotated[
    Literal["standard", "lowpoly"], Field(description="lowpoly ignores topology, target_polycount and should_remesh")
]


class Meshy(Inputs):
    topology: Literal["quad", "triangle"] = Field("triangle", description="a GLB can't hold quads")
    target_polycount: int = Field(30000, ge=100, le=300000, description="faces")
    symmetry_mode: Literal["off", "auto", "on"] = "auto"
    should_remesh: bool = Field(True, description="false: raw triangles, without topology and target_polycount")
    enable_pbr: bool = Field(False, description="metallic, roughness and normal maps besides the base colour")
    pose_mode: Literal["a-pose", "t-pose", ""] = Field("", description="for humanoids")
    texture_prompt: str | None = Field(None, max_length=600)
    texture_image_url: FileUrl | None = None
    enable_rigging: bool = Field(False, description="for humanoids")
    rigging_height_meters: float = Field(1.7, gt=0, description="metres")
    enable_animation: bool = Field(False, description="needs enable_rigging")
    animation_action_id: int = Field(92, ge=0, le=696)
    enable_safety_checker: Safety = True

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if not getattr(self, "should_texture", True):
            for name in ("enable_pbr", "texture_prompt", "texture_image_url", "enable_rigging"):
                if getattr(self, name):
                    raise ValueError(f"{name} needs should_texture; leave one of them out")
        if self.enable_animation and not self.enable_rigging:
            raise ValueError("enable_animation needs enable_rigging; set both")
        return self


class MeshyPhotos(Meshy):
    image_urls: list[FileUrl] = Field(min_length=1, max_length=4, description="views of one object; jpeg or png")
    should_texture: bool = Field(True, description="false: geometry only, without enable_pbr")


class MeshyPhoto(Meshy):
    image_url: FileUrl
    should_texture: bool = Field(True, description="false: geometry only, without enable_pbr")
    model_type: ModelType = "standard"


class MeshyText(Meshy):
    prompt: Prompt = Field(max_length=600)
    mode: Literal["preview", "full"] = Field("full", description="preview: geometry only")
    seed: Seed = None
    enable_prompt_expansion: bool = False
    model_type: ModelType = "standard"


class TextureFiles(Result):
    base_color: File
    metallic: File | None = None
    normal: File | None = None
    roughness: File | None = None


class ModelUrls(Result):
    glb: File | None = None
    fbx: File | None = None
    obj: File | None = None
    usdz: File | None = None
    blend: File | None = None
    stl: File | None = None


class MeshyModel(Result):
    model_glb: File
    model_urls: ModelUrls | None = None
    thumbnail: File | None = None
    texture_urls: list[TextureFiles] | None = None
    seed: int | None = None
    rigged_character_glb: File | None = None
    rigged_character_fbx: File | None = None
    animation_glb: File | None = None
    animation_fbx: File | None = None
    basic_animations: dict[str, Any] | None = None
    rig_task_id: str | None = None


class MeshyTextModel(MeshyModel):
    prompt: str | None = None
    actual_prompt: str | None = None


EXTRAS = "llms.txt of meshy v6-preview: 2.00 bare, 3.00 textured, +0.50 rig, +0.30 animation; v7 has the same ratios"


def _extras(values: Mapping[str, Any]) -> list[Multiplier]:
    shares = {
        "texture": 0.50 * bool(values.get("should_texture", values.get("mode") != "preview")),
        "rig": 0.25 * bool(values.get("enable_rigging")),
        "animation": 0.15 * bool(values.get("enable_animation")),
    }
    named = [name for name, share in shares.items() if share]
    return [Multiplier(1.0 + sum(shares.values()), " + ".join(named), EXTRAS)] if named else []


V6 = Price(
    "units", 0.80, "fal's model page of meshy v6, bare model, undated; other pages differ", "2026-01-01", _extras
)
V5 = replace(unpriced("units"), multipliers=_extras)

ENDPOINTS = (
    Endpoint("fal-ai/meshy/v6/image-to-3d", Role.MODEL, "Meshy 6, one photo", MeshyPhoto, MeshyModel, V6),
    Endpoint(
        "fal-ai/meshy/v6/multi-image-to-3d", Role.MODEL, "Meshy 6, two to four photos", MeshyPhotos, MeshyModel, V6
    ),
    Endpoint("fal-ai/meshy/v6/text-to-3d", Role.MODEL, "Meshy 6, words", MeshyText, MeshyTextModel, V6),
    Endpoint(
        "fal-ai/meshy/v5/multi-image-to-3d", Role.MODEL, "Meshy 5, two to four photos", MeshyPhotos, MeshyModel, V5
    ),
)
