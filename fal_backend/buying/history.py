# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""fal's own list of requests: the witness for a submission whose answer is missing or odd, and for how one ended."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ...pipeline.json_object import JsonObject
from ...pipeline.run.attempt import Attempt, Billed
from ..errors import BadAnswer
from ..problems import Problem
from ..service import web
from ..service.clock import FalClock, parse

EARLIEST = timedelta(seconds=60)  # how far before the moment of sending the list may date a request
PAGES = 10  # of a hundred requests each


@dataclass(frozen=True)
class Listed:
    """One request of the list. ``status``: the HTTP status it ended with, None while it has not."""

    request_id: str
    sent_at: datetime | None
    status: int | None
    arguments: Any


def read(key: str, endpoint: str, clock: FalClock) -> list[Listed]:
    """The list of this key's requests to ``endpoint``, newest first as fal orders it.

    Raises a FalError where it can't be had: nothing may be concluded then.
    """
    params = [("endpoint_id", endpoint), ("limit", "100"), ("expand", "payloads")]
    rows: list[Any] = []
    cursor: list[tuple[str, str]] = []
    for _ in range(PAGES):
        body = web.get("models/requests/by-endpoint", key, params + cursor, clock)
        found = next((body[name] for name in ("items", "requests", "data") if isinstance(body.get(name), list)), None)
        if found is None:
            raise BadAnswer(Problem.LIST_UNREADABLE, billed=Billed.NO)
        rows += found
        if not (body.get("has_more") and body.get("next_cursor")):
            break
        cursor = [("cursor", str(body["next_cursor"]))]
    return [_listed(row) for row in rows if isinstance(row, dict) and isinstance(row.get("request_id"), str)]


def moment_of(attempt: Attempt, clock: FalClock) -> datetime | None:
    """When an attempt was about to be sent, by fal's own clock; None where its journal doesn't say.

    Told in two ways, by fal's dates of then and by this machine's clock set right by fal's dates of now, of which each may
    be wrong: the earlier one, since what is looked for must not lie before it.
    """
    intended = parse(attempt.intended_at)
    told = (parse(attempt.sent_at), None if intended is None else clock.at(intended))
    return min((moment for moment in told if moment is not None), default=None)


def find(listed: list[Listed], attempt: Attempt, clock: FalClock, others: Collection[str]) -> str | None:
    """The id of the request that carried exactly this attempt's arguments, None where the list doesn't show it.

    Of several that match, the one sent nearest to the intention, by fal's own clock; never one of the ``others``, which
    belong to another attempt. None proves nothing by itself: the list may lag.
    """
    near = {
        row.request_id: distance
        for row in listed
        if row.arguments == attempt.arguments and (distance := _distance(row, attempt, clock)) is not None
    }
    mine = [request for request in near if request not in others]
    return min(mine, key=lambda request: near[request], default=None)


def may_hide(listed: list[Listed], attempt: Attempt, clock: FalClock, others: Collection[str]) -> bool:
    """Whether one of the list's requests may be this attempt's, since the list doesn't say what was asked in it, or when."""
    return any(
        row.arguments in (None, attempt.arguments)
        and (row.sent_at is None or _distance(row, attempt, clock) is not None)
        and row.request_id not in others
        for row in listed
    )


def _distance(row: Listed, attempt: Attempt, clock: FalClock) -> timedelta | None:
    """How far from the intention a request was sent; None for one sent before it: the same words may have been bought
    last week."""
    intended = moment_of(attempt, clock)
    if intended is None or row.sent_at is None or row.sent_at < intended - EARLIEST:
        return None
    return abs(row.sent_at - intended)


def _listed(row: JsonObject) -> Listed:
    sent = next((row[name] for name in ("sent_at", "created_at", "started_at") if row.get(name)), None)
    return Listed(str(row["request_id"]), parse(sent), _status(row), _payload(row))


def _status(row: JsonObject) -> int | None:
    code = row.get("status_code")
    if isinstance(code, int) and not isinstance(code, bool) and 100 <= code < 600:
        return code
    return {"success": 200, "user_error": 422, "error": 500}.get(str(row.get("status")))


def _payload(row: JsonObject) -> Any:
    payload = next((row[name] for name in ("json_input", "input", "payload", "arguments") if name in row), None)
    inner = payload.get("input") if isinstance(payload, dict) else None
    return inner if isinstance(inner, dict) else payload
