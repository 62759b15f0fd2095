# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One press of a button that starts a run: asked, agreed to, running, ended. No window: whoever has a timer calls ``tick``."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import TYPE_CHECKING

import bpy

from ...pipeline.driver import PAUSE
from ...pipeline.errors import Cancelled, ConsistencyError
from ..editing.scene_settings import to_settings
from . import active_run, start_run
from .run_request import RunRequest

if TYPE_CHECKING:
    from ...fal_backend.child.questions import Question
    from ...fal_backend.quote import Estimate


class State(StrEnum):
    ASKED = "asked"  # the button was pressed, and what that costs is being found out
    AGREED = "agreed"  # nothing more has to be agreed to
    RUNNING = "running"
    ENDED = "ended"


class RunSession:
    """From the press of a button to the end of the run. Advanced on Blender's main thread.

    ``costs`` is there once fal.ai has told its prices, ``run`` once something has begun. ``needs_consent``: it ended
    because more would be spent than was agreed to; nothing has begun then.
    """

    def __init__(self, scene: bpy.types.Scene, request: RunRequest, agreed_usd: float) -> None:
        self.request = request
        self.state = State.ASKED
        self.costs: Estimate | None = None
        self.run: active_run.ActiveRun | None = None
        self.needs_consent = False
        self.is_cancelling = False
        self._agreed_usd = agreed_usd
        self._scene = scene.session_uid
        self._question: Question[Estimate] | None = None

    @property
    def scene_if_there(self) -> bpy.types.Scene | None:
        """The scene that the run began in, whatever it is called by now; None where it was deleted."""
        return active_run.scene_of(self._scene)

    @property
    def scene(self) -> bpy.types.Scene:
        """The same. Raises ConsistencyError where it was deleted."""
        scene = self.scene_if_there
        if scene is None:
            raise ConsistencyError(
                "the scene of this run was deleted; nothing paid for is lost: open the run again under Jobs, Earlier Runs"
            )
        return scene

    def tick(self, budget: float = active_run.TICK_BUDGET) -> State:
        """One step; while running, as many as ``budget`` seconds allow. Raises what ends it badly: it is closed then."""
        try:
            if self.state is State.ASKED:
                self._ask()
            elif self.state is State.AGREED:
                self._start()
            elif self.state is State.RUNNING:
                self._advance(budget)
        except Exception:
            self.close()
            raise
        return self.state

    def _ask(self) -> None:
        if self.is_cancelling:
            raise Cancelled("nothing was begun and nothing was spent")
        if self.costs is not None:
            self._agree(self.costs)
            return
        if self._question is None:  # not before: an undo since the button was pressed has made the scene another
            self._question = start_run.estimate(self.scene, self.request)
        try:
            next(self._question)
        except StopIteration as done:
            self.costs = done.value

    def _agree(self, costs: Estimate) -> None:
        from ...fal_backend import consent

        consent.check(costs, to_settings(self.scene))
        if consent.covers(self._agreed_usd, costs):
            self.state = State.AGREED
        else:
            self.needs_consent = True
            self.close()

    def _start(self) -> None:
        assert self.costs is not None
        self.run = start_run.start(self.scene, self.request, self.costs.prices)
        self.state = State.RUNNING

    def _advance(self, budget: float) -> None:
        assert self.run is not None
        assert self.scene is not None  # raises where it was deleted
        if self.is_cancelling:
            self.run.cancel()
        if self.run.advance(budget):
            self.state = State.ENDED
            if self.run.error is not None:
                raise self.run.error

    def cancel(self) -> None:
        """End in order, from the next tick on."""
        self.is_cancelling = True

    def finish(self) -> None:
        """Tick until it has ended, however long that takes: for scripts.

        Raises ConsistencyError where more would be spent than was agreed to, and what ends the run badly.
        """
        from ...fal_backend import consent
        from ...studio.scene.render_job import waiting_window

        with waiting_window():
            while self.tick(1.0) is not State.ENDED:
                if self.costs is None or (self.run is not None and self.run.waits):
                    time.sleep(PAUSE)
        if self.needs_consent and self.costs is not None:
            how = f"agree with agreed_usd={self.costs.most:.6g}"
            raise ConsistencyError(consent.refusal(self.costs, how))

    def close(self) -> None:
        """Let go, at whatever point: what was paid for is still fetched and saved by the process that bought it."""
        self.state = State.ENDED
        if self._question is not None:
            self._question.close()
        if self.run is not None:
            self.run.close()
