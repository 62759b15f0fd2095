# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deadline that holds: a server that sends a byte now and then keeps every socket timeout from ending.

The exchange runs in a thread of its own. At the deadline its connection is shut down, and nobody waits for it any longer:
name look-up, handshake, headers and body are all within.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import requests

T = TypeVar("T")


class DeadlinePassed(Exception):
    """The exchange had not ended in time. Whether anything was carried out is not known."""


class Cutoff:
    """What an exchange tells its watcher: how it can be cut off."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cuts: list[Callable[[], object]] = []
        self.is_over = False

    def on_deadline(self, cut: Callable[[], object]) -> None:
        """Call ``cut`` when the deadline passes; at once where it has. Whatever it raises is passed over."""
        with self._lock:
            if not self.is_over:
                self._cuts.append(cut)
                return
        _call(cut)

    def check(self) -> None:
        """Raises DeadlinePassed where nobody waits any more."""
        if self.is_over:
            raise DeadlinePassed

    def end(self) -> None:
        with self._lock:
            self.is_over = True
            cuts = list(self._cuts)
        for cut in cuts:
            _call(cut)


def within(seconds: float, exchange: Callable[[Cutoff], T]) -> T:
    """What ``exchange`` returns or raises. Raises DeadlinePassed where that takes longer than ``seconds``."""
    cutoff, done = Cutoff(), _Outcome[T]()

    def work() -> None:
        try:
            done.value = exchange(cutoff)
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is waited for
            done.error = error
        done.is_there.set()

    threading.Thread(target=work, name="exchange", daemon=True).start()
    if not done.is_there.wait(max(0.0, seconds)):
        cutoff.end()
        raise DeadlinePassed
    if done.error is not None:
        raise done.error
    return done.value


def shut(response: requests.Response) -> None:
    """End a connection that another thread reads from. Before urllib3 2.3, which can't, that thread is left to itself."""
    response.raw.shutdown()


class _Outcome(Generic[T]):
    value: T
    error: BaseException | None = None

    def __init__(self) -> None:
        self.is_there = threading.Event()


def _call(cut: Callable[[], object]) -> None:
    with contextlib.suppress(Exception):
        cut()
