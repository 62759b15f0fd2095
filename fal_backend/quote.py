"""What a run will cost, per line and in sum, before anything is bought. All in USD."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..pipeline import plan as planned
from ..pipeline.acceptance import MEASURABLE, ladder_of
from ..pipeline.errors import UsageError
from ..pipeline.run_folder import RunFolder
from ..pipeline.settings import RunSettings
from ..pipeline.text_table import text_table, usd
from .arguments import Live
from .order import purchase_for, with_endpoint
from .purchase import Purchase

Prices = dict[str, dict[str, Any]]  # endpoint → {"usd", "unit", "at"}, as fal's pricing API gave them


def live(prices: Prices, endpoint: str) -> Live:
    row = prices.get(endpoint)
    return (float(row["usd"]), str(row["unit"])) if row else None


def plan(settings: RunSettings, folder: RunFolder | None = None, prices: Prices | None = None) -> list[Purchase]:
    """Every purchase a run will make. Raises UsageError where an endpoint can't do what is asked of it.

    The product is not known yet, so its prompts are provisional; what is bought and its price are not.
    """
    place = folder or RunFolder(Path("RUN").absolute(), {})
    requests = [with_endpoint(request, settings) for request in planned.everything(place, settings)]
    return [purchase_for(request, live(prices or {}, request.endpoint)) for request in requests]


@dataclass(frozen=True)
class Estimate:
    """``lines`` are the purchases still to be made; ``done`` those of an earlier try, which are not paid again."""

    lines: tuple[Purchase, ...]
    done: tuple[str, ...]
    prices: Prices
    retakes: float = 0.0  # USD at most for stills that the gate has taken again

    @property
    def total(self) -> float:
        return sum(line.quoted_usd or 0.0 for line in self.lines)

    @property
    def most(self) -> float:
        """``total``, and every retake that the gate may make."""
        return self.total + self.retakes

    @property
    def unknown(self) -> tuple[str, ...]:
        """Endpoints whose price neither fal nor the catalogue tells."""
        return tuple(sorted({line.endpoint for line in self.lines if line.quoted_usd is None}))

    def to_json(self) -> dict[str, Any]:
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
                    "multipliers": [{"times": t, "reason": r, "source": s} for t, r, s in line.multipliers],
                    "usd": line.quoted_usd,
                    "price_source": self._source(line),
                }
                for line in self.lines
            ],
            "total_usd": round(self.total, 6),
            "retakes_usd": round(self.retakes, 6),
            "most_usd": round(self.most, 6),
            "unknown": list(self.unknown),
            "done": list(self.done),
        }

    def _source(self, line: Purchase) -> str:
        row = self.prices.get(line.endpoint)
        if not row or not line.price_source.startswith("fal's pricing"):
            return f"stored: {line.price_source}"
        return f"{'remembered from ' if row.get('remembered') else ''}fal's pricing API, {row['at'][:10]}"

    def table(self) -> str:
        rows = [
            (line.key, line.endpoint, f"{line.units:g} {line.unit}", usd(line.quoted_usd) if line.quoted_usd is not None else "unknown", self._source(line))
            for line in self.lines
        ]  # fmt: skip
        rows.append(("total", "", "", usd(self.total), ""))
        if self.retakes:
            rows.append(("at most", "", "", usd(self.most), "with a retake of every still that is not on model"))
        text = text_table(("for", "endpoint", "units", "USD", "price from"), rows)
        if self.unknown:
            text += f"\nnot in the total, since its price is not known: {', '.join(self.unknown)}"
        return text


def estimate(
    settings: RunSettings,
    prices: Prices,
    folder: RunFolder | None = None,
    *,
    send_again: bool = False,
    retry_failed: bool = False,
) -> Estimate:
    """The estimate of a run, or of what is left of the one in ``folder`` when it is resumed with these two wishes."""
    purchases = plan(settings, folder, prices)
    if folder is None:
        return Estimate(tuple(purchases), (), prices, _retakes(settings, purchases, prices))
    bought = folder.read_journal().purchases
    bought_again = {"stuck": retry_failed, "uncertain": send_again}
    kept = {"done", "fetch", "wait"} | {step for step, wanted in bought_again.items() if not wanted}
    paid = {p.key for p in purchases if bought.next_step(p.key) in kept}
    if folder.product.is_file():
        paid |= {purchase.key for purchase in purchases if purchase.stage == "model"}
    left = [purchase for purchase in purchases if purchase.key not in paid]
    return Estimate(tuple(left), tuple(sorted(paid)), prices, _retakes(settings, left, prices))


def _retakes(settings: RunSettings, purchases: list[Purchase], prices: Prices) -> float:
    """USD that the gate may spend at most on taking the angles of ``purchases`` again."""
    gate, rungs = settings.gate, ladder_of(settings.gate).rungs()
    angles = {purchase.angle for purchase in purchases if purchase.stage == "photoreal"}
    if not gate.enabled or max(settings.resolution) < MEASURABLE:
        return 0.0
    endpoints = {gate.depth_endpoint if rung == "depth" else settings.image_endpoint for rung in rungs}
    dearest = max((_price_of_a_still(settings, endpoint, prices) for endpoint in endpoints), default=0.0)
    most = dearest * len(rungs) * len(angles)
    return most if gate.retake_budget is None else min(most, gate.retake_budget)


def _price_of_a_still(settings: RunSettings, endpoint: str, prices: Prices) -> float:
    """USD; 0 where it is not known, or the endpoint can't make such a still: then the gate passes it over."""
    with contextlib.suppress(UsageError):
        purchases = plan(settings.model_copy(update={"image_endpoint": endpoint, "takes": 1}), None, prices)
        return next(purchase.quoted_usd for purchase in purchases if purchase.stage == "photoreal") or 0.0
    return 0.0
