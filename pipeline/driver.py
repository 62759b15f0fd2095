# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a surface advances a run to its end, or to a cancel that ends it in order.

The command line exhausts these generators; the window advances them a little at each tick of a timer. Both do so on
their main thread, and nothing here blocks it for longer than ``wait`` or ``pause`` says.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import Cancelled

if TYPE_CHECKING:
    from .backend.ports import Backend
    from .backend.requests import Event
    from .stages import Progress, Steps

CANCEL_PATIENCE = 45.0  # seconds to hear from fal.ai what a cancel meant
PAUSE = 0.05  # seconds between two looks for whoever has nothing else to do
T = TypeVar("T")


class CancelRequest:
    """Asks a run to end. Once: as soon as fal.ai has said what becomes of each request. Again: without its answers."""

    def __init__(self) -> None:
        self.times = 0

    @property
    def is_made(self) -> bool:
        return self.times > 0

    def make(self) -> None:
        self.times += 1


def finish(steps: Generator[Any, None, T], pause: float = 0.0) -> T:
    """Advance to the end; what ``steps`` returns. ``pause``: seconds between two steps, for those that only wait."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: T = done.value
            return result
        if pause:
            time.sleep(pause)


def cancellable(
    steps: Steps[T], backend: Backend, cancel: CancelRequest, how_to_resume: str, wait: float = 0.0
) -> Generator[Progress | Event | None, None, T]:
    """The chain's ``steps``, until ``cancel`` is made: then ``backend`` drops what it can, and the chain is told to end.

    Yields the chain's Progress; while cancelling each Event that ends a request, and None for every look that brought
    nothing, of ``wait`` seconds at most. Returns what ``steps`` return. Raises what they raise, and Cancelled, which
    ends with ``how_to_resume``: what the user does to go on.
    """
    stopped: Cancelled | None = None
    try:
        while not cancel.is_made:
            try:
                progress = next(steps)
            except StopIteration as done:
                result: T = done.value
                return result
            except Cancelled as error:  # Esc reached a render of Blender's own before it reached us
                stopped = error
                cancel.make()
            else:
                yield progress
        yield from _answers_to_cancel(backend, cancel, wait)
        cancelled = Cancelled(f"the run was cancelled; what is done is kept, {how_to_resume} to go on from here")
        if stopped is None:
            steps.throw(cancelled)
        raise cancelled from stopped
    finally:
        steps.close()


def _answers_to_cancel(backend: Backend, cancel: CancelRequest, wait: float) -> Generator[Event | None, None, None]:
    """Ask to drop everything, and hear what becomes of it: some is removed, some is billed and still comes."""
    times, deadline = cancel.times, time.monotonic() + CANCEL_PATIENCE
    backend.cancel()
    while True:
        yield from (event for event in backend.poll(wait) if event.ends)
        if not backend.in_flight or cancel.times > times or time.monotonic() >= deadline:
            return
        yield None
