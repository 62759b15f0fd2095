"""Every way fal.ai can disappoint, each its own exception: what happened, whether it was billed, what to do.

FalError                      a ConsistencyError; ``billed`` is "no", "maybe" or "yes"
├── BadKey                    401: the key is wrong
├── NoKey                     there is none
├── EmptyBalance              403: the account is locked
├── Forbidden                 403 for another reason
├── InvalidInput              422: fal refused a field
├── PolicyRefusal             422 content_policy_violation, or a picture blanked by the safety checker
├── ModelFailed               422 no_media_generated and other errors of the model itself
├── UnknownEndpoint           404 at submission
├── ServerFault               5xx
├── QueueTimeout              504 before processing began
├── Overdue                   our own deadline passed; cancelled as far as fal allowed
├── Stopped                   499: it was cancelled, here or on fal's pages
├── Expired                   fal has forgotten the request or its files
├── BadAnswer                 broken JSON, an unknown status, a missing field
├── UnsafeAnswer              an address, size or file that is refused on sight
├── BadDownload               the file is not what was bought
├── Uncertain                 a submission without a clear answer: it may have been accepted
└── Unreachable               exit 75: no connection
PriceRose                     a BudgetExceeded: fal asks more than was agreed to

An answer is not yet the truth. ``proven`` says that this error is how the request ended: fal's status or its request list
says so. Without that, an HTTP error about an accepted request is weather, and says nothing about the bill.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from ..pipeline.errors import BudgetExceeded, Cancelled, ConsistencyError, RunFolderError, RunInUse, TryAgainLater
from ..pipeline.errors import UsageError as UsageError
from ..pipeline.redaction import redact
from ..pipeline.run.journal import Billed


class FalError(ConsistencyError):
    """``units``: what fal said it counted for the bill, even on an error; None where it did not say, and ``is_unclear``
    where it said what can't be read."""

    billed: Billed = "no"
    proven = False
    units: float | None = None
    is_unclear = False

    def __init__(self, text: str, *, billed: Billed | None = None, request_id: str | None = None) -> None:
        text = redact(text)
        super().__init__(text if request_id is None else f"{text} (request {request_id})")
        self.request_id = request_id
        if billed is not None:
            self.billed = billed

    def about(self, request_id: str | None) -> FalError:
        """The same error, naming the request it is about."""
        if self.request_id is not None or request_id is None:
            return self
        named = type(self)(str(self), billed=self.billed, request_id=request_id)
        named.proven, named.units, named.is_unclear = self.proven, self.units, self.is_unclear
        return named


class PriceRose(BudgetExceeded):
    pass


class BadKey(FalError):
    pass


class NoKey(FalError):
    pass


class EmptyBalance(FalError):
    pass


class Forbidden(FalError):
    pass


class InvalidInput(FalError):
    billed: Billed = "maybe"


class PolicyRefusal(FalError):
    billed: Billed = "maybe"


class ModelFailed(FalError):
    billed: Billed = "maybe"


class UnknownEndpoint(FalError):
    pass


class ServerFault(FalError):
    pass


class QueueTimeout(FalError):
    pass


class Overdue(FalError):
    billed: Billed = "maybe"


class Stopped(FalError):
    billed: Billed = "maybe"


class Expired(FalError):
    billed: Billed = "yes"


class BadAnswer(FalError):
    billed: Billed = "maybe"


class UnsafeAnswer(FalError):
    billed: Billed = "maybe"


class BadDownload(FalError):
    billed: Billed = "yes"


class Uncertain(FalError):
    """``refusal``: fal's own refusal, where the answer was one. It may be wrong: the request list has the last word."""

    billed: Billed = "maybe"
    refusal: FalError | None = None


class Unreachable(FalError, TryAgainLater):
    exit_status = 75


def _words(detail: Any) -> str:
    """fal's own words, short, and never the ``input`` echo, which may hold a whole picture."""
    if isinstance(detail, list):
        parts = []
        for item in detail:
            if isinstance(item, Mapping):
                place = ".".join(str(part) for part in item.get("loc", ()) if part != "body")
                parts.append(f"{place}: {item.get('msg', '')}" if place else str(item.get("msg", "")))
        return redact("; ".join(parts))[:400]  # before it is cut: half a key is one too
    return redact(str(detail))[:400] if isinstance(detail, (str, int, float)) else ""


def from_answer(
    status: int, body: Any, headers: Mapping[str, str], *, request_id: str | None = None, accepted: bool = True
) -> FalError:
    """The exception for an error answer of the queue (``fal.md`` 3.6: request-level and model-level errors).

    ``accepted``: it is about a request that fal had taken before, so it can have been billed.
    """
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


# fal's request-level errors and the HTTP status that each goes with (``fal.md`` 3.6).
_STATUS_OF = {
    "request_timeout": 504, "startup_timeout": 504, "runner_scheduling_failure": 503,
    "runner_connection_timeout": 503, "runner_disconnected": 503, "runner_connection_refused": 503,
    "runner_connection_error": 503, "runner_incomplete_response": 502, "runner_server_error": 500,
    "internal_error": 500, "internal_server_error": 500, "downstream_service_unavailable": 500,
    "client_disconnected": 499, "client_cancelled": 499, "generation_timeout": 504,
}  # fmt: skip


def from_status(error: str, error_type: str, request_id: str | None, last: FalError | None = None) -> FalError:
    """How a request ended by fal's own status: proven. ``last``: what its result answered, which may say more."""
    status = _STATUS_OF.get(error_type, 422)
    if error_type not in _STATUS_OF and _says_why(last):
        return proven(last)
    return proven(_classify(status, {error_type}, redact(error)[:400], request_id, accepted=True), last)


def from_list(status: int, request_id: str | None, last: FalError | None = None) -> FalError:
    """How a request ended by the status code in fal's request list: proven."""
    if _says_why(last):
        return proven(last)
    return proven(_classify(status, set(), "", request_id, accepted=True), last)


def _says_why(error: FalError | None) -> TypeGuard[FalError]:
    return isinstance(error, ENDS) and not isinstance(error, (ServerFault, Expired))


def proven(error: FalError, last: FalError | None = None) -> FalError:
    """``error`` as the end of its request. fal does not charge for its own faults (5xx), unless it counted units."""
    error.proven = True
    if last is not None:
        error.units, error.is_unclear = last.units, last.is_unclear
    if error.units:
        error.billed = "yes"
    elif error.is_unclear:
        error.billed = "maybe"
    elif isinstance(error, (ServerFault, QueueTimeout)) or error.units == 0.0:
        error.billed = "no"
    return with_bill(error)


def with_bill(error: FalError) -> FalError:
    """``error`` with a sentence on what is known of its bill."""
    bill = {"no": "Nothing was billed.", "maybe": "It may have been billed.", "yes": "It was billed."}[error.billed]
    error.args = (str(error) if bill in str(error) else f"{str(error).rstrip('.')}. {bill}",)
    return error


def _classify(status: int, types: set[str], words: str, request_id: str | None, accepted: bool) -> FalError:
    said = f" fal says: {words}" if words else ""
    # Of a request that was accepted no passing answer tells what became of its bill.
    bill = "" if accepted else " Nothing was billed."
    if status in (401, 403):
        return _key_problem(status, words, bill or " The request is not lost.", said)
    if status == 404 and not accepted:
        return UnknownEndpoint(
            f"fal.ai knows no such endpoint; choose one of those that are offered, or correct its id.{bill}{said}"
        )
    if status in (409, 429) and not accepted:
        return Unreachable(f"{_UNCLEAR[status]}.{bill}{said}")
    if status in (404, 410):
        return Expired(f"fal.ai does not find this request, so its result can't be fetched now; resume asks again, and fal's own history shows what became of it.{said}", billed="maybe", request_id=request_id)  # fmt: skip
    return _end(status, types, words, request_id, accepted, bill, said)


def _key_problem(status: int, words: str, bill: str, said: str) -> FalError:
    if status == 401:
        return BadKey(f"fal.ai does not accept this key; check it at fal.ai/dashboard/keys, then resume.{bill}{said}")
    if "exhausted" in words.lower() or "locked" in words.lower():
        return EmptyBalance(f"the fal.ai account's balance is used up; top it up at fal.ai/dashboard/billing and resume.{bill}{said}")  # fmt: skip
    return Forbidden(f"fal.ai refuses this key for this endpoint; use a key with the API scope.{bill}{said}")


def _end(
    status: int, types: set[str], words: str, request_id: str | None, accepted: bool, bill: str, said: str
) -> FalError:
    if status == 499:
        return Stopped(f"this request was cancelled while fal.ai worked on it; --retry-failed buys it again (in Blender, Retry Job).{said}", request_id=request_id)  # fmt: skip
    if "content_policy_violation" in types:
        return PolicyRefusal(f"fal's content check refused this picture or prompt; change the prompt and retry.{bill}{said}", request_id=request_id)  # fmt: skip
    if status == 504 and ("request_timeout" in types or "startup_timeout" in types):
        return QueueTimeout(f"fal.ai did not begin in time; resume to try again.{bill}{said}", billed="maybe" if accepted else "no", request_id=request_id)  # fmt: skip
    if status in (400, 413, 422, 504) and types & {"no_media_generated", "generation_timeout", "downstream_service_error"}:  # fmt: skip
        return ModelFailed(f"the model made nothing of this request; retry with another seed or endpoint.{bill}{said}", request_id=request_id)  # fmt: skip
    if status in (400, 402, 413, 422) and "still in progress" not in words:
        billed: Billed = "maybe" if accepted else "no"
        return InvalidInput(f"fal.ai refused the request's inputs; correct the endpoint's fields, or choose another endpoint.{bill}{said}", billed=billed, request_id=request_id)  # fmt: skip
    if status >= 500:
        return ServerFault(f"fal.ai failed on its side (HTTP {status}); resume to try again.{bill}{said}", billed="maybe" if accepted else "no", request_id=request_id)  # fmt: skip
    unclear = _UNCLEAR.get(
        status, f"fal.ai answered HTTP {status}, which this version does not understand; resume later"
    )
    return BadAnswer(f"{unclear}.{bill}{said}", billed="maybe" if accepted else "no", request_id=request_id)


_UNCLEAR = {
    400: "fal.ai says both that this request is done and that it is not; resume to ask again",
    409: "fal.ai answered 409 Conflict; resume later",
    429: "fal.ai is taking no more requests at the moment (HTTP 429); resume in a few minutes",
}
# What can be fal's last word on a request, once it is proven or has been said for minutes.
ENDS = (InvalidInput, PolicyRefusal, ModelFailed, QueueTimeout, Stopped, ServerFault, Expired)


# Between the two processes an exception travels as its class's name, its text and its facts.

_TRAVELLING: dict[str, type[ConsistencyError]] = {
    cls.__name__: cls
    for cls in (
        *FalError.__subclasses__(), FalError, PriceRose, BudgetExceeded, Cancelled, ConsistencyError, RunFolderError, RunInUse,
        TryAgainLater, UsageError,
    )
}  # fmt: skip


def to_json(error: Exception) -> dict[str, Any]:
    return {
        "class": type(error).__name__,
        "text": redact(str(error)),
        "billed": getattr(error, "billed", "no"),
        "request_id": getattr(error, "request_id", None),
    }


def from_json(value: Mapping[str, Any]) -> ConsistencyError:
    cls = _TRAVELLING.get(str(value.get("class")), ConsistencyError)
    text = str(value.get("text", ""))
    if not issubclass(cls, FalError):
        return cls(text)
    error = cls(text, billed=value.get("billed"))
    error.request_id = value.get("request_id")  # its text names it already
    return error
