# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every way fal.ai can disappoint, each its own exception with its facts; ``sentences`` has the words and the cures.

FalError                      a ConsistencyError; what it keeps is listed there
├── BadKey                    401: the key is wrong
├── NoKey                     there is none
├── EmptyBalance              403: the account is locked
├── Forbidden                 403 for another reason
├── InvalidInput              422: fal refused a field
├── PolicyRefusal             422 content_policy_violation, or a picture blanked by the safety checker
├── ModelFailed               422 no_media_generated and other errors of the model itself
├── UnknownEndpoint           404 at submission
├── Drifted                   fal's own description of the endpoint doesn't take what was to be sent; nothing was
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

from ..pipeline import errors as pipeline_errors
from ..pipeline.errors import BudgetExceeded, ConsistencyError, Kind, TryAgainLater
from ..pipeline.json_object import JsonObject
from ..pipeline.redaction import redact
from ..pipeline.run.attempt import Billed, Failure
from .problems import Problem
from .sentences import BILLS, in_words


class FalError(ConsistencyError):
    """What happened is ``problem``, with the ``facts`` that its sentence names; or a whole sentence, where another process or
    the journal told it.

    ``said``: the service's own words. ``billed``: what is known of the bill; ``tells_bill``: whether the sentence says it.
    ``request_id``: the request it is about. ``accepted``: False where fal refused the request before taking it.
    ``units``: what fal said it counted for the bill, even on an error; None where it did not say, and ``is_unclear``
    where it said what can't be read.
    """

    billed = Billed.NO
    proven = False
    units: float | None = None
    is_unclear = False
    tells_bill = False

    def __init__(
        self,
        problem: Problem | str,
        *,
        said: str = "",
        billed: Billed | None = None,
        request_id: str | None = None,
        accepted: bool = True,
        **facts: str | float,
    ) -> None:
        self.problem = problem
        self.facts = facts
        self.said = said
        self.request_id = request_id
        self.accepted = accepted
        if billed is not None:
            self.billed = billed
        super().__init__(problem)

    def __str__(self) -> str:
        text: str = self.problem
        if isinstance(self.problem, Problem):
            text = in_words(self.problem, self.facts, self.said, self.accepted)
        if self.request_id is not None and self.request_id not in text:
            text += f" (request {self.request_id})"
        if self.tells_bill and BILLS[self.billed] not in text:
            text = f"{text.rstrip('.')}. {BILLS[self.billed]}"
        return redact(text)

    def about(self, request_id: str | None) -> FalError:
        """The same error, naming the request it is about."""
        self.request_id = self.request_id or request_id
        return self


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
    billed = Billed.MAYBE
    is_of_the_request = True


class PolicyRefusal(FalError):
    billed = Billed.MAYBE
    is_of_the_request = True


class ModelFailed(FalError):
    billed = Billed.MAYBE
    is_of_the_request = True


class UnknownEndpoint(FalError):
    pass


class Drifted(FalError):
    pass


class ServerFault(FalError):
    pass


class QueueTimeout(FalError):
    pass


class Overdue(FalError):
    billed = Billed.MAYBE


class Stopped(FalError):
    billed = Billed.MAYBE


class Expired(FalError):
    billed = Billed.YES


class BadAnswer(FalError):
    billed = Billed.MAYBE


class UnsafeAnswer(FalError):
    billed = Billed.MAYBE


class BadDownload(FalError):
    billed = Billed.YES


class Uncertain(FalError):
    """``refusal``: fal's own refusal, where the answer was one. It may be wrong: the request list has the last word."""

    billed = Billed.MAYBE
    refusal: FalError | None = None


class Unreachable(FalError, TryAgainLater):
    kind = Kind.LATER


KEY_PROBLEMS = (BadKey, EmptyBalance, Forbidden)
# What can be fal's last word on a request, once it is proven or has been said for minutes.
ENDS = (InvalidInput, PolicyRefusal, ModelFailed, QueueTimeout, Stopped, ServerFault, Expired)


def proven(error: FalError, last: FalError | None = None) -> FalError:
    """``error`` as the end of its request. fal does not charge for its own faults (5xx), unless it counted units.

    ``last``: what the request's result answered, whose units count.
    """
    error.proven = True
    if last is not None:
        error.units, error.is_unclear = last.units, last.is_unclear
    if error.units:
        error.billed = Billed.YES
    elif error.is_unclear:
        error.billed = Billed.MAYBE
    elif isinstance(error, (ServerFault, QueueTimeout)) or error.units == 0.0:
        error.billed = Billed.NO
    return with_bill(error)


def with_bill(error: FalError) -> FalError:
    """``error`` with a sentence on what is known of its bill."""
    error.tells_bill = True
    return error


# Between the two processes, and into the journal, an error travels as its class's name, its sentence and its facts.
TRAVELLING: dict[str, type[ConsistencyError]] = pipeline_errors.TRAVELLING | {
    "FalError": FalError,
    "PriceRose": PriceRose,
    "BadKey": BadKey,
    "NoKey": NoKey,
    "EmptyBalance": EmptyBalance,
    "Forbidden": Forbidden,
    "InvalidInput": InvalidInput,
    "PolicyRefusal": PolicyRefusal,
    "ModelFailed": ModelFailed,
    "UnknownEndpoint": UnknownEndpoint,
    "Drifted": Drifted,
    "ServerFault": ServerFault,
    "QueueTimeout": QueueTimeout,
    "Overdue": Overdue,
    "Stopped": Stopped,
    "Expired": Expired,
    "BadAnswer": BadAnswer,
    "UnsafeAnswer": UnsafeAnswer,
    "BadDownload": BadDownload,
    "Uncertain": Uncertain,
    "Unreachable": Unreachable,
}


def to_json(error: ConsistencyError) -> JsonObject:
    facts: JsonObject = pipeline_errors.to_json(error)
    if isinstance(error, FalError):
        facts |= {"billed": error.billed, "request_id": error.request_id, "said": redact(error.said)}
    return facts


def from_json(value: Mapping[str, object]) -> ConsistencyError:
    """The error that ``to_json`` wrote, with the same sentence; one of an unknown class is a ConsistencyError."""
    kind = TRAVELLING.get(str(value.get("class")), ConsistencyError)
    text = str(value.get("text", ""))
    if not issubclass(kind, FalError):
        return kind(text)
    request, said = value.get("request_id"), str(value.get("said", ""))
    billed = Billed.read(value.get("billed"))
    return kind(text, said=said, billed=billed, request_id=None if request is None else str(request))


def recorded(failure: Failure, text: str, request_id: str | None) -> FalError:
    """A failure that stands in the journal, with ``text`` for its sentence."""
    kind = TRAVELLING.get(failure.error or "")
    if kind is None or not issubclass(kind, FalError):
        return FalError(text, billed=Billed.MAYBE, request_id=request_id)
    return kind(text, billed=failure.billed, request_id=request_id)
