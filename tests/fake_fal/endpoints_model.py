# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Meshy: models from pictures and from words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .endpoint import ONE, SAFE, SEED, Endpoint, Fields, several
from .schemas import Problem, choice, flag, image, integer, number, problem, text

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
        ("meshy/v7", _V7),
    ):
        fields = _MESHY | several() | extra
        yield Endpoint(f"{version}/multi-image-to-3d", "model", fields, rule=_meshy_rule)
    for version, extra in (
        ("fal-ai/meshy/v6", _LOWPOLY),
        ("fal-ai/meshy/v6-preview", _LOWPOLY),
        ("meshy/v7", _V7 | {"ultra_mode": flag()}),
    ):
        yield Endpoint(f"{version}/image-to-3d", "model", _MESHY | ONE | extra, rule=_meshy_rule)
    for version in ("v6", "v6-preview"):
        yield Endpoint(f"fal-ai/meshy/{version}/text-to-3d", "model", _MESHY_TEXT)
