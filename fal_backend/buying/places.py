# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many requests may be at fal.ai at a time, over all processes of this machine.

A place is a file that the operating system locks for whoever has it: a process that dies leaves its places to others.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from ...pipeline.errors import Cancelled, RunFolderError, TryAgainLater
from ...pipeline.money.spending import state_folder
from ...pipeline.sentences import not_writable
from ...pipeline.stages import JobState
from ...pipeline.system.file_lock import try_lock
from .. import sentences
from .purchase import Tell

PAUSE = 0.2  # seconds between two looks for a free place


class Places:
    """``count`` places; None: any number."""

    def __init__(self, count: int | None) -> None:
        self._count = count
        self._folder = state_folder() / "places" if count is not None else None

    @contextlib.contextmanager
    def one(self, tell: Tell, cancel: threading.Event, leaving: threading.Event) -> Iterator[None]:
        """Have a place for as long as it takes. Raises Cancelled or TryAgainLater where it was not waited for."""
        if self._count is None:
            yield
            return
        with contextlib.ExitStack() as held:
            is_told = False
            while not self._take(held):
                if not is_told:
                    tell(JobState.WAITING, f"waiting for one of {self._count} places at fal.ai")
                    is_told = True
                if leaving.is_set():
                    raise TryAgainLater(sentences.NOT_SENT)
                if cancel.wait(PAUSE):
                    raise Cancelled(sentences.CANCELLED_BEFORE)
            yield

    def _take(self, held: contextlib.ExitStack) -> bool:
        assert self._folder is not None
        for number in range(self._count or 0):
            path = self._folder / f"{number}.lock"
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                file = path.open("a+b")
            except OSError as error:
                raise not_writable(path, error) from error
            try:
                is_ours = try_lock(file.fileno())
            except OSError as error:
                file.close()
                raise RunFolderError(f"{path} can't be locked ({error.strerror}); run without --concurrency") from error
            if is_ours:
                held.enter_context(file)
                return True
            file.close()
        return False
