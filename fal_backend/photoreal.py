# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A reference, its depth map and a prompt to the fields of an endpoint that makes a still."""

from __future__ import annotations

from ..pipeline.backend.requests import StillRequest
from ..pipeline.errors import UsageError
from ..pipeline.json_object import JsonObject
from .arguments import Live, bought, finish, local_file, nearest_ratio
from .buying.purchase import Output, Purchase
from .endpoints.base import Endpoint, Role
from .endpoints.catalogue import find


def purchase(request: StillRequest, live: Live = None) -> Purchase:
    """Raises UsageError where the endpoint needs what the request lacks, or an override doesn't fit."""
    endpoint = find(request.endpoint, Role.PHOTOREAL)
    arguments: JsonObject = {"prompt": request.prompt}
    arguments |= _pictures(endpoint, request)
    arguments |= _size(endpoint, request.size)
    arguments |= {field: value for field, value in WANTED.items() if endpoint.takes(field)}
    if endpoint.takes("negative_prompt") and request.avoid:
        arguments["negative_prompt"] = request.avoid
    if endpoint.takes("seed") and request.seed is not None:
        arguments["seed"] = request.seed
    files = {"reference": request.reference} | ({"depth": request.depth} if request.depth else {})
    arguments = finish(endpoint, arguments, request.overrides, files)
    output = Output(endpoint.place, str(request.out), "image/png")
    return bought(endpoint, request, arguments, output, live, request.size)


# Lossless, one picture, and no second guess at a depth map that the renderer knows exactly.
WANTED = {
    "output_format": "png",
    "format": "png",
    "num_images": 1,
    "preprocess_depth": False,
    "depth_preprocess": False,
}


def _pictures(endpoint: Endpoint, request: StillRequest) -> JsonObject:
    found: JsonObject = {}
    if endpoint.depth_field:
        if request.depth is None:
            raise UsageError(f"{endpoint.id} follows a depth map and none was rendered; render references with depth")
        found[endpoint.depth_field] = local_file(request.depth)
    for field in ("image_url", "image_urls", "control_lora_image_url"):
        if field in found or not endpoint.takes(field):
            continue
        if endpoint.depth_field and not endpoint.Input.model_fields[field].is_required():
            continue
        reference = local_file(request.reference)
        found[field] = [reference] if field == "image_urls" else reference
    return found


def _size(endpoint: Endpoint, size: tuple[int, int]) -> JsonObject:
    """Whatever makes the endpoint keep the reference's size, or the nearest to it that the endpoint can do."""
    found: JsonObject = {}
    if endpoint.takes("image_size"):
        width, height = endpoint.sizes.fit(size)
        found["image_size"] = {"width": width, "height": height}
    if endpoint.takes("resolution_mode"):
        found["resolution_mode"] = "match_input"
    ratios = endpoint.choices("aspect_ratio")
    if ratios:
        # "auto" follows the reference more exactly than the nearest named ratio could.
        found["aspect_ratio"] = "auto" if "auto" in ratios else nearest_ratio(ratios, size)
    if resolutions := [name for name in endpoint.choices("resolution") if name[-1:] in "kK"]:
        at_least_1k = [name for name in resolutions if float(name[:-1]) >= max(1.0, max(size) / 1024)]
        found["resolution"] = (at_least_1k or resolutions[-1:])[0]
    return found
