# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fal.ai backend as the chain sees it: requests become purchases, and the child process makes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..pipeline.backend.requests import Event, Request
from ..pipeline.errors import ConsistencyError, TryAgainLater
from ..pipeline.json_object import JsonObject
from ..pipeline.money.spending import Limits
from ..pipeline.redaction import hide
from ..pipeline.run.run_folder import RunFolder
from ..pipeline.run.run_log import take_forwarded
from ..pipeline.stages import JobState
from . import errors, quote, sentences
from .buying.purchase import Purchase
from .child.connection import connect
from .child.messages import Buy, Cancel, Happened, Hello, Logged, Note, Say
from .endpoints.base import Role
from .endpoints.catalogue import find, name_of
from .prices import Prices
from .request_to_purchase import purchase_for, with_endpoint

PATIENCE = 5.0  # seconds in which a child that has nothing to save any more has left


class FalBackend:
    """``patience``: seconds that ``close`` waits for the child to leave; what it still saves, it saves either way."""

    name = "fal"
    renders = False

    def __init__(
        self,
        folder: RunFolder,
        key: str,
        *,
        python_args: Sequence[str] = (),
        send_again: bool = False,
        retry_failed: bool = False,
        concurrency: int | None = None,
        patience: float = PATIENCE,
    ) -> None:
        hide(key)  # this process writes what the service says, too
        self._folder = folder
        self._settings = settings = folder.settings
        self._prices: Prices = folder.prices
        self._patience = patience
        self.has_bought = False  # the child was told to
        self._pending: dict[str, Event] = {}
        self._events: list[Event] = []
        self._connection = connect(
            Hello(
                key=key,
                run=str(folder.root),
                run_id=folder.id,
                product=settings.product_name,
                limits=Limits.of(settings),
                private=settings.privacy.private,
                send_again=send_again,
                retry_failed=retry_failed,
                check_inputs=settings.service.check_inputs,
                concurrency=concurrency,
            ),
            python_args,
        )

    @property
    def in_flight(self) -> int:
        return len(self._pending)

    def start(self, request: Request) -> None:
        """Hand a request to the child. What makes no sense ends at once, as a failed event."""
        try:
            purchase = self._purchase(request)
        except ConsistencyError as error:
            self._events.append(Event(request.key, JobState.FAILED, str(error), error=error))
            return
        self._folder.write()  # why it is bought, and under which number: whoever resumes would else buy another
        self._pending[request.key] = Event(request.key, JobState.WAITING)
        self.has_bought = True
        self._connection.send(Buy(purchase).to_json())

    def quote(self, request: Request) -> float | None:
        """What a request would cost in USD, None where that is not known. Nothing is sent."""
        try:
            return self._purchase(request).quoted_usd
        except ConsistencyError:
            return None

    def follows(self, endpoint: str) -> str:
        """Which clip of this machine's own the endpoint is sent: "render", "depth", or none, empty."""
        return find(endpoint, Role.VIDEO).follows

    def name_of(self, endpoint: str) -> str:
        """What people call the endpoint; its id where nobody here knows it."""
        return name_of(endpoint)

    def _purchase(self, request: Request) -> Purchase:
        request = with_endpoint(request, self._settings)
        return purchase_for(request, quote.live(self._prices, request.endpoint))

    def note(self, key: str, decision: JsonObject) -> None:
        self._connection.send(Note(key, decision).to_json())

    def poll(self, wait: float = 0.0) -> list[Event]:
        events, self._events = self._events, []
        for message in self._connection.read(0.0 if events or not self._pending else wait):
            if message.get("say") == Say.EVENT:
                events += self._events_of(Happened.from_json(message))
            elif message.get("say") == Say.LOG:
                logged = Logged.from_json(message)
                take_forwarded(logged.level, logged.name, logged.text)
        if self._connection.ended and self._pending:
            events += self._all_failed(TryAgainLater(sentences.CHILD_ENDED_IN_A_RUN))
        return events

    def _events_of(self, happened: Happened) -> list[Event]:
        if not happened.key:  # about the folder, not about a request
            return [Event(pending, happened.kind, happened.text) for pending in self._pending]
        if happened.key not in self._pending:
            return []
        event = Event(
            happened.key,
            happened.kind,
            happened.text,
            fraction=happened.fraction,
            queue_position=happened.queue_position,
            path=Path(happened.path) if happened.path else None,
            request_id=happened.request_id,
            seed=happened.seed,
            quoted_usd=happened.quoted_usd,
            billed_usd=happened.billed_usd,
            error=errors.from_json(happened.error) if happened.error else None,
        )
        if event.ends:
            del self._pending[event.key]
        return [event]

    def _all_failed(self, error: Exception) -> list[Event]:
        failed = [Event(key, JobState.FAILED, str(error), error=error) for key in self._pending]
        self._pending.clear()
        return failed

    def cancel(self, key: str | None = None) -> None:
        self._connection.send(Cancel(key).to_json())

    def close(self) -> None:
        self._connection.close(self._patience)

    @property
    def has_left(self) -> bool:
        """Nobody buys or saves anything for it any more."""
        return self._connection.has_left
