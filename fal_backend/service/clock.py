# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What time it is at fal.ai, by the ``Date`` header of its answers: this machine's clock may be wrong."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from statistics import median

KEPT = 9  # answers; the middle one of them is believed, so a few wrong dates change nothing


class FalClock:
    """Safe from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead: deque[float] = deque(maxlen=KEPT)  # seconds since 1970 by fal, less this process's monotonic clock

    def heard(self, headers: Mapping[str, str]) -> None:
        """Take in the date of an answer, if it has one."""
        try:
            date = parsedate_to_datetime(headers.get("date", ""))
            seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, OverflowError, IndexError):
            return
        with self._lock:
            self._ahead.append(seconds - time.monotonic())

    def now(self) -> datetime | None:
        """The time at fal.ai in UTC, to a second or two; None where it has not said so yet."""
        with self._lock:
            ahead = median(self._ahead) if self._ahead else None
        return None if ahead is None else datetime.fromtimestamp(ahead + time.monotonic(), UTC)

    def at(self, moment: datetime) -> datetime:
        """A moment of this machine's clock by fal's, if the two have gone on as they stand to each other now."""
        now = self.now()
        return moment if now is None else moment + (now - datetime.now(UTC))


def parse(value: object) -> datetime | None:
    """An ISO 8601 moment, in UTC where it names no zone; None where it is none."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
