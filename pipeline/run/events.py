# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The events of a purchase: what each line of RUN/journal.jsonl says, and what it changes in an attempt.

A line holds "at", "event" (an ``EventKind``), "key", "attempt" (its number) and the fields of the event's class. Lines are
read with patience, since a person may have edited them: a missing fact has its default, and a wrong one changes nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import ClassVar, Self

from ..json_object import JsonObject
from .attempt import Attempt, Billed, CancelAnswer, Failure, Receipt, Refusal, Result, ResultFile


class EventKind(StrEnum):
    INTENDED = "intended"
    SUBMITTED = "submitted"
    STATE = "state"
    RESULT = "result"
    BILLED = "billed"
    DOWNLOADED = "downloaded"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"
    ABANDONED = "abandoned"
    DECIDED = "decided"


IF_KNOWN = {"if_known": True}  # of a field that is left out of the line where it is None; any other is written as null


@dataclass(frozen=True)
class Event:
    """What has happened to an attempt. ``ends``: from then on nothing more is expected of it."""

    kind: ClassVar[EventKind]
    ends: ClassVar[bool] = False

    @classmethod
    def read(cls, line: JsonObject) -> Self:
        return cls(**{each.name: line[each.name] for each in fields(cls) if each.name in line})

    def facts(self) -> JsonObject:
        """Its fields as they stand in a line."""
        unknown = {
            each.name for each in fields(self) if "if_known" in each.metadata and getattr(self, each.name) is None
        }
        return {name: value for name, value in asdict(self).items() if name not in unknown}

    def change(self, attempt: Attempt) -> None:
        """Fold it into ``attempt``. Raises TypeError, ValueError or AttributeError for a line that a hand has spoiled."""
        raise NotImplementedError


@dataclass(frozen=True)
class Intended(Event):
    """Written before the request leaves; its fields are those of ``Attempt``."""

    kind = EventKind.INTENDED
    id: str = ""
    stage: str = ""
    angle: str | None = None
    take: int = 1
    endpoint: str = ""
    arguments: JsonObject = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    quoted_usd: float | None = None
    unit_price: float | None = None
    price_confirmed: bool = True
    sent_at: str | None = None

    def change(self, attempt: Attempt) -> None:
        attempt.id = str(self.id or "")
        attempt.stage, attempt.angle, attempt.take = self.stage, self.angle, self.take
        attempt.endpoint, attempt.arguments = self.endpoint, self.arguments
        attempt.outputs, attempt.places = list(self.outputs), list(self.places)
        attempt.quoted_usd, attempt.unit_price = _number(self.quoted_usd), _number(self.unit_price)
        attempt.price_confirmed = self.price_confirmed is True
        attempt.sent_at = str(self.sent_at or "")


@dataclass(frozen=True)
class Submitted(Event):
    """fal has accepted the request. ``found_by``: where that was learned, if not from its own answer."""

    kind = EventKind.SUBMITTED
    request_id: str | None = None
    status_url: str = ""
    response_url: str = ""
    cancel_url: str = ""
    found_by: str | None = field(default=None, metadata=IF_KNOWN)

    def change(self, attempt: Attempt) -> None:
        attempt.request_id = self.request_id
        urls = {"status_url": self.status_url, "response_url": self.response_url, "cancel_url": self.cancel_url}
        attempt.urls = {name: url for name, url in urls.items() if url}
        # A lookup may find what had been given up: the request wins over every verdict about it.
        attempt.uncertain = attempt.abandoned = attempt.refused = False
        attempt.failure = attempt.refusal = attempt.cancel = None


@dataclass(frozen=True)
class StateChanged(Event):
    """``state``: fal's own word."""

    kind = EventKind.STATE
    state: str = ""

    def change(self, attempt: Attempt) -> None:
        attempt.fal_state = self.state


@dataclass(frozen=True)
class ResultNamed(Event):
    """Paid: fal has named the files' addresses."""

    kind = EventKind.RESULT
    files: tuple[ResultFile, ...] = ()
    seed: int | None = None

    @classmethod
    def read(cls, line: JsonObject) -> Self:
        files = (ResultFile(str(file.get("path", "")), file.get("url")) for file in line.get("files", ()))
        return cls(tuple(files), line.get("seed"))

    def facts(self) -> JsonObject:
        return {"files": [asdict(file) for file in self.files], "seed": self.seed}

    def change(self, attempt: Attempt) -> None:
        attempt.result = Result(self.files, self.seed)
        attempt.failure = None  # it had only seemed to have failed
        attempt.cancel = None if attempt.cancel is CancelAnswer.REMOVED else attempt.cancel


@dataclass(frozen=True)
class UnitsCounted(Event):
    """What fal counted for the bill. ``usd`` is None where its price is not known for sure."""

    kind = EventKind.BILLED
    units: float | None = None
    unit_price: float | None = None
    usd: float | None = None

    def change(self, attempt: Attempt) -> None:
        attempt.units, attempt.billed_usd = _number(self.units), _number(self.usd)


@dataclass(frozen=True)
class Downloaded(Event):
    kind = EventKind.DOWNLOADED
    ends = True
    path: str = ""
    file: str | None = None
    bytes: int | None = None
    sha256: str | None = None

    def change(self, attempt: Attempt) -> None:
        attempt.failure = None  # here it is after all
        attempt.downloaded[self.path] = Receipt(self.file, self.bytes, self.sha256)


@dataclass(frozen=True)
class Failed(Event):
    kind = EventKind.FAILED
    ends = True
    error: str | None = None
    message: str | None = None
    billed: Billed | None = None
    proven: bool | None = field(default=None, metadata=IF_KNOWN)

    def change(self, attempt: Attempt) -> None:
        attempt.failure = Failure(self.error, self.message, Billed.read(self.billed), bool(self.proven))


@dataclass(frozen=True)
class Refused(Event):
    """fal never took it. ``left``: the request may have reached fal, whose list has agreed since."""

    kind = EventKind.REFUSED
    ends = True
    left: bool = True
    error: str | None = None
    message: str | None = None

    def change(self, attempt: Attempt) -> None:
        attempt.refused = attempt.request_id is None
        attempt.left = self.left is not False
        if attempt.refused:
            attempt.failure = Failure(self.error, self.message, Billed.NO, proven=True)


@dataclass(frozen=True)
class CancelAnswered(Event):
    kind = EventKind.CANCELLED
    ends = True
    answer: CancelAnswer | None = None

    def change(self, attempt: Attempt) -> None:
        attempt.cancel = CancelAnswer(self.answer) if self.answer in tuple(CancelAnswer) else None


@dataclass(frozen=True)
class AcceptanceUnknown(Event):
    """The submission got no clear answer. ``refusal``: what the answer said, where it was a refusal of fal's."""

    kind = EventKind.UNCERTAIN
    message: str | None = field(default=None, metadata=IF_KNOWN)
    refusal: Refusal | None = field(default=None, metadata=IF_KNOWN)

    @classmethod
    def read(cls, line: JsonObject) -> Self:
        said = line.get("refusal")
        refusal = Refusal(said.get("error"), said.get("message")) if isinstance(said, dict) else None
        return cls(line.get("message"), refusal)

    def change(self, attempt: Attempt) -> None:
        attempt.uncertain, attempt.refusal = True, self.refusal


@dataclass(frozen=True)
class Abandoned(Event):
    """The user decided that another may be bought in its place."""

    kind = EventKind.ABANDONED

    def change(self, attempt: Attempt) -> None:
        attempt.abandoned = attempt.request_id is None or attempt.failure is not None


@dataclass(frozen=True)
class Decided(Event):
    """What the gate made of the picture, and why: ``decision`` is the gate's own, and changes no purchase."""

    kind = EventKind.DECIDED
    decision: JsonObject

    def facts(self) -> JsonObject:
        return self.decision


# How each line is read. "decided" is not among them, nor a newer version's kinds: they change no purchase.
READ: dict[str, type[Event]] = {
    event.kind: event
    for event in (
        *(Intended, Submitted, StateChanged, ResultNamed, UnitsCounted, Downloaded),
        *(Failed, Refused, CancelAnswered, AcceptanceUnknown, Abandoned),
    )
}


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
