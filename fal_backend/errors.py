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
├── ServerFault               5xx after acceptance: never billed
├── QueueTimeout              504 before processing began
├── Overdue                   our own deadline passed; cancelled as far as fal allowed
├── Stopped                   499: it was cancelled, here or on fal's pages
├── Expired                   fal has forgotten the request or its files
├── BadAnswer                 broken JSON, an unknown status, a missing field
├── UnsafeAnswer              an address, size or file that is refused on sight
├── BadDownload               the file is not what was bought
├── Uncertain                 the answer to a submission was lost: it may have been accepted
└── Unreachable               exit 75: no connection; nothing was sent
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..pipeline.errors import BudgetExceeded, Cancelled, ConsistencyError, RunFolderError, RunInUse, TryAgainLater
from ..pipeline.errors import UsageError as UsageError
from ..pipeline.journal import Billed

_hidden: set[str] = set()


def hide(secret: str) -> None:
    """From now on no FalError's text contains ``secret``, even where fal's own words echo it."""
    # A key is "id:secret", and an echo may hold one half.
    _hidden.update(part for part in (secret, *secret.split(":")) if len(part) >= 8)


class FalError(ConsistencyError):
    billed: Billed = "no"

    def __init__(self, text: str, *, billed: Billed | None = None, request_id: str | None = None) -> None:
        for secret in sorted(_hidden, key=len, reverse=True):
            text = text.replace(secret, "***")
        super().__init__(text if request_id is None else f"{text} (request {request_id})")
        self.request_id = request_id
        if billed is not None:
            self.billed = billed

    def about(self, request_id: str | None) -> FalError:
        """The same error, naming the request it is about."""
        if self.request_id is not None or request_id is None:
            return self
        return type(self)(str(self), billed=self.billed, request_id=request_id)


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
    billed: Billed = "maybe"


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
        return "; ".join(parts)[:400]
    return str(detail)[:400] if isinstance(detail, (str, int, float)) else ""


def from_answer(
    status: int, body: Any, headers: Mapping[str, str], *, request_id: str | None = None, accepted: bool = True
) -> FalError:
    """The exception for an error answer of the queue (``fal.md`` 3.6: request-level and model-level errors).

    ``accepted``: the request had been taken by fal before, so that it can have been billed.
    """
    detail = body.get("detail") if isinstance(body, Mapping) else None
    kind = str((body.get("error_type") if isinstance(body, Mapping) else "") or headers.get("x-fal-error-type", ""))
    types = (
        {str(item.get("type")) for item in detail if isinstance(item, Mapping)} if isinstance(detail, list) else {kind}
    )
    words = _words(detail)
    said = f" fal says: {words}" if words else ""
    return _classify(status, types, words, said, request_id, accepted)


def _classify(status: int, types: set[str], words: str, said: str, request_id: str | None, accepted: bool) -> FalError:
    if status == 401:
        return BadKey(f"fal.ai does not accept this key; check it at fal.ai/dashboard/keys. Nothing was billed.{said}")
    if status == 403:
        if "exhausted" in words.lower() or "locked" in words.lower():
            return EmptyBalance(f"the fal.ai account's balance is used up; top it up at fal.ai/dashboard/billing and resume. Nothing was billed.{said}")  # fmt: skip
        return Forbidden(
            f"fal.ai refuses this key for this endpoint; use a key with the API scope. Nothing was billed.{said}"
        )
    if status == 404 and not accepted:
        return UnknownEndpoint(
            f"fal.ai knows no such endpoint; choose one of those that are offered, or correct its id. Nothing was billed.{said}"
        )
    if status in (404, 410):
        return Expired(f"fal.ai has forgotten this request, so its result can't be fetched any more; look in fal's own history before buying again.{said}", request_id=request_id)  # fmt: skip
    if status == 499:
        return Stopped(f"this request was cancelled while fal.ai worked on it, and may have been billed; --retry-failed buys it again (in Blender, Retry Job).{said}", request_id=request_id)  # fmt: skip
    if "content_policy_violation" in types:
        return PolicyRefusal(f"fal's content check refused this picture or prompt; change the prompt and retry. It may have been billed.{said}", request_id=request_id)  # fmt: skip
    if status == 504 and ("request_timeout" in types or "startup_timeout" in types):
        return QueueTimeout(f"fal.ai did not begin in time; resume to try again. Nothing was billed.{said}", request_id=request_id)  # fmt: skip
    if status in (400, 413, 422) and types & {"no_media_generated", "generation_timeout", "downstream_service_error"}:
        return ModelFailed(f"the model made nothing of this request; retry with another seed or endpoint. It may have been billed.{said}", request_id=request_id)  # fmt: skip
    if status in (400, 413, 422) and "still in progress" not in words:
        billed: Billed = "maybe" if accepted else "no"
        bill = "It may have been billed." if accepted else "Nothing was billed."
        return InvalidInput(f"fal.ai refused the request's inputs; correct the endpoint's fields, or choose another endpoint. {bill}{said}", billed=billed, request_id=request_id)  # fmt: skip
    if status >= 500:
        return ServerFault(f"fal.ai failed on its side (HTTP {status}); resume to try again. Nothing was billed.{said}", request_id=request_id)  # fmt: skip
    return BadAnswer(f"{_UNCLEAR.get(status, f'fal.ai answered HTTP {status}, which this version does not understand; update the extension or resume later')}.{said}", request_id=request_id)  # fmt: skip


_UNCLEAR = {
    400: "fal.ai says both that this request is done and that it is not; resume to ask again",
    429: "fal.ai is being asked too often (HTTP 429); resume in a few minutes",
}


# Between the two processes an exception travels as its class's name, its text and its facts.

_TRAVELLING: dict[str, type[ConsistencyError]] = {
    cls.__name__: cls
    for cls in (
        *FalError.__subclasses__(), FalError, BudgetExceeded, Cancelled, ConsistencyError, RunFolderError, RunInUse,
        TryAgainLater, UsageError,
    )
}  # fmt: skip


def to_json(error: Exception) -> dict[str, Any]:
    return {"class": type(error).__name__, "text": str(error), "billed": getattr(error, "billed", "no")}


def from_json(value: Mapping[str, Any]) -> ConsistencyError:
    cls = _TRAVELLING.get(str(value.get("class")), ConsistencyError)
    text = str(value.get("text", ""))
    return cls(text, billed=value.get("billed")) if issubclass(cls, FalError) else cls(text)
