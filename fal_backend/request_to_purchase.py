# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any request of the pipeline to the purchase that fulfils it."""

from __future__ import annotations

import dataclasses

from ..pipeline.backend.requests import (
    ClipRequest,
    DerivedRequest,
    ModelRequest,
    OpinionRequest,
    PictureRequest,
    Request,
    StillRequest,
    TextureRequest,
)
from ..pipeline.settings.groups import RunSettings
from . import derived, model, photoreal, second_opinion, video
from .arguments import Live
from .buying.purchase import Purchase


def with_endpoint(request: Request, settings: RunSettings) -> Request:
    """``request`` with the endpoint that fits its photos, and what the user set for it, where none was named."""
    if not isinstance(request, ModelRequest) or request.endpoint:
        return request
    endpoint = model.default_endpoint(len(request.photos))
    return dataclasses.replace(request, endpoint=endpoint, overrides=settings.service.overrides.get(endpoint, {}))


def purchase_for(request: Request, live: Live = None) -> Purchase:
    """``live``: unit price in USD and unit from fal's pricing API, None for the stored price. Raises UsageError."""
    match request:
        case PictureRequest():
            return model.picture_purchase(request, live)
        case ModelRequest():
            return model.purchase(request, live)
        case TextureRequest():
            return model.texture_purchase(request, live)
        case StillRequest():
            return photoreal.purchase(request, live)
        case OpinionRequest():
            return second_opinion.purchase(request, live)
        case DerivedRequest():
            return derived.purchase(request, live)
        case ClipRequest():
            return video.purchase(request, live)
