# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs have cost: quoted, billed and uncertain, per file and in sum. All in USD."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from ..json_object import JsonObject
from ..run.attempt import Attempt, Failure, NextStep
from ..run.run_folder import RunFolder
from ..wording.text_table import text_table, usd

DIFFERENCE = 0.10  # a bill that far from its quote is pointed out
STATES = {
    NextStep.WAIT: "at fal",
    NextStep.FETCH: "to fetch",
    NextStep.STUCK: "failed",
    NextStep.RETRY: "not billed",
}


@dataclass(frozen=True)
class Line:
    """One attempt. ``uncertain_usd`` is what may have been billed without our knowing."""

    run: str
    file: str
    endpoint: str
    state: str
    request_id: str | None
    quoted_usd: float | None
    billed_usd: float | None
    uncertain_usd: float
    note: str


def _line(folder: RunFolder, attempt: Attempt) -> Line:
    step = attempt.next_step
    state = STATES.get(step, str(step))
    if step is NextStep.RETRY and not attempt.is_known_unbilled:  # another was bought in its place
        state = "given up"
    failure = attempt.failure or Failure()
    odd = ""
    if attempt.units is not None and attempt.billed_usd is None:
        odd = f"fal counts {attempt.units:g} units, which don't fit the price"
    notes = [failure.error or "", difference(attempt.quoted_usd, attempt.billed_usd), odd]
    return Line(
        run=str(folder.root),
        file=", ".join(attempt.outputs),
        endpoint=attempt.endpoint,
        state=state,
        request_id=attempt.request_id,
        quoted_usd=attempt.quoted_usd,
        billed_usd=attempt.billed_usd,
        uncertain_usd=(attempt.quoted_usd or 0.0) if attempt.may_be_billed else 0.0,
        note=", ".join(note for note in notes if note),
    )


def difference(quoted: float | None, billed: float | None) -> str:
    """How far a bill is from its quote, in words; empty where it is near enough, or one of them is not known."""
    if quoted is None or billed is None or abs(billed - quoted) <= DIFFERENCE * quoted + 1e-9:
        return ""
    return f"billed {usd(billed)} instead of the {usd(quoted)} quoted"


@dataclass(frozen=True)
class Ledger:
    lines: tuple[Line, ...]

    @classmethod
    def read(cls, roots: list[Path]) -> Ledger:
        """Raises RunFolderError for a folder that is no run."""
        lines = []
        for root in roots:
            folder = RunFolder.open(root)
            lines += [_line(folder, attempt) for attempt in folder.read_journal().purchases.attempts]
        return cls(tuple(lines))

    @property
    def quoted_usd(self) -> float:
        return sum(line.quoted_usd or 0.0 for line in self.lines)

    @property
    def billed_usd(self) -> float:
        return sum(line.billed_usd or 0.0 for line in self.lines)

    @property
    def uncertain_usd(self) -> float:
        return sum(line.uncertain_usd for line in self.lines)

    def to_json(self) -> JsonObject:
        return {
            "lines": [asdict(line) for line in self.lines],
            "quoted_usd": round(self.quoted_usd, 6),
            "billed_usd": round(self.billed_usd, 6),
            "uncertain_usd": round(self.uncertain_usd, 6),
        }

    def table(self, name_of: Callable[[str], str] = str) -> str:
        """``name_of``: what people call the endpoint of an id."""
        if not self.lines:
            return "nothing was bought"
        rows = [(line.file, name_of(line.endpoint), line.state, *_amounts(line), line.note) for line in self.lines]
        total = ("total", "", "", *_amounts(self), "")
        return text_table(("file", "endpoint", "state", "quoted", "billed", "uncertain", ""), [*rows, total])


def _amounts(of: Line | Ledger) -> tuple[str, str, str]:
    return usd(of.quoted_usd), usd(of.billed_usd), usd(of.uncertain_usd or None)
