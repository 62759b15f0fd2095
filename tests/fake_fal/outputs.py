# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an endpoint answers: the files it made and the JSON around them, in fal's shapes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from . import media
from .books import seconds
from .clip import mp4, shown
from .endpoint import SIZES, Endpoint
from .media import Size
from .model import glb, textures
from .schemas import Inputs

# Saves bytes on the CDN: (data, content type, file name) → fal's File object.
Save = Callable[[bytes, str, str], dict[str, Any]]

_NAMED = dict(zip(SIZES, ((1024, 1024), (512, 512), (768, 1024), (576, 1024), (1024, 768), (1024, 576)), strict=True))
_AREAS = {"auto_1K": 1024**2, "auto_2K": 2048**2, "auto_3K": 3072**2, "auto_4K": 4096**2}
_RESOLUTIONS = {"0.5K": 512**2, "1K": 1024**2, "2K": 2048**2, "4K": 4096**2}
# The sizes Kontext was trained on, as published by Black Forest Labs; its hosted versions answer with one of them.
_KONTEXT = ((672, 1568), (688, 1504), (720, 1456), (752, 1392), (800, 1328), (832, 1248), (880, 1184), (944, 1104))
_KONTEXT_SIZES = (*_KONTEXT, (1024, 1024), *((h, w) for w, h in _KONTEXT))


@dataclass(frozen=True)
class Tweaks:
    """How a job's outcome differs from a good one; faults set these."""

    nsfw: bool = False
    wrong_size: bool = False
    distorted: str = ""  # how, as in faults.py
    clip_side: int = 640
    says: str | None = None  # in place of the answer in words
    edit: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    footage: Callable[[dict[str, Any]], list[Image.Image] | None] | None = None


@dataclass
class Made:
    output: dict[str, Any]
    pixels: list[int] = field(default_factory=list)  # area of each picture


def make(endpoint: Endpoint, arguments: dict[str, Any], inputs: Inputs, save: Save, tweaks: Tweaks) -> Made:
    maker = {"picture": _pictures, "model": _model, "video": _video, "words": _words}[endpoint.makes]
    made = maker(endpoint, arguments, inputs, save, tweaks)
    if tweaks.edit:
        made.output = tweaks.edit(made.output)
    return made


def picture_size(endpoint: Endpoint, arguments: dict[str, Any], source: Size | None) -> Size:
    """Pixels of the answer. ``source`` is the first input picture's size."""
    rule = endpoint.sizing
    asked = arguments.get("image_size")
    if isinstance(asked, dict):
        return asked["width"], asked["height"]
    ratio = arguments.get("aspect_ratio")
    if rule == "resolution_mode":
        mode = arguments.get("resolution_mode", "match_input")
        if mode == "match_input" and source:
            return source
        return _kontext(None if mode == "auto" else mode, source)
    if rule == "kontext":
        return _kontext(ratio, source)
    if rule == "resolution":
        area = _RESOLUTIONS[arguments.get("resolution", "1K")]
        return _shaped(area, _aspect(None if ratio == "auto" else ratio, source), 16)
    if rule == "factor" and source:
        times = arguments.get("upscale_factor", 2)
        return round(source[0] * times), round(source[1] * times)
    name = asked or rule
    if name in _NAMED:
        return _NAMED[name]
    if name in _AREAS:
        return _shaped(_AREAS[name], _aspect(None, source), 16)
    if name == "auto" and source:
        return tuple(min(2048, max(512, round(side / 16) * 16)) for side in source)
    return source or (1024, 1024)


def _aspect(ratio: str | None, source: Size | None) -> float:
    if ratio:
        width, height = ratio.split(":")
        return float(width) / float(height)
    return source[0] / source[1] if source else 1.0


def _kontext(ratio: str | None, source: Size | None) -> Size:
    aspect = _aspect(ratio, source)
    return min(_KONTEXT_SIZES, key=lambda wh: abs(math.log(wh[0] / wh[1] / aspect)))


def _shaped(area: int, aspect: float, step: int) -> Size:
    width = math.sqrt(area * aspect)
    return max(step, round(width / step) * step), max(step, round(width / aspect / step) * step)


def _pictures(endpoint: Endpoint, arguments: dict[str, Any], inputs: Inputs, save: Save, tweaks: Tweaks) -> Made:
    source = inputs.first_image
    size = picture_size(endpoint, arguments, source.size if source else None)
    if tweaks.wrong_size:
        size = (size[0] // 2 + 8, size[1] // 3 + 8)
    seed = arguments.get("seed")
    seed = media.some_seed() if seed is None else seed
    kind = arguments.get("output_format") or arguments.get("format") or endpoint.file_format
    images = []
    for i in range(arguments.get("num_images", 1)):
        if tweaks.nsfw:
            picture = media.blank(size)
        elif endpoint.sizing == "matte":
            picture = media.matte(source)
        elif source:
            picture = media.distorted(media.restyled(source, size, abs(seed) + i), tweaks.distorted)
        else:
            picture = media.drawn(arguments["prompt"], size, seed + i)
        saved = save(media.encode(picture, kind), f"image/{kind}", f"{i}.{'jpg' if kind == 'jpeg' else kind}")
        images.append(saved | {"width": size[0], "height": size[1]})
    if endpoint.shape in ("one", "masks"):
        one = {"image": images[0]} if endpoint.shape == "one" else {"masks": images}
        return Made(one, [size[0] * size[1]])
    output: dict[str, Any] = {"images": images}
    if endpoint.shape in ("flux", "seed"):
        output["seed"] = seed
    if endpoint.shape == "flux":
        output |= {"timings": {"inference": 1.0}, "prompt": arguments["prompt"]}
        output["has_nsfw_concepts"] = [tweaks.nsfw] * len(images)
    if endpoint.shape == "described":
        output["description"] = ""
    return Made(output, [size[0] * size[1]] * len(images))


def _model(endpoint: Endpoint, arguments: dict[str, Any], inputs: Inputs, save: Save, tweaks: Tweaks) -> Made:
    source = inputs.first_image
    shown = source or media.drawn(arguments.get("prompt", ""), (256, 256), arguments.get("seed") or 0)
    colour = media.colour_of(shown.resize((8, 8)).tobytes())
    textured = arguments.get("should_texture", True) and arguments.get("mode") != "preview"
    pbr = arguments.get("enable_pbr", False)
    data = glb(arguments.get("target_polycount", 30_000), colour, textured=textured, pbr=pbr)
    file = save(data, "model/gltf-binary", "model.glb")
    output: dict[str, Any] = {
        "model_glb": file,
        "model_urls": {"glb": file, "fbx": None, "obj": None, "usdz": None, "blend": None, "stl": None},
        "thumbnail": save(media.encode(media.fit(shown, (256, 256)), "png"), "image/png", "thumbnail.png"),
        "seed": arguments.get("seed"),
        "texture_urls": None,
    }
    if textured:
        maps = textures(colour, pbr=pbr)
        output["texture_urls"] = [{name: save(png, "image/png", f"{name}.png") for name, png in maps.items()}]
    if endpoint.shape == "mesh":
        return Made({"model_mesh": file, "thumbnail": output["thumbnail"]})
    if "prompt" in arguments:
        output |= {"prompt": arguments["prompt"], "actual_prompt": None}
    return Made(output)


def _video(endpoint: Endpoint, arguments: dict[str, Any], inputs: Inputs, save: Save, tweaks: Tweaks) -> Made:
    def first(*names: str) -> Image.Image | None:
        return next((inputs.images[name][0] for name in names if name in inputs.images), None)

    start = first("start_image_url", "image_url", "first_frame_url", "image_urls")
    start = start or media.drawn(arguments.get("prompt", ""), (1280, 720), 0)
    end = first("end_image_url", "tail_image_url", "last_frame_url")
    asked = arguments.get("aspect_ratio", "auto")
    if asked != "auto":  # kling 1.6 and veo crop to the ratio asked for
        start = media.fit(start, _shaped(start.width * start.height, _aspect(asked, None), 2))
    length = seconds(endpoint.id, arguments)
    given = tweaks.footage(arguments) if tweaks.footage else None
    data = shown(given, length, tweaks.clip_side) if given else mp4(start, length, tweaks.clip_side, end)
    return Made({"video": save(data, "video/mp4", "output.mp4")})


SAME = {"same": "yes", "shape": "yes", "print": "yes", "colour": "yes", "reason": "Outline, label and colours agree."}


def _words(endpoint: Endpoint, arguments: dict[str, Any], inputs: Inputs, save: Save, tweaks: Tweaks) -> Made:
    said = json.dumps(SAME) if tweaks.says is None else tweaks.says
    usage = {"prompt_tokens": 1340, "completion_tokens": len(said) // 4, "total_tokens": 1340 + len(said) // 4}
    return Made({"output": said, "usage": usage | {"cost": 0.0005595}})
