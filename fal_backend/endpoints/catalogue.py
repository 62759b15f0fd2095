# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue: every endpoint that is known by its fields, one file a family. ``find`` takes any id."""

from __future__ import annotations

import re
from datetime import date

from ...pipeline.errors import UsageError
from ...pipeline.json_object import JsonObject
from .base import MAKES, Endpoint, Role
from .described import described
from .families import (
    bytedance,
    editors,
    flux_2,
    flux_3,
    flux_control,
    flux_kontext,
    flux_text,
    google,
    hitem3d,
    hunyuan,
    hyper3d,
    kling,
    ltx,
    mattes,
    meshy,
    minimax,
    openai,
    openrouter,
    qwen,
    trellis,
    tripo,
    upscalers,
    veo,
    wan,
)
from .kept import A_MONTH, kept
from .usual import usual

ENDPOINTS: tuple[Endpoint, ...] = (
    *meshy.ENDPOINTS,
    *tripo.ENDPOINTS,
    *hitem3d.ENDPOINTS,
    *hunyuan.ENDPOINTS,
    *hyper3d.ENDPOINTS,
    *trellis.ENDPOINTS,
    *flux_text.ENDPOINTS,
    *flux_kontext.ENDPOINTS,
    *flux_2.ENDPOINTS,
    *google.ENDPOINTS,
    *bytedance.ENDPOINTS,
    *openai.ENDPOINTS,
    *qwen.ENDPOINTS,
    *editors.ENDPOINTS,
    *flux_control.ENDPOINTS,
    *kling.ENDPOINTS,
    *veo.ENDPOINTS,
    *bytedance.CLIPS,
    *flux_3.ENDPOINTS,
    *ltx.ENDPOINTS,
    *minimax.ENDPOINTS,
    *wan.ENDPOINTS,
    *upscalers.ENDPOINTS,
    *mattes.ENDPOINTS,
    *openrouter.ENDPOINTS,
)
CATALOGUE: dict[str, Endpoint] = {endpoint.id: endpoint for endpoint in ENDPOINTS}

WELL_FORMED = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]*\w[\w.-]*)+")


def find(endpoint_id: str, role: Role) -> Endpoint:
    """The endpoint of that id, declared or, for an id the catalogue doesn't know, with its role's usual fields.

    Raises UsageError for an id that is malformed, that makes something else, or that looks like a slip of the pen.
    """
    known = CATALOGUE.get(endpoint_id)
    if known is not None and known.role != role:
        raise UsageError(f"{endpoint_id} makes {MAKES[known.role]}, not {MAKES[role]}; use {_some(role)}")
    if known is not None:
        return known
    if not WELL_FORMED.fullmatch(endpoint_id):
        raise UsageError(
            f"{endpoint_id!r} is no endpoint id; one looks like {_some(role, 1)}; choose one of those that are offered (consistency endpoints)"
        )
    if meant := _meant(endpoint_id):
        raise UsageError(f"no endpoint {endpoint_id!r} is known; did you mean {meant}?")
    return by_description(endpoint_id, role)


def by_description(endpoint_id: str, role: Role) -> Endpoint:
    """An endpoint that the catalogue doesn't know: as fal described it within a month, else with its role's usual fields."""
    node = kept(endpoint_id, A_MONTH)
    return usual(endpoint_id, role) if node is None else described(endpoint_id, role, node)


def of_role(role: Role) -> tuple[Endpoint, ...]:
    return tuple(endpoint for endpoint in ENDPOINTS if endpoint.role == role)


def name_of(endpoint_id: str) -> str:
    """What people call the endpoint; its id where the catalogue doesn't know it."""
    known = CATALOGUE.get(endpoint_id)
    return known.label if known is not None else endpoint_id


def some(endpoints: tuple[Endpoint, ...], most: int = 4) -> str:
    """Ids of endpoints in service, for a sentence."""
    ids = [endpoint.id for endpoint in endpoints if not endpoint.retired]
    return ", ".join(ids[:most]) + (" or another" if len(ids) > most else "")


def _some(role: Role, most: int = 4) -> str:
    return some(of_role(role), most) if most > 1 else of_role(role)[0].id


def _meant(endpoint_id: str) -> str | None:
    """The known id that this one is at most two slips away from, other version numbers being no slip."""
    for known in CATALOGUE:
        if endpoint_id.removeprefix("fal-ai/") == known.removeprefix("fal-ai/"):
            return known
        if _letters(endpoint_id) != _letters(known) and _slips(endpoint_id.lower(), known) <= 2:
            return known
    return None


def _letters(endpoint_id: str) -> str:
    return re.sub(r"[\d.-]", "", endpoint_id)


def _slips(one: str, other: str) -> int:
    """Edit distance (Levenshtein 1966): letters put in, left out or mistaken."""
    if abs(len(one) - len(other)) > 2:
        return 3
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
    return row[-1]


def catalogue_rows(stale_on: date | None = None) -> list[JsonObject]:
    """The catalogue for the ``endpoints`` command: plain JSON, USD a unit, ``usd`` None where no price is stored.

    ``stale_on``: only endpoints whose stored price is too old on that day to be relied on.
    """
    return [
        {
            "id": endpoint.id,
            "stage": endpoint.stage,
            "role": endpoint.role,
            "label": endpoint.label,
            "inputs": {
                name: "required" if field.is_required() else field.get_default(call_default_factory=True)
                for name, field in endpoint.Input.model_fields.items()
            },
            "unit": endpoint.price.unit,
            "usd": endpoint.price.usd,
            "price_source": endpoint.price.source,
            "price_date": endpoint.price.date,
            "retired": endpoint.retired,
            "notes": endpoint.notes,
        }
        for endpoint in ENDPOINTS
        if stale_on is None or endpoint.price.is_stale(stale_on)
    ]
