# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes between the parent and the child process that talks to fal.ai, one JSON object a line.

To the child: first a ``Hello``, then requests (``Buy`` … ``Finish``). From it: ``Happened`` for each purchase, and an
``Answer`` to each question. The wire names the kind in "do" and in "say".
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from ...pipeline.backend.requests import Event
from ...pipeline.errors import ConsistencyError
from ...pipeline.json_object import JsonObject
from ...pipeline.money.spending import Limits
from ...pipeline.stages import JobState
from .. import errors
from ..buying.purchase import Purchase


class Do(StrEnum):
    BUY = "buy"
    NOTE = "note"
    CANCEL = "cancel"
    PRICES = "prices"
    CHECK_KEY = "check_key"
    ROSTER = "roster"
    FINISH = "finish"


class Say(StrEnum):
    EVENT = "event"
    PRICES = "prices"
    KEY = "key"
    ROSTER = "roster"
    LOG = "log"


@dataclass(frozen=True)
class Hello:
    """Who the child is to work for. ``run``: the run folder; empty where it is only asked questions."""

    key: str = field(repr=False)
    run: str = ""
    run_id: str = ""
    product: str = ""
    limits: Limits = field(default_factory=Limits)
    private: bool = False
    send_again: bool = False
    retry_failed: bool = False
    check_inputs: bool = True
    concurrency: int | None = None  # requests at fal.ai at a time, over all processes of this machine

    def to_json(self) -> JsonObject:
        return asdict(self)

    @classmethod
    def from_json(cls, line: JsonObject) -> Hello:
        return cls(**{**line, "limits": Limits(**(line.get("limits") or {}))})


@dataclass(frozen=True)
class Buy:
    purchase: Purchase

    def to_json(self) -> JsonObject:
        return {"do": Do.BUY, "purchase": self.purchase.to_json()}


@dataclass(frozen=True)
class Note:
    """What the gate decided about the picture of a purchase, for the journal: two processes writing one file could cut
    each other's lines."""

    key: str
    decision: JsonObject

    def to_json(self) -> JsonObject:
        return {"do": Do.NOTE, "key": self.key, "decision": self.decision}


@dataclass(frozen=True)
class Cancel:
    key: str | None  # None: all purchases

    def to_json(self) -> JsonObject:
        return {"do": Do.CANCEL, "key": self.key}


@dataclass(frozen=True)
class AskPrices:
    """What fal asks for ``endpoints``, and whether its descriptions take what ``purchases`` will send."""

    endpoints: tuple[str, ...]
    purchases: tuple[Purchase, ...] = ()

    def to_json(self) -> JsonObject:
        purchases = [purchase.to_json() for purchase in self.purchases]
        return {"do": Do.PRICES, "endpoints": list(self.endpoints), "purchases": purchases}


@dataclass(frozen=True)
class CheckKey:
    def to_json(self) -> JsonObject:
        return {"do": Do.CHECK_KEY}


@dataclass(frozen=True)
class AskRoster:
    def to_json(self) -> JsonObject:
        return {"do": Do.ROSTER}


@dataclass(frozen=True)
class Finish:
    """Begin nothing new. Where standard input ends, because the parent has died, it is taken as said."""


@dataclass(frozen=True)
class Terminate:
    """The process was told by a signal to end: nothing new is begun, but cancels are still obeyed."""


@dataclass(frozen=True)
class Look:
    """A purchase has ended: whether it was the last."""


Asked = AskPrices | CheckKey | AskRoster
Command = Buy | Note | Cancel | AskPrices | CheckKey | AskRoster | Finish | Terminate | Look


def read_command(line: JsonObject) -> Command | None:
    """None for what this version doesn't know. Terminate and Look come from inside the child alone."""
    match line.get("do"):
        case Do.BUY:
            return Buy(Purchase.from_json(line["purchase"]))
        case Do.NOTE:
            return Note(line["key"], line["decision"])
        case Do.CANCEL:
            return Cancel(line.get("key"))
        case Do.PRICES:
            return AskPrices(tuple(line["endpoints"]), tuple(map(Purchase.from_json, line.get("purchases", ()))))
        case Do.CHECK_KEY:
            return CheckKey()
        case Do.ROSTER:
            return AskRoster()
        case Do.FINISH:
            return Finish()
    return None


@dataclass(frozen=True)
class Happened:
    """How a purchase stands. An empty ``key``: the run folder.

    USD; None where unknown.
    """

    key: str
    kind: JobState
    text: str = ""
    fraction: float | None = None
    queue_position: int | None = None
    path: str | None = None
    request_id: str | None = None
    seed: int | None = None
    quoted_usd: float | None = None
    billed_usd: float | None = None
    error: JsonObject | None = None  # as errors.to_json wrote it

    @property
    def ends(self) -> bool:
        return Event(self.key, self.kind).ends

    def to_json(self) -> JsonObject:
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return {"say": Say.EVENT, **known}

    @classmethod
    def from_json(cls, line: JsonObject) -> Happened:
        facts = {name: value for name, value in line.items() if name != "say"}
        return cls(**{**facts, "kind": JobState(line["kind"])})


@dataclass(frozen=True)
class Logged:
    """A record for the run's log, which the parent writes. ``name``: the logger, below the package."""

    level: int
    name: str
    text: str

    def to_json(self) -> JsonObject:
        return {"say": Say.LOG, **asdict(self)}

    @classmethod
    def from_json(cls, line: JsonObject) -> Logged:
        return cls(int(line["level"]), str(line["name"]), str(line["text"]))


@dataclass(frozen=True)
class Answer:
    """To the question named by ``say``: its value, or the error in its place."""

    say: Say
    value: Any = None
    error: ConsistencyError | None = None

    def to_json(self) -> JsonObject:
        if self.error is not None:
            return {"say": self.say, "error": errors.to_json(self.error)}
        return {"say": self.say, "value": self.value}


ANSWERS: dict[type[Asked], Say] = {AskPrices: Say.PRICES, CheckKey: Say.KEY, AskRoster: Say.ROSTER}


def answered(question: Asked, line: JsonObject) -> tuple[Any] | None:
    """The value in one, where ``line`` answers ``question``; None for any other line. Raises the error that it tells."""
    if line.get("say") != ANSWERS[type(question)]:
        return None
    if "error" in line:
        raise errors.from_json(line["error"])
    return (line["value"],)
