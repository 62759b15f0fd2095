# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backend without a key, without AI and without a network: finished Cycles renders and a real turntable.

Geometrically exact by construction, and named "local" wherever it shows. It runs in Blender itself, one render at a
time, a step with each ``poll``.
"""

from __future__ import annotations

from collections import deque

from ..errors import Cancelled, UsageError
from ..json_object import JsonObject
from ..settings.groups import RunSettings
from ..stages import JobState, Steps
from .ports import Studio
from .requests import ClipRequest, Event, Request, StillRequest


class LocalBackend:
    name = "local"
    renders = True
    has_bought, has_left = False, True  # nobody else works for it

    def __init__(self, studio: Studio, settings: RunSettings) -> None:
        self._studio = studio
        self._settings = settings
        self._queue: deque[Request] = deque()
        self._working: Steps[None] | None = None
        self._events: list[Event] = []

    @property
    def in_flight(self) -> int:
        return len(self._queue)

    def start(self, request: Request) -> None:
        if not isinstance(request, (StillRequest, ClipRequest)):
            raise UsageError(
                "photos and words become a model at fal.ai only, and that needs a key; "
                "set FAL_KEY, or start from a GLB of your own"
            )
        if request.out.is_file():
            self._events.append(
                Event(request.key, JobState.DONE, f"{request.out.name} is there already", 1.0, path=request.out)
            )
        else:
            self._queue.append(request)

    def poll(self, wait: float = 0.0) -> list[Event]:  # noqa: ARG002 - rendering is the waiting
        if self._queue and not self._events:
            self._step(self._queue[0])
        events, self._events = self._events, []
        return events

    def _step(self, request: Request) -> None:
        if self._working is None:
            self._working = self._work(request)
        try:
            progress = next(self._working)
            self._events.append(Event(request.key, JobState.RUNNING, progress.text, progress.fraction))
        except StopIteration:
            self._end(
                Event(request.key, JobState.DONE, f"{request.out.name} rendered", 1.0, path=request.out, billed_usd=0.0)
            )
        except Cancelled:  # Esc stopped the render: that is the end of the run, not of this picture alone
            self._working = None
            raise
        except Exception as error:  # noqa: BLE001 - one failed picture must not take the others down
            self._end(Event(request.key, JobState.FAILED, str(error), error=error))

    def _end(self, event: Event) -> None:
        self._queue.popleft()
        self._working = None
        self._events.append(event)

    def _work(self, request: Request) -> Steps[None]:
        if isinstance(request, StillRequest):
            return self._studio.finish_reference(request.angle, request.reference.parent, request.out)
        assert isinstance(request, ClipRequest)
        return self._studio.render_exact_clip(request, self._settings)

    def quote(self, request: Request) -> float:  # noqa: ARG002 - all of it costs the same
        return 0.0

    def follows(self, endpoint: str) -> str:  # noqa: ARG002 - it renders the clip itself
        return ""

    def name_of(self, endpoint: str) -> str:
        return endpoint  # none is asked here

    def note(self, key: str, decision: JsonObject) -> None:
        """There is no journal of purchases; run.json has it."""

    def cancel(self, key: str | None = None) -> None:
        for request in [r for r in self._queue if key in (None, r.key)]:
            if self._working is not None and request is self._queue[0]:
                self._working.close()
                self._working = None
            self._queue.remove(request)
            self._events.append(
                Event(request.key, JobState.FAILED, "cancelled", error=Cancelled(f"{request.key} was cancelled"))
            )

    def close(self) -> None:
        if self._working is not None:
            self._working.close()
            self._working = None
        self._queue.clear()
