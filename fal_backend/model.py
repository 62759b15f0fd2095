# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Photos or words to an endpoint that makes a 3D model, and words to one that makes the picture before it."""

from __future__ import annotations

from ..pipeline.backend.requests import ModelRequest, PictureRequest, TextureRequest
from ..pipeline.errors import UsageError
from ..pipeline.json_object import JsonObject
from .arguments import Live, bought, finish, local_file
from .buying.purchase import Output, Purchase
from .endpoints.base import Endpoint, Role
from .endpoints.catalogue import find, of_role, some

FROM_WORDS = "fal-ai/meshy/v6/text-to-3d"
FROM_ONE = "fal-ai/meshy/v6/image-to-3d"
# Confirmed by the crawl of fal's own schemas of August 2026 and by calls in public code of September that fal answered.
FROM_SEVERAL = "meshy/v7/multi-image-to-3d"
SQUARE_PNG = {"image_size": "square_hd", "aspect_ratio": "1:1", "output_format": "png", "num_images": 1}


MESH = ("model_url", "mesh_url")
LOOK = ("image_style_url", "image_url")


def default_endpoint(photos: int) -> str:
    """The endpoint that makes a model from that many photos; 0 means from words."""
    return FROM_WORDS if photos == 0 else FROM_ONE if photos == 1 else FROM_SEVERAL


def purchase(request: ModelRequest, live: Live = None) -> Purchase:
    """Raises UsageError where the endpoint can't take these inputs."""
    endpoint = find(request.endpoint, Role.MODEL)
    arguments = _inputs(endpoint, request)
    textured = request.overrides.get("should_texture", True)
    if endpoint.takes("should_texture"):
        arguments["should_texture"] = True
    if endpoint.takes("enable_pbr") and textured not in (False, "false"):
        arguments["enable_pbr"] = True
    if "PBR" in endpoint.choices("material"):
        arguments["material"] = "PBR"
    if endpoint.takes("seed") and request.seed is not None:
        arguments["seed"] = request.seed % 65536 if endpoint.takes("tier") else request.seed
    files = {f"photo{number}": photo for number, photo in enumerate(request.photos, 1)}
    arguments = finish(endpoint, arguments, request.overrides, files)
    return bought(endpoint, request, arguments, Output(endpoint.place, str(request.out), "model/gltf-binary"), live)


def texture_purchase(request: TextureRequest, live: Live = None) -> Purchase:
    """A mesh and photos of the same object, or words, to the mesh with that texture. Raises UsageError."""
    endpoint = find(request.endpoint, Role.RETEXTURE)
    arguments: JsonObject = {endpoint.takes(*MESH) or "model_url": local_file(request.model)}
    picture, words = endpoint.takes(*LOOK), endpoint.takes("text_style_prompt", "prompt")
    if request.photos and picture:
        arguments[picture] = local_file(request.photos[0])
    elif request.text and words:
        arguments[words] = request.text
    else:
        raise UsageError(
            f"{endpoint.id} makes a texture from {'a photo' if picture else 'words'}; give one, or leave it out"
        )
    if endpoint.takes("enable_pbr"):
        arguments["enable_pbr"] = True
    if endpoint.takes("seed") and request.seed is not None:
        arguments["seed"] = request.seed
    files = {"model": request.model, **{f"photo{number}": photo for number, photo in enumerate(request.photos, 1)}}
    arguments = finish(endpoint, arguments, request.overrides, files)
    return bought(endpoint, request, arguments, Output(endpoint.place, str(request.out), "model/gltf-binary"), live)


def picture_purchase(request: PictureRequest, live: Live = None) -> Purchase:
    """A square PNG from words, for a model to be made from."""
    endpoint = find(request.endpoint, Role.PICTURE)
    arguments: JsonObject = {"prompt": request.prompt}
    arguments |= {field: value for field, value in SQUARE_PNG.items() if endpoint.takes(field)}
    if endpoint.takes("seed") and request.seed is not None:
        arguments["seed"] = request.seed
    arguments = finish(endpoint, arguments, request.overrides, {})
    return bought(
        endpoint, request, arguments, Output(endpoint.place, str(request.out), "image/png"), live, (1024, 1024)
    )


def _inputs(endpoint: Endpoint, request: ModelRequest) -> JsonObject:
    photos = [local_file(photo) for photo in request.photos]
    if not photos:
        if not request.text:
            raise UsageError(f"{endpoint.id} was given neither a photo nor words to make a model from; give one")
        if not endpoint.takes("prompt"):
            raise UsageError(f"{endpoint.id} makes no model from words; use {_those_with('prompt')}")
        return {"prompt": request.text}
    if len(photos) > 4:
        raise UsageError(f"a model is made from at most 4 photos, not {len(photos)}; leave some out")
    if endpoint.views:
        return dict(zip(endpoint.views, photos, strict=False))
    if endpoint.takes("image_urls"):
        return {"image_urls": photos}
    if not endpoint.takes("image_url"):
        raise UsageError(f"{endpoint.id} takes no photo; use {_those_with('image_url', 'image_urls')}")
    if len(photos) > 1:
        raise UsageError(f"{endpoint.id} takes one photo, not {len(photos)}; use {_those_with('image_urls')}")
    return {"image_url": photos[0]}


def _those_with(*fields: str) -> str:
    return some(tuple(endpoint for endpoint in of_role(Role.MODEL) if endpoint.takes(*fields)))
