# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue, field by field, against the types that fal publishes with its JavaScript client.

``fal_types.json`` is what packaging/read_fal_types.py read from them. Where the two differ, the difference is one of
those listed here by name with its reason; one that no longer applies fails too.
"""

from __future__ import annotations

import json
import re
import typing
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from consistency_pipeline.fal_backend.endpoints.base import Endpoint
from consistency_pipeline.fal_backend.endpoints.catalogue import CATALOGUE
from consistency_pipeline.fal_backend.endpoints.check import choices, members_of

pytestmark = pytest.mark.by_turns

TYPES: dict[str, Any] = json.loads((Path(__file__).parent / "fal_types.json").read_text())

# Endpoints that no published type describes, with the source of their declaration.
CRAWL = "fal's own schema in the registry of gokayfem/ComfyUI-fal-API (2026-08-27)"
UNTYPED = {
    "fal-ai/kling-video/v1/pro/image-to-video": "retired; last typed in npm 1.4.0",
    "meshy/v7/image-to-3d": CRAWL,
    "meshy/v7/multi-image-to-3d": f"{CRAWL}, and calls in public code that fal answered in 2026-09",
    "blackforestlabs/flux-3/keyframes-to-video": f"{CRAWL}, and a client's test for the members of a keyframe",
    **dict.fromkeys(
        (
            "alibaba/qwen-image-3/edit",
            "blackforestlabs/flux-3/first-last-frame-to-video",
            "bytedance/seedance-2.5/image-to-video",
            "bytedance/seedance-2.5/reference-to-video",
            "hitem3d/hi3d/texture",
            "hitem3d/hi3d/v3.0/multi-view-to-3d",
            "lightricks/ltx-2.5/image-to-video/pro",
            "topaz/upscale/image/precision",
            "topaz/upscale/video/precision",
            "xai/grok-imagine-image/v2.0/edit",
        ),
        CRAWL,
    ),
}
MESHY = tuple(name for name in CATALOGUE if "fal-ai/meshy/" in name)
MESHES = (*MESHY, "tripo3d/h3.1/multiview-to-3d", "fal-ai/hunyuan-3d/v3.1/pro/image-to-3d")
ANIMATED = tuple(name for name in MESHY if name.split("/")[-1] != "retexture" and "v6/multi" not in name)
OWN_WORDS = "what the service avoids by itself is not repeated here"
MERGED = "npm 1.10.1 shares one type between endpoints that only differ in defaults; 1.8.5 and fal's OpenAPI have ours"
HEAD = "newer than npm 1.10.1: fal-js 381105e (2026-08-02)"


def known(reason: str, endpoints: tuple[str, ...], *differences: str) -> dict[tuple[str, str], str]:
    return {(endpoint, difference): reason for endpoint in endpoints for difference in differences}


KNOWN: dict[tuple[str, str], str] = {
    **known(MERGED, ("fal-ai/flux/schnell",), "num_inference_steps: default"),
    **known(
        "npm 1.10.1 gives the edge variant the depth variant's type; 1.8.5 has its own",
        ("fal-ai/flux-control-lora-canny",),
        "image_url: extra",
        "preprocess_depth: extra",
    ),
    **known("another app's ModelUrls", MESHES, "answer model_urls.mtl: extra", "answer model_urls.texture: extra"),
    **known(HEAD + "; 1001 is refused since", ANIMATED, "animation_action_id: default"),
    **known(
        "types of their own that name a list",
        ("fal-ai/hyper3d/rodin/v2.5",),
        "addons: kind",
        "bbox_condition: kind",
    ),
    **known(
        HEAD,
        ("fal-ai/trellis-2/retexture",),
        "resolution: choices",
        "resolution: default",
        "texture_size: choices",
        "texture_size: default",
        "tex_slat_guidance_interval_end: missing",
        "tex_slat_guidance_interval_start: missing",
    ),
    **known("an edit of no picture is none", ("google/nano-banana-lite/edit",), "image_urls: required"),
    **known("an edit of no picture is none", ("microsoft/mai-image-2.5-pro/edit",), "image_url: required"),
    **known(
        "as Kling 3 pro, which types it as text", ("fal-ai/kling-video/v3/4k/image-to-video",), "shot_type: choices"
    ),
    **known(
        OWN_WORDS,
        ("fal-ai/ltx-2.3-quality/render-to-real", "fal-ai/wan-22-vace-fun-a14b/depth"),
        "negative_prompt: default",
    ),
    **known("the crawl of 2026-08-27 has it", ("fal-ai/nano-banana-pro/edit",), "system_prompt: missing"),
    **known("its llms.txt has it", ("openai/gpt-image-2/edit",), "answer usage: missing"),
    **known(CRAWL, ("minimax/h3/image-to-video",), "resolution: choices"),
    **known(
        "facts about the file, which are read from the file",
        ("bria/video/background-removal/v3",),
        *(
            f"answer video.{name}: extra"
            for name in (
                "audio",
                "bitrate",
                "codec",
                "container",
                "duration",
                "end_frame_url",
                "format",
                "fps",
                "frame_count",
                "media_type",
                "resolution",
                "start_frame_url",
                "timebase",
            )
        ),
    ),
    **known(HEAD, ("fal-ai/meshy/v6/image-to-3d", "fal-ai/meshy/v6/text-to-3d"), "model_type: missing"),
    **known(HEAD, ("fal-ai/meshy/v6/text-to-3d",), "art_style: extra"),
    **known(HEAD, ("fal-ai/flux-kontext/dev",), "enhance_prompt: extra"),
    **known(
        HEAD,
        ("fal-ai/nano-banana-2/edit",),
        "audio_url: missing",
        "pdf_url: missing",
        "system_prompt: missing",
        "video_url: missing",
    ),
    **known("billed by the token: models whose price is known", ("openrouter/router/vision",), "model: choices"),
    **known(HEAD, ("fal-ai/veo3.1/image-to-video", "fal-ai/veo3.1/fast/image-to-video"), "resolution: choices"),
}


@pytest.mark.parametrize("endpoint", CATALOGUE.values(), ids=CATALOGUE)
def test_every_field_is_as_fal_types_it(endpoint: Endpoint) -> None:
    if endpoint.id in UNTYPED:
        assert endpoint.id not in TYPES, "it is typed by now: take it off the list"
        return
    expected = {difference for name, difference in KNOWN if name == endpoint.id}
    found = problems(endpoint, TYPES[endpoint.id])
    assert {what: found[what] for what in found.keys() - expected} == {}
    assert expected - found.keys() == set(), "a known error of the types that no longer applies"


@pytest.mark.parametrize("endpoint", CATALOGUE.values(), ids=CATALOGUE)
def test_defaults_agree_with_the_last_types_that_were_not_merged(endpoint: Endpoint) -> None:
    older = TYPES.get(endpoint.id, {}).get("older", {})
    declared = endpoint.Input.model_fields
    differing = {
        name: (declared[name].default, typed["default"])
        for name, typed in older.items()
        if name in declared and "default" in typed and not same_default(declared[name].default, typed)
    }
    assert differing == {}


def test_the_lists_name_only_endpoints_of_the_catalogue() -> None:
    assert UNTYPED.keys() <= CATALOGUE.keys()
    assert {name for name, _ in KNOWN} <= CATALOGUE.keys()


def test_a_wrong_field_would_be_noticed() -> None:
    fact = json.loads(json.dumps(TYPES["fal-ai/flux-kontext/dev"]))
    fact["input"]["guidance_scale"]["default"] = 3.5
    fact["input"]["acceleration"]["type"] = '"none" | "regular"'
    fact["input"]["seed"]["required"] = True
    fact["input"]["num_images"]["type"] = "string"
    del fact["input"]["sync_mode"]
    fact["output"]["cost"] = {"required": False, "type": "number"}
    found = problems(CATALOGUE["fal-ai/flux-kontext/dev"], fact).keys() - {"enhance_prompt: extra"}
    assert found == {
        "guidance_scale: default",
        "acceleration: choices",
        "seed: required",
        "num_images: kind",
        "sync_mode: missing",
        "answer cost: extra",
    }


def problems(endpoint: Endpoint, fact: dict[str, Any]) -> dict[str, str]:
    """ "field: aspect" → what the type says, for everything that it says otherwise than the catalogue."""
    found: dict[str, str] = {}
    declared = endpoint.Input.model_fields
    for name in declared.keys() - fact["input"].keys():
        found[f"{name}: missing"] = "not in the type"
    for name in fact["input"].keys() - declared.keys():
        found[f"{name}: extra"] = "only in the type"
    for name in declared.keys() & fact["input"].keys():
        typed, field = fact["input"][name], declared[name]
        if typed["required"] != field.is_required():
            found[f"{name}: required"] = str(typed["required"])
        if typed_choices(typed["type"]) != set(choices(field.annotation)):
            found[f"{name}: choices"] = typed["type"]
        if not kinds(field.annotation) & typed_kinds(typed["type"]):
            found[f"{name}: kind"] = typed["type"]
        if not field.is_required() and not same_default(field.default, typed):
            found[f"{name}: default"] = repr(typed.get("default"))
        found |= nested_problems(name, field.annotation, typed["type"], both_ways=True)
    for name in endpoint.Output.model_fields.keys() & fact["output"].keys():
        annotation, typed = endpoint.Output.model_fields[name].annotation, fact["output"][name]["type"]
        # Answers are read tolerantly, so members that a type leaves out do no harm.
        found |= nested_problems(f"answer {name}", annotation, typed, both_ways=False)
    answers = fact["output"].keys()
    for name in endpoint.Output.model_fields.keys() ^ answers:
        found[f"answer {name}: {'extra' if name in answers else 'missing'}"] = ""
    return found


def nested_problems(name: str, annotation: Any, kind: str, both_ways: bool) -> dict[str, str]:
    """The members of an object, or of a list's objects, against the members of its type."""
    model = model_in(annotation)
    typed = next((word for word in re.findall(r"[A-Z]\w+", re.sub(r'"[^"]*"', "", kind)) if word in TYPES), None)
    if model is None or typed is None:
        return {}
    mine, theirs = model.model_fields.keys(), TYPES[typed]["input"].keys()
    found = {f"{name}.{member}: extra": "only in the type" for member in theirs - mine}
    return found | ({f"{name}.{member}: missing": "not in the type" for member in mine - theirs} if both_ways else {})


def model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for inner in typing.get_args(annotation) if (model := model_in(inner))), None)


def same_default(default: Any, typed: dict[str, Any]) -> bool:
    # The generator leaves out defaults that are false, 0, empty or null.
    return default == typed["default"] if "default" in typed else not default


def typed_choices(kind: str) -> set[str]:
    # A union with plain string only suggests its choices.
    return set() if re.search(r"\| string\b", kind) else set(re.findall(r'"([^"]*)"', kind))


def typed_kinds(kind: str) -> set[str]:
    bare = re.sub(r'"[^"]*"', "string", kind)
    return {
        "list" if part.startswith("Array<") else part if part in ("string", "number", "boolean") else "object"
        for part in re.split(r" \| (?![^<]*>)", bare)
        if part not in ("Blob", "File")
    }


def kinds(annotation: Any) -> set[str]:
    found = set()
    for member in members_of(annotation):
        origin = typing.get_origin(member)
        if origin is typing.Annotated:
            found |= kinds(typing.get_args(member)[0])
        elif origin is typing.Literal or member is str:
            found.add("string")
        elif member in (int, float):
            found.add("number")
        elif member is bool:
            found.add("boolean")
        elif origin is list:
            found.add("list")
        elif isinstance(member, type) and issubclass(member, BaseModel):
            found.add("object")
    return found
