# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a run is and how long it still takes, in one line that never goes backwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..settings.choices import BackendName, MotionName
from ..stages import STAGES, JobState, Progress, Stage

if TYPE_CHECKING:
    from .run_folder import RunFolder

WORDS = dict(zip(STAGES, ("Model", "Cameras and lights", "Reference", "Still", "Clip", "Results"), strict=True))
EACH_ANGLE = (Stage.REFERENCES, Stage.PHOTOREAL)
# Seconds that one piece of a stage takes, until a run has shown how long it takes here.
AT_FAL = dict(zip(STAGES, (120.0, 2.0, 20.0, 15.0, 90.0, 8.0), strict=True))
HERE = dict(zip(STAGES, (2.0, 2.0, 20.0, 35.0, 120.0, 8.0), strict=True))
MOST = 0.99  # of the whole, until it has ended
TRUST = 1.5  # an expectation that has been passed by this factor is not told any more

Piece = tuple[Stage, str]  # a stage, and the angle it is about


class Outlook:
    """Of one run up to the stage ``until``. ``look`` is called at each step; ``line`` and ``fraction`` (0..1) are shown."""

    def __init__(self, folder: RunFolder, until: Stage, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        settings = folder.settings
        self._angles = [angle.name for angle in settings.studio.angles]
        self._motion = settings.clip.motion
        self._expected = dict(HERE if settings.service.backend == BackendName.LOCAL else AT_FAL)
        self._overlaps = (
            settings.service.backend != BackendName.LOCAL
        )  # stills are made at fal.ai while references are rendered here
        wanted = STAGES[: STAGES.index(until) + 1]
        self._pieces: list[Piece] = [
            (stage, angle)
            for stage in wanted
            if not (stage == Stage.VIDEO and self._motion == MotionName.NONE)
            for angle in (self._angles if stage in EACH_ANGLE else ("",))
        ]
        self._done: set[Piece] = set()
        self._at = 0  # index in STAGES
        self._last_piece_at = clock()
        self._took: dict[Stage, list[float]] = {}
        self._shown_left: float | None = None
        self.fraction = 0.0
        self.line = ""
        self._note_done(first=True)

    def look(self, progress: Progress | None) -> None:
        """Bring ``line`` and ``fraction`` up to date with the folder's record and the last thing the chain said."""
        self._note_done()
        left = [piece for piece in self._pieces if piece not in self._done]
        if not left:
            self.fraction, self.line = max(self.fraction, MOST), "Finishing"
            return
        self._at = max(self._at, min(STAGES.index(stage) for stage, _ in left))
        stage = STAGES[self._at]
        part = progress.fraction or 0.0 if progress is not None and progress.stage == stage else 0.0
        self._set_fraction(left, stage, min(1.0, part))
        self.line = self._words(stage, progress) + self._time(left, stage, min(1.0, part))

    def _note_done(self, *, first: bool = False) -> None:
        new = [piece for piece in self._pieces if piece not in self._done and self._is_done(piece)]
        if not new:
            return
        self._done.update(new)
        if first:  # of an earlier life of this run
            return
        now = self._clock()
        stage = new[0][0]
        self._took.setdefault(stage, []).append((now - self._last_piece_at) / len(new))
        self._expected[stage] = sum(self._took[stage]) / len(self._took[stage])
        if stage == Stage.REFERENCES and not self._overlaps and Stage.PHOTOREAL not in self._took:
            self._expected[Stage.PHOTOREAL] = 2.0 * self._expected[Stage.REFERENCES]  # twice the samples
        self._last_piece_at = now

    def _is_done(self, piece: Piece) -> bool:
        stage, angle = piece
        if stage == Stage.REFERENCES:
            return angle in self._folder.rendered
        if stage == Stage.PHOTOREAL:
            return self._folder.chosen(f"photoreal/{angle}") is not None
        if stage == Stage.VIDEO:
            return self._folder.chosen(f"video/{self._motion}") is not None
        return self._folder.stage(stage).is_over

    def _set_fraction(self, left: list[Piece], stage: Stage, part: float) -> None:
        whole = sum(self._expected[each] for each, _ in self._pieces)
        to_come = sum(self._expected[each] for each, _ in left) - part * self._expected[stage]
        self.fraction = min(MOST, max(self.fraction, 1.0 - to_come / whole))

    def _words(self, stage: Stage, progress: Progress | None) -> str:
        if stage in EACH_ANGLE:
            done = sum(each == stage for each, _ in self._done)
            return f"{WORDS[stage]} {min(done + 1, len(self._angles))} of {len(self._angles)}"
        tells = progress is not None and progress.stage == stage and not progress.idle
        said = progress.text if progress is not None and tells else ""
        return f"{WORDS[stage]}: {said}" if said not in ("", JobState.RUNNING, self._motion) else WORDS[stage]

    def _time(self, left: list[Piece], stage: Stage, part: float) -> str:
        """Once this run has shown how long a picture takes here; and no longer than that holds."""
        if Stage.REFERENCES not in self._took and Stage.PHOTOREAL not in self._took:
            return ""
        expected = self._seconds(left, stage, part)
        if self._shown_left is not None and expected > TRUST * max(self._shown_left, 5.0):
            return ""
        self._shown_left = expected if self._shown_left is None else min(expected, self._shown_left)
        return f", {about(self._shown_left)} left"

    def _seconds(self, left: list[Piece], stage: Stage, part: float) -> float:
        since = self._clock() - self._last_piece_at
        counts = {each: sum(other == each for other, _ in left) for each in STAGES}
        if self._overlaps:
            counts[Stage.PHOTOREAL] = min(counts[Stage.PHOTOREAL], 1)
        here = self._expected[stage]
        gone = max(part * here, min(since, here))
        return max(0.0, sum(count * self._expected[each] for each, count in counts.items()) - gone)


def about(seconds: float) -> str:
    """A length of time as coarse as it is known: "a few seconds", "about 40 s", "about 3 min"."""
    if seconds < 7.5:
        return "a few seconds"
    if seconds < 95.0:
        step = 5 if seconds < 32.5 else 10
        return f"about {max(step, round(seconds / step) * step)} s"
    return f"about {max(2, round(seconds / 60.0))} min"
