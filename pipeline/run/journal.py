"""What was asked of fal.ai and what became of it: one line per event, written before anything waits for it.

The order of writing is the promise. ``intended`` is on disk before the request leaves; ``submitted`` right after fal has
answered. So after a crash every attempt is in one of few states, and ``Attempt.next_step`` says what may be done without
paying twice:

    intended, nothing after         uncertain   it may or may not have been accepted: look it up, never re-send blindly
    refused                         retry       fal never took it: it said so, and its request list agrees
    submitted                       wait        ask fal under the URLs it gave us
    result                          fetch       paid; the files' addresses are known
    every output downloaded         done
    failed, proven, billed "no"     retry
    failed otherwise                stuck       asked again at every resume; buying in its place is the user's choice
    cancelled                       retry       removed from fal's queue, nothing billed

An attempt has a random id of its own, since a run folder may be copied: the same key and number then stand for two.

A cancel that came too late leaves the attempt ``submitted``: it is waited for and fetched, since it is paid.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from ..system.disk import append_line, read_lines

NextStep = Literal["submit", "uncertain", "wait", "fetch", "done", "retry", "stuck"]
Billed = Literal["no", "maybe", "yes"]


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
    arguments: dict[str, Any] = field(default_factory=dict)
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
    result: dict[str, Any] | None = None  # {"files": [{path, url, media}], "seed": …}
    units: float | None = None
    billed_usd: float | None = None
    downloaded: dict[str, dict[str, Any]] = field(default_factory=dict)  # path → {file, bytes, sha256}
    cancel: str = ""  # "removed", "running", "completed", "gone"
    failure: dict[str, Any] | None = None  # {error, message, billed, proven}
    refusal: dict[str, Any] | None = None  # how fal refused the submission, while its request list has not agreed yet
    refused: bool = False
    left: bool = True  # it may have reached fal, so fal's request list is asked before it is sent again
    uncertain: bool = False
    abandoned: bool = False  # the user decided that an uncertain attempt may be sent again

    @property
    def next_step(self) -> NextStep:
        if self.failure is None and self.outputs and all(path in self.downloaded for path in self.outputs):
            return "done"
        if self.failure is not None:
            return "retry" if self.is_known_unbilled or self.abandoned else "stuck"
        if self.refused or self.cancel == "removed":
            return "retry"
        if self.result is not None:
            return "fetch"
        if self.request_id is not None:
            return "wait"
        return "retry" if self.abandoned else "uncertain"

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
            return bool(self.failure.get("proven")) and self.failure.get("billed") == "no"
        return self.refused or self.cancel == "removed"

    @property
    def is_with_fal(self) -> bool:
        """fal has accepted it, and nothing proves that it came to nothing."""
        unproven = self.failure is not None and not self.failure.get("proven")
        return self.next_step in ("wait", "fetch", "done") or (self.next_step == "stuck" and unproven)

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


@dataclass
class Purchases:
    """The journal folded: for each key its attempts, oldest first."""

    by_key: dict[str, list[Attempt]] = field(default_factory=dict)

    def last(self, key: str) -> Attempt | None:
        attempts = self.by_key.get(key)
        return attempts[-1] if attempts else None

    def next_step(self, key: str) -> NextStep:
        last = self.last(key)
        return "submit" if last is None else last.next_step

    def is_open(self, key: str) -> bool:
        """It is paid for, or may be, and may still arrive: asking again sends nothing."""
        last = self.last(key)
        return last is not None and (last.is_with_fal or last.next_step == "uncertain")

    @property
    def attempts(self) -> list[Attempt]:
        return [attempt for attempts in self.by_key.values() for attempt in attempts]

    @property
    def committed_usd(self) -> float:
        return sum(attempt.committed_usd for attempt in self.attempts)

    @property
    def quoted_usd(self) -> float:
        return sum(attempt.quoted_usd or 0.0 for attempt in self.attempts)

    @property
    def billed_usd(self) -> float:
        return sum(attempt.billed_usd or 0.0 for attempt in self.attempts)

    @property
    def uncertain_usd(self) -> float:
        return sum(attempt.quoted_usd or 0.0 for attempt in self.attempts if attempt.may_be_billed)

    def apply(self, event: dict[str, Any]) -> None:
        """Fold one event in. Events of an unknown kind change nothing (a newer version wrote them)."""
        key, number, kind = event.get("key"), event.get("attempt"), event.get("event")
        change = _CHANGES.get(kind) if isinstance(kind, str) else None
        if change is None or not isinstance(key, str) or not isinstance(number, int):
            return
        attempts = self.by_key.setdefault(key, [])
        attempt = next((a for a in attempts if a.number == number), None)
        if attempt is None:
            # Also for a later event whose "intended" line was lost: knowing of a request beats forgetting it.
            attempt = Attempt(key=key, number=number)
            attempts.append(attempt)
            attempts.sort(key=lambda a: a.number)
        with contextlib.suppress(TypeError, ValueError, AttributeError):  # a line edited by hand
            change(attempt, event)
            attempt.ended_at = str(event.get("at", "")) if kind in _ENDS else attempt.ended_at


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _intended(attempt: Attempt, event: dict[str, Any]) -> None:
    attempt.id = str(event.get("id") or "")
    attempt.stage = event.get("stage", "")
    attempt.angle = event.get("angle")
    attempt.take = event.get("take", 1)
    attempt.endpoint = event.get("endpoint", "")
    attempt.arguments = event.get("arguments", {})
    attempt.outputs = list(event.get("outputs", []))
    attempt.places = list(event.get("places", []))
    attempt.quoted_usd = _number(event.get("quoted_usd"))
    attempt.unit_price = _number(event.get("unit_price"))
    attempt.price_confirmed = event.get("price_confirmed", True) is True
    attempt.intended_at = str(event.get("at", ""))
    attempt.sent_at = str(event.get("sent_at") or "")


def _submitted(attempt: Attempt, event: dict[str, Any]) -> None:
    attempt.request_id = event.get("request_id")
    attempt.urls = {name: event[name] for name in ("status_url", "response_url", "cancel_url") if event.get(name)}
    # A lookup may find what had been given up: the request wins over every verdict about it.
    attempt.uncertain = attempt.abandoned = attempt.refused = False
    attempt.failure, attempt.refusal, attempt.cancel = None, None, ""


def _state(attempt: Attempt, event: dict[str, Any]) -> None:
    attempt.fal_state = event.get("state", "")


def _result(attempt: Attempt, event: dict[str, Any]) -> None:
    attempt.result = {"files": event.get("files", []), "seed": event.get("seed")}
    attempt.failure = None  # it had only seemed to have failed
    attempt.cancel = "" if attempt.cancel == "removed" else attempt.cancel


def _billed(attempt: Attempt, event: dict[str, Any]) -> None:
    attempt.units = _number(event.get("units"))
    attempt.billed_usd = _number(event.get("usd"))


def _downloaded(attempt: Attempt, event: dict[str, Any]) -> None:
    attempt.failure = None  # here it is after all
    attempt.downloaded[event.get("path", "")] = {
        "file": event.get("file"),  # the same but for its extension, which follows the type that came
        "bytes": event.get("bytes"),
        "sha256": event.get("sha256"),
    }


def _failed(attempt: Attempt, event: dict[str, Any]) -> None:
    attempt.failure = {name: event.get(name) for name in ("error", "message", "billed", "proven")}


def _refused(attempt: Attempt, event: dict[str, Any]) -> None:
    attempt.refused = attempt.request_id is None
    attempt.left = event.get("left", True) is not False
    if attempt.refused:
        facts = {"error": event.get("error"), "message": event.get("message")}
        attempt.failure = {**facts, "billed": "no", "proven": True}


def _cancelled(attempt: Attempt, event: dict[str, Any]) -> None:
    attempt.cancel = event.get("answer", "")


def _uncertain(attempt: Attempt, event: dict[str, Any]) -> None:
    attempt.uncertain = True
    refusal = event.get("refusal")
    attempt.refusal = refusal if isinstance(refusal, dict) else None


def _abandoned(attempt: Attempt, _event: dict[str, Any]) -> None:
    attempt.abandoned = attempt.request_id is None or attempt.failure is not None


_CHANGES = {
    "intended": _intended,
    "submitted": _submitted,
    "state": _state,
    "result": _result,
    "billed": _billed,
    "downloaded": _downloaded,
    "failed": _failed,
    "refused": _refused,
    "cancelled": _cancelled,
    "uncertain": _uncertain,
    "abandoned": _abandoned,
}


_ENDS = ("downloaded", "failed", "refused", "cancelled")


def fold(events: Iterable[dict[str, Any]]) -> Purchases:
    """The state of every purchase after ``events``, in order."""
    purchases = Purchases()
    for event in events:
        purchases.apply(event)
    return purchases


class Journal:
    """RUN/journal.jsonl: append an event, and know the folded state. Safe from several threads of one process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self.purchases = fold(read_lines(path))

    def write(self, kind: str, key: str, attempt: int, **facts: Any) -> None:
        """Append one event, synced before this returns. Raises RunFolderError where it can't be."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        event = {"at": at, "event": kind, "key": key, "attempt": attempt, **facts}
        with self._lock:
            append_line(self.path, event)
            self.purchases.apply(event)

    def attempts(self) -> list[Attempt]:
        """All attempts, also while other threads add some."""
        with self._lock:
            return self.purchases.attempts
