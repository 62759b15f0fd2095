# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One sending of one purchase, and what may be done about it next without paying twice."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from ..json_object import JsonObject


class NextStep(StrEnum):
    """What a purchase's attempts allow; the table stands in ``pipeline.run.journal``."""

    SUBMIT = "submit"  # nothing was ever sent for it
    UNCERTAIN = "uncertain"
    WAIT = "wait"
    FETCH = "fetch"
    DONE = "done"
    RETRY = "retry"
    STUCK = "stuck"


AT_FAL = frozenset({NextStep.WAIT, NextStep.FETCH, NextStep.DONE})  # accepted, and nothing speaks against it


class Billed(StrEnum):
    NO = "no"
    MAYBE = "maybe"
    YES = "yes"

    @classmethod
    def read(cls, word: object) -> Billed | None:
        """The member of that word, None for any other: a line may have been edited by hand."""
        return cls(word) if isinstance(word, str) and word in tuple(cls) else None


class CancelAnswer(StrEnum):
    """What fal answers when it is asked to stop. ``REMOVED`` is the only answer that means: not billed."""

    REMOVED = "removed"
    RUNNING = "running"
    COMPLETED = "completed"
    GONE = "gone"


@dataclass(frozen=True)
class Refusal:
    """How fal refused a submission: the class of its error (``fal_backend.errors``) and the sentence."""

    error: str | None = None
    message: str | None = None


@dataclass(frozen=True)
class Failure:
    """How an attempt failed. ``proven``: fal's status or request list says that it ended so."""

    error: str | None = None
    message: str | None = None
    billed: Billed | None = None
    proven: bool = False


@dataclass(frozen=True)
class ResultFile:
    path: str  # relative to the run folder
    url: str | None


@dataclass(frozen=True)
class Result:
    """What fal's answer named: the bought files' addresses."""

    files: tuple[ResultFile, ...] = ()
    seed: int | None = None


@dataclass(frozen=True)
class Receipt:
    """A file that has arrived. ``file`` differs from the path asked for by its extension alone, which follows its type."""

    file: str | None = None  # relative to the run folder
    bytes: int | None = None
    sha256: str | None = None


@dataclass
class Attempt:
    """One sending of one purchase. USD throughout; None where unknown."""

    key: str
    number: int
    id: str = ""  # random; empty in a journal of an early version
    stage: str = ""
    angle: str | None = None
    take: int = 1
    endpoint: str = ""
    arguments: JsonObject = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)  # paths relative to the run folder
    places: list[str] = field(default_factory=list)  # where in fal's result each of them is named, e.g. "images.0"
    quoted_usd: float | None = None
    unit_price: float | None = None
    price_confirmed: bool = True  # fal itself has just named the unit price, in the unit that was expected
    intended_at: str = ""  # by this machine's clock
    sent_at: str = ""  # by fal's own clock, shortly before it was sent; empty where fal had not said what time it is
    ended_at: str = ""  # when its file was here, or it was known that none will come
    request_id: str | None = None
    urls: dict[str, str] = field(default_factory=dict)  # status_url, response_url, cancel_url
    fal_state: str = ""
    result: Result | None = None
    units: float | None = None
    billed_usd: float | None = None
    downloaded: dict[str, Receipt] = field(default_factory=dict)  # by path
    cancel: CancelAnswer | None = None
    failure: Failure | None = None
    refusal: Refusal | None = None  # how fal refused the submission, while its request list has not agreed yet
    refused: bool = False
    left: bool = True  # it may have reached fal, so fal's request list is asked before it is sent again
    uncertain: bool = False
    abandoned: bool = False  # the user decided that an uncertain attempt may be sent again

    @property
    def next_step(self) -> NextStep:
        if self.failure is None and self.outputs and all(path in self.downloaded for path in self.outputs):
            return NextStep.DONE
        if self.failure is not None:
            return NextStep.RETRY if self.is_known_unbilled or self.abandoned else NextStep.STUCK
        if self.refused or self.cancel is CancelAnswer.REMOVED:
            return NextStep.RETRY
        if self.result is not None:
            return NextStep.FETCH
        if self.request_id is not None:
            return NextStep.WAIT
        return NextStep.RETRY if self.abandoned else NextStep.UNCERTAIN

    def seconds(self, now: datetime | None = None) -> float | None:
        """From its intention to its end, or to ``now`` where it has not ended; None where the journal doesn't tell."""
        with contextlib.suppress(ValueError, TypeError):
            end = datetime.fromisoformat(self.ended_at) if self.ended_at else now or datetime.now(UTC)
            return max(0.0, (end - datetime.fromisoformat(self.intended_at)).total_seconds())
        return None

    @property
    def is_known_unbilled(self) -> bool:
        """Proven: fal never took it, or took it and ended it without a charge."""
        if self.failure is not None:
            return self.failure.proven and self.failure.billed is Billed.NO
        return self.refused or self.cancel is CancelAnswer.REMOVED

    @property
    def failure_message(self) -> str:
        """What was said of its failure; empty where it has not failed."""
        return str(self.failure.message or "") if self.failure is not None else ""

    @property
    def is_with_fal(self) -> bool:
        """fal has accepted it, and nothing proves that it came to nothing."""
        unproven = self.failure is not None and not self.failure.proven
        return self.next_step in AT_FAL or (self.next_step is NextStep.STUCK and unproven)

    @property
    def committed_usd(self) -> float:
        """What this attempt may cost in the worst case, for the limits."""
        if self.billed_usd is not None:
            return self.billed_usd
        return 0.0 if self.is_known_unbilled else self.quoted_usd or 0.0

    @property
    def may_be_billed(self) -> bool:
        """It may have cost something that this machine was not told of."""
        return self.billed_usd is None and not self.is_known_unbilled
