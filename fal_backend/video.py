# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A start picture and a motion to the fields of an endpoint that makes a clip."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from ..pipeline.backend.requests import ClipRequest
from ..pipeline.errors import UsageError
from ..pipeline.json_object import JsonObject
from ..pipeline.video import RATE, frames_of
from .arguments import Live, bought, finish, local_file, nearest_ratio
from .buying.purchase import Output, Purchase
from .endpoints.base import Endpoint, Role
from .endpoints.catalogue import find, of_role, some
from .endpoints.check import members_of, numbers
from .endpoints.prices import seconds

START = ("start_image_url", "first_frame_url", "image_url")
END = ("end_image_url", "last_frame_url", "tail_image_url")
SECONDS = re.compile(r"\d{1,3}s?")
MOST_FRAMES = {"render": 361, "depth": 241}  # what those models take
MOST_AT_720P = 145  # frames; about 6 seconds
MOST_VIEWS = 3  # further views beside the frontal one of a Kling element


def purchase(request: ClipRequest, live: Live = None) -> Purchase:
    """Raises UsageError where the endpoint can't do what the request asks, naming endpoints that can.

    Further views are sent where the endpoint takes them and left out elsewhere, as the setting promises.
    """
    endpoint = find(request.endpoint, Role.VIDEO)
    arguments: JsonObject = _pictures(endpoint, request)
    shots = "multi_prompt" in request.overrides  # each has a prompt and a duration of its own
    if not shots:
        arguments["prompt"] = _prompt(endpoint, request)
    arguments |= _end(endpoint, request)
    arguments |= _sound(endpoint, request)
    arguments |= _elements(endpoint, request)
    if endpoint.follows:
        arguments |= _followed(endpoint, request)
    elif "keyframes" in arguments:
        arguments |= _keyframes(endpoint, request)
    elif not shots and (duration := _duration(endpoint, request.duration)) is not None:
        arguments["duration"] = duration
    ratios = endpoint.choices("aspect_ratio")
    if ratios and "auto" not in ratios:
        arguments["aspect_ratio"] = nearest_ratio(ratios, request.size)
    if endpoint.takes("negative_prompt") and request.avoid:
        arguments["negative_prompt"] = request.avoid
    if endpoint.takes("seed") and request.seed is not None:
        arguments["seed"] = request.seed
    arguments = finish(endpoint, arguments, request.overrides, _files(request))
    return bought(
        endpoint, request, arguments, Output(endpoint.place, str(request.out), "video/mp4"), live, request.size
    )


def _pictures(endpoint: Endpoint, request: ClipRequest) -> JsonObject:
    """The still to begin with, or what the endpoint takes in its place: views of the product, or keyframes."""
    start = local_file(request.start)
    if "ref_image_urls" in endpoint.Input.model_fields and endpoint.follows:
        return {"ref_image_urls": [start]}  # how it looks; where it is, the clip says
    if field := endpoint.takes(*START):
        return {field: start}
    if endpoint.takes("keyframes"):
        return {"keyframes": [{"image_url": start, "frame_index": 0}]}
    if endpoint.takes("image_urls"):
        return {"image_urls": [local_file(view) for view in request.elements] or [start]}
    return {"image_url": start}


def _prompt(endpoint: Endpoint, request: ClipRequest) -> str:
    """The words, after those without which an adapter isn't heard, and naming the views where they must be named."""
    fields = endpoint.Input.model_fields
    before = fields["prompt"].default if "prompt" in fields and isinstance(fields["prompt"].default, str) else ""
    words = f"{before}{request.prompt}"
    views = fields.get("image_urls") if not endpoint.takes(*START) else None
    if views is not None and "@Image1" in (views.description or "") and "@Image1" not in words:
        words = f"{words} The product is @Image1."
    return words


def _followed(endpoint: Endpoint, request: ClipRequest) -> JsonObject:
    """This machine's own render of the motion, and its length. Raises UsageError for one that is too long."""
    frames = frames_of(request.duration)
    most = MOST_FRAMES[endpoint.follows]
    if frames > most:
        raise UsageError(
            f"{endpoint.id} follows a clip of at most {most // RATE} seconds, not {request.duration:g}; ask for less"
        )
    found: JsonObject = {"video_url": local_file(request.drawn[endpoint.follows]), "num_frames": frames}
    found["frames_per_second"] = RATE
    if endpoint.follows == "render" and frames > MOST_AT_720P:
        found["resolution"] = "480p"
    return found


def _keyframes(endpoint: Endpoint, request: ClipRequest) -> JsonObject:
    """The end picture is one of them, at the last frame; its place needs the duration."""
    duration = _duration(endpoint, request.duration)
    frames = [{"image_url": local_file(request.start), "frame_index": 0}]
    if request.end is not None:
        frames.append({"image_url": local_file(request.end), "frame_index": RATE * int(duration or request.duration)})
    return {"keyframes": frames, **({"duration": duration} if duration is not None else {})}


def _files(request: ClipRequest) -> dict[str, Path]:
    views = {f"view{number}": view for number, view in enumerate(request.elements, 1)}
    return {"start": request.start, **({"end": request.end} if request.end else {}), **views}


def _end(endpoint: Endpoint, request: ClipRequest) -> JsonObject:
    field = endpoint.takes(*END)
    if endpoint.takes("keyframes"):
        return {}
    if request.end is None:
        if field and endpoint.Input.model_fields[field].is_required():
            without = some(tuple(each for each in of_role(Role.VIDEO) if not _needs_end(each)))
            raise UsageError(f"{endpoint.id} needs an end picture too; choose an end angle, or use {without}")
        return {}
    if field is None:
        able = some(tuple(each for each in of_role(Role.VIDEO) if each.takes(*END)))
        raise UsageError(f"{endpoint.id} takes no end picture; leave out the end angle, or use {able}")
    return {field: local_file(request.end)}


def _needs_end(endpoint: Endpoint) -> bool:
    field = endpoint.takes(*END)
    return field is not None and endpoint.Input.model_fields[field].is_required()


def _sound(endpoint: Endpoint, request: ClipRequest) -> JsonObject:
    # Said even where it is off: fal's own default is on, and costs up to twice as much.
    if endpoint.takes("generate_audio"):
        return {"generate_audio": request.audio}
    if request.audio and endpoint.known:
        able = some(tuple(each for each in of_role(Role.VIDEO) if each.takes("generate_audio")))
        raise UsageError(f"{endpoint.id} makes no sound; leave out the audio, or use {able}")
    return {}


def _elements(endpoint: Endpoint, request: ClipRequest) -> JsonObject:
    if not request.elements or not endpoint.takes("elements"):
        return {}
    frontal, *views = (local_file(view) for view in request.elements)
    found: JsonObject = {
        "elements": [{"frontal_image_url": frontal, "reference_image_urls": views[:MOST_VIEWS] or [frontal]}]
    }
    if "multi_prompt" not in request.overrides and "@Element1" not in request.prompt:
        # An element that the prompt doesn't name is not looked at.
        found["prompt"] = f"{request.prompt} The product is @Element1."
    return found


def _whole_seconds(endpoint: Endpoint, wanted: float) -> int | None:
    """Where the duration is a number, as of endpoints that fal describes: the shortest whole one that is long enough."""
    field = endpoint.Input.model_fields.get("duration")
    if field is None or not {int, float} & set(members_of(field.annotation)):
        return None
    low, high = (
        next((v for limit in field.metadata if (v := getattr(limit, n, None)) is not None), None) for n in ("ge", "le")
    )
    if high is not None and wanted > high:
        raise UsageError(f"{endpoint.id} makes at most {high:g} seconds, not {wanted:g}; ask for less")
    return max(math.ceil(wanted), math.ceil(low or 0))


def _duration(endpoint: Endpoint, wanted: float) -> str | int | None:
    """The shortest duration on sale that is not shorter than ``wanted`` seconds, as the endpoint writes it."""
    field = endpoint.Input.model_fields.get("duration")
    whole = numbers(field.annotation) if field is not None else ()
    sold: list[Any] = sorted(whole or filter(SECONDS.fullmatch, endpoint.choices("duration")), key=seconds)
    if not sold:
        return _whole_seconds(endpoint, wanted)
    for duration in sold:
        if seconds(duration) >= wanted:
            return duration
    longest = seconds(sold[-1])
    able = some(tuple(e for e in of_role(Role.VIDEO) if any(seconds(d) >= wanted for d in e.choices("duration"))))
    longer = f", or use {able}" if able else ""
    raise UsageError(f"{endpoint.id} makes at most {longest:g} seconds, not {wanted:g}; ask for less{longer}")
