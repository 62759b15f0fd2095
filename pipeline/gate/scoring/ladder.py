# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do with a picture that was scored: keep it, mend it for free, buy another one, or hand it to a person.

Data and a pure decision, so that the journal can hold each step's reason, and a test can walk every ladder there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...verdicts import BOUGHT, Cause, MadeBy, Outcome, Ruling, Says, Unsure
from .crossview import Tint
from .verdict import Verdict, fitted

MENDING = 0.6  # of a still's detail, that its render gives where nothing but detail is doubted


@dataclass(frozen=True)
class Ladder:
    """How far to go for one picture. ``purchases``: what is tried beyond the first take, in this order, each once.

    ``faithful``: whether detail that alone is doubted is taken from the render first.
    """

    purchases: tuple[MadeBy, ...] = (MadeBy.REROLL, MadeBy.REROLL, MadeBy.STRICTER, MadeBy.DEPTH)
    unwarp: bool = True
    faithful: bool = True
    local: bool = True
    unsure: Unsure = Unsure.FLAG
    tint_rerolls: int = 1


@dataclass(frozen=True)
class Attempt:
    """One scored picture. ``second``: what a second witness says of it, None where none was heard."""

    made_by: MadeBy
    verdict: Verdict
    second: Says | None = None


@dataclass(frozen=True)
class Action:
    """``kind``: the picture that is made next, or how the angle ends. ``reason``: one sentence for the journal. ``keep``:
    index of the attempt that is kept, if one is.
    """

    kind: MadeBy | Ruling
    reason: str
    keep: int | None = None


def next_action(
    history: Sequence[Attempt],
    ladder: Ladder | None = None,
    budget_left: float | None = None,
    prices: Mapping[MadeBy, float | None] | None = None,
) -> Action:
    """The next step after ``history``, oldest first.

    ``budget_left``: USD, None for no limit. ``prices``: USD per purchase by rung; with a
    limit, a rung of unknown price isn't bought. A rung that can't be paid for is passed over, never bought in part.
    A second witness makes no still good: its *no* is enough to have an unsure one not accepted, its *yes* to have one shown
    to a person that would be taken again.
    Raises ValueError for an empty history: what was never scored has no next step.
    """
    if not history:
        raise ValueError("score the picture first: an empty history has no next action")
    ladder = ladder or Ladder()
    last = history[-1]
    if last.verdict.outcome == Outcome.PASS:
        return Action(Ruling.ACCEPT, last.verdict.reason, len(history) - 1)
    if (
        ladder.faithful
        and _is_only_detail(last)
        and (last.verdict.outcome, ladder.unsure) != (Outcome.UNSURE, Unsure.ACCEPT)
    ):
        return Action(MadeBy.FAITHFUL, f"{last.verdict.reason}; the render's own detail mends that without a purchase")
    if last.verdict.outcome == Outcome.UNSURE and _is_kept(last, ladder) and not _is_half_mended(history):
        if ladder.unsure == Unsure.ACCEPT and last.second != Says.NO:
            return Action(Ruling.ACCEPT, f"accepted unverified: {last.verdict.reason}", len(history) - 1)
        return Action(Ruling.FLAG, f"a person should look: {last.verdict.reason}", len(history) - 1)
    if ladder.unwarp and last.verdict.repairable and last.made_by not in (MadeBy.UNWARP, MadeBy.FAITHFUL):
        return Action(MadeBy.UNWARP, f"{last.verdict.reason}; un-warping mends that without a purchase")
    if last.made_by == MadeBy.LOCAL:
        return Action(
            Ruling.FLAG, f"even the render's own finish was not accepted: {last.verdict.reason}", len(history) - 1
        )
    return _climb(history, ladder, budget_left, prices or {})


def _is_kept(last: Attempt, ladder: Ladder) -> bool:
    """An unsure still is not treated as off model. Where it would be, a second witness for it leaves it to a person."""
    return ladder.unsure != Unsure.CLIMB or last.second == Says.YES


def _is_only_detail(last: Attempt) -> bool:
    """Nothing but detail is doubted, in its place, of a still that is as it came: print beside its place is a turned product."""
    if last.made_by not in (MadeBy.FIRST, MadeBy.UNWARP, *BOUGHT):
        return False
    cause, numbers = last.verdict.cause, last.verdict.numbers
    in_place = numbers.get("label_shift_px", 0.0) <= fitted().label_shift_px
    return cause == Cause.DETAIL or (cause == Cause.LABEL and in_place)


def _is_half_mended(history: Sequence[Attempt]) -> bool:
    """The render's detail was laid over what surely was wrong, and now it can't be told: no cure, and another take is due."""
    if len(history) < 2 or history[-1].made_by != MadeBy.FAITHFUL:
        return False
    return history[-2].verdict.outcome == Outcome.FAIL


def _climb(
    history: Sequence[Attempt], ladder: Ladder, budget_left: float | None, prices: Mapping[MadeBy, float | None]
) -> Action:
    why = history[-1].verdict.reason
    climbed = [attempt.made_by for attempt in history if attempt.made_by in BOUGHT]
    unaffordable = False
    remaining = list(ladder.purchases)
    # A rung that was passed over for its price stays passed over: what was climbed is the last bought rung's place.
    for rung in climbed:
        if rung in remaining:
            remaining = remaining[remaining.index(rung) + 1 :]
    for rung in remaining:
        price = prices.get(rung)
        if budget_left is None or (price is not None and price <= budget_left + 1e-9):
            return Action(rung, f"{why}; {_WORDS[rung]}")
        unaffordable = True
    end = "the budget allows no other take" if unaffordable else "every allowed take was tried"
    if ladder.local:
        return Action(MadeBy.LOCAL, f"{why}; {end}, so the render's own finish takes its place")
    return Action(Ruling.FLAG, f"{why}; {end}", best(history))


_WORDS = {
    MadeBy.REROLL: "another seed may do better",
    MadeBy.STRICTER: "the prompt now insists on the shape",
    MadeBy.DEPTH: "the depth-conditioned endpoint holds the shape more firmly",
}


def best(history: Sequence[Attempt]) -> int:
    """Index of the attempt that is least wrong: by outcome, then by the share of the outline that is off."""
    order = list(Outcome)

    def badness(index: int) -> tuple[float, ...]:
        verdict = history[index].verdict
        numbers = verdict.numbers
        return (
            order.index(verdict.outcome),
            numbers.get("bad_share", 1.0) + numbers.get("hollow_share", 1.0) + numbers.get("added_share", 1.0),
            numbers.get("p95_px", 99.0),
        )

    return min(range(len(history)), key=badness)


def next_for_tint(tint: Tint, rerolls_so_far: int = 0, ladder: Ladder | None = None, affordable: bool = True) -> Action:
    """What to do about the one view whose colour disagrees: only that view is touched. ``tint.outlier`` names it."""
    ladder = ladder or Ladder()
    if not tint.outlier:
        return Action(Ruling.ACCEPT, tint.reason)
    if tint.action == MadeBy.GAIN:
        return Action(MadeBy.GAIN, tint.reason)
    if affordable and rerolls_so_far < ladder.tint_rerolls:
        return Action(MadeBy.REROLL, f"{tint.reason}; {tint.outlier} alone is taken again")
    return Action(Ruling.FLAG, f"{tint.reason}; a person should look at {tint.outlier}")


def tally(outcomes: Sequence[str]) -> str:
    """How many stills show the product: "4 of 5 on model", "2 of 5 on model, 3 to look at", "3 to look at"."""
    good, unsure, off = (outcomes.count(outcome) for outcome in Outcome)
    if not unsure:
        return f"{good} of {len(outcomes)} on model"
    parts = [f"{good} of {len(outcomes)} on model"] * bool(good) + [f"{off} off model"] * bool(off)
    return ", ".join([*parts, f"{unsure} to look at"])


def headline(verdicts: Mapping[str, Verdict]) -> str:
    """A run in one line: "5 of 5 on model", or which one is not, and why."""
    line = tally([verdict.outcome for verdict in verdicts.values()])
    others = [f"{name}: {v.reason}" for name, v in verdicts.items() if v.outcome != Outcome.PASS]
    return "; ".join([line, *others])
