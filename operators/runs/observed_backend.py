# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A backend that notes each request and what is said of it, for the panels; to the chain it is the backend itself."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...pipeline.errors import Cancelled
from ...pipeline.stages import JobState

if TYPE_CHECKING:
    from ...pipeline.backend.ports import Backend
    from ...pipeline.backend.requests import Event, Request
    from ...pipeline.run.journal import Purchases


@dataclass
class Job:
    """One request as the panels show it. Times in seconds, money in USD; None where unknown."""

    key: str
    stage: str
    angle: str
    take: int
    began: float
    state: JobState = JobState.WAITING
    log: str = ""
    fraction: float | None = None
    queue_position: int | None = None
    request_id: str = ""
    quoted_usd: float | None = None
    billed_usd: float | None = None
    ended: float | None = None
    took: float | None = None  # where it was made before this run of it

    @property
    def elapsed(self) -> float:
        if self.took is not None and self.state == JobState.DONE:
            return self.took
        return (self.ended if self.ended is not None else time.monotonic()) - self.began


class ObservedBackend:
    """A backend whose requests and events are noted in ``jobs``, by key. ``earlier``: what had been asked for before."""

    def __init__(self, backend: Backend, earlier: Purchases | None = None) -> None:
        self.backend, self._earlier = backend, earlier
        self.name, self.renders = backend.name, backend.renders
        self.jobs: dict[str, Job] = {}

    def start(self, request: Request) -> None:
        from ...pipeline.run.attempt import AT_FAL, NextStep

        angle = getattr(request, "angle", None)
        job = Job(
            request.key, request.stage, angle.name if angle else "", getattr(request, "take", 0), time.monotonic()
        )
        before = self._earlier.last(request.key) if self._earlier is not None else None
        if before is not None and before.next_step in AT_FAL:
            job.took = before.seconds() if before.next_step == NextStep.DONE else None
            job.began -= before.seconds() or 0.0
        self.jobs[request.key] = job
        self.backend.start(request)

    def poll(self, wait: float = 0.0) -> list[Event]:
        events = self.backend.poll(wait)
        for event in events:
            self._note(event)
        return events

    def _note(self, event: Event) -> None:
        job = self.jobs.get(event.key)
        if job is None:
            return
        job.state = JobState.CANCELLED if isinstance(event.error, Cancelled) else event.kind
        job.log = event.text or job.log
        job.queue_position = event.queue_position
        job.fraction = event.fraction if event.fraction is not None else job.fraction
        job.request_id = event.request_id or job.request_id
        for name in ("quoted_usd", "billed_usd"):
            if getattr(event, name) is not None:
                setattr(job, name, getattr(event, name))
        if event.ends:
            job.ended = time.monotonic()

    def quote(self, request: Request) -> float | None:
        return self.backend.quote(request)

    def follows(self, endpoint: str) -> str:
        return self.backend.follows(endpoint)

    def name_of(self, endpoint: str) -> str:
        return self.backend.name_of(endpoint)

    def note(self, key: str, decision: dict[str, Any]) -> None:
        self.backend.note(key, decision)

    def cancel(self, key: str | None = None) -> None:
        self.backend.cancel(key)

    def close(self) -> None:
        self.backend.close()

    @property
    def in_flight(self) -> int:
        """Requests that fal.ai may still be working on; none where this machine does the work."""
        return int(getattr(self.backend, "in_flight", 0))
