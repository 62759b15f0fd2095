# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Thresholds from labelled numbers, and what they are worth on numbers that weren't used."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np

from consistency_pipeline.pipeline.gate.scoring.verdict import Numbers, Thresholds, judge

Row = dict[str, Any]
# name, the number it limits, bounds, on which backdrops it decides
PLAIN = {
    "shift_px": (1.5, 3.0),
    "scale": (0.004, 0.012),
    "rotation_deg": (0.2, 0.8),
    "p95_px": (1.5, 5.0),
    "bad_share": (0.008, 0.05),
    "hollow_share": (0.001, 0.02),
    "inner_centred": (0.10, 0.60),
    "inner_recall": (0.10, 0.75),
    "label_shift_px": (2.0, 10.0),
    "label_changed": (0.10, 0.60),
    "added_share": (0.001, 0.01),
}
HARD = {
    "p95_px_hard": (4.0, 26.0),
    "bad_share_hard": (0.05, 0.5),
    "hollow_share_hard": (0.005, 0.3),
    "inner_centred_hard": (0.05, 0.35),
    "label_changed_hard": (0.3, 0.9),
    "added_share_hard": (0.005, 0.06),
}
DOUBT = {"coverage": (0.3, 0.9), "faded_share": (0.01, 0.12), "clutter": (0.05, 0.25)}
FALSE_ALARMS = 0.02  # aimed at while fitting, so that 3 % holds on the other half


def verdict(row: Row, thresholds: Thresholds) -> str:
    return judge(Numbers(**row["numbers"]), thresholds).outcome


def halves(rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """By view, so that no view is both fitted on and reported on."""
    views = sorted({(row["product"], row["angle"]) for row in rows})
    first = {view for index, view in enumerate(views) if index % 2 == 0}
    return [r for r in rows if (r["product"], r["angle"]) in first], [
        r for r in rows if (r["product"], r["angle"]) not in first
    ]


def fit(rows: list[Row], start: Thresholds, rounds: int = 3) -> Thresholds:
    """Coordinate descent: per threshold the value with the fewest wrong verdicts, the middle of equally good ones."""
    seen = [row for row in rows if row["kind"] == "true" or row["visible"]]
    plain = [row for row in seen if row["backdrop"] == "plain"]
    hard = [row for row in seen if row["backdrop"] != "plain"]
    thresholds = start
    for _ in range(rounds):
        for name, (low, high) in PLAIN.items():
            thresholds = _best(name, low, high, plain, thresholds, _plain_cost)
        for name, (low, high) in HARD.items():
            thresholds = _best(name, low, high, hard, thresholds, _hard_cost)
        for name, (low, high) in DOUBT.items():
            thresholds = _best(name, low, high, seen, thresholds, _doubt_cost)
    return thresholds


def _best(name: str, low: float, high: float, rows: list[Row], thresholds: Thresholds, cost: Any) -> Thresholds:
    values = np.linspace(low, high, 15)
    costs = [cost(rows, replace(thresholds, **{name: float(value)})) for value in values]
    best = min(costs)
    good = [index for index, value in enumerate(costs) if value <= best + 1e-9]
    return replace(thresholds, **{name: round(float(values[good[len(good) // 2]]), 4)})


def _rates(rows: list[Row], t: Thresholds) -> tuple[float, float, float, float]:
    """Shares: true called fail, true called unsure, defect called pass, defect called unsure."""
    true = [verdict(row, t) for row in rows if row["kind"] == "true"]
    wrong = [verdict(row, t) for row in rows if row["kind"] != "true"]
    n, m = max(1, len(true)), max(1, len(wrong))
    return true.count("fail") / n, true.count("unsure") / n, wrong.count("pass") / m, wrong.count("unsure") / m


def _plain_cost(rows: list[Row], t: Thresholds) -> float:
    alarm, doubt, miss, vague = _rates(rows, t)
    return 4 * max(0.0, alarm - FALSE_ALARMS) + 0.5 * alarm + 0.3 * doubt + 2 * miss + 0.5 * vague


def _hard_cost(rows: list[Row], t: Thresholds) -> float:
    alarm, doubt, miss, vague = _rates(rows, t)
    return 3 * alarm + 3 * miss + 0.2 * doubt + 0.2 * vague


def _doubt_cost(rows: list[Row], t: Thresholds) -> float:
    plain = [row for row in rows if row["backdrop"] == "plain"]
    return _plain_cost(plain, t) + _hard_cost([row for row in rows if row["backdrop"] != "plain"], t)


# the single numbers whose separating power is reported
SIGNS = {
    "p95_px": 1,
    "bad_share": 1,
    "hollow_share": 1,
    "inner_recall": -1,
    "inner_centred": -1,
    "label_changed": 1,
    "added_share": 1,
    "shift_px": 1,
}


def auc(true: list[float], wrong: list[float]) -> float:
    """Area under the ROC curve: the chance that a defect's number lies above a true picture's (Mann-Whitney U)."""
    if not true or not wrong:
        return float("nan")
    a, b = np.array(true), np.array(wrong)
    return float(((b[:, None] > a).sum() + 0.5 * (b[:, None] == a).sum()) / (len(a) * len(b)))


def suspicion(row: Row, t: Thresholds) -> float:
    """One number for a ROC curve: the largest of the measured faults, each over its threshold."""
    n = row["numbers"]
    over = [
        max(abs(n["dx_px"]), abs(n["dy_px"])) / t.shift_px,
        abs(n["scale"] - 1) / t.scale,
        n["p95_px"] / t.p95_px,
        n["bad_share"] / t.bad_share,
        n["hollow_share"] / t.hollow_share,
        n["label_changed"] / t.label_changed,
        n["added_share"] / t.added_share,
        (1 - n["inner_centred"]) / (1 - t.inner_centred),
        (1 - n["inner_recall"]) / (1 - t.inner_recall),
        n["label_shift_px"] / t.label_shift_px,
        t.blank_contrast / max(n["contrast"], 1e-6),
    ]
    return max(over)


def report(rows: list[Row], t: Thresholds) -> str:
    lines = []
    for label, hard in (("plain", False), ("difficult", True)):
        part = [row for row in rows if (row["backdrop"] != "plain") == hard]
        true = [row for row in part if row["kind"] == "true"]
        wrong = [row for row in part if row["kind"] != "true" and row["visible"]]
        if not true or not wrong:
            continue
        alarm, doubt, miss, vague = _rates([*true, *wrong], t)
        mistakes = (alarm * len(true) + miss * len(wrong)) / (len(true) + len(wrong))
        area = auc([suspicion(row, t) for row in true], [suspicion(row, t) for row in wrong])
        lines += [
            f"\n{label} backdrops: {len(true)} true, {len(wrong)} with a visible defect",
            f"  false alarms {alarm:6.1%}   true but unsure {doubt:6.1%}   wrong verdicts of all {mistakes:6.1%}",
            f"  caught {1 - miss - vague:6.1%}   unsure {vague:6.1%}   missed {miss:6.1%}   AUC {area:.3f}",
            f"  {'defect':<16}{'n':>5}{'caught':>9}{'unsure':>9}{'missed':>9}{'AUC':>8}   best single number",
        ]
        groups = defaultdict(list)
        for row in wrong:
            groups[row["kind"]].append(row)
        for kind, group in sorted(groups.items()):
            outcomes = [verdict(row, t) for row in group]
            n = len(group)
            best = max(
                (auc([s * r["numbers"][k] for r in true], [s * r["numbers"][k] for r in group]), k)
                for k, s in SIGNS.items()
            )
            whole = auc([suspicion(r, t) for r in true], [suspicion(r, t) for r in group])
            lines.append(
                f"  {kind:<16}{n:>5}{outcomes.count('fail') / n:>9.1%}{outcomes.count('unsure') / n:>9.1%}"
                f"{outcomes.count('pass') / n:>9.1%}{whole:>8.3f}   {best[1]} {best[0]:.3f}"
            )
        per_backdrop = defaultdict(list)
        for row in true:
            per_backdrop[row["backdrop"]].append(verdict(row, t))
        lines += [
            f"  true on {name:<16}{len(o):>4}: pass {o.count('pass') / len(o):.0%}, unsure {o.count('unsure') / len(o):.0%}, fail {o.count('fail') / len(o):.0%}"
            for name, o in sorted(per_backdrop.items())
        ]
    return "\n".join(lines)


def recovery(rows: list[Row]) -> str:
    """Errors of the fitted placement against what was put in, on plain backdrops."""
    moved = [row for row in rows if row["kind"] in ("true", "shift", "scale") and row["backdrop"] == "plain"]
    shift = [
        np.hypot(r["numbers"]["dx_px"] - r["expected"]["dx_px"], r["numbers"]["dy_px"] - r["expected"]["dy_px"])
        for r in moved
    ]
    scale = [abs(r["numbers"]["scale"] / r["expected"]["scale"] - 1) * 100 for r in moved]
    return (
        f"\nplacement recovered over {len(moved)} pictures: shift px at 1024 {_spread(shift)}; scale % {_spread(scale)}"
    )


def _spread(values: list[float]) -> str:
    return f"median {np.median(values):.3f}, p95 {np.percentile(values, 95):.3f}, max {np.max(values):.3f}"


def drift_report(rows: list[Row]) -> str:
    """Errors in degrees where the outline can tell the drift, and how often it can't."""
    told = [row for row in rows if row["telling"]]
    yaw, pitch = ([row[name] for row in told] for name in ("yaw_error", "pitch_error"))
    return (
        f"camera drift over {len(told)} of {len(rows)} pictures (the rest look alike from both cameras):"
        f" yaw error deg {_spread(yaw)}; pitch error deg {_spread(pitch)};"
        f" {np.mean([row['seconds'] for row in rows]):.1f} s of one core each at 512 px"
    )
