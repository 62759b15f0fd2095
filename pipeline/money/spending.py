# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits on money, and the machine's own book of what was spent on which day.

A limit holds because each purchase is *reserved* at its quoted price, under one lock for all processes of this machine,
before its request may leave; the sum of reservations and bills never passes a limit.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import sys
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BudgetExceeded, RunFolderError
from ..system.disk import append_line, check_writable, locked, read_lines
from ..wording.program import PROGRAM
from ..wording.text_table import usd as words

if TYPE_CHECKING:
    from ..run.attempt import Attempt
    from ..settings.groups import RunSettings

SLOWEST_SUBMISSION = 600.0  # seconds that another sending of the same words is waited for
FREE = 1 << 20  # bytes; a line of the book takes some two hundred
_CENT_FRACTION = 1e-9  # USD; sums of floats differ in their last bits


def state_folder() -> Path:
    """Where this machine's book lies: the user's own state folder, shared by every Blender and shell."""
    if override := os.environ.get("CONSISTENCY_STATE_FOLDER"):
        return Path(override)
    try:
        if sys.platform == "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / PROGRAM
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Application Support" / PROGRAM
        return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "consistency-pipeline"
    except RuntimeError as error:  # in a container, a user's number need not belong to anybody
        raise RunFolderError(
            "this user has no home folder; "
            "set CONSISTENCY_STATE_FOLDER to the folder in which the record of what was spent is to be kept"
        ) from error


def local_day(moment: str = "") -> str:
    """The local date, ISO, of an ISO 8601 moment; today's where there is none."""
    try:
        return datetime.fromisoformat(moment).astimezone().date().isoformat()
    except ValueError:
        return datetime.now().astimezone().date().isoformat()


@dataclass(frozen=True)
class Limits:
    """USD; None means no limit."""

    run: float | None = None
    day: float | None = None
    product: float | None = None

    @classmethod
    def of(cls, settings: RunSettings) -> Limits:
        return cls(settings.money.budget, settings.money.daily_budget, settings.money.product_budget)


@dataclass(frozen=True)
class Entry:
    """An attempt in the book. ``usd`` is the quote until the bill is known."""

    day: str  # local date, ISO
    run: str
    product: str
    attempt: str  # its random id
    usd: float
    request: str = ""  # fal's id of it, which no other attempt may take for its own


def attempt_id(attempt: Attempt, run: str) -> str:
    """The id under which the book knows an attempt; one of an early version's journal has none of its own."""
    return attempt.id or f"{run}:{attempt.key}#{attempt.number}"


def _against(
    limits: Limits, entries: list[Entry], of_run: Container[str], product: str, today: str
) -> Iterator[tuple[str, float, float]]:
    """(name, USD, USD spent or set aside) of each limit that is set. ``of_run``: the ids of the run's attempts."""
    for name, limit, spent in (
        ("run", limits.run, sum(e.usd for e in entries if e.attempt in of_run)),
        # Days to come count as well: a clock that was set back must not open the purse again.
        ("day", limits.day, sum(e.usd for e in entries if e.day >= today)),
        ("product", limits.product, sum(e.usd for e in entries if e.product == product)),
    ):
        if limit is not None:
            yield name, limit, spent


class SpendingBook:
    """Append-only lines, folded by attempt: the last line of an attempt is what it costs.

    It also knows which of fal's requests belongs to which attempt, for all runs of this machine.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or state_folder()) / "spending.jsonl"

    def entries(self) -> list[Entry]:
        latest: dict[str, Entry] = {}
        for line in read_lines(self.path):
            try:
                attempt = line.get("attempt") or f"{line['run']}:{line['purchase']}"
                entry = Entry(
                    line["day"], line["run"], line["product"], attempt, float(line["usd"]), line.get("request") or ""
                )
            except (KeyError, TypeError, ValueError):
                continue
            if not math.isfinite(entry.usd):
                continue
            if (first := latest.get(attempt)) is not None:
                # A bill that comes after midnight still belongs to the day it was reserved on.
                entry = replace(entry, day=first.day, request=entry.request or first.request)
            latest[attempt] = entry
        return list(latest.values())

    def requests(self) -> dict[str, str]:
        """fal's request id → the attempt that it belongs to."""
        return {entry.request: entry.attempt for entry in self.entries() if entry.request}

    def check(self) -> None:
        """Raises RunFolderError unless the book can be kept: nothing may be bought that can't be entered."""
        try:
            with locked(self.path.with_suffix(".lock"), patience=2.0):  # a window waits for this
                check_writable(self.path.parent, FREE)
                self.entries()
        except RunFolderError as error:
            raise RunFolderError(
                f"the record of what was spent on this machine can't be kept: {error}; "
                "CONSISTENCY_STATE_FOLDER can name another folder for it"
            ) from error

    def reserve(
        self, entry: Entry, limits: Limits, of_run: Callable[[], Container[str]], intend: Callable[[], None]
    ) -> None:
        """Set ``entry.usd`` aside and ``intend``, or raise BudgetExceeded and do neither.

        ``of_run``: the ids of the run's attempts so far, asked for when nobody else can add one.

        ``intend`` writes down what is about to be sent, before the reservation: a crash between the two leaves an
        attempt that ``settle`` enters here later, and no reservation that nobody would ever release.
        """
        with locked(self.path.with_suffix(".lock")):
            others = [each for each in self.entries() if each.attempt != entry.attempt]
            for name, limit, spent in _against(limits, others, of_run(), entry.product, entry.day):
                if spent + entry.usd > limit + _CENT_FRACTION:
                    raise BudgetExceeded(
                        f"stopped before the {name}'s limit of {words(limit)} would be passed: {words(spent)} is spent or "
                        f"set aside and the next request costs {words(entry.usd)}; raise the limit and resume to go on"
                    )
            intend()
            append_line(self.path, asdict(entry))

    def left(self, product: str, limits: Limits, of_run: Container[str]) -> float | None:
        """USD that the tightest of the limits leaves, None where there is none. Nothing is set aside by asking."""
        known = _against(limits, self.entries(), of_run, product, local_day())
        return min((limit - spent for _, limit, spent in known), default=None)

    def settle(self, entries: Iterable[Entry]) -> None:
        """Replace reservations by what was billed, 0 where nothing was, and keep which request belongs to whom.

        An attempt that the book doesn't know, because the run folder came from another machine, is entered.
        """
        with locked(self.path.with_suffix(".lock")):
            known = {entry.attempt: entry for entry in self.entries()}
            for entry in entries:
                before = known.get(entry.attempt)
                if before is None or (before.usd, before.request) != (entry.usd, entry.request or before.request):
                    append_line(self.path, asdict(entry))

    def sending(self, words_sent: str) -> contextlib.AbstractContextManager[None]:
        """Hold this machine's turn to send exactly these words, or to look for them in fal's request list.

        Two runs that send the same words at once could take each other's request for their own; one after the other,
        each knows its own before the next one looks.
        """
        digest = hashlib.sha256(words_sent.encode("utf-8", "surrogatepass")).hexdigest()
        return locked(self.path.parent / "sending" / f"{digest[:2]}.lock", SLOWEST_SUBMISSION)
