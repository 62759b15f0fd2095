# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a catalogue says while it works, for people, for programs, and for the workers of render farms.

plain      lines on standard error
json       one object a line on standard output
openjd     openjd_progress, openjd_status and openjd_fail, as Open Job Description's sessions read them
flamenco   "Time:" once a row, one step of its task, and "Saved: 'FILE'" for each finished picture
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ..errors import ConsistencyError
from ..json_object import JsonObject
from ..redaction import dumps, redact
from ..stages import Progress
from ..terminal import Show, put, say
from ..wording.text_table import usd
from .state import RowState, Standing

if TYPE_CHECKING:
    from .rows import Row


class Style(StrEnum):
    PLAIN = "plain"
    JSON = "json"
    OPENJD = "openjd"
    FLAMENCO = "flamenco"


class Teller:
    """Says what happens to ``total`` rows; every line stands by itself, whichever row it is about."""

    def __init__(self, style: Style, stream: IO[str], total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._style, self._stream, self._total, self._clock = style, stream, max(1, total), clock
        self._ended = 0
        self._shows: dict[str, Show] = {}
        self._saved: set[Path] = set()
        self._began: dict[str, float] = {}

    def begins(self, row: Row, note: str = "") -> None:
        self._began[row.sku] = self._clock()
        self._shows[row.sku] = Show(f"{row.sku} ")
        facts: JsonObject = {"row": row.number, "sku": row.sku, "event": "begins", **({"note": note} if note else {})}
        self._put(facts, f"{row.sku}: begins{f' ({note})' if note else ''}")

    def goes_on(self, row: Row, progress: Progress) -> None:
        if progress.idle:
            return
        if self._style is Style.PLAIN:
            self._shows.setdefault(row.sku, Show(f"{row.sku} "))(progress)
        elif self._style is Style.JSON:
            facts: JsonObject = {"row": row.number, "sku": row.sku, "event": "progress", "stage": progress.stage}
            facts |= {"text": progress.text, "angle": progress.angle, "fraction": progress.fraction}
            self._line(dumps(facts))
        else:
            self._tell_saved(row)

    def ended(self, row: Row, standing: Standing, note: str = "", *, is_old: bool = False) -> None:
        """The row is over for this time: done, failed, left to others or not begun. ``is_old``: it was so before."""
        self._ended += 1
        why = note or standing.why
        money = f", {usd(standing.usd)} billed" if standing.usd else ""
        words = f"{row.sku}: {standing.state}{money}{f': {why}' if why else ''}"
        facts: JsonObject = {"row": row.number, "sku": row.sku, "event": "ended", "state": standing.state, "why": why}
        facts |= {"billed_usd": standing.usd, "ended": self._ended, "of": self._total}
        if self._style is Style.FLAMENCO:
            self._tell_saved(row)
            seconds = self._clock() - self._began.pop(row.sku, self._clock())
            # Blender's own line of a finished frame, which a worker counts as one step
            self._line(f"Time: {int(seconds // 60):02d}:{seconds % 60:05.2f} {words}")
            return
        if not is_old or self._style is Style.JSON:
            self._put(facts, words)
        if self._style is Style.OPENJD:
            self._line(f"openjd_progress: {100.0 * min(1.0, self._ended / self._total):.1f}")

    def fails(self, error: ConsistencyError) -> None:
        """The whole of it ends so."""
        if self._style is Style.OPENJD:
            self._line(f"openjd_fail: {_one_line(str(error))}")
        elif self._style is Style.JSON:
            self._line(dumps({"event": "fails", "error": str(error)}))

    def _put(self, facts: JsonObject, words: str) -> None:
        match self._style:
            case Style.PLAIN | Style.FLAMENCO:
                say(redact(words))
            case Style.JSON:
                self._line(json.dumps(json.loads(dumps(facts))))
            case Style.OPENJD:
                self._line(f"openjd_status: {_one_line(words)}")

    def _tell_saved(self, row: Row) -> None:
        if self._style is not Style.FLAMENCO:
            return
        for path in (*sorted((row.root / "photoreal").glob("*.png")), row.root / "contact_sheet.png"):
            if path not in self._saved and ".take-" not in path.name and ".cutout" not in path.name and path.is_file():
                self._saved.add(path)
                self._line(f"Saved: '{path}'")

    def _line(self, text: str) -> None:
        put(redact(text), self._stream)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def in_words(states: dict[RowState, int]) -> str:
    """The tally: "12 done, 1 failed"."""
    return ", ".join(f"{count} {state}" for state, count in states.items() if count) or "no rows"
