"""A terminal: standard output for the result alone, progress on standard error, Ctrl-C taken note of.

It may go away while a run goes on: closed, or a ``| tee`` that ends with the same Ctrl-C. What can't be said then is not
said, and the run still ends in order.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from .errors import Cancelled

if TYPE_CHECKING:
    from .backend.ports import Backend
    from .stages import Progress, Steps

CANCEL_PATIENCE = 45.0  # seconds to hear from fal.ai what a cancel meant


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


class Stop:
    """Whether the user, or the machine, wants this to end. The handlers only take note; the loop acts.

    Ctrl-C, a request to terminate and a closed terminal mean the same. Under ``nohup`` a closed terminal means nothing.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._before: dict[int, Any] = {}
        for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):  # the last one: a closed console of Windows
            number = getattr(signal, name, None)
            if number is not None and not (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):
                self._before[number] = signal.signal(number, self._note)

    def _note(self, _number: int, _frame: object) -> None:
        self.wanted = True

    def restore(self) -> None:
        for name, handler in self._before.items():
            # None: it was Blender's own, set from C, which Python can't put back; the default ends the process too.
            signal.signal(name, signal.SIG_DFL if handler is None else handler)


def drive(steps: Steps[dict[str, Any]], backend: Backend, stop: Stop, root: Path) -> dict[str, Any]:
    """Advance the chain of the run in ``root`` to its end, telling what it says. Its report.

    Raises what the chain raises, and Cancelled once ``stop`` is wanted and what is in flight has been cancelled.
    """
    show = Show()
    try:
        while True:
            show(next(steps))
            if stop.wanted:
                _cancel(backend, stop)
                steps.throw(Cancelled(f"cancelled; 'consistency resume {root}' goes on from here"))
    except StopIteration as done:
        report: dict[str, Any] = done.value
        return report
    finally:
        steps.close()


def _cancel(backend: Backend, stop: Stop) -> None:
    """Cancel what is in flight and say what that means; a second Ctrl-C stops waiting for fal's answers."""
    say("cancelling …")
    stop.wanted = False
    backend.cancel()
    deadline = time.monotonic() + CANCEL_PATIENCE
    while time.monotonic() < deadline and not stop.wanted and backend.in_flight:
        for event in backend.poll(0.2):
            if event.ends:
                say(f"{event.key}: {event.text}")


class Show:
    """Progress as lines on standard error, each thing said once."""

    def __init__(self) -> None:
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
        say(f"[{progress.stage}] {mark}{angle}{progress.text}{share}")


def say(text: str) -> None:
    put(text, sys.stderr)


def put(text: str, stream: IO[str]) -> None:
    """Write a line, where anybody can still read it."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=stream, flush=True)
