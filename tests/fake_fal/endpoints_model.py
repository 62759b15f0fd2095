# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Meshy: models from pictures and from words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .endpoint import ONE, SAFE, SEED, Endpoint, Fields, several
from .schemas import Problem, blob, choice, flag, image, integer, many, maybe, number, problem, text

_REMESH: Fields = {
    "topology": choice("quad", "triangle"),
    "target_polycount": integer(100, 300_000),
    "symmetry_mode": choice("off", "auto", "on"),
    "should_remesh": flag(),
    "enable_pbr": flag(),
    "pose_mode": choice("a-pose", "t-pose", ""),
    "is_a_t_pose": flag(),
    "texture_prompt": text(600),
    "texture_image_url": image(),
    "enable_rigging": flag(),
    "rigging_height_meters": number(0.01),
    "enable_animation": flag(),
    "animation_action_id": integer(0, 696),
    **SAFE,
}
_MESHY = _REMESH | {"should_texture": flag()}
_LOWPOLY = {"model_type": choice("standard", "lowpoly")}
_MESHY_TEXT = _REMESH | SEED | _LOWPOLY
_MESHY_TEXT |= {
    "prompt*": text(600, 1),
    "mode": choice("preview", "full"),
    "enable_prompt_expansion": flag(),
}
_V7 = {"model_type": choice("standard", "lowpoly", "smart-topology")}
_VIEWS = ("front", "left", "back", "right")


def _meshy_rule(arguments: dict[str, Any]) -> Iterator[Problem]:
    textured = arguments.get("should_texture", True)
    for name in ("enable_pbr", "texture_prompt", "texture_image_url", "enable_rigging"):
        if arguments.get(name) and not textured:
            yield problem("value_error", f"Value error, {name} needs should_texture", ("body",), arguments)
    if arguments.get("enable_animation") and not arguments.get("enable_rigging"):
        yield problem("value_error", "Value error, enable_animation needs enable_rigging", ("body",), arguments)


def models() -> Iterator[Endpoint]:
    for version, extra in (
        ("fal-ai/meshy/v5", {}),
        ("fal-ai/meshy/v6", {}),
        ("fal-ai/meshy/v6-preview", {}),
        ("meshy/v7", {}),
    ):
        fields = _MESHY | several() | extra
        yield Endpoint(f"{version}/multi-image-to-3d", "model", fields, rule=_meshy_rule)
    for version, extra in (
        ("fal-ai/meshy/v6", _LOWPOLY),
        ("fal-ai/meshy/v6-preview", _LOWPOLY),
        ("meshy/v7", _V7 | {"ultra_mode": flag()}),
    ):
        yield Endpoint(f"{version}/image-to-3d", "model", _MESHY | ONE | extra, rule=_meshy_rule)
    tripo = {"image_urls*": many(image(), 2, 4), "face_limit": maybe(integer(1000, 2_000_000)), "quad": flag()}
    tripo |= {name: flag() for name in ("texture", "pbr", "auto_size")} | {
        "orientation": choice("default", "align_image")
    }
    tripo |= {f"{part}_quality": choice("standard", "detailed") for part in ("texture", "geometry")}
    tripo |= {"texture_alignment": choice("original_image", "geometry")}
    tripo |= {f"{part}_seed": maybe(integer()) for part in ("model", "texture")}
    yield Endpoint("tripo3d/h3.1/multiview-to-3d", "model", tripo, shape="mesh")
    formats = choice("glb", "obj", "stl", "fbx", "usdz")
    hitem: Fields = {f"{view}_image_url": image() for view in _VIEWS} | {
        "model": text(),
        "export_format": formats,
        **SAFE,
    }
    hitem |= {"resolution": choice("2048quality", "2048master"), "enable_texture": flag(), "enable_pbr": flag()}
    hitem |= {"face_count": maybe(integer(100_000, 5_000_000)), "shading": number(0, 1)}
    yield Endpoint("hitem3d/hi3d/v3.0/multi-view-to-3d", "model", hitem, shape="mesh")
    hunyuan: Fields = {
        f"{view}_image_url": image() for view in (*_VIEWS[1:], "top", "bottom", "left_front", "right_front")
    }
    hunyuan |= {"input_image_url*": image(128, 5000), "enable_pbr": flag(), "face_count": integer(40_000, 1_500_000)}
    hunyuan |= {"generate_type": choice("Normal", "Geometry")}
    yield Endpoint("fal-ai/hunyuan-3d/v3.1/pro/image-to-3d", "model", hunyuan)
    rodin: Fields = {"image_urls": many(image(), 0, 5), "prompt": text(), "seed": maybe(integer(0, 65535))}
    rodin |= {"geometry_file_format": choice("glb", "usdz", "fbx", "obj", "stl")}
    rodin |= {"material": choice("PBR", "Shaded", "All", "None"), "quality_mesh_option": text()}
    rodin |= {
        "tier": choice(*(f"Gen-2.5-{t}" for t in ("Minimum", "Extreme-Low", "Low", "Medium", "High", "Extreme-High")))
    }
    yield Endpoint("fal-ai/hyper3d/rodin/v2.5", "model", rodin, shape="mesh")
    trellis: Fields = {
        "image_url*": image(),
        "mesh_url*": blob(),
        "resolution": integer(512, 1024),
        "texture_size": integer(),
    }
    yield Endpoint("fal-ai/trellis-2/retexture", "model", trellis | SEED)
    meshy: Fields = {"model_url*": blob(), "image_style_url": image(), "text_style_prompt": text(600)}
    meshy |= {"enable_original_uv": flag(), "enable_pbr": flag(), **SAFE}
    yield Endpoint("fal-ai/meshy/v5/retexture", "model", meshy)
    hi3d: Fields = {
        "image_url*": image(),
        "mesh_url*": blob(),
        "model": choice("hitem3dv1.5", "scene-portraitv1.5"),
        **SAFE,
    }
    hi3d |= {"resolution": maybe(choice("512", "1024", "1536", "1536pro")), "export_format": formats}
    yield Endpoint("hitem3d/hi3d/texture", "model", hi3d, shape="mesh")
    for version in ("v6", "v6-preview"):
        yield Endpoint(f"fal-ai/meshy/{version}/text-to-3d", "model", _MESHY_TEXT)
