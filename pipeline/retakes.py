"""Stills bought in place of others: their requests, their prices, and the money there is for them."""

from __future__ import annotations

from dataclasses import dataclass

from . import plan
from .errors import BudgetExceeded, Cancelled, TryAgainLater
from .gate_record import Entry, GateRecord
from .orders import Orders
from .ports import Product, Shot
from .requests import StillRequest
from .rig import Angle
from .scoring.ladder import BOUGHT, Action
from .spending import Limits, SpendingBook

RUNGS = ("reroll", "stricter", "depth")


@dataclass
class Retakes:
    record: GateRecord
    product: Product
    orders: Orders

    def buy(self, angle: Angle, shot: Shot, action: Action, purpose: str = "shape") -> None:
        """Write down that it will be asked for, then ask."""
        take = self.record.next_take(angle.name)
        key = plan.still_key(angle.name, take)
        entry = {"take": take, "made_by": action.kind, "key": key, "why": action.reason, "for": purpose}
        self.record.keep(angle.name, entry)
        self.orders.start(self._request(angle, shot, take, action.kind))

    def rejoin(self, angle: Angle, shot: Shot) -> None:
        """Ask again for what an earlier life of this run asked for; what was paid is not paid again."""
        for entry in self.record.entries(angle.name):
            if entry["made_by"] in BOUGHT and "passed_over" not in entry and entry["key"] not in self.orders.requests:
                self.orders.start(self._request(angle, shot, entry["take"], entry["made_by"]))

    def pass_over(self, entry: Entry) -> bool:
        """Whether a retake that failed is a rung passed over. One that may yet succeed is not, and the run says so."""
        event = self.orders.ended[entry["key"]]
        if isinstance(event.error, (TryAgainLater, Cancelled)):
            return False
        self.orders.forgive(entry["key"])
        reason = "the limit allows no other take" if isinstance(event.error, BudgetExceeded) else event.text
        entry |= {"outcome": "fail", "reason": reason, "cause": "", "numbers": {}, "passed_over": True}
        self.record.folder.save()
        return True

    def prices(self, angle: Angle, shot: Shot) -> dict[str, float | None]:
        """USD of the next take by rung."""
        take = self.record.next_take(angle.name)
        return {rung: self.orders.backend.quote(self._request(angle, shot, take, rung)) for rung in RUNGS}

    def money_left(self) -> float | None:
        """USD that retakes may still cost, None for no limit: what was agreed to for the rest of the run is not theirs."""
        folder, settings = self.record.folder, self.record.settings
        purchases, left = folder.read_journal().purchases, []
        if settings.gate.retake_budget is not None:
            entries = [entry for angle in settings.angles for entry in self.record.all_entries(angle.name)]
            retakes = {entry["key"] for entry in entries if entry["made_by"] in BOUGHT}
            spent = sum(attempt.committed_usd for attempt in purchases.attempts if attempt.key in retakes)
            left.append(settings.gate.retake_budget - spent)
        limits = Limits(settings.budget, settings.daily_budget, settings.product_budget)
        unspent = SpendingBook().left(folder.record["id"], settings.product_name, limits)
        if unspent is not None:
            rest = plan.rest(folder, settings, self.product, purchases.by_key)
            left.append(unspent - sum(self.orders.backend.quote(request) or 0.0 for request in rest))
        return max(0.0, min(left)) if left else None

    def affordable(self, angle: Angle, shot: Shot) -> bool:
        """Whether one more take with another seed is within the ladder's length and the limits."""
        used = sum(entry["made_by"] in BOUGHT for entry in self.record.entries(angle.name))
        left, price = self.money_left(), self.prices(angle, shot)["reroll"]
        return used < self.record.settings.gate.retakes and (left is None or (price is not None and price <= left))

    def _request(self, angle: Angle, shot: Shot, take: int, rung: str) -> StillRequest:
        record = self.record
        return plan.retake_request(record.folder, record.settings, self.product, angle, shot.files, take, rung)
