"""Prices in USD: from fal's pricing API where it can be reached, else the last ones it gave, else the stored table."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from ..pipeline.disk import write_json
from ..pipeline.errors import RunFolderError
from ..pipeline.spending import state_folder
from . import web
from .errors import BadAnswer, InvalidInput, ServerFault, UnknownEndpoint, Unreachable

NO_ANSWER = (Unreachable, ServerFault, BadAnswer)  # the prices that are remembered serve then
AT_ONCE = 50  # endpoints per question (the API's limit)


def fetch(key: str, endpoints: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Endpoint id → {"usd": unit price, "unit": fal's word, "at": when asked}. Child process only.

    Endpoints that the API doesn't know are left out. Raises FalError.
    """
    wanted = sorted(set(endpoints))
    found: dict[str, dict[str, Any]] = {}
    at = datetime.now(UTC).isoformat(timespec="seconds")
    for start in range(0, len(wanted), AT_ONCE):
        batch = wanted[start : start + AT_ONCE]
        try:
            rows = _rows(key, batch)
        except (UnknownEndpoint, InvalidInput):
            # One unknown endpoint spoils the whole answer (404), so the others are asked for one by one.
            rows = [row for endpoint in batch for row in _one(key, endpoint)] if len(batch) > 1 else []
        for row in rows:
            usd, unit = row.get("unit_price"), row.get("unit")
            if (
                row.get("endpoint_id") in batch
                and isinstance(usd, (int, float))
                and 0 <= usd < 1e4
                and isinstance(unit, str)
            ):
                found[row["endpoint_id"]] = {"usd": float(usd), "unit": unit, "at": at}
    _remember(found)
    return found


def _rows(key: str, endpoints: list[str]) -> list[dict[str, Any]]:
    body = web.get("models/pricing", key, [("endpoint_id", endpoint) for endpoint in endpoints])
    rows = body.get("prices")
    return (
        [row for row in rows if isinstance(row, dict) and row.get("currency", "USD") == "USD"]
        if isinstance(rows, list)
        else []
    )


def _one(key: str, endpoint: str) -> list[dict[str, Any]]:
    try:
        return _rows(key, [endpoint])
    except (UnknownEndpoint, InvalidInput):
        return []


def check_key(key: str) -> bool:
    """Ask fal whether the key is good, at no cost. Raises BadKey when it is not, FalError when that can't be told."""
    web.get("models/pricing", key, [("endpoint_id", "fal-ai/flux-kontext/dev")])
    return True


def remembered(endpoints: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The last prices that fal gave to this machine, with their dates, each marked as ``remembered``."""
    known = _known()
    return {endpoint: {**known[endpoint], "remembered": True} for endpoint in endpoints if endpoint in known}


def _known() -> dict[str, dict[str, Any]]:
    try:
        known = json.loads((state_folder() / "prices.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    rows = known.items() if isinstance(known, dict) else ()
    return {endpoint: row for endpoint, row in rows if isinstance(row, dict) and {"usd", "unit", "at"} <= row.keys()}


def _remember(found: dict[str, dict[str, Any]]) -> None:
    if found:
        with contextlib.suppress(RunFolderError):  # a price that can't be kept is asked for again
            write_json(state_folder() / "prices.json", {**_known(), **found})
