# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Larger pictures for ``consistency deliver``: what they cost, who agrees to it, and where they come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..pipeline.deliver.larger import RENDER, Larger, Wanted, buy, upscale_requests
from ..pipeline.deliver.presets import Rules
from ..pipeline.deliver.sources import Source
from ..pipeline.driver import PAUSE, finish
from ..pipeline.errors import BudgetExceeded
from ..pipeline.stages import Steps
from ..pipeline.terminal import Stop, run_to_end, say
from ..pipeline.wording.text_table import usd

if TYPE_CHECKING:
    from ..fal_backend.quote import Estimate
    from ..pipeline.run.run_folder import RunFolder
    from ..pipeline.settings.groups import RunSettings


@dataclass(frozen=True)
class Buying:
    """What a surface has: fal.ai's prices, a person's consent, and the backend of a run."""

    ask_prices: Callable[..., Any]
    agree: Callable[[Estimate, RunSettings], None]
    backend: Callable[[RunFolder, Any], Any]


def enlarged(
    folder: RunFolder,
    how: str,
    pictures: Sequence[tuple[Source, Sequence[Rules]]],
    scratch: Path,
    buying: Buying,
    budget: float | None,
) -> Steps[dict[str, Larger]]:
    """Larger pictures of the stills that have too few pixels, in ``scratch``, gated. ``how``: "render", or an upscaler's id.

    Raises what stops a purchase, before anything is delivered.
    """
    from ..studio.deliver.larger import gate_larger, render_larger, too_small

    wanted = too_small(pictures)
    if not wanted:
        return {}
    if how == RENDER:
        return (yield from render_larger(folder, wanted, scratch))
    bought = _bought(folder, how, wanted, buying, budget)
    from ..fal_backend.endpoints.catalogue import name_of

    return (yield from gate_larger(folder, wanted, bought, name_of(how), scratch))


def _bought(
    folder: RunFolder, endpoint: str, wanted: Sequence[Wanted], buying: Buying, budget: float | None
) -> dict[str, Path | str]:
    from ..fal_backend import consent
    from ..pipeline.compare import beside

    run = beside(folder.root, budget)
    requests = upscale_requests(run, endpoint, wanted)
    costs = finish(consent.estimate_of(lambda: requests, run.settings, run, buying.ask_prices), PAUSE)
    if costs.lines:
        say(costs.table())
    if budget is not None and costs.total > budget + consent.ROUNDING:
        raise BudgetExceeded(
            f"larger pictures cost {usd(costs.total)}, and --budget allows {usd(budget)}; name fewer angles, or raise it"
        )
    buying.agree(costs, run.settings)
    run.note(prices={**run.prices, **costs.prices})
    stop = Stop()
    backend = buying.backend(run, None)
    try:
        return run_to_end(buy(run, requests, backend), backend, stop, run.root)
    finally:
        backend.close()
        stop.restore()
