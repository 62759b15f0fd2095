# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clips: Kling, Veo and Seedance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .endpoint import ONE, SEED, Endpoint, Fields, Rule, tolerance
from .schemas import Problem, blob, choice, flag, image, many, number, problem, record, text

_FIVE_OR_TEN: Fields = {"duration": choice("5", "10")}
_KLING: Fields = {"prompt*": text(2500), "negative_prompt": text(2500)}
_CFG = {"cfg_scale": number(0, 1)}
_TAIL = {"tail_image_url": image()}
_KLING_2 = _KLING | _FIVE_OR_TEN | _CFG | ONE
_KLING_16 = _KLING_2 | _TAIL | {"aspect_ratio": choice("16:9", "9:16", "1:1")}
_KLING_1 = _KLING_2 | _TAIL | {"static_mask_url": image(), "dynamic_masks": many(record({}))}
_KLING_26 = _KLING | _FIVE_OR_TEN
_KLING_26 |= {
    "start_image_url*": image(),
    "end_image_url": image(),
    "generate_audio": flag(),
    "voice_ids": many(text(), 0, 2),
}


def _seconds(low: int, high: int) -> Fields:
    return {"duration": choice(*(str(i) for i in range(low, high + 1)))}


_SHOTS = {
    "multi_prompt": many(record({"prompt*": text(2500), **{k + "*": v for k, v in _seconds(1, 15).items()}}), 1, 6)
}
_ELEMENT = record(
    {
        "frontal_image_url": image(),
        "reference_image_urls": many(image(), 1, 3),
        "video_url": blob(),
        "voice_id": text(),
    }
)
_ELEMENTS = {"elements": many(_ELEMENT)}
_KLING_3 = _seconds(3, 15) | _CFG | _SHOTS | _ELEMENTS
_KLING_3 |= {
    "prompt": text(2500),
    "negative_prompt": text(2500),
    "start_image_url*": image(),
    "end_image_url": image(),
    "generate_audio": flag(),
    "shot_type": choice("customize", "intelligent"),
}
_KLING_3_TURBO = _seconds(3, 15) | _SHOTS | {"prompt": text(2500), "image_url*": image(300)}
_KLING_O1 = _seconds(3, 10) | {"prompt*": text(2500), "start_image_url*": image(), "end_image_url": image()}
_KLING_O3 = _seconds(3, 15) | _SHOTS | ONE
_KLING_O3 |= {
    "prompt": text(2500),
    "end_image_url": image(),
    "generate_audio": flag(),
}
_VEO: Fields = (
    SEED
    | tolerance(6)
    | {
        "prompt*": text(20_000),
        "aspect_ratio": choice("auto", "16:9", "9:16"),
        "duration": choice("4s", "6s", "8s"),
        "resolution": choice("720p", "1080p", "4k"),
        "generate_audio": flag(),
        "negative_prompt": text(),
        "auto_fix": flag(),
    }
)
_VEO_3 = _VEO | {"resolution": choice("720p", "1080p")}
_VEO_ENDS: Fields = {"first_frame_url*": image(), "last_frame_url*": image()}
_SEEDANCE = SEED | ONE
_SEEDANCE |= {
    "prompt*": text(),
    "end_image_url": image(),
    "duration": choice("auto", *(str(i) for i in range(4, 16))),
    "resolution": choice("480p", "720p", "1080p", "4k"),
    "generate_audio": flag(),
    "aspect_ratio": choice("auto", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16"),
    "camera_fixed": flag(),
}


def _either(one: str, other: str) -> Rule:
    def rule(arguments: dict[str, Any]) -> Iterator[Problem]:
        if bool(arguments.get(one)) == bool(arguments.get(other)):
            yield problem("value_error", f"Value error, provide either {one} or {other}", ("body",), arguments)

    return rule


def clips() -> Iterator[Endpoint]:
    def kling(name: str, fields: Fields, rule: Rule | None = None) -> Endpoint:
        return Endpoint(f"fal-ai/kling-video/{name}/image-to-video", "video", fields, rule=rule)

    yield kling("v1/standard", _KLING_1)  # v1/pro is gone from fal's active list
    for name in ("v1.5/pro", "v1.6/pro"):
        yield kling(name, _KLING_16)
    for name in ("v2/master", "v2.1/standard", "v2.1/master", "v2.5-turbo/standard"):
        yield kling(name, _KLING_2)
    for name in ("v2.1/pro", "v2.5-turbo/pro"):
        yield kling(name, _KLING_2 | _TAIL)
    yield kling("v2.6/pro", _KLING_26)
    one_prompt = _either("prompt", "multi_prompt")
    for name in ("pro", "standard", "4k"):
        yield kling(f"v3/{name}", _KLING_3, one_prompt)
        yield kling(f"o3/{name}", _KLING_O3, one_prompt)
    for name in ("pro", "standard"):
        yield kling(f"v3/turbo/{name}", _KLING_3_TURBO, one_prompt)
    yield kling("o1", _KLING_O1)
    for name in ("fal-ai/veo3.1", "fal-ai/veo3.1/fast", "fal-ai/veo3.1/lite"):
        yield Endpoint(f"{name}/image-to-video", "video", _VEO | ONE)
        yield Endpoint(f"{name}/first-last-frame-to-video", "video", _VEO | _VEO_ENDS)
    yield Endpoint("fal-ai/veo3/image-to-video", "video", _VEO_3 | ONE)
    yield Endpoint("fal-ai/veo3", "video", _VEO_3)
    yield Endpoint("bytedance/seedance-2.0/image-to-video", "video", _SEEDANCE)
