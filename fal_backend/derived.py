# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A finished picture or clip to the fields of an endpoint that makes it larger, or says where the product is in it."""

from __future__ import annotations

from ..pipeline.backend.requests import DerivedRequest
from ..pipeline.errors import UsageError
from ..pipeline.json_object import JsonObject
from .arguments import MEDIA, Live, bought, finish, local_file
from .buying.purchase import Output, Purchase
from .endpoints.base import Role
from .endpoints.catalogue import find

# Lossless, the mask alone, no invented faces, and a clip that every viewer opens.
WANTED: JsonObject = {
    "output_format": "png",
    "mask_only": True,
    "apply_mask": False,
    "face_enhancement": False,
    "H264_output": True,
    "output_container_and_codec": "mp4_h264",
}


def purchase(request: DerivedRequest, live: Live = None) -> Purchase:
    """Raises UsageError where the endpoint takes no such file, or an override doesn't fit."""
    endpoint = find(request.endpoint, Role(request.makes))
    media = MEDIA.get(request.source.suffix.lower(), "")
    field = endpoint.takes("video_url" if media.startswith("video/") else "image_url")
    if field is None:
        kind = "clip" if media.startswith("video/") else "picture"
        raise UsageError(f"{endpoint.id} takes no {kind}; choose another endpoint for {request.source.name}")
    arguments: JsonObject = {field: local_file(request.source)}
    if endpoint.takes("prompt") and request.subject:
        arguments["prompt"] = request.subject
    for name, value in WANTED.items():
        choices = endpoint.choices(name)
        if endpoint.takes(name) and (not choices or value in choices):
            arguments[name] = value
    if endpoint.takes("seed") and request.seed is not None:
        arguments["seed"] = request.seed
    arguments = finish(endpoint, arguments, request.overrides, {"picture": request.source})
    output = Output(endpoint.place, str(request.out), MEDIA[request.out.suffix.lower()])
    return bought(endpoint, request, arguments, output, live, request.size)
