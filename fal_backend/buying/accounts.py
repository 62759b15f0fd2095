# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run's journal and the machine's book of spendings, kept in step."""

from __future__ import annotations

import contextlib
import json
import secrets
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from ...pipeline.errors import BudgetExceeded
from ...pipeline.json_object import JsonObject
from ...pipeline.money.spending import Entry, Limits, SpendingBook, attempt_id, local_day
from ...pipeline.run.attempt import Attempt
from ...pipeline.run.events import Decided, Event, Intended, Submitted
from ...pipeline.run.journal import Journal
from ..sentences import UNPRICED
from .purchase import Purchase


class Accounts:
    """Every line about money goes through here: first the reservation, then the intention, then what became of it."""

    def __init__(
        self, root: Path, journal: Journal, book: SpendingBook, limits: Limits, run: str, product: str
    ) -> None:
        self._root = root
        self._journal = journal
        self._book = book
        self._limits = limits
        self._run = run
        self._product = product

    def reconcile(self) -> None:
        """Bring the machine's book in line with the journal, which a crash may have left a line ahead."""
        if attempts := self._journal.attempts():
            self._book.settle([self._entry(attempt) for attempt in attempts])

    def last(self, key: str) -> Attempt | None:
        return self._journal.purchases.last(key)

    def others_requests(self, attempt: Attempt) -> set[str]:
        """fal's ids of the requests that belong to other attempts, of this run or of any other on this machine."""
        return {request for request, owner in self._book.requests().items() if owner != self._id(attempt)}

    def sending(self, endpoint: str, arguments: JsonObject) -> contextlib.AbstractContextManager[None]:
        """This machine's turn to send these words, or to look for them."""
        return self._book.sending(f"{endpoint}\n{json.dumps(arguments, sort_keys=True)}")

    def relative(self, path: str | Path) -> str:
        """``path`` as the journal writes it: inside the run folder, with forward slashes."""
        return Path(path).relative_to(self._root).as_posix()

    def intend(
        self, purchase: Purchase, number: int, arguments: JsonObject, sent_at: datetime | None = None
    ) -> Attempt:
        """Set the price aside and write down what is about to be sent. Raises BudgetExceeded and leaves no trace.

        ``sent_at``: now by fal's own clock.
        """
        if purchase.quoted_usd is None and self._limits != Limits():
            raise BudgetExceeded(UNPRICED.format(endpoint=purchase.endpoint))
        name = secrets.token_hex(8)
        entry = Entry(local_day(), self._run, self._product, name, purchase.quoted_usd or 0.0)
        self._book.reserve(
            entry,
            self._limits,
            lambda: {self._id(attempt) for attempt in self._journal.attempts()},
            lambda: self._describe(purchase, number, arguments, name, sent_at),
        )
        attempt = self.last(purchase.key)
        assert attempt is not None
        return attempt

    def describe(self, attempt: Attempt, purchase: Purchase) -> Attempt:
        """Say again what an attempt is whose first line was lost: all that can be known is what is asked for now."""
        self._describe(purchase, attempt.number, attempt.arguments, attempt.id, None)
        return attempt

    def _describe(
        self, purchase: Purchase, number: int, arguments: JsonObject, name: str, sent_at: datetime | None
    ) -> None:
        intended = Intended(
            id=name,
            stage=purchase.stage,
            angle=purchase.angle,
            take=purchase.take,
            endpoint=purchase.endpoint,
            arguments=arguments,
            outputs=[self.relative(output.file) for output in purchase.outputs],
            places=[output.place for output in purchase.outputs],
            quoted_usd=purchase.quoted_usd,
            unit_price=purchase.unit_price,
            price_confirmed=purchase.price_confirmed,
            sent_at=sent_at.isoformat(timespec="seconds") if sent_at is not None else None,
        )
        self._journal.write(purchase.key, number, intended)

    def decided(self, key: str, decision: JsonObject) -> None:
        """Write down what became of a picture after it was bought, and why."""
        last = self.last(key)
        self._journal.write(key, last.number if last else 0, Decided(decision))

    def note(self, attempt: Attempt, event: Event) -> None:
        """Write down what became of an attempt, and settle its price and its request where they changed."""
        before = attempt.committed_usd, attempt.request_id
        if isinstance(event, Submitted):
            # First in the book that all runs share: after a crash between the two this attempt finds its request again, and
            # no other run that sent the same words takes it.
            self._book.settle([replace(self._entry(attempt), request=str(event.request_id))])
        self._journal.write(attempt.key, attempt.number, event)
        if (attempt.committed_usd, attempt.request_id) != before:
            self._book.settle([self._entry(attempt)])

    def _id(self, attempt: Attempt) -> str:
        return attempt_id(attempt, self._run)

    def _entry(self, attempt: Attempt) -> Entry:
        day = local_day(attempt.intended_at)
        return Entry(day, self._run, self._product, self._id(attempt), attempt.committed_usd, attempt.request_id or "")
