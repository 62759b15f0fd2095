# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clips: Kling, Veo and Seedance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .endpoint import ONE, SEED, Endpoint, Fields, Rule, tolerance
from .schemas import Problem, blob, choice, either, flag, image, integer, many, maybe, number, problem, record, text

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
    yield from _of_summer()


def _of_summer() -> Iterator[Endpoint]:
    """What came in the summer of 2026."""
    sound, words = {"generate_audio": flag()}, {"prompt*": text()}
    ratios = ("auto", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16")
    seedance = (
        words | sound | {"resolution": choice("480p", "720p", "1080p"), "bitrate_mode": choice("standard", "high")}
    )
    seedance |= {"duration": choice("auto", *(str(i) for i in range(4, 31))), "end_user_id": text()}
    start = seedance | ONE | {"end_image_url": image(), "aspect_ratio": text()}
    yield Endpoint("bytedance/seedance-2.5/image-to-video", "video", start)
    references = {f"{kind}_urls": many(blob(), 0, 10) for kind in ("video", "audio")} | {
        "image_urls": many(image(), 0, 30)
    }
    references |= seedance | {"aspect_ratio": choice(*ratios)}
    yield Endpoint("bytedance/seedance-2.5/reference-to-video", "video", references)
    flux = words | sound | {"aspect_ratio": choice(*ratios, "2:1"), "resolution": choice("720p", "1080p")}
    flux |= {"duration": integer(5, 20), "safety_tolerance": integer(0, 4)}
    ends = flux | {"start_image_url*": image(), "end_image_url*": image()}
    yield Endpoint("blackforestlabs/flux-3/first-last-frame-to-video", "video", ends)
    frames = {"keyframes*": many(record({"image_url*": image(), "frame_index*": integer(0)}), 1, 10)}
    yield Endpoint("blackforestlabs/flux-3/keyframes-to-video", "video", flux | frames)
    ltx = (
        words
        | sound
        | ONE
        | {"end_image_url": image(), "duration": either(integer(6, 10), choice("auto")), "fps": integer(24, 50)}
    )
    ltx |= {
        "resolution": choice("720p", "1080p"),
        "aspect_ratio": choice("auto", "16:9", "9:16"),
        "camera_motion": maybe(text()),
    }
    yield Endpoint("lightricks/ltx-2.5/image-to-video/pro", "video", ltx)
    h3 = (
        words
        | ONE
        | {"end_image_url": image(), "duration": integer(5, 15), "resolution": choice("480P", "768P", "2K", "4K")}
    )
    yield Endpoint("minimax/h3/image-to-video", "video", h3)
    veo = {name: check for name, check in _VEO.items() if name not in ("negative_prompt", "seed")}
    veo |= {"image_urls*": many(image(), 1), "duration": text(), "aspect_ratio": choice("16:9", "9:16")}
    yield Endpoint("fal-ai/veo3.1/reference-to-video", "video", veo)
    o3 = {
        "start_image_url": image(),
        "end_image_url": image(),
        "image_urls": many(image()),
        **_ELEMENTS,
        **_SHOTS,
        **sound,
    }
    o3 |= _seconds(3, 15) | {"prompt": text(2500), "aspect_ratio": choice("16:9", "9:16", "1:1"), "shot_type": text()}
    yield Endpoint("fal-ai/kling-video/o3/pro/reference-to-video", "video", o3, rule=_either("prompt", "multi_prompt"))
    real = {
        "video_url*": blob(),
        "prompt": text(),
        "image_url": image(),
        "num_frames": integer(),
        "frames_per_second": number(1),
    }
    real |= {"intensity": choice("light", "strong", "strong-v2"), "resolution": choice("480p", "720p"), **sound, **SEED}
    real |= {"negative_prompt": text(), "num_inference_steps": integer(1, 30), "guidance_scale": number()}
    yield Endpoint("fal-ai/ltx-2.3-quality/render-to-real", "video", real | {"enable_detail_refine": flag()})
    vace = words | SEED | {"video_url*": blob(), "preprocess": flag(), "num_frames": integer(17, 241)}
    vace |= {"frames_per_second": integer(5, 30), "ref_image_urls": many(image()), "negative_prompt": text()}
    vace |= {"first_frame_url": image(), "last_frame_url": image(), "num_inference_steps": integer(2, 50)}
    vace |= {"resolution": choice("auto", "240p", "360p", "480p", "580p", "720p"), "guidance_scale": number(1, 10)}
    vace |= {"aspect_ratio": choice("auto", "16:9", "1:1", "9:16"), "shift": number(1, 15)}
    yield Endpoint("fal-ai/wan-22-vace-fun-a14b/depth", "video", vace)
    bria = {
        "video_url*": blob(),
        "background_color": text(),
        "output_container_and_codec": text(),
        "preserve_audio": flag(),
    }
    yield Endpoint("bria/video/background-removal/v3", "video", bria)
    topaz = {
        "video_url*": blob(),
        "model": text(),
        "upscale_factor": number(1, 4),
        "target_fps": maybe(integer(16, 60)),
        "H264_output": flag(),
    }
    yield Endpoint("topaz/upscale/video/precision", "video", topaz)
    seedvr = {"video_url*": blob(), "upscale_mode": choice("target", "factor"), "upscale_factor": number(), **SEED}
    yield Endpoint("fal-ai/seedvr/upscale/video", "video", seedvr)
