# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

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

from ..json_object import JsonObject
from ..system.disk import append_line, read_lines
from .attempt import Attempt, NextStep
from .events import READ, Event, Intended


@dataclass
class Purchases:
    """The journal folded: for each key its attempts, oldest first."""

    by_key: dict[str, list[Attempt]] = field(default_factory=dict)

    def last(self, key: str) -> Attempt | None:
        attempts = self.by_key.get(key)
        return attempts[-1] if attempts else None

    def next_step(self, key: str) -> NextStep:
        last = self.last(key)
        return NextStep.SUBMIT if last is None else last.next_step

    def is_open(self, key: str) -> bool:
        """It is paid for, or may be, and may still arrive: asking again sends nothing."""
        last = self.last(key)
        return last is not None and (last.is_with_fal or last.next_step is NextStep.UNCERTAIN)

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

    def apply(self, line: JsonObject) -> None:
        """Fold one line in. Events of an unknown kind change nothing (a newer version wrote them)."""
        key, number, kind = line.get("key"), line.get("attempt"), line.get("event")
        event = READ.get(kind) if isinstance(kind, str) else None
        if event is None or not isinstance(key, str) or not isinstance(number, int):
            return
        attempts = self.by_key.setdefault(key, [])
        attempt = next((a for a in attempts if a.number == number), None)
        if attempt is None:
            # Also for a later event whose "intended" line was lost: knowing of a request beats forgetting it.
            attempt = Attempt(key=key, number=number)
            attempts.append(attempt)
            attempts.sort(key=lambda a: a.number)
        with contextlib.suppress(TypeError, ValueError, AttributeError):  # a line edited by hand
            event.read(line).change(attempt)
            at = str(line.get("at", ""))
            attempt.intended_at = at if event is Intended else attempt.intended_at
            attempt.ended_at = at if event.ends else attempt.ended_at


def fold(lines: Iterable[JsonObject]) -> Purchases:
    """The state of every purchase after ``lines`` of a journal, in order."""
    purchases = Purchases()
    for line in lines:
        purchases.apply(line)
    return purchases


class Journal:
    """RUN/journal.jsonl: append an event, and know the folded state. Safe from several threads of one process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self.purchases = fold(read_lines(path))

    def write(self, key: str, attempt: int, event: Event) -> None:
        """Append ``event`` of an attempt, by its number, synced before this returns. Raises RunFolderError where it can't be."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"at": at, "event": event.kind, "key": key, "attempt": attempt, **event.facts()}
        with self._lock:
            append_line(self.path, line)
            self.purchases.apply(line)

    def attempts(self) -> list[Attempt]:
        """All attempts, also while other threads add some."""
        with self._lock:
            return self.purchases.attempts
