# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several rows at once in one process: while one waits for fal.ai, the next one renders.

A row is a generator that yields whenever it waits, as the chain does; the conductor advances all that have begun, in turn, and
begins the next one as soon as all of them have nothing to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import Any

from ..driver import PAUSE, CancelRequest
from ..errors import ConsistencyError, Kind
from ..stages import Progress
from .progress import Teller
from .rows import Row
from .state import RowState, Standing

IN_A_ROW = 3  # rows that fail one after another because of the machine or the network; then it is not the products


@dataclass(frozen=True)
class Ended:
    """How a row was left. ``error``: what ended this try; ``note``: said in place of the standing's own words. ``is_old``: it was
    so before, and nobody need hear of it."""

    standing: Standing
    error: ConsistencyError | None = None
    note: str = ""
    is_old: bool = False


@dataclass
class Tally:
    """How many rows ended how, and why the rest was not begun, where something stopped it all."""

    states: dict[RowState, int] = field(default_factory=dict)
    later: int = 0  # rows that the machine or the network ended
    stopped: ConsistencyError | None = None

    def count(self, ended: Ended) -> None:
        state = ended.standing.state
        self.states[state] = self.states.get(state, 0) + 1


RowSteps = Generator[Any, None, Ended]


class Conductor:
    """Carries out ``work`` for rows, at most ``at_once`` begun ones at a time. ``ends_all``: an error that no other row can
    escape. Where ``stop`` is made, no further row begins, and those that have begun are left to end themselves.
    """

    def __init__(
        self,
        work: Callable[[Row], RowSteps],
        tell: Teller,
        stop: CancelRequest,
        *,
        at_once: int = 1,
        ends_all: Callable[[ConsistencyError], bool] = lambda _error: False,
        pause: float = PAUSE,
    ) -> None:
        self._work, self._tell, self._stop = work, tell, stop
        self._at_once, self._ends_all, self._pause = at_once, ends_all, pause
        self._active: dict[Row, RowSteps] = {}
        self._later_in_a_row = 0
        self.tally = Tally()

    def conduct(self, rows: Iterable[Row]) -> None:
        """Raises what a row raises, which is none of its own failures, after the others have been closed."""
        left, is_over = iter(rows), False
        try:
            while self._active or not is_over:
                is_idle = self._advance()
                is_over = is_over or self._stop.is_made or self.tally.stopped is not None
                if not is_over and (is_idle or not self._active) and len(self._active) < self._at_once:
                    row = next(left, None)
                    if row is None:
                        is_over = True
                    else:
                        self._active[row] = self._work(row)
                elif is_idle:
                    time.sleep(self._pause)
        finally:
            for steps in self._active.values():
                steps.close()
            self._active.clear()

    def _advance(self) -> bool:
        """One step of each row; whether all of them wait."""
        is_idle = True
        for row, steps in list(self._active.items()):
            try:
                said = next(steps)
            except StopIteration as done:
                del self._active[row]
                self._count(row, done.value)
                is_idle = False
                continue
            if isinstance(said, Progress):
                self._tell.goes_on(row, said)
                is_idle = is_idle and said.idle
            elif said is not None:
                is_idle = False
        return is_idle

    def _count(self, row: Row, ended: Ended) -> None:
        self.tally.count(ended)
        self._tell.ended(row, ended.standing, ended.note, is_old=ended.is_old)
        error = ended.error
        is_later = error is not None and error.kind == Kind.LATER and ended.standing.state != RowState.WORKING
        self.tally.later += is_later
        self._later_in_a_row = self._later_in_a_row + 1 if is_later else 0
        if error is not None and (self._ends_all(error) or self._later_in_a_row >= IN_A_ROW):
            self.tally.stopped = self.tally.stopped or error
