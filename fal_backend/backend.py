"""The fal.ai backend as the chain sees it: requests become purchases, and the child process makes them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..pipeline.backend.requests import Event, Request
from ..pipeline.errors import ConsistencyError, TryAgainLater
from ..pipeline.money.spending import Limits
from ..pipeline.redaction import hide
from ..pipeline.run.run_folder import RunFolder
from . import errors, quote
from .buying.purchase import Purchase
from .child.connection import connect
from .request_to_purchase import purchase_for, with_endpoint


class FalBackend:
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
    ) -> None:
        hide(key)  # this process writes what the service says, too
        self._settings = settings = folder.settings
        self._prices: quote.Prices = folder.record.get("prices") or {}
        self._pending: dict[str, Event] = {}
        self._events: list[Event] = []
        self._connection = connect(
            {
                "key": key,
                "run": str(folder.root),
                "run_id": folder.record["id"],
                "product": settings.product_name,
                "limits": dataclasses.asdict(Limits.of(settings)),
                "private": settings.privacy.private,
                "send_again": send_again,
                "retry_failed": retry_failed,
            },
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
            self._events.append(Event(request.key, "failed", str(error), error=error))
            return
        self._pending[request.key] = Event(request.key, "waiting")
        self._connection.send({"do": "buy", "purchase": purchase.to_json()})

    def quote(self, request: Request) -> float | None:
        """What a request would cost in USD, None where that is not known. Nothing is sent."""
        try:
            return self._purchase(request).quoted_usd
        except ConsistencyError:
            return None

    def _purchase(self, request: Request) -> Purchase:
        request = with_endpoint(request, self._settings)
        return purchase_for(request, quote.live(self._prices, request.endpoint))

    def note(self, key: str, decision: dict[str, Any]) -> None:
        """The child writes it to the journal: two processes writing one file could cut each other's lines."""
        self._connection.send({"do": "note", "key": key, "decision": decision})

    def poll(self, wait: float = 0.0) -> list[Event]:
        events, self._events = self._events, []
        for message in self._connection.read(0.0 if events or not self._pending else wait):
            if message.get("say") == "event":
                events += self._event(message)
        if self._connection.ended and self._pending:
            events += self._all_failed(
                TryAgainLater(
                    "the process that talks to fal.ai ended unexpectedly; resume to go on: nothing paid is lost"
                )
            )
        return events

    def _event(self, message: dict[str, Any]) -> list[Event]:
        key = message.get("key", "")
        if not key:  # about the folder, not about a request
            return [Event(pending, message["kind"], message["text"]) for pending in self._pending]
        if key not in self._pending:
            return []
        facts = {name: message[name] for name in _FACTS if message.get(name) is not None}
        path = Path(message["path"]) if message.get("path") else None
        error = errors.from_json(message["error"]) if message.get("error") else None
        event = Event(key, message["kind"], message.get("text", ""), path=path, error=error, **facts)
        if event.ends:
            del self._pending[key]
        return [event]

    def _all_failed(self, error: Exception) -> list[Event]:
        failed = [Event(key, "failed", str(error), error=error) for key in self._pending]
        self._pending.clear()
        return failed

    def cancel(self, key: str | None = None) -> None:
        self._connection.send({"do": "cancel", "key": key})

    def close(self) -> None:
        self._connection.close()


_FACTS = ("fraction", "queue_position", "request_id", "seed", "quoted_usd", "billed_usd")
