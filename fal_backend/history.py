"""fal's own list of requests, for a submission whose answer was lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ..pipeline.journal import Attempt
from . import web
from .errors import FalError

CLOCK_SKEW = timedelta(minutes=10)


def find(key: str, attempt: Attempt) -> str | None:
    """The id of the request that carried exactly this attempt's arguments, None where the list doesn't show it.

    None proves nothing: the list may lag, the key may not be allowed to read it, payloads may not be stored. Two
    requests that match equally are no answer either.
    """
    params = [("endpoint_id", attempt.endpoint), ("limit", "100"), ("expand", "payloads")]
    try:
        body = web.get("models/requests/by-endpoint", key, params)
    except FalError:
        return None
    rows = next((body[name] for name in ("items", "requests", "data") if isinstance(body.get(name), list)), [])
    found = {str(row["request_id"]) for row in rows if isinstance(row, dict) and _matches(row, attempt)}
    return found.pop() if len(found) == 1 else None


def _matches(row: dict[str, Any], attempt: Attempt) -> bool:
    payload = next((row[name] for name in ("json_input", "input", "payload", "arguments") if name in row), None)
    if isinstance(payload, dict) and isinstance(payload.get("input"), dict):
        payload = payload["input"]
    return "request_id" in row and payload == attempt.arguments and _not_before(row, attempt.intended_at)


def _not_before(row: dict[str, Any], intended_at: str) -> bool:
    """Whether the request began after it was intended; the same words may have been bought last week."""
    began = next((row[name] for name in ("sent_at", "started_at", "created_at", "submitted_at") if row.get(name)), None)
    try:
        return datetime.fromisoformat(str(began)) >= datetime.fromisoformat(intended_at) - CLOCK_SKEW
    except (ValueError, TypeError):
        return False
