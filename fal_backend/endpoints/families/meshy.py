# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Meshy: a textured GLB from one photo, from up to four, or from words. Five to ten minutes a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from ..base import CRAWLED, Endpoint, File, FileUrl, Inputs, Prompt, Result, Role, Safety, Seed
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


class MeshyOne(Meshy):
    image_url: FileUrl
    should_texture: bool = Field(True, description="false: geometry only, without enable_pbr")


class MeshyPhoto(MeshyOne):
    model_type: ModelType = "standard"


class Meshy7Photo(MeshyOne):
    model_type: Literal["standard", "lowpoly", "smart-topology"] = Field(
        "standard", description="lowpoly ignores topology, target_polycount and should_remesh"
    )
    is_a_t_pose: bool = Field(False, description="pose_mode has replaced it")
    ultra_mode: bool = Field(False, description="finer geometry; with the standard model_type only")


class Meshy7Photos(MeshyPhotos):
    is_a_t_pose: bool = Field(False, description="pose_mode has replaced it")


class MeshyTexture(Inputs):
    model_url: FileUrl = Field(description="glb, gltf, obj, fbx or stl")
    image_style_url: FileUrl | None = Field(None, description="goes before text_style_prompt")
    text_style_prompt: str | None = Field(None, max_length=600)
    enable_original_uv: bool = Field(True, description="keep the mesh's own UV")
    enable_pbr: bool = Field(False, description="metallic, roughness and normal maps besides the base colour")
    enable_safety_checker: Safety = True


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


class MeshyTextured(Result):
    model_glb: File
    model_urls: ModelUrls | None = None
    thumbnail: File | None = None
    texture_urls: list[TextureFiles] | None = None
    image_style_url: str | None = None
    text_style_prompt: str | None = None


class MeshyTextModel(MeshyModel):
    prompt: str | None = None
    actual_prompt: str | None = None


EXTRAS = "llms.txt of meshy v6-preview: 2.00 bare, 3.00 textured, +0.50 rig, +0.30 animation; v7 has the same ratios"


def _extras(values: Mapping[str, Any]) -> list[Multiplier]:
    shares = {
        "texture": 0.50 * bool(values.get("should_texture", values.get("mode") != "preview")),
        "rig": 0.25 * bool(values.get("enable_rigging")),
        "animation": 0.15 * bool(values.get("enable_animation")),
        "ultra": 0.25 * bool(values.get("ultra_mode")),
    }
    named = [name for name, share in shares.items() if share]
    return [Multiplier(1.0 + sum(shares.values()), " + ".join(named), EXTRAS)] if named else []


V6 = Price(
    "units", 0.80, "fal's model page of meshy v6, bare model, undated; other pages differ", "2026-01-01", _extras
)
V7 = Price(
    "units",
    0.80,
    f"{CRAWLED}, bare model; textured 1.20, ultra 1.40, +0.20 rig, +0.12 animation",
    "2026-08-27",
    _extras,
)
TEXTURE = Price("units", 1.20, "the dearest that a third-party listing of September 2026 has", "2026-09-23")
V5 = replace(unpriced("units"), multipliers=_extras)

ENDPOINTS = (
    Endpoint("meshy/v7/image-to-3d", Role.MODEL, "Meshy 7, one photo", Meshy7Photo, MeshyModel, V7),
    Endpoint("meshy/v7/multi-image-to-3d", Role.MODEL, "Meshy 7, two to four photos", Meshy7Photos, MeshyModel, V7),
    Endpoint("fal-ai/meshy/v6/image-to-3d", Role.MODEL, "Meshy 6, one photo", MeshyPhoto, MeshyModel, V6),
    Endpoint(
        "fal-ai/meshy/v6/multi-image-to-3d", Role.MODEL, "Meshy 6, two to four photos", MeshyPhotos, MeshyModel, V6
    ),
    Endpoint("fal-ai/meshy/v6/text-to-3d", Role.MODEL, "Meshy 6, words", MeshyText, MeshyTextModel, V6),
    Endpoint(
        "fal-ai/meshy/v5/multi-image-to-3d", Role.MODEL, "Meshy 5, two to four photos", MeshyPhotos, MeshyModel, V5
    ),
    Endpoint("fal-ai/meshy/v5/retexture", Role.RETEXTURE, "Meshy 5 texture", MeshyTexture, MeshyTextured, TEXTURE),
)
