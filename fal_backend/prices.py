# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prices in USD: from fal's pricing API where it can be reached, else the last ones it gave, else the stored table."""

from __future__ import annotations

import contextlib
import json
import math
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypedDict, TypeGuard, cast

from ..pipeline.errors import RunFolderError
from ..pipeline.json_object import JsonObject
from ..pipeline.money.spending import state_folder
from ..pipeline.redaction import redact
from ..pipeline.system.disk import write_json
from .errors import BadAnswer, FalError, InvalidInput, ServerFault, UnknownEndpoint, Unreachable
from .service import web
from .service.clock import FalClock

NO_ANSWER = (Unreachable, ServerFault, BadAnswer)  # the prices that are remembered serve then
AT_ONCE = 50  # endpoints per question (the API's limit)
DEAREST = 1e4  # USD for one unit; nothing here costs as much
FRESH = 180.0  # seconds that a price may be spent on


class NamedPrice(TypedDict, total=False):
    """What fal's pricing API said of an endpoint, as run.json, prices.json and the child's answer hold it.

    ``odd`` stands in place of a price that is none; beside one that is remembered from an earlier day, too.
    """

    usd: float  # for one unit
    unit: str  # fal's word
    odd: str  # what it said instead of a price
    at: str  # ISO, when it was asked
    remembered: bool  # fal did not say it now


Prices = dict[str, NamedPrice]  # by endpoint id


def fetch(key: str, endpoints: Iterable[str], clock: FalClock | None = None) -> Prices:
    """What fal asks for ``endpoints`` now. Those that the API doesn't know are left out. Child process only.

    Raises FalError.
    """
    wanted = sorted(set(endpoints))
    found: Prices = {}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    for start in range(0, len(wanted), AT_ONCE):
        batch = wanted[start : start + AT_ONCE]
        try:
            rows = _rows(key, batch, clock)
        except (UnknownEndpoint, InvalidInput):
            # One unknown endpoint spoils the whole answer (404), so the others are asked for one by one.
            rows = [row for endpoint in batch for row in _one(key, endpoint, clock)] if len(batch) > 1 else []
        for row in rows:
            endpoint, usd, unit, currency = (row.get(n) for n in ("endpoint_id", "unit_price", "unit", "currency"))
            if endpoint not in batch:
                continue
            if is_price(usd) and isinstance(unit, str) and currency in (None, "USD"):
                found[endpoint] = {"usd": float(usd), "unit": unit[:40], "at": at}
            else:
                found[endpoint] = {"odd": redact(f"{usd!r} {currency or 'USD'} per {unit}")[:80], "at": at}
    _remember({endpoint: row for endpoint, row in found.items() if "usd" in row})
    return found


def is_price(value: Any) -> TypeGuard[float]:
    """A positive number of USD, and no fortune. Nothing is sold for 0 or for ``true``: such an answer is a fault, not a gift.

    Whether the number is plausible is decided beside the stored price (``Endpoint.quote``).
    """
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0.0 < value < DEAREST


def _rows(key: str, endpoints: list[str], clock: FalClock | None) -> list[JsonObject]:
    body = web.get("models/pricing", key, [("endpoint_id", endpoint) for endpoint in endpoints], clock)
    rows = body.get("prices")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _one(key: str, endpoint: str, clock: FalClock | None) -> list[JsonObject]:
    try:
        return _rows(key, [endpoint], clock)
    except (UnknownEndpoint, InvalidInput):
        return []


class FreshPrices:
    """What fal asks at this moment: asked right before spending, and believed for a few minutes. Child process only.

    Safe from several threads.
    """

    def __init__(self, key: str, clock: FalClock) -> None:
        self._key = key
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, NamedPrice]] = {}

    def of(self, endpoint: str) -> NamedPrice | None:
        """Its price, None where fal does not say."""
        with self._lock:
            asked_at, row = self._known.get(endpoint, (-math.inf, NamedPrice()))
            if time.monotonic() - asked_at < FRESH:
                return row
            try:
                found = fetch(self._key, [endpoint], self._clock).get(endpoint)
            except FalError:
                return None
            if found is None or "usd" not in found:
                return None
            self._known[endpoint] = time.monotonic(), found
            return found


def check_key(key: str) -> bool:
    """Ask fal whether the key is good, at no cost. Raises BadKey when it is not, FalError when that can't be told."""
    web.get("models/pricing", key, [("endpoint_id", "fal-ai/flux-kontext/dev")])
    return True


def remembered(endpoints: Iterable[str]) -> Prices:
    """The last prices that fal gave to this machine, with their dates, each marked as ``remembered``."""
    known = _known()
    return {endpoint: {**known[endpoint], "remembered": True} for endpoint in endpoints if endpoint in known}


def with_remembered(answer: Prices, endpoints: Iterable[str]) -> Prices:
    """``answer`` of the pricing API, and for endpoints of which it names no price the last one that it ever named."""
    found = dict(answer)
    for endpoint, known in remembered(endpoints).items():
        said = answer.get(endpoint, NamedPrice())
        if "usd" not in said:
            known.update(said)
            found[endpoint] = known
    return found


def _known() -> Prices:
    try:
        known = json.loads((state_folder() / "prices.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RunFolderError):
        return {}
    rows = known.items() if isinstance(known, dict) else ()
    return {
        endpoint: cast("NamedPrice", row)
        for endpoint, row in rows
        if isinstance(row, dict) and is_price(row.get("usd")) and isinstance(row.get("unit"), str) and row.get("at")
    }


def _remember(found: Prices) -> None:
    if found:
        with contextlib.suppress(RunFolderError):  # a price that can't be kept is asked for again
            write_json(state_folder() / "prices.json", {**_known(), **found})
