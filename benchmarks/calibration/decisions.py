# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people said of stills, held against the limits: which would have to move, by how much, and what that would cost.

A run's "this one is right" and "this one is wrong" are kept with the still's numbers in decisions.jsonl, in the user's state
folder. Nothing is stored here: the limits stay those that were fitted on the yardstick, and a person decides.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path

from consistency_pipeline.pipeline import opinions
from consistency_pipeline.pipeline.gate.scoring.verdict import LOWEST, Numbers, Thresholds, fitted, judge
from consistency_pipeline.pipeline.run.record import Opinion
from consistency_pipeline.pipeline.verdicts import Outcome, Said

from . import limits

FAR = 1e6  # beyond any number
NOTHING = 1e-6  # a limit as low tells everything, and nothing by it
OF_VIEWS = ("tint", "tint_reroll")  # limits that no number of a single picture is held against
NAMES = tuple(part.name for part in fields(Thresholds) if part.name not in OF_VIEWS)
NUMBERS = {part.name for part in fields(Numbers)}
WANTED = {Said.RIGHT: Outcome.PASS, Said.WRONG: Outcome.FAIL}


@dataclass(frozen=True)
class Decision:
    """``numbers``, ``own``: of the still and of its view's own render, as Numbers."""

    name: str
    said: Said
    numbers: Numbers
    own: Numbers | None

    @classmethod
    def of(cls, run: str, angle: str, opinion: Opinion) -> Decision:
        assert opinion.said is not None
        known, own = (
            {name: value for name, value in each.items() if name in NUMBERS} for each in (opinion.numbers, opinion.own)
        )
        name = f"{run[:8]} {angle}, take {opinion.take}"
        return cls(name, opinion.said, Numbers(**known), Numbers(**own) if own else None)  # type: ignore[arg-type]

    def outcome(self, thresholds: Thresholds) -> Outcome:
        return judge(self.numbers, thresholds, self.own).outcome

    def is_agreed(self, thresholds: Thresholds) -> bool:
        return self.outcome(thresholds) == WANTED[self.said]


def _extreme(name: str, said: Said) -> float:
    """Where a limit lets everything through, or nothing."""
    is_least = name.removesuffix("_hard") in LOWEST or name == "blank_contrast"
    return -FAR if is_least == (said == Said.RIGHT) else FAR


def moves(decision: Decision, now: Thresholds) -> list[dict[str, float]]:
    """Ways to have the limits agree, each a table of limit → value nearest to now's: of a still that is wrong any one limit
    that would tell it, of one that is right those that all have to give way. Empty where no limits do.
    """
    if decision.said == Said.WRONG:
        alone = [name for name in NAMES if decision.is_agreed(replace(now, **{name: _extreme(name, Said.WRONG)}))]
        values = {name: _nearest(decision, now, name, _extreme(name, Said.WRONG)) for name in alone}
        return [{name: value} for name, value in values.items() if abs(value) > NOTHING]
    changed = {name: _extreme(name, Said.RIGHT) for name in NAMES}
    if not decision.is_agreed(replace(now, **changed)):
        return []
    for name in NAMES:
        fewer = {key: value for key, value in changed.items() if key != name}
        if decision.is_agreed(replace(now, **fewer)):
            changed = fewer
    for name in list(changed):
        changed[name] = _nearest(decision, replace(now, **changed), name, changed[name], start=getattr(now, name))
    return [changed] if changed else []


def _nearest(decision: Decision, others: Thresholds, name: str, far: float, start: float | None = None) -> float:
    """The value of a limit nearest to ``start`` at which it agrees, the rest being as in ``others``; bisection."""
    near = getattr(others, name) if start is None else start
    for _ in range(60):
        middle = (near + far) / 2
        if decision.is_agreed(replace(others, **{name: middle})):
            far = middle
        else:
            near = middle
    return far


def costs(rows: list[limits.Row], thresholds: Thresholds) -> tuple[float, float]:
    """Shares of the yardstick's true pictures that are called wrong, and of its faults that are caught."""
    shares = {True: [0, 0], False: [0, 0]}
    for row in rows:
        counted = shares[limits.is_true(row)]
        counted[0] += limits.outcome(row, thresholds) == Outcome.FAIL
        counted[1] += 1
    return tuple(failed / max(1, count) for failed, count in shares.values())  # type: ignore[return-value]


def cached_rows(cache: Path) -> list[limits.Row]:
    """The latest scores of each view that a calibration has left in its cache."""
    latest: dict[str, Path] = {}
    for file in sorted((cache / "rows").glob("*.json"), key=lambda path: path.stat().st_mtime):
        latest[file.name.rsplit(".", 2)[0]] = file
    rows = [row for file in latest.values() for row in json.loads(file.read_text(encoding="utf-8"))]
    return list(limits.counts(row for row in rows if row["numbers"].keys() <= NUMBERS))


def report(places: Iterable[Path], cache: Path) -> str:
    """What people said in ``places`` (decisions.jsonl, or folders that hold some) against the limits of now."""
    found = opinions.kept(places)
    known = [Decision.of(*each) for each in found if each[2].numbers]
    now, rows = fitted(), cached_rows(cache)
    agreed = [each for each in known if each.is_agreed(now)]
    unmeasured, other = len(found) - len(known), len(known) - len(agreed)
    measured = f", {unmeasured} of them about stills that were not measured" if unmeasured else ""
    how_many = f"{len(found)} decision{'s' * (len(found) != 1)}{measured}"
    lines = [f"{how_many}: {len(agreed)} agree{'s' * (len(agreed) == 1)} with the limits of now, {other} don't"]
    before = costs(rows, now) if rows else None
    if before is None:
        lines.append(
            f"what a move would cost isn't known: {cache} has no scores by the measures of now; run the calibration first"
        )
    needed: dict[str, list[float]] = defaultdict(list)
    for each in known:
        if each in agreed:
            continue
        lines += ["", f"{each.name}: you said {each.said}, the limits say {each.outcome(now)}"]
        ways = moves(each, now)
        if not ways:
            lines.append("  no limits tell it: its numbers are those of a " + ("fault" if each.said == Said.RIGHT else "true picture"))  # fmt: skip
        priced = [(way, costs(rows, replace(now, **way)) if rows else None) for way in ways]
        priced.sort(key=lambda pair: _harm(now, *pair))
        for way, cost in priced:
            text = ", ".join(_moved(name, getattr(now, name), value) for name, value in way.items())
            lines.append(f"  {text}{_cost(before, cost)}")
        for name, value in (priced[0][0] if priced else {}).items():
            needed[name].append(value)
    if needed:
        lines += ["", "Each limit so far that all who need it agree:"]
    for name, values in sorted(needed.items()):
        value = max(values, key=lambda value, name=name: abs(value - getattr(now, name)))
        cost = costs(rows, replace(now, **{name: value})) if rows else None
        lines.append(f"  {len(values)} × {_moved(name, getattr(now, name), value)}{_cost(before, cost)}")
    return "\n".join(lines)


def _harm(now: Thresholds, way: dict[str, float], cost: tuple[float, float] | None) -> float:
    """What a way costs, the least first; how far it goes where that isn't known."""
    if cost is not None:
        return cost[0] - cost[1]
    return max(abs(value / (getattr(now, name) or NOTHING) - 1) for name, value in way.items())


def _moved(name: str, now: float, value: float) -> str:
    return f"{name} {now:.4g} → {value:.4g}" + (f" ({value / now - 1:+.0%})" if now else "")


def _cost(before: tuple[float, float] | None, after: tuple[float, float] | None) -> str:
    if before is None or after is None:
        return ""
    return (
        f"; true pictures called wrong {before[0]:.1%} → {after[0]:.1%}, faults caught {before[1]:.1%} → {after[1]:.1%}"
    )
