# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is agreed to before anything is bought: what it will cost, the limits, and the words. The same on every surface."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Sequence
from typing import Any

from ..pipeline.backend.requests import DerivedRequest, StillRequest
from ..pipeline.money.spending import SpendingBook
from ..pipeline.run.attempt import NextStep
from ..pipeline.run.run_folder import RunFolder
from ..pipeline.settings.choices import BackendName
from ..pipeline.settings.groups import RunSettings
from ..pipeline.stages import STAGES, Stage
from . import quote
from .buying.purchase import Purchase
from .errors import Drifted
from .quote import Estimate, Prices
from .request_to_purchase import purchase_for

NOTHING_AGREED, EVERYTHING_AGREED = -1.0, float("inf")  # USD
ROUNDING = 1e-4  # USD; Blender's properties are single precision, so 1.586 comes back as 1.58599996


def estimate(
    settings: RunSettings,
    folder: RunFolder | None,
    ask_prices: Callable[[list[str], tuple[Purchase, ...]], Generator[Any, None, Prices]],
    *,
    until: Stage = Stage.RESULTS,
    send_again: bool = False,
    retry_failed: bool = False,
) -> Generator[Any, None, Estimate]:
    """What a run up to the stage ``until`` will cost, or what is left of the one in ``folder``.

    Yields while ``ask_prices``, a question that is given the endpoints' ids and what is to be sent to them, has no answer;
    raises what it raises. ``send_again`` and ``retry_failed`` as in ``quote.estimate``.
    """
    if settings.service.backend == BackendName.LOCAL:
        return Estimate((), (), {})
    again = {"send_again": send_again, "retry_failed": retry_failed}
    reached = STAGES[: STAGES.index(until) + 1]

    def to_send() -> tuple[Purchase, ...]:
        if not settings.service.check_inputs:
            return ()
        left = quote.estimate(settings, {}, folder, **again).lines
        return tuple(line for line in left if line.stage in reached)

    prices = yield from _ask(ask_prices, quote.endpoints(settings, folder), to_send)
    whole = quote.estimate(settings, prices, folder, **again)
    costs = dataclasses.replace(whole, lines=tuple(line for line in whole.lines if line.stage in reached))
    return (
        costs
        if Stage.PHOTOREAL in reached
        else dataclasses.replace(costs, retakes=0.0, opinions=0.0, unknown_retakes=())
    )


def estimate_of(
    requests: Callable[[], Sequence[StillRequest | DerivedRequest]],
    settings: RunSettings,
    folder: RunFolder,
    ask_prices: Callable[[list[str], tuple[Purchase, ...]], Generator[Any, None, Prices]],
) -> Generator[Any, None, Estimate]:
    """What these pictures beside a run will cost, as ``estimate`` says it of the run; one that was bought costs nothing more."""

    def to_buy(prices: Prices) -> tuple[Purchase, ...]:
        bought = folder.read_journal().purchases
        left = [each for each in requests() if bought.next_step(each.key) not in (NextStep.DONE, NextStep.WAIT)]
        return tuple(purchase_for(each, quote.live(prices, each.endpoint)) for each in left)

    unpriced = to_buy({})
    if not unpriced:
        return Estimate((), tuple(each.key for each in requests()), {})
    wanted = sorted({line.endpoint for line in unpriced})
    prices = yield from _ask(ask_prices, wanted, lambda: to_buy({}) if settings.service.check_inputs else ())
    return Estimate(to_buy(prices), (), prices)


def _ask(
    ask_prices: Callable[[list[str], tuple[Purchase, ...]], Generator[Any, None, Prices]],
    endpoints: list[str],
    to_send: Callable[[], tuple[Purchase, ...]],
) -> Generator[Any, None, Prices]:
    """Today's prices. An endpoint that is not known here may have been described for the first time by the same question:
    what is sent to it is then put together anew, once."""
    first = to_send()
    try:
        return (yield from ask_prices(endpoints, first))
    except Drifted:
        anew = to_send()
        if anew == first:
            raise
    return (yield from ask_prices(endpoints, anew))


def check(costs: Estimate, settings: RunSettings) -> None:
    """Before anything is rendered or bought. Raises BudgetExceeded where a limit is set that can't be kept, and
    RunFolderError where this machine's spending can't be written down."""
    if settings.service.backend != BackendName.LOCAL:
        SpendingBook().check()
        quote.check_limits(costs, settings)


def limit_note(usd: float, budget: float | None) -> str:
    """What happens where the purchases cost more than the run may; empty where they don't. ``budget``: None is no limit."""
    if budget is None or usd <= budget + ROUNDING:
        return ""
    return f"the run stops in order before its own limit of ${budget:.2f} is passed"


def covers(agreed_usd: float, costs: Estimate) -> bool:
    """Whether everything that ``costs`` may come to was agreed to. What has no known price is agreed to with any sum;
    what is said to cost nothing has to be agreed to as well."""
    return costs.most <= max(agreed_usd, 0.0) + ROUNDING and not (costs.buys and agreed_usd < 0.0)


def question(costs: Estimate) -> str:
    return f"Spend up to {costs.in_words}?"


def refusal(costs: Estimate, how_to_agree: str) -> str:
    """Why nothing is bought where nobody can be asked."""
    return f"this would spend up to {costs.in_words}; {how_to_agree}"
