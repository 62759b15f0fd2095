# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From an error that fal answered with to ours: which problem it is, and what is known of its bill (``fal.md`` 3.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from ...pipeline.redaction import redact
from ...pipeline.run.attempt import Billed
from ..errors import (
    ENDS,
    KEY_PROBLEMS,
    BadAnswer,
    BadKey,
    EmptyBalance,
    Expired,
    FalError,
    Forbidden,
    InvalidInput,
    ModelFailed,
    PolicyRefusal,
    QueueTimeout,
    ServerFault,
    Stopped,
    UnknownEndpoint,
    Unreachable,
    proven,
)
from ..problems import Problem

LONGEST_SAID = 400  # characters of the service's own words
# fal's request-level errors and the HTTP status that each goes with.
STATUS_OF = {
    "request_timeout": 504,
    "startup_timeout": 504,
    "generation_timeout": 504,
    "runner_scheduling_failure": 503,
    "runner_connection_timeout": 503,
    "runner_disconnected": 503,
    "runner_connection_refused": 503,
    "runner_connection_error": 503,
    "runner_incomplete_response": 502,
    "runner_server_error": 500,
    "internal_error": 500,
    "internal_server_error": 500,
    "downstream_service_unavailable": 500,
    "client_disconnected": 499,
    "client_cancelled": 499,
}
NOT_BEGUN = {"request_timeout", "startup_timeout"}
NOTHING_MADE = {"no_media_generated", "generation_timeout", "downstream_service_error"}
NOT_ABOUT_IT = (*KEY_PROBLEMS, UnknownEndpoint, Unreachable)  # errors that say nothing about the request itself
UNCLEAR = {400: Problem.NOT_CLEARLY_DONE, 409: Problem.CONFLICT, 429: Problem.TOO_MANY_REQUESTS}


def from_answer(
    status: int, body: Any, headers: Mapping[str, str], *, request_id: str | None = None, accepted: bool = True
) -> FalError:
    """The error for an error answer of the queue. ``accepted``: it is about a request that fal had taken before, so it can
    have been billed."""
    detail = body.get("detail") if isinstance(body, Mapping) else None
    kind = str((body.get("error_type") if isinstance(body, Mapping) else "") or headers.get("x-fal-error-type", ""))
    types = (
        {str(item.get("type")) for item in detail if isinstance(item, Mapping)} if isinstance(detail, list) else {kind}
    )
    error = _classify(status, types, _words(detail), request_id, accepted)
    if accepted:
        error.units = billable_units(headers)
        error.is_unclear = error.units is None and bool(headers.get("x-fal-billable-units"))
    return error


def billable_units(headers: Mapping[str, str]) -> float | None:
    """What fal counted for the bill (its header ``X-Fal-Billable-Units``); None where it doesn't say, or says nonsense."""
    try:
        units = float(headers.get("x-fal-billable-units", ""))
    except ValueError:
        return None
    return units if 0.0 <= units < 1e9 else None


def from_status(error: str, error_type: str, request_id: str | None, last: FalError | None = None) -> FalError:
    """How a request ended by fal's own status: proven. ``last``: what its result answered, which may say more."""
    if error_type not in STATUS_OF and _says_why(last):
        return proven(last)
    said = redact(error)[:LONGEST_SAID]
    return proven(_classify(STATUS_OF.get(error_type, 422), {error_type}, said, request_id, accepted=True), last)


def from_list(status: int, request_id: str | None, last: FalError | None = None) -> FalError:
    """How a request ended by the status code in fal's request list: proven."""
    if _says_why(last):
        return proven(last)
    return proven(_classify(status, set(), "", request_id, accepted=True), last)


def _says_why(error: FalError | None) -> TypeGuard[FalError]:
    return isinstance(error, ENDS) and not isinstance(error, (ServerFault, Expired))


def _words(detail: Any) -> str:
    """fal's own words, short, and never the ``input`` echo, which may hold a whole picture."""
    if isinstance(detail, list):
        parts = []
        for item in detail:
            if isinstance(item, Mapping):
                place = ".".join(str(part) for part in item.get("loc", ()) if part != "body")
                parts.append(f"{place}: {item.get('msg', '')}" if place else str(item.get("msg", "")))
        return redact("; ".join(parts))[:LONGEST_SAID]  # before it is cut: half a key is one too
    return redact(str(detail))[:LONGEST_SAID] if isinstance(detail, (str, int, float)) else ""


def _classify(status: int, types: set[str], said: str, request_id: str | None, accepted: bool) -> FalError:
    kind, problem = _kind(status, types, said, accepted)
    if kind in NOT_ABOUT_IT:
        return kind(problem, said=said, accepted=accepted)
    # Of a request that was accepted no passing answer tells what became of its bill.
    was_taken = accepted or kind in (Stopped, Expired)
    billed = Billed.MAYBE if was_taken else Billed.NO
    return kind(problem, said=said, billed=billed, request_id=request_id, accepted=was_taken, status=status)


def _kind(status: int, types: set[str], said: str, accepted: bool) -> tuple[type[FalError], Problem]:
    if status == 401:
        return BadKey, Problem.KEY_REFUSED
    if status == 403:
        locked = "exhausted" in said.lower() or "locked" in said.lower()
        return (EmptyBalance, Problem.BALANCE_USED_UP) if locked else (Forbidden, Problem.KEY_WITHOUT_SCOPE)
    if status == 404 and not accepted:
        return UnknownEndpoint, Problem.ENDPOINT_UNKNOWN
    if status in (409, 429) and not accepted:
        return Unreachable, UNCLEAR[status]
    if status in (404, 410):
        return Expired, Problem.REQUEST_NOT_FOUND
    return _end(status, types, said)


def _end(status: int, types: set[str], said: str) -> tuple[type[FalError], Problem]:
    if status == 499:
        return Stopped, Problem.STOPPED
    if "content_policy_violation" in types:
        return PolicyRefusal, Problem.CONTENT_REFUSED
    if status == 504 and types & NOT_BEGUN:
        return QueueTimeout, Problem.NOT_BEGUN
    if status in (400, 413, 422, 504) and types & NOTHING_MADE:
        return ModelFailed, Problem.NOTHING_MADE
    if status in (400, 402, 413, 422) and "still in progress" not in said:
        return InvalidInput, Problem.INPUTS_REFUSED
    if status >= 500:
        return ServerFault, Problem.SERVER_FAULT
    return BadAnswer, UNCLEAR.get(status, Problem.STATUS_UNKNOWN)
