# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the gate's limits are found: no true picture that they were fitted on is called wrong, and nothing more is let through."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from benchmarks.calibration import limits
from consistency_pipeline.pipeline.gate.scoring.verdict import Numbers, Thresholds, judge

pytestmark = pytest.mark.by_turns

CALM = Numbers(contrast=1.0)
ODD = {
    "shift": Numbers(dx_px=5.5, shift_px=5.5),
    "size": Numbers(scale=0.97),
    "outline": Numbers(p95_px=7.0, bad_share=0.06, worst_px=9.0),
    "print": Numbers(label_area=0.1, label_changed=0.5, label_worst=0.2, label_patch=0.1),
    "inside": Numbers(new=12.0, lost=0.95, moved_px=9.0),
    "colour": Numbers(recoloured=55.0),
    "gone": Numbers(unseen_run=0.3),
}


def row(numbers: Numbers, product: str = "a", kind: str = "true") -> dict:
    facts = {"product": product, "class": "plastic", "angle": "front", "detail": "", "look": "soft", "seconds": 0.1}
    return facts | {"kind": kind, "visible": 50, "numbers": asdict(numbers), "own": asdict(CALM)}


@pytest.mark.parametrize("name", ODD)
def test_what_a_true_picture_measures_is_no_fault_any_more(name: str):
    assert judge(ODD[name], Thresholds(), CALM).outcome == "fail", "the case says nothing"
    fitted = limits.fit([limits.needs(row(CALM)), limits.needs(row(ODD[name]))])
    assert judge(ODD[name], fitted, CALM).outcome != "fail"


@pytest.mark.parametrize("name", ODD)
def test_what_no_true_picture_measures_stays_a_fault(name: str):
    others = [limits.needs(row(numbers)) for other, numbers in ODD.items() if other != name]
    assert judge(ODD[name], limits.fit(others), CALM).outcome == "fail"


def test_a_product_is_judged_by_limits_that_it_had_no_part_in():
    rows = [row(CALM, "a"), row(CALM, "b"), row(ODD["shift"], "c")]
    found = limits.held_out(rows)
    assert found["c"].shift_px < 5.5 < found["a"].shift_px


def test_the_report_counts_caught_unsure_and_called_wrong():
    rows = [row(CALM, "a"), row(CALM, "b"), row(ODD["shift"], "b", "shift"), row(CALM, "a", "melted")]
    text = limits.report(rows)
    line = {
        part.split("  ")[1].strip(): part.split()
        for part in text.split("By the thresholds")[0].splitlines()
        if part.startswith("  ")
    }
    assert line["shift"][-4:-1] == ["100.0%", "0.0%", "0.0%"]
    assert line["melted"][-4:-1] == ["0.0%", "0.0%", "100.0%"]


def test_the_margin_is_the_least_with_which_the_true_pictures_of_others_pass():
    rows = [
        row(Numbers(dx_px=away, shift_px=away, contrast=1.0), name)
        for name, away in zip("abc", (5.0, 5.5, 6.0), strict=True)
    ]
    needed = limits.true_needs(rows)
    assert limits.margin_for(rows, needed) == 1.15, "6.0 lies beyond 5.5, and within 1.15 of it"
    assert limits.margin_for(rows[:1] * 2, dict.fromkeys("ab", needed["a"])) == 1.0
