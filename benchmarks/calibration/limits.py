# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thresholds from labelled numbers, and what they are worth on products whose numbers weren't used."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from consistency_pipeline.pipeline.gate.scoring import together, verdict
from consistency_pipeline.pipeline.gate.scoring.verdict import Numbers, Thresholds, judge
from consistency_pipeline.pipeline.verdicts import Outcome

Row = dict[str, Any]
# Limit of a fault -> the strictest value that it may have, and one at which it calls nothing a fault.
BOUNDS = {
    "shift_px": (0.0, 60.0), "scale": (0.0, 0.3), "rotation_deg": (0.0, 20.0), "p95_px": (0.0, 25.0), "worst_px": (0.0, 25.0),
    "bad_share": (0.0, 1.01), "hollow_share": (0.0, 1.01), "added_share": (0.0, 1.0), "label_shift_px": (0.0, 30.0),
    "label_changed": (0.0, 1.01), "recoloured": (0.0, 150.0), "new": (0.0, 60.0), "lost": (0.0, 1.01), "moved_px": (0.0, 25.0),
    "unseen_run": (0.0, 1.01),
    "p95_px_hard": (0.0, 25.0), "worst_px_hard": (0.0, 40.0), "bad_share_hard": (0.0, 1.01), "hollow_share_hard": (0.0, 1.01),
    "label_changed_hard": (0.0, 1.01), "inner_centred": (1.0, 0.0), "inner_centred_hard": (1.0, 0.0),
    "label_worst": (1.0, -1.0), "label_patch": (1.0, -1.0),
}  # fmt: skip
# Limit from which a still is doubted -> the limit from which it is wrong, and the percentile of true pictures that it leaves alone.
DOUBTS = {
    "recoloured_doubt": ("recoloured", 99.5), "new_doubt": ("new", 99.5), "lost_doubt": ("lost", 99.5),
    "moved_px_doubt": ("moved_px", 99.5), "unseen_run_doubt": ("unseen_run", 99.5), "label_patch_doubt": ("label_patch", 99.5),
}  # fmt: skip
OFF = {"wrong_bad_share": 1e9, "added_share_hard": 1e9}  # says nothing alone
# Beyond what any true picture needs: the least with which few others are called wrong, FEW of those that limits weren't fitted on.
MARGINS = (1.0, 1.15, 1.3, 1.5, 1.75)
FEW = 0.025
# … and shares of them that may be unlike a true picture by all measures together, and that may be doubted by these.
UNLIKE, DOUBTED = 0.02, 0.08
RIDGE = 10.0  # strength of the penalty on large weights
DOUBT_MARGIN = 1.2  # … and beyond the percentile from which a still is doubted
LONE = 1 / 400  # share of the true pictures: a rule that no more need loosened stays as it is
STRICTEST = 0.7  # of the limit that stands in the code: 18 products don't show all that light may do
CORRELATIONS = ("label_worst", "label_patch")
STEPS = 12  # of the bisection


def is_true(row: Row) -> bool:
    return row["kind"] in ("true", "reference")


def counts(rows: Iterable[Row]) -> list[Row]:
    """Rows that are true, or have a fault that can be seen."""
    return [row for row in rows if is_true(row) or row["visible"]]


def outcome(row: Row, thresholds: Thresholds) -> str:
    return judge(Numbers(**row["numbers"]), thresholds, Numbers(**row["own"])).outcome


Needs = dict[str, float]


def needs(row: Row) -> Needs:
    """Limit -> the strictest value at which it alone does not call this picture wrong."""
    numbers, own = Numbers(**row["numbers"]), Numbers(**row["own"])
    silent = replace(
        Thresholds(),
        **{name: lax for name, (_, lax) in BOUNDS.items()},
        **{name: BOUNDS[of][1] for name, (of, _) in DOUBTS.items()},
        **OFF,
    )

    def wrong(name: str, value: float) -> bool:
        return judge(numbers, replace(silent, **{name: value}), own).outcome == Outcome.FAIL

    found = {}
    for name, (strict, lax) in BOUNDS.items():
        bad, good = strict, strict
        if wrong(name, strict):
            good = lax
            for _ in range(STEPS):
                middle = (bad + good) / 2
                bad, good = (middle, good) if wrong(name, middle) else (bad, middle)
        found[name] = good
    return found


def fit(needed: list[Needs], margin: float = 1.3) -> Thresholds:
    """For each rule the strictest limit that calls none of the true pictures wrong whose needs these are, and ``margin`` beyond.

    Rule by rule and without a look at the faults: a search over all limits at once found more faults on the products it was
    given and called a fifth of the true pictures of others wrong.
    """
    start, found = Thresholds(), {}
    for name, (strict, lax) in BOUNDS.items():
        values = np.array([each[name] for each in needed])
        away = np.abs(values - strict)
        furthest = strict if (away > 1e-3 * abs(lax - strict)).mean() <= LONE else float(values[away.argmax()])
        beyond = _beyond(name, furthest, margin)
        least = strict + STRICTEST * (getattr(start, name) - strict)
        found[name] = _laxest(beyond, least, lax) if abs(beyond - strict) < abs(lax - strict) else lax
    for name, (of, percentile) in DOUBTS.items():
        strict, lax = BOUNDS[of]
        away = float(np.percentile([abs(each[of] - strict) for each in needed], percentile))
        doubt = _beyond(of, strict + float(np.sign(lax - strict)) * away, DOUBT_MARGIN)
        doubt = _laxest(float(doubt), strict + STRICTEST * (getattr(start, name) - strict), lax)
        found[name] = min(doubt, found[of]) if lax > strict else max(doubt, found[of])
    return replace(start, **{name: round(float(value), 4) for name, value in found.items()})


def _beyond(name: str, value: float, margin: float) -> float:
    """``margin`` beyond ``value``: times as far from the strictest limit; of a correlation, which is never far, at times the odds."""
    strict, lax = BOUNDS[name]
    away = abs(value - strict)
    if name in CORRELATIONS:
        odds = margin * away / max(1.0 - away, 1e-3)
        return strict - odds / (1.0 + odds)
    return float(strict + np.sign(lax - strict) * margin * away)


def _laxest(one: float, other: float, lax: float) -> float:
    return min((one, other), key=lambda value: abs(lax - value))


def _shares(outcomes: list[str]) -> dict[str, float]:
    return {word: outcomes.count(word) / max(1, len(outcomes)) for word in ("pass", "unsure", "fail")}


def true_needs(rows: list[Row]) -> dict[str, list[Needs]]:
    """Product -> what each of its true pictures needs."""
    found: dict[str, list[Needs]] = defaultdict(list)
    for row in rows:
        if row["kind"] == "true":
            found[row["product"]].append(needs(row))
    return found


def margin_for(rows: list[Row], needed: dict[str, list[Needs]]) -> float:
    """The least of MARGINS with which limits that are fitted on all products but one call FEW of that one's true pictures wrong;
    the largest where none does."""
    true = [row for row in rows if row["kind"] == "true" and row["product"] in needed]
    for margin in MARGINS if len(needed) > 1 else ():
        fitted = {name: fit(_all(_without(needed, name)), margin) for name in needed}
        wrong = sum(outcome(row, fitted[row["product"]]) == Outcome.FAIL for row in true)
        if wrong <= FEW * len(true):
            return margin
    return MARGINS[-1]


def _without(needed: dict[str, list[Needs]], name: str) -> dict[str, list[Needs]]:
    return {other: each for other, each in needed.items() if other != name}


def _all(needed: dict[str, list[Needs]]) -> list[Needs]:
    return [each for part in needed.values() for each in part]


def held_out(rows: list[Row]) -> dict[str, Thresholds]:
    """Product -> limits fitted on all the others, and so are the margin beyond them and the weights of all measures together."""
    needed, found = true_needs(rows), {}
    for name in needed:
        others = _without(needed, name)
        rest = [row for row in counts(rows) if row["product"] != name]
        found[name] = with_together(fit(_all(others), margin_for(rows, others)), rest)
    return found


Table = tuple[tuple[float, float], ...]


def with_together(thresholds: Thresholds, rows: list[Row]) -> Thresholds:
    """``thresholds`` with weights fitted on ``rows``, and with limits such that UNLIKE of the true pictures of each product are
    called wrong by weights that were fitted on the others, DOUBTED of them doubted."""
    names = sorted({row["product"] for row in rows})
    if len(names) < 3 or not any(not is_true(row) for row in rows):
        return thresholds
    of = [together.features(row["numbers"], row["own"]) for row in rows]
    found = []
    for name in names:
        others = [n for n, row in enumerate(rows) if row["product"] != name]
        weights = _weights([of[n] for n in others], [not is_true(rows[n]) for n in others])
        mine = (row for row in rows if row["product"] == name and row["kind"] == "true")
        found += [together.unlike(row["numbers"], row["own"], weights)[0] for row in mine]
    limit, doubt = (round(float(np.quantile(found, 1.0 - share)), 4) for share in (UNLIKE, DOUBTED))
    weights = _weights(of, [not is_true(row) for row in rows])
    return replace(thresholds, together=weights, unlike=limit, unlike_doubt=doubt)


def _weights(of: list[np.ndarray], faulty: list[bool]) -> Table:
    """together.unlike's: a logistic regression in which true and faulty pictures weigh the same."""
    from scipy.optimize import minimize

    x, sign = np.array(of), np.where(faulty, 1.0, -1.0)
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-6
    scaled = np.c_[(x - mean) / spread, np.ones(len(x))]
    weigh = np.where(faulty, len(x) / (2.0 * sum(faulty)), len(x) / (2.0 * (len(x) - sum(faulty))))
    penalty = np.r_[np.full(x.shape[1], RIDGE), 0.0]

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        margins = sign * (scaled @ weights)
        slope = -(weigh * sign / (1.0 + np.exp(margins))) @ scaled
        return float((weigh * np.logaddexp(0.0, -margins)).sum() + 0.5 * (penalty * weights**2).sum()), slope + penalty * weights  # fmt: skip

    best = minimize(loss, np.zeros(scaled.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    table = [(round(float(w), 5), round(float(m), 5)) for w, m in zip(best[:-1] / spread, mean, strict=True)]
    return (*table, (round(float(best[-1]), 5), 0.0))


def report(rows: list[Row]) -> str:
    fitted = held_out(rows)
    judged = [{**row, "outcome": outcome(row, fitted[row["product"]])} for row in rows]
    kept = verdict.fitted()
    shipped = [{**row, "outcome": outcome(row, kept)} for row in rows]
    seconds = float(np.mean([row["seconds"] for row in rows]))
    hidden = sum(not is_true(row) and not row["visible"] for row in rows)
    first = (
        f"{len(rows)} pictures of {len(fitted)} products; {hidden} faults can't be seen from their angle and are left out; "
        f"{seconds:.2f} s of one core a picture"
    )
    return "\n".join(
        [
            first,
            "", "Each product judged by thresholds that were fitted on the others:", *_table(judged),
            "", "By the thresholds that the program has now (some of them fitted on products of the same names):", *_table(shipped),
        ]
    )  # fmt: skip


def _table(rows: list[Row]) -> list[str]:
    rows = counts(rows)
    true = [row for row in rows if row["kind"] == "true"]
    lines = [f"  {'true pictures':<26}{'n':>5}{'passed':>9}{'unsure':>9}{'called wrong':>14}"]
    for title, key in (("look", "look"), ("class", "class")):
        names = sorted({row[key] for row in true})
        lines += [_true_line(f"{title} {name}", [row for row in true if row[key] == name]) for name in names]
    lines.append(_true_line("all", true))
    lines.append(
        _true_line("the reference and its mild degradations", [row for row in rows if row["kind"] == "reference"])
    )
    lines.append(f"  {'fault':<26}{'n':>5}{'caught':>9}{'unsure':>9}{'passed':>9}{'AUC':>8}")
    wrong = [row for row in rows if not is_true(row)]
    kinds = sorted({row["kind"] for row in wrong})
    lines += [_fault_line(kind, [row for row in wrong if row["kind"] == kind], true) for kind in kinds]
    lines.append(_fault_line("all", wrong, true))
    return lines


def _true_line(name: str, rows: list[Row]) -> str:
    found = _shares([row["outcome"] for row in rows])
    return f"  {name:<26}{len(rows):>5}{found['pass']:>9.1%}{found['unsure']:>9.1%}{found['fail']:>14.1%}"


def _fault_line(name: str, rows: list[Row], true: list[Row]) -> str:
    found = _shares([row["outcome"] for row in rows])
    area = auc([RANK[row["outcome"]] for row in true], [RANK[row["outcome"]] for row in rows])
    return f"  {name:<26}{len(rows):>5}{found['fail']:>9.1%}{found['unsure']:>9.1%}{found['pass']:>9.1%}{area:>8.3f}"


RANK = {"pass": 0.0, "unsure": 1.0, "fail": 2.0}


def auc(true: list[float], wrong: list[float]) -> float:
    """Area under the ROC curve: the chance that a fault ranks above a true picture (Mann-Whitney U, ties half)."""
    if not true or not wrong:
        return float("nan")
    a, b = np.array(true), np.array(wrong)
    return float(((b[:, None] > a).sum() + 0.5 * (b[:, None] == a).sum()) / (len(a) * len(b)))


def write(rows: list[Row]) -> None:
    """Store thresholds fitted on every product where the gate reads them."""
    needed = true_needs(rows)
    margin, everything = margin_for(rows, needed), _all(needed)
    note = {
        "true pictures": len(everything), "products": len({row["product"] for row in rows}), "margin": margin,
        "command": "python -m benchmarks.calibration --write",
    }  # fmt: skip
    found = with_together(fit(everything, margin), counts(rows))
    text = json.dumps({"fitted_on": note, "thresholds": asdict(found)}, indent=2) + "\n"
    Path(verdict.__file__).with_name("thresholds.json").write_text(text, encoding="utf-8")
