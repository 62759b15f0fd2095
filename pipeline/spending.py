"""Limits on money, and the machine's own book of what was spent on which day.

A limit holds because each purchase is *reserved* at its quoted price, under one lock for all processes of this machine,
before its request may leave; the sum of reservations and bills never passes a limit.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .disk import append_line, check_writable, locked, read_lines
from .errors import BudgetExceeded, RunFolderError
from .text_table import usd as words

if TYPE_CHECKING:
    from .settings import RunSettings

FREE = 1 << 20  # bytes; a line of the book takes some two hundred
_CENT_FRACTION = 1e-9  # USD; sums of floats differ in their last bits


def state_folder() -> Path:
    """Where this machine's book lies: the user's own state folder, shared by every Blender and shell."""
    if override := os.environ.get("CONSISTENCY_STATE_FOLDER"):
        return Path(override)
    try:
        if sys.platform == "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "Consistency Pipeline"
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Application Support" / "Consistency Pipeline"
        return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "consistency-pipeline"
    except RuntimeError as error:  # in a container, a user's number need not belong to anybody
        raise RunFolderError("this user has no home folder; set CONSISTENCY_STATE_FOLDER to the folder in which the record of what was spent is to be kept") from error  # fmt: skip


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
        return cls(settings.budget, settings.daily_budget, settings.product_budget)


@dataclass(frozen=True)
class Entry:
    """A purchase in the book. ``usd`` is the quote until the bill is known."""

    day: str  # local date, ISO
    run: str
    product: str
    purchase: str  # key#attempt
    usd: float


def _against(
    limits: Limits, entries: list[Entry], run: str, product: str, today: str
) -> Iterator[tuple[str, float, float]]:
    """(name, USD, USD spent or set aside) of each limit that is set."""
    for name, limit, spent in (
        ("run", limits.run, sum(e.usd for e in entries if e.run == run)),
        # Days to come count as well: a clock that was set back must not open the purse again.
        ("day", limits.day, sum(e.usd for e in entries if e.day >= today)),
        ("product", limits.product, sum(e.usd for e in entries if e.product == product)),
    ):
        if limit is not None:
            yield name, limit, spent


class SpendingBook:
    """Append-only lines, folded by purchase: the last line of a purchase is what it costs."""

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or state_folder()) / "spending.jsonl"

    def entries(self) -> list[Entry]:
        latest: dict[tuple[str, str], Entry] = {}
        for line in read_lines(self.path):
            try:
                entry = Entry(line["day"], line["run"], line["product"], line["purchase"], float(line["usd"]))
            except (KeyError, TypeError, ValueError):
                continue
            first = latest.get((entry.run, entry.purchase))
            # A bill that comes after midnight still belongs to the day it was reserved on.
            day = first.day if first is not None else entry.day
            latest[entry.run, entry.purchase] = Entry(day, entry.run, entry.product, entry.purchase, entry.usd)
        return list(latest.values())

    def check(self) -> None:
        """Raises RunFolderError unless the book can be kept: nothing may be bought that can't be entered."""
        try:
            with locked(self.path.with_suffix(".lock"), patience=2.0):  # a window waits for this
                check_writable(self.path.parent, FREE)
                self.entries()
        except RunFolderError as error:
            raise RunFolderError(f"the record of what was spent on this machine can't be kept: {error}; CONSISTENCY_STATE_FOLDER can name another folder for it") from error  # fmt: skip

    def reserve(self, run: str, product: str, purchase: str, usd: float, limits: Limits) -> None:
        """Set ``usd`` aside, or raise BudgetExceeded and set nothing aside."""
        with locked(self.path.with_suffix(".lock")):
            today = local_day()
            others = [entry for entry in self.entries() if (entry.run, entry.purchase) != (run, purchase)]
            for name, limit, spent in _against(limits, others, run, product, today):
                if spent + usd > limit + _CENT_FRACTION:
                    raise BudgetExceeded(
                        f"stopped before the {name}'s limit of {words(limit)} would be passed: {words(spent)} is spent or "
                        f"set aside and the next request costs {words(usd)}; raise the limit and resume to go on"
                    )
            append_line(self.path, {"day": today, "run": run, "product": product, "purchase": purchase, "usd": usd})

    def left(self, run: str, product: str, limits: Limits) -> float | None:
        """USD that the tightest of the limits leaves, None where there is none. Nothing is set aside by asking."""
        known = _against(limits, self.entries(), run, product, local_day())
        return min((limit - spent for _, limit, spent in known), default=None)

    def settle(self, run: str, product: str, purchases: Mapping[str, tuple[str, float]]) -> None:
        """Replace reservations by what was billed, 0 where nothing was: purchase → (its day, USD).

        A purchase that the book doesn't know, because the run folder came from another machine, is entered.
        """
        with locked(self.path.with_suffix(".lock")):
            known = {entry.purchase: entry.usd for entry in self.entries() if entry.run == run}
            for purchase, (day, usd) in purchases.items():
                if known.get(purchase) != usd:
                    append_line(
                        self.path, {"day": day, "run": run, "product": product, "purchase": purchase, "usd": usd}
                    )
