"""What a run will cost, per line and in sum, before anything is bought. All in USD."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..pipeline import plan as planned
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

    @property
    def total(self) -> float:
        return sum(line.quoted_usd or 0.0 for line in self.lines)

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
        text = text_table(
            ("for", "endpoint", "units", "USD", "price from"), [*rows, ("total", "", "", usd(self.total), "")]
        )
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
        return Estimate(tuple(purchases), (), prices)
    bought = folder.read_journal().purchases
    bought_again = {"stuck": retry_failed, "uncertain": send_again}
    kept = {"done", "fetch", "wait"} | {step for step, wanted in bought_again.items() if not wanted}
    paid = {p.key for p in purchases if bought.next_step(p.key) in kept}
    if folder.product.is_file():
        paid |= {purchase.key for purchase in purchases if purchase.stage == "model"}
    return Estimate(tuple(p for p in purchases if p.key not in paid), tuple(sorted(paid)), prices)
