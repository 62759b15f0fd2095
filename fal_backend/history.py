"""fal's own list of requests, for a submission whose answer was lost."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from ..pipeline.journal import Attempt
from . import web
from .errors import FalError, ServerFault, Unreachable

CLOCK_SKEW = timedelta(minutes=10)
PAGES = 10  # of a hundred requests each


def find(key: str, attempt: Attempt, known: Collection[str]) -> str | None:
    """The id of the request that carried exactly this attempt's arguments, None where the list doesn't show it.

    ``known`` are requests that belong to other attempts: two takes without a seed send the same words. Of several
    that match, the one sent nearest to the intention. None proves nothing: the list may lag, the key may not be allowed
    to read it, payloads may not be stored. Raises Unreachable or ServerFault where nothing could be asked.
    """
    intended = _moment(attempt.intended_at)
    if intended is None:
        return None
    found: dict[str, timedelta] = {}
    for row in _rows(key, attempt.endpoint):
        sent = _moment(next((row[name] for name in ("sent_at", "created_at", "started_at") if row.get(name)), None))
        # Not before it was intended: the same words may have been bought last week.
        if sent is not None and sent >= intended - CLOCK_SKEW and _payload(row) == attempt.arguments:
            found[str(row.get("request_id"))] = abs(sent - intended)
    candidates = found.keys() - set(known) - {"None"}
    return min(candidates, key=lambda request: found[request], default=None)


def _rows(key: str, endpoint: str) -> list[dict[str, Any]]:
    params = [("endpoint_id", endpoint), ("limit", "100"), ("expand", "payloads")]
    rows: list[Any] = []
    cursor: list[tuple[str, str]] = []
    for _ in range(PAGES):
        try:
            body = web.get("models/requests/by-endpoint", key, params + cursor)
        except (Unreachable, ServerFault):
            raise
        except FalError:
            break
        rows += next((body[name] for name in ("items", "requests", "data") if isinstance(body.get(name), list)), [])
        if not (body.get("has_more") and body.get("next_cursor")):
            break
        cursor = [("cursor", str(body["next_cursor"]))]
    return [row for row in rows if isinstance(row, dict)]


def _payload(row: dict[str, Any]) -> Any:
    payload = next((row[name] for name in ("json_input", "input", "payload", "arguments") if name in row), None)
    inner = payload.get("input") if isinstance(payload, dict) else None
    return inner if isinstance(inner, dict) else payload


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
