# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long the child process waits for what, in seconds: one page, so that nothing gives up sooner than it should."""

from __future__ import annotations

import threading
import time

RESULT = {"model": 45 * 60.0, "photoreal": 20 * 60.0, "video": 60 * 60.0}  # from submission to result, by stage
WEATHER = 240.0  # how long in a row an accepted request may get no usable answer before it is left for a resume
LOOK = 12.0  # the same, where an earlier run has waited for it in vain and nothing is bought in its place
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # between two questions in bad weather; each pause is twice the last
CONFIRM = 1.0  # between two readings of an answer that, if true, means that the picture is lost
GRACE = 30.0  # to see how a request ends that was cancelled while running
# Between two sendings, where it is proven that the first was not billed.
AFTER_A_FAULT = (2.0, 8.0)
AFTER_SILENCE = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
# Until fal's request list is asked, and asked again, for a submission without a clear answer. Together they are how long
# the list may lag: what it does not show after them, it is taken not to hold.
LOOK_UP = (0.5, 2.0, 8.0, 20.0)


def interval(waited: float) -> float:
    """Seconds between two questions in fair weather: a tenth of the wait so far, so no result is found later than that."""
    return min(max(0.25, waited / 10.0), 5.0)


class Weather:
    """A row of bad answers: says how long to pause after each, and when there have been enough. One thread's own."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self.clear()

    def clear(self) -> None:
        """A usable answer has come: the next bad one begins a new row."""
        self._since: float | None = None
        self._pause = FIRST_PAUSE
        self.count = 0

    @property
    def is_over(self) -> bool:
        """No longer to be waited for."""
        return self._since is not None and time.monotonic() - self._since >= self._patience

    def pause(self, cancel: threading.Event) -> float:
        """Wait after a bad answer; the seconds that it was meant to be. Cut short by ``cancel``, where it comes meanwhile."""
        self._since = time.monotonic() if self._since is None else self._since
        self.count += 1
        pause, self._pause = self._pause, min(self._pause * 2.0, LONGEST_PAUSE)
        if cancel.is_set():  # it has been dealt with
            time.sleep(pause)
        else:
            cancel.wait(pause)
        return pause
