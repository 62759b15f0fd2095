# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Esc ends a run also where Blender's own render has taken the press of the key.

Blender's render job takes the press of Esc while it runs, and stops. A render of a moment is over before it has heard of
it: the press is lost, the picture is whole, and all that comes here is the release of the key. Called on the main thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable

JUST_NOW = 0.6  # seconds: a finger is that long on a key


class EscapeKey:
    """What became of the Esc key during one run. ``clock``: seconds, for tests."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._is_down = False
        self._rendered_at = self._released_at = -JUST_NOW - 1.0

    def look(self, rendering: bool) -> bool:
        """Told at each tick whether Blender is rendering. True: a release of just now means the run, for the render that will
        have had its press has ended."""
        if rendering:
            self._rendered_at = self._clock()
            return False
        released, self._released_at = self._released_at, -JUST_NOW - 1.0
        return self._clock() - released < JUST_NOW

    def asks_to_cancel(self, value: str, rendering: bool) -> bool:
        """Whether a press or a release (``value``) of Esc means the run.

        A press does. A release without a press that came here belongs to somebody else, such as a text field that was
        typed into, unless a render has just ended that will have had the press.
        """
        if value == "PRESS":
            self._is_down = True
            return True
        was_down, self._is_down = self._is_down, False
        if was_down:
            return False
        if rendering:
            self._released_at = self._clock()
        return not rendering and self._clock() - self._rendered_at < JUST_NOW
