"""A run's journal and the machine's book of spendings, kept in step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..pipeline.errors import BudgetExceeded
from ..pipeline.journal import Attempt, Journal
from ..pipeline.spending import Limits, SpendingBook, local_day
from .purchase import UNPRICED, Purchase


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
            self._book.settle(self._run, self._product, dict(_entry(attempt) for attempt in attempts))

    def last(self, key: str) -> Attempt | None:
        return self._journal.purchases.last(key)

    def known_requests(self) -> set[str]:
        return {a.request_id for a in self._journal.attempts() if a.request_id is not None}

    def relative(self, path: str | Path) -> str:
        """``path`` as the journal writes it: inside the run folder, with forward slashes."""
        return Path(path).relative_to(self._root).as_posix()

    def intend(self, purchase: Purchase, number: int, arguments: dict[str, Any]) -> Attempt:
        """Set the price aside and write down what is about to be sent. Raises BudgetExceeded and leaves no trace."""
        if purchase.quoted_usd is None and self._limits != Limits():
            raise BudgetExceeded(UNPRICED.format(endpoint=purchase.endpoint))
        entry = f"{purchase.key}#{number}"
        self._book.reserve(self._run, self._product, entry, purchase.quoted_usd or 0.0, self._limits)
        return self._describe(purchase, number, arguments)

    def describe(self, attempt: Attempt, purchase: Purchase) -> Attempt:
        """Say again what an attempt is whose first line was lost: all that can be known is what is asked for now."""
        return self._describe(purchase, attempt.number, attempt.arguments)

    def _describe(self, purchase: Purchase, number: int, arguments: dict[str, Any]) -> Attempt:
        self._journal.write(
            "intended",
            purchase.key,
            number,
            stage=purchase.stage,
            angle=purchase.angle,
            take=purchase.take,
            endpoint=purchase.endpoint,
            arguments=arguments,
            outputs=[self.relative(output.file) for output in purchase.outputs],
            places=[output.place for output in purchase.outputs],
            quoted_usd=purchase.quoted_usd,
            unit_price=purchase.unit_price,
        )
        attempt = self.last(purchase.key)
        assert attempt is not None
        return attempt

    def decided(self, key: str, decision: dict[str, Any]) -> None:
        """Write down what became of a picture after it was bought, and why."""
        last = self.last(key)
        self._journal.write("decided", key, last.number if last else 0, **decision)

    def note(self, kind: str, attempt: Attempt, **facts: Any) -> None:
        """Write down what became of an attempt, and settle its price where that changed."""
        before = attempt.committed_usd
        self._journal.write(kind, attempt.key, attempt.number, **facts)
        if attempt.committed_usd != before:
            self._book.settle(self._run, self._product, dict([_entry(attempt)]))


def _entry(attempt: Attempt) -> tuple[str, tuple[str, float]]:
    return f"{attempt.key}#{attempt.number}", (local_day(attempt.intended_at), attempt.committed_usd)
