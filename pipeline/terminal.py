# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A terminal: standard output for the result alone, progress on standard error, Ctrl-C taken note of.

It may go away while a run goes on: closed, or a ``| tee`` that ends with the same Ctrl-C. What can't be said then is not
said, and the run still ends in order.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from .driver import CancelRequest, cancellable

if TYPE_CHECKING:
    from .backend.ports import Backend
    from .stages import Progress, Steps

WAIT = 0.2  # seconds that one look for fal's answers to a cancel takes at most
T = TypeVar("T")


@contextlib.contextmanager
def quiet_stdout() -> Iterator[Any]:
    """Standard output for our own words only: Blender and Cycles write there from C, also after we are done."""
    try:
        own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    except OSError:  # no standard output at all
        yield sys.stdout
        return
    sys.stdout.flush()
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        with contextlib.redirect_stdout(own):
            yield own
    finally:
        with contextlib.suppress(OSError):
            own.flush()
        if "bpy" not in sys.modules:
            os.dup2(own.fileno(), 1)
        with contextlib.suppress(OSError):
            own.close()


class Stop(CancelRequest):
    """Made by the user, or the machine, that wants this to end. The handlers only take note; the loop acts.

    Ctrl-C, a request to terminate and a closed terminal mean the same. Under ``nohup`` a closed terminal means nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self._before: dict[int, Any] = {}
        for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):  # the last one: a closed console of Windows
            number = getattr(signal, name, None)
            if number is not None and not (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):
                self._before[number] = signal.signal(number, self._note)

    def _note(self, number: int, _frame: object) -> None:
        # A farm that ends a job tells the whole group and each process in it; only a person at a terminal insists.
        if not self.is_made or number == signal.SIGINT:
            self.make()

    def restore(self) -> None:
        for name, handler in self._before.items():
            # None: it was Blender's own, set from C, which Python can't put back; the default ends the process too.
            signal.signal(name, signal.SIG_DFL if handler is None else handler)


def run_to_end(steps: Steps[T], backend: Backend, stop: Stop, root: Path) -> T:
    """Advance the chain of the run in ``root`` to its end, telling what it says; what it returns.

    Raises what ``driver.cancellable`` raises: Cancelled where ``stop`` is made. A second Ctrl-C stops waiting for fal's answers.
    """
    from .stages import Progress

    show, is_told = Show(), False
    run = cancellable(steps, backend, stop, f"run 'consistency resume {root}'", WAIT)
    try:
        while True:
            said = next(run)
            if isinstance(said, Progress):
                show(said)
            elif said is not None:
                say(f"{said.key}: {said.text}")
            if stop.is_made and not is_told:
                is_told = True
                say("cancelling …")
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        run.close()


def finish_telling(steps: Steps[T]) -> T:
    """Advance what only this machine works on to its end, telling what it says; what it returns."""
    show = Show()
    while True:
        try:
            show(next(steps))
        except StopIteration as done:
            result: T = done.value
            return result


class Show:
    """Progress as lines on standard error, each thing said once. ``before``: how each line begins."""

    def __init__(self, before: str = "") -> None:
        self._before = before
        self._last: tuple[str, str | None, str] | None = None
        self._said: dict[tuple[str, str | None], str] = {}

    def __call__(self, progress: Progress) -> None:
        words = (progress.stage, progress.angle, progress.text)
        place = (progress.stage, progress.angle)
        if progress.idle or words == self._last or self._said.get(place) == progress.text:
            return
        self._last = words
        self._said[place] = progress.text
        angle = f"{progress.angle}: " if progress.angle else ""
        mark = "warning: " if progress.warning else ""
        share = f" ({progress.fraction:.0%})" if progress.fraction is not None and 0 < progress.fraction < 1 else ""
        say(f"{self._before}[{progress.stage}] {mark}{angle}{progress.text}{share}")


def say(text: str) -> None:
    put(text, sys.stderr)


def put(text: str, stream: IO[str]) -> None:
    """Write a line, where anybody can still read it."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=stream, flush=True)
