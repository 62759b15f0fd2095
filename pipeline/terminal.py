"""A terminal: standard output for the result alone, progress on standard error, Ctrl-C taken note of."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .stages import Progress


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
        own.flush()
        if "bpy" not in sys.modules:
            os.dup2(own.fileno(), 1)
        own.close()


class Stop:
    """Whether the user, or the machine, wants this to end. The handlers only take note; the loop acts."""

    def __init__(self) -> None:
        self.wanted = False
        self._before = {name: signal.signal(name, self._note) for name in (signal.SIGINT, signal.SIGTERM)}

    def _note(self, _number: int, _frame: object) -> None:
        self.wanted = True

    def restore(self) -> None:
        for name, handler in self._before.items():
            # None: it was Blender's own, set from C, which Python can't put back; the default ends the process too.
            signal.signal(name, signal.SIG_DFL if handler is None else handler)


class Show:
    """Progress as lines on standard error, each thing said once."""

    def __init__(self) -> None:
        self._last: tuple[str, str | None, str] | None = None
        self._said: dict[tuple[str, str | None], str] = {}

    def __call__(self, progress: Progress) -> None:
        words = (progress.stage, progress.angle, progress.text)
        place = (progress.stage, progress.angle)
        if progress.text == "waiting" or words == self._last or self._said.get(place) == progress.text:
            return
        self._last = words
        self._said[place] = progress.text
        angle = f"{progress.angle}: " if progress.angle else ""
        mark = "warning: " if progress.warning else ""
        share = f" ({progress.fraction:.0%})" if progress.fraction is not None and 0 < progress.fraction < 1 else ""
        say(f"[{progress.stage}] {mark}{angle}{progress.text}{share}")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
