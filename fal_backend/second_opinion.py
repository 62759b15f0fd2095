# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A question about render and still to the fields of an endpoint that answers in words."""

from __future__ import annotations

from ..pipeline.backend.requests import OpinionRequest
from ..pipeline.errors import UsageError
from ..pipeline.json_object import JsonObject
from .arguments import Live, bought, finish, local_file
from .buying.purchase import Output, Purchase
from .endpoints.base import Role
from .endpoints.catalogue import find
from .endpoints.families.openrouter import DEARER, MOST_TOKENS

ONLY = ("model", "temperature")  # what a user may set: the rest is the question, and what bounds its price


def purchase(request: OpinionRequest, live: Live = None) -> Purchase:
    """Raises UsageError where an override doesn't fit."""
    endpoint = find(request.endpoint, Role.OPINION)
    for name in request.overrides:
        if name in endpoint.Input.model_fields and name not in ONLY:
            raise UsageError(
                f"{endpoint.id}: {name} belongs to the question, which is the same for every still; "
                f"leave it out, and set {' or '.join(ONLY)} only"
            )
    arguments: JsonObject = {
        "image_urls": [local_file(request.pair)],
        "prompt": request.question,
        "model": next(iter(DEARER)),
        "temperature": 0.0,
        "max_tokens": MOST_TOKENS,
    }
    arguments = finish(endpoint, arguments, request.overrides, {"pair": request.pair})
    return bought(endpoint, request, arguments, Output(endpoint.place, str(request.out), "text/plain"), live)
