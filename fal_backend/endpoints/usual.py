# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any other endpoint by its id: the field names that its role usually has, and every further one that the user sets."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from ...pipeline.errors import UsageError
from .base import Endpoint, Inputs, Result, Role
from .prices import LOOKED_FOR, Price

UNKNOWN = Price("units", None, "not in the catalogue; the pricing API may know", LOOKED_FOR)


class Usual(Inputs):
    model_config = ConfigDict(extra="allow")

    prompt: str | None = None
    seed: int | None = None


class UsualModel(Usual):
    image_urls: list[str] | None = None


class UsualPicture(Usual):
    pass


class UsualImage(Usual):
    image_url: str | None = None


INPUTS: dict[str, type[Inputs]] = {
    "model": UsualModel,
    "picture": UsualPicture,
    "photoreal": UsualImage,
    "video": UsualImage,
    "opinion": UsualModel,
    "upscale": UsualImage,
}


def usual(endpoint_id: str, role: Role, **fields: Any) -> Endpoint:
    """A permissive declaration of an endpoint that the catalogue doesn't know. Raises UsageError for a role that has no usual fields."""
    if role not in INPUTS:
        raise UsageError(f"{endpoint_id} is not among the endpoints for {role} that this version knows; 'consistency endpoints' lists them")  # fmt: skip
    return Endpoint(endpoint_id, role, endpoint_id, INPUTS[role], Result, UNKNOWN, known=False, **fields)
