# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run has asked of its backend, and what became of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from ..errors import ConsistencyError
from ..stages import JobState, Progress, Stage
from .ports import Backend
from .requests import Event, Request

logger = logging.getLogger(__name__)


class OpenRequests:
    """What has been asked of the backend, and the last word on each."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.requests: dict[str, Request] = {}
        self.ended: dict[str, Event] = {}
        self._forgiven: set[str] = set()
        self._logged: dict[str, tuple[str, str]] = {}

    def start(self, request: Request) -> None:
        self.requests[request.key] = request
        logger.info("%s: asked for", request.key)
        self.backend.start(request)

    def news(self, wait: float = 0.0) -> Iterator[Progress]:
        """What happened since the last call, as Progress."""
        for event in self.backend.poll(wait):
            request = self.requests.get(event.key)
            if request is None:
                continue
            self._log(event)
            if event.ends:
                self.ended[event.key] = event
            angle = getattr(request, "angle", None)
            yield Progress(
                request.stage,
                event.text or event.kind,
                event.fraction,
                angle.name if angle else None,
                warning=event.kind == JobState.FAILED,
            )

    def _log(self, event: Event) -> None:
        """Each change of a request, not every percent of it."""
        change = (event.kind, event.text if event.fraction is None else "")
        if event.ends or self._logged.get(event.key) != change:
            self._logged[event.key] = change
            level = logging.WARNING if event.kind == JobState.FAILED else logging.INFO
            request = "" if event.request_id is None else f", request {event.request_id}"
            billed = "" if event.billed_usd is None else f", billed {event.billed_usd:g} USD"
            logger.log(level, "%s: %s%s%s: %s", event.key, event.kind, request, billed, event.text)

    def waiting(self) -> bool:
        return any(key not in self.ended for key in self.requests)

    def done(self, key: str) -> bool:
        return key in self.ended and self.ended[key].kind == JobState.DONE

    def forgive(self, key: str) -> None:
        """The run is whole without it: its failure is known, and not the run's."""
        self._forgiven.add(key)

    def failed(self, stage: Stage | None = None) -> list[Event]:
        """Requests that failed, of one stage or of all, and were not forgiven."""
        return [
            event
            for key, event in self.ended.items()
            if event.kind == JobState.FAILED and key not in self._forgiven and stage in (None, self.requests[key].stage)
        ]

    def failures(self) -> list[Exception]:
        return [event.error or ConsistencyError(event.text) for event in self.failed()]
