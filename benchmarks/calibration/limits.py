# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thresholds from labelled numbers, and what they are worth on products whose numbers weren't used."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from consistency_pipeline.pipeline.gate.scoring import verdict
from consistency_pipeline.pipeline.gate.scoring.verdict import Numbers, Thresholds, judge

Row = dict[str, Any]
# name → bounds of the search
BOUNDS = {
    "shift_px": (1.5, 3.0), "scale": (0.004, 0.012), "rotation_deg": (0.2, 0.8), "p95_px": (1.5, 8.0),
    "bad_share": (0.008, 0.08), "hollow_share": (0.001, 0.03), "inner_centred": (0.05, 0.60), "inner_recall": (0.05, 0.75),
    "label_shift_px": (2.0, 10.0), "label_changed": (0.10, 0.70), "added_share": (0.001, 0.02),
    "p95_px_hard": (4.0, 26.0), "bad_share_hard": (0.05, 0.5), "hollow_share_hard": (0.005, 0.3),
    "inner_centred_hard": (0.05, 0.35), "label_changed_hard": (0.3, 0.9), "added_share_hard": (0.005, 0.06),
    "coverage": (0.3, 0.9), "faded_share": (0.01, 0.12), "clutter": (0.05, 0.5),
    "worst_px": (3.0, 12.5), "worst_px_hard": (8.0, 14.0), "label_worst": (0.2, 0.85), "label_patch": (0.05, 0.75),
    "label_patch_doubt": (0.2, 0.85), "recoloured": (10.0, 60.0), "recoloured_doubt": (8.0, 50.0), "new": (3.0, 15.0),
    "new_doubt": (2.0, 12.0), "lost": (0.5, 1.01), "lost_doubt": (0.4, 1.01), "moved_px": (3.0, 10.0), "moved_px_doubt": (2.5, 9.0),
}  # fmt: skip
ALARMS = 0.03  # share of true pictures that may be called wrong; fitted to a little less
VALUES = 11  # tried for each threshold
ROUNDS = 2
FOLDS = 6
DOUBTS = 0.15  # share of true pictures that may stay unsure


def is_true(row: Row) -> bool:
    return row["kind"] in ("true", "reference")


def counts(rows: Iterable[Row]) -> list[Row]:
    """Rows that are true, or have a fault that can be seen."""
    return [row for row in rows if is_true(row) or row["visible"]]


def outcome(row: Row, thresholds: Thresholds) -> str:
    return judge(Numbers(**row["numbers"]), thresholds, Numbers(**row["own"])).outcome


@dataclass(frozen=True)
class Case:
    """What of a row the search for thresholds needs. ``kind``: "" for a true picture."""

    kind: str
    numbers: Numbers
    own: Numbers


def fit(rows: list[Row], start: Thresholds) -> Thresholds:
    """Coordinate descent: per threshold the value with the least cost, the middle of equally good ones."""
    cases = [
        Case("" if is_true(row) else row["kind"], Numbers(**row["numbers"]), Numbers(**row["own"]))
        for row in counts(rows)
        if row["kind"] != "reference"
    ]
    best = start
    for _ in range(ROUNDS):
        for name, (low, high) in BOUNDS.items():
            values = np.linspace(low, high, VALUES)
            costs = [_cost(cases, replace(best, **{name: float(value)})) for value in values]
            good = [index for index, cost in enumerate(costs) if cost <= min(costs) + 1e-9]
            best = replace(best, **{name: round(float(values[good[len(good) // 2]]), 4)})
    return best


def _cost(cases: list[Case], thresholds: Thresholds) -> float:
    """A false alarm costs a purchase, a miss a customer: both 2 and 1; unsure a look. Kinds of fault weigh the same."""
    groups: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        groups[case.kind].append(judge(case.numbers, thresholds, case.own).outcome)
    shares = {kind: _shares(found) for kind, found in groups.items()}
    true = shares.pop("", _shares([]))
    alarm, doubt = true["fail"], true["unsure"]
    missed = float(np.mean([each["pass"] for each in shares.values()])) if shares else 0.0
    vague = float(np.mean([each["unsure"] for each in shares.values()])) if shares else 0.0
    return (
        6 * max(0.0, alarm - 0.8 * ALARMS) + alarm + 2 * max(0.0, doubt - DOUBTS) + 0.4 * doubt + missed + 0.3 * vague
    )


def _shares(outcomes: list[str]) -> dict[str, float]:
    return {word: outcomes.count(word) / max(1, len(outcomes)) for word in ("pass", "unsure", "fail")}


def folds(names: Iterable[str]) -> list[list[str]]:
    """Products in FOLDS groups; each group is judged by what was learned from the others."""
    mixed = sorted(names, key=lambda name: zlib.crc32(name.encode()))
    return [group for group in (mixed[start::FOLDS] for start in range(FOLDS)) if group]


def held_out(rows: list[Row]) -> dict[str, Thresholds]:
    """Product -> thresholds fitted without it, and without those that share its turn."""
    groups = folds({row["product"] for row in rows})
    parts = [[row for row in rows if row["product"] not in group] for group in groups]
    with ProcessPoolExecutor() as pool:
        fitted = list(pool.map(fit, parts, [Thresholds()] * len(parts)))
    return {name: found for group, found in zip(groups, fitted, strict=True) for name in group}


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
    note = {
        "pictures": len(counts(rows)), "products": len({row["product"] for row in rows}),
        "command": "python -m benchmarks.calibration --write",
    }  # fmt: skip
    text = json.dumps({"fitted_on": note, "thresholds": asdict(fit(rows, Thresholds()))}, indent=2) + "\n"
    Path(verdict.__file__).with_name("thresholds.json").write_text(text, encoding="utf-8")
