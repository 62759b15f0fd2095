# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run will cost, per line and in sum, before anything is bought. All in USD."""

from __future__ import annotations

import contextlib
from collections.abc import Container
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ..pipeline import plan as planned
from ..pipeline.errors import BudgetExceeded, UsageError
from ..pipeline.gate.acceptance import ladder_of
from ..pipeline.gate.record import GateRecord
from ..pipeline.gate.second_opinions import take_asked, unasked
from ..pipeline.gate.witness import QUESTION
from ..pipeline.json_object import JsonObject
from ..pipeline.money.spending import Limits
from ..pipeline.run.attempt import NextStep
from ..pipeline.run.record import RunRecord
from ..pipeline.run.run_folder import RunFolder
from ..pipeline.settings.groups import RunSettings
from ..pipeline.stages import Stage
from ..pipeline.verdicts import BOUGHT, MadeBy, Unsure, Witness
from ..pipeline.wording.text_table import price_column, text_table, usd
from .arguments import Live
from .buying.purchase import Purchase
from .endpoints.catalogue import name_of
from .prices import Prices, is_price
from .request_to_purchase import purchase_for, with_endpoint
from .sentences import UNPRICED


def live(prices: Prices, endpoint: str) -> Live:
    row = prices.get(endpoint)  # from run.json, perhaps
    return (float(row["usd"]), str(row["unit"])) if row and is_price(row.get("usd")) else None


def plan(settings: RunSettings, folder: RunFolder | None = None, prices: Prices | None = None) -> list[Purchase]:
    """Every purchase a run will make. Raises UsageError where an endpoint can't do what is asked of it.

    The product is not known yet, so its prompts are provisional; what is bought and its price are not.
    """
    settings = planned.with_further(settings)
    place = folder or RunFolder(Path("RUN").absolute(), RunRecord.new(settings, {}))
    requests = [with_endpoint(request, settings) for request in planned.everything(place, settings)]
    return [purchase_for(request, live(prices or {}, request.endpoint)) for request in requests]


@dataclass(frozen=True)
class Estimate:
    """``lines`` are the purchases still to be made; ``done`` those of an earlier try, which are not paid again."""

    lines: tuple[Purchase, ...]
    done: tuple[str, ...]
    prices: Prices
    retakes: float = 0.0  # USD at most for stills that the gate has taken again
    unknown_retakes: tuple[str, ...] = ()  # endpoints that it may ask and whose price is not known
    opinions: float = 0.0  # USD at most for second opinions on stills that may be unsure
    opinions_doubt: str = ""  # what is odd about their price
    stays_behind: str = ""  # what was bought of earlier pictures and is not bought anew, in a sentence

    @property
    def total(self) -> float:
        return sum(line.quoted_usd or 0.0 for line in self.lines)

    @property
    def most(self) -> float:
        """``total``, every retake that the gate may make, and a second opinion on every still that may be unsure."""
        return self.total + self.retakes + self.opinions

    @property
    def buys(self) -> bool:
        """Whether anything may be bought, whatever it is said to cost: consent is asked for then."""
        return bool(self.lines or self.retakes > 0.0 or self.opinions > 0.0 or self.unknown_retakes)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Endpoints whose price neither fal nor the catalogue tells."""
        lines = {line.endpoint for line in self.lines if line.quoted_usd is None}
        return tuple(sorted(lines | set(self.unknown_retakes)))

    @property
    def in_words(self) -> str:
        """The most that will be spent, and the endpoints of which it can't be told."""
        return usd(self.most) + (f", and what {', '.join(map(name_of, self.unknown))} asks" if self.unknown else "")

    def to_json(self) -> JsonObject:
        return {
            "lines": [
                {
                    "key": line.key,
                    "stage": line.stage,
                    "angle": line.angle,
                    "endpoint": line.endpoint,
                    "unit": line.unit,
                    "unit_price_usd": line.unit_price,
                    "units": line.units,
                    "multipliers": [asdict(multiplier) for multiplier in line.multipliers],
                    "usd": line.quoted_usd,
                    "price_source": self._source(line),
                }
                for line in self.lines
            ],
            "total_usd": round(self.total, 6),
            "retakes_usd": round(self.retakes, 6),
            "opinions_usd": round(self.opinions, 6),
            "most_usd": round(self.most, 6),
            "unknown": list(self.unknown),
            "done": list(self.done),
        }

    def _source(self, line: Purchase) -> str:
        doubt = self._doubt(line)
        return f"{self._origin(line)}{f' ({doubt})' if doubt else ''}"

    def _doubt(self, line: Purchase) -> str:
        odd = self.prices.get(line.endpoint, {}).get("odd")
        return f"fal's pricing API says {odd}, which is no price" if odd else line.doubt

    @property
    def doubts(self) -> tuple[str, ...]:
        """What is odd about the prices, a sentence for each endpoint."""
        said = [f"{name_of(line.endpoint)}: {doubt}" for line in self.lines if (doubt := self._doubt(line))]
        said += [f"second opinions: {self.opinions_doubt}"] if self.opinions_doubt else []
        return tuple(dict.fromkeys(said))

    def _origin(self, line: Purchase) -> str:
        row = self.prices.get(line.endpoint)
        if not row or not line.price_source.startswith("fal's pricing"):
            return f"stored: {line.price_source}"
        return f"{'remembered from ' if row.get('remembered') else ''}fal's pricing API, {row['at'][:10]}"

    def table(self) -> str:
        *amounts, total = price_column([-1.0 if line.quoted_usd is None else line.quoted_usd for line in self.lines])
        rows = [
            (line.key, name_of(line.endpoint), line.amount, amount, self._source(line))
            for line, amount in zip(self.lines, amounts, strict=True)
        ]
        rows.append(("total", "", "", total, ""))
        more = ["a retake of every still that is not on model"] * (self.retakes > 0.0)
        more += ["a second opinion on every still that is unsure"] * (self.opinions > 0.0)
        if more:
            rows.append(("at most", "", "", usd(self.most), f"with {' and '.join(more)}"))
        text = text_table(("for", "endpoint", "units", "USD", "price from"), rows)
        if self.opinions_doubt:
            text += f"\nsecond opinions: {self.opinions_doubt}"
        if self.unknown:
            text += f"\nnot in the total, since its price is not known: {', '.join(map(name_of, self.unknown))}"
        return text


def estimate(
    settings: RunSettings,
    prices: Prices,
    folder: RunFolder | None = None,
    *,
    send_again: bool = False,
    retry_failed: bool = False,
) -> Estimate:
    """The estimate of a run, or of what is left of the one in ``folder`` when it is resumed with these two options."""
    settings = planned.with_further(settings)
    purchases = plan(settings, folder, prices)
    if folder is None:
        return _with_opinions(Estimate(tuple(purchases), (), prices, *_retakes(settings, prices)), settings)
    bought = folder.read_journal().purchases
    # A result that can't be fetched is bought again too where failures are; that it can't is not known before.
    bought_again = {NextStep.STUCK: retry_failed, NextStep.FETCH: retry_failed, NextStep.UNCERTAIN: send_again}
    kept = {NextStep.DONE, NextStep.WAIT} | {step for step, wanted in bought_again.items() if not wanted}
    paid = {p.key for p in purchases if bought.next_step(p.key) in kept}
    if folder.product.is_file():
        paid |= {purchase.key for purchase in purchases if purchase.stage == Stage.MODEL}
    left = tuple(purchase for purchase in purchases if purchase.key not in paid)
    whole = Estimate(left, tuple(sorted(paid)), prices, *_retakes(settings, prices, folder, kept))
    return _with_opinions(whole, settings, folder, kept)


def check_limits(estimate: Estimate, settings: RunSettings) -> None:
    """Raises BudgetExceeded where a purchase has no known price, and there is a limit: it would be refused after the
    renders."""
    unknown = next((line.endpoint for line in estimate.lines if line.quoted_usd is None), None)
    if unknown is not None and Limits.of(settings) != Limits():
        raise BudgetExceeded(UNPRICED.format(endpoint=unknown))


def endpoints(settings: RunSettings, folder: RunFolder | None = None) -> list[str]:
    """Every endpoint that a run may buy from: what is planned, and what the gate may ask in place of a still."""
    opinion = {planned.witness_endpoint(settings)} if _buys_opinions(settings) else set()
    return sorted({*(purchase.endpoint for purchase in plan(settings, folder)), *_gate_endpoints(settings), *opinion})


def _buys_opinions(settings: RunSettings) -> bool:
    return settings.is_measured and settings.gate.second_opinion in (Witness.VISION, Witness.MATTE)


def _gate_endpoints(settings: RunSettings) -> set[str]:
    rungs = ladder_of(settings.gate).purchases if settings.is_measured else ()
    depth = {settings.gate.depth_endpoint} if MadeBy.DEPTH in rungs else set()
    return depth | ({settings.stills.image_endpoint} if rungs else set())  # a view's tint asks for another seed


def _retakes(
    settings: RunSettings, prices: Prices, folder: RunFolder | None = None, kept: Container[str] = ()
) -> tuple[float, tuple[str, ...]]:
    """USD that the gate may still spend at most in place of stills, and the endpoints whose price is not known.

    ``kept``: next steps of what will not be bought again.
    """
    known = {endpoint: _price_of_a_still(settings, endpoint, prices) for endpoint in _gate_endpoints(settings)}
    count, spent = settings.gate.retakes * len(settings.studio.angles), 0.0
    if folder is not None and known:
        bought = folder.read_journal().purchases
        record = GateRecord(folder, settings)
        retakes = [[e for e in record.entries(a.name) if e.made_by in BOUGHT] for a in settings.studio.angles]
        used = [sum(e.outcome is not None or bought.next_step(e.key) in kept for e in entries) for entries in retakes]
        count = 0 if record.is_settled else sum(max(0, settings.gate.retakes - each) for each in used)
        ever = record.retake_keys()
        spent = sum(attempt.committed_usd for attempt in bought.attempts if attempt.key in ever)
    most = max((price or 0.0 for price in known.values()), default=0.0) * count
    if settings.gate.retake_budget is not None:
        most = min(most, max(0.0, settings.gate.retake_budget - spent))
    return most, tuple(sorted(endpoint for endpoint, price in known.items() if price is None)) if count else ()


def _with_opinions(
    estimate: Estimate, settings: RunSettings, folder: RunFolder | None = None, kept: Container[str] = ()
) -> Estimate:
    """``estimate`` and the second opinions that may still be bought. Raises UsageError where nobody can be asked so."""
    if not _buys_opinions(settings):
        return estimate
    place = folder or RunFolder(Path("RUN").absolute(), RunRecord.new(settings, {}))
    request = planned.witness_request(place, settings, settings.studio.angles[0], 1, QUESTION)
    question = purchase_for(request, live(estimate.prices, request.endpoint))
    count = _questions_left(settings, folder, kept)
    unknown = {question.endpoint} if question.quoted_usd is None and count else set()
    return replace(
        estimate,
        opinions=(question.quoted_usd or 0.0) * count,
        opinions_doubt=estimate._doubt(question) if count else "",
        unknown_retakes=tuple(sorted({*estimate.unknown_retakes, *unknown})),
    )


def _questions_left(settings: RunSettings, folder: RunFolder | None, kept: Container[str]) -> int:
    """How often a second witness may still be asked at most: any still may turn out unsure, and where unsure ones are taken
    again, so may each of those."""
    angles, witness = settings.studio.angles, settings.gate.second_opinion
    each = 1 + (settings.gate.retakes if settings.gate.unsure == Unsure.CLIMB else 0)
    if folder is None:
        return each * len(angles)
    record, bought = GateRecord(folder, settings), folder.read_journal().purchases
    due, count = unasked(folder, settings), 0
    for angle in angles:
        keys = {
            entry.take: planned.opinion_key(angle.name, entry.take, witness) for entry in record.entries(angle.name)
        }
        asked = {take for take, key in keys.items() if bought.last(key) is not None and bought.next_step(key) in kept}
        if record.chosen(angle.name) is None:
            count += max(0, each - len(asked))
        elif angle.name in due:
            shown = record.shown(angle.name)
            count += shown is not None and take_asked(shown) not in asked
    return count


def _price_of_a_still(settings: RunSettings, endpoint: str, prices: Prices) -> float | None:
    """USD, None where it is not known; 0 where the endpoint can't make such a still: then the gate passes it over."""
    with contextlib.suppress(UsageError):
        purchases = plan(settings.model_copy(update={"image_endpoint": endpoint, "takes": 1}), None, prices)
        return next(purchase.quoted_usd for purchase in purchases if purchase.stage == Stage.PHOTOREAL)
    return 0.0
