# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stills bought in place of others: their requests, their prices, and the money there is for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .. import plan
from ..backend.open_requests import OpenRequests
from ..backend.ports import Product, Shot
from ..backend.requests import Request, StillRequest
from ..errors import BudgetExceeded, Cancelled, TryAgainLater
from ..money.spending import Limits, SpendingBook, attempt_id
from ..rig import Angle
from ..run.attempt import NextStep
from ..run.journal import Purchases
from ..run.record import Entry
from ..verdicts import BOUGHT, Cause, MadeBy, Outcome
from .record import GateRecord, subject
from .scoring.ladder import Action


@dataclass
class Retakes:
    record: GateRecord
    product: Product
    open_requests: OpenRequests

    def buy(self, angle: Angle, shot: Shot, action: Action, instead_of: int | None = None) -> None:
        """Write down that it will be asked for, then ask. ``instead_of``: the take that is kept where it is no better."""
        take = self.record.next_take(angle.name)
        key = plan.still_key(angle.name, take)
        rung = MadeBy(action.kind)
        entry = Entry(take=take, made_by=rung, key=key, why=action.reason)
        self.record.keep(angle.name, entry if instead_of is None else entry.completed(instead_of=instead_of))
        self.open_requests.start(self._request(angle, shot, take, rung))

    def rejoin(self, angle: Angle, shot: Shot) -> None:
        """Ask again for what an earlier life of this run asked for. What was paid is not paid again, and what never left is
        only sent where it would be decided for today.
        """
        missing = [
            entry
            for entry in self.record.entries(angle.name)
            if entry.made_by in BOUGHT and not entry.passed_over and entry.key not in self.open_requests.requests
        ]
        if not missing:
            return
        purchases = self.record.folder.read_journal().purchases
        for entry in missing:
            if purchases.is_open(entry.key) or self._may_be_sent(angle, shot, entry):
                self.open_requests.start(self._request(angle, shot, entry.take, entry.made_by))
            elif purchases.next_step(entry.key) is NextStep.STUCK:  # it may have cost something, and goes on counting
                self._come_to_nothing(angle.name, entry, purchases.by_key[entry.key][-1].failure_message)
            elif entry.outcome is None:
                self.record.folder.drop_entry(subject(angle.name), entry)

    def _may_be_sent(self, angle: Angle, shot: Shot, entry: Entry) -> bool:
        wanted = self.record.settings.is_measured and self.record.chosen(angle.name) is None and entry.outcome is None
        return wanted and self.affordable(angle, shot, entry.made_by, besides=entry)

    def pass_over(self, angle: str, entry: Entry) -> None:
        """Make a retake that failed a rung passed over. One that is paid for, or may be, is not, and the run says so."""
        event = self.open_requests.ended[entry.key]
        if isinstance(event.error, (TryAgainLater, Cancelled)):
            return
        if self.record.folder.read_journal().purchases.is_open(entry.key):
            return
        self.open_requests.forgive(entry.key)
        limited = isinstance(event.error, BudgetExceeded)
        reason = f"no other take was bought: {event.text}" if limited else event.text
        self._come_to_nothing(angle, entry, reason)

    def _come_to_nothing(self, angle: str, entry: Entry, reason: str) -> None:
        ended = entry.completed(outcome=Outcome.FAIL, reason=reason, cause=Cause.NONE, numbers={}, passed_over=True)
        self.record.keep(angle, ended)

    def prices(self, angle: Angle, shot: Shot) -> dict[MadeBy, float | None]:
        """USD of the next take by rung."""
        take = self.record.next_take(angle.name)
        return {rung: self.open_requests.backend.quote(self._request(angle, shot, take, rung)) for rung in BOUGHT}

    def money_left(self) -> float | None:
        """USD that retakes may still cost, None for no limit: their own, and what ``unspent`` leaves."""
        limit, unspent = self.record.settings.gate.retake_budget, self.unspent()
        left = [] if unspent is None else [unspent]
        if limit is not None:
            purchases, retakes = self.record.folder.read_journal().purchases, self.record.retake_keys()
            spent = sum(attempt.committed_usd for attempt in purchases.attempts if attempt.key in retakes)
            asked = (request for key, request in self.open_requests.requests.items() if key in retakes)
            left.append(max(0.0, limit - spent - self._unsent(purchases, asked)))
        return min(left) if left else None

    def unspent(self) -> float | None:
        """USD that may be spent beyond what is planned, None for no limit: what was agreed to for the rest of the run is
        neither a retake's nor a second opinion's.

        A purchase that was asked for, or is planned, and is not under way in the journal yet counts at its quote.
        """
        folder, settings = self.record.folder, self.record.settings
        purchases = folder.read_journal().purchases
        of_run = {attempt_id(attempt, folder.id) for attempt in purchases.attempts}
        left = SpendingBook().left(settings.product_name, Limits.of(settings), of_run)
        if left is None:
            return None
        ours = self.record.retake_keys() | self.record.opinion_keys()
        asked = [request for key, request in self.open_requests.requests.items() if key in ours]
        return max(0.0, left - self._unsent(purchases, [*asked, *plan.planned(folder, settings, self.product)]))

    def _unsent(self, purchases: Purchases, requests: Iterable[Request]) -> float:
        return sum(
            self.open_requests.backend.quote(request) or 0.0
            for request in requests
            if not purchases.is_open(request.key) and request.key not in self.open_requests.ended
        )

    def affordable(self, angle: Angle, shot: Shot, rung: MadeBy = MadeBy.REROLL, besides: Entry | None = None) -> bool:
        """Whether one more take is within the ladder's length and the limits; ``besides``: the entry it already has."""
        entries = [entry for entry in self.record.entries(angle.name) if entry is not besides]
        used = sum(entry.made_by in BOUGHT for entry in entries)
        left, price = self.money_left(), self.prices(angle, shot)[rung]
        return used < self.record.settings.gate.retakes and (left is None or (price is not None and price <= left))

    def _request(self, angle: Angle, shot: Shot, take: int, rung: MadeBy) -> StillRequest:
        record = self.record
        return plan.still_request(record.folder, record.settings, self.product, angle, shot.files, take, rung)
