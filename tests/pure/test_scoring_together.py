# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""All measures together: what none of them says alone, and what says most of it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from consistency_pipeline.pipeline.gate.scoring import together
from consistency_pipeline.pipeline.gate.scoring.verdict import Numbers, Thresholds, fitted, judge
from consistency_pipeline.pipeline.verdicts import Cause, Outcome

pytestmark = pytest.mark.by_turns

OWN = Numbers(p95_px=1.0, worst_px=1.5, inner_centred=0.9, label_worst=0.9, recoloured=3.0, label_area=0.1)
CALM = replace(OWN, p95_px=0.8)
WEIGHTS = (*((1.0 if name in together.LENGTHS else 0.0, 0.0) for name in together.NAMES for _ in range(2)), (0.0, 0.0))
LIMITS = Thresholds(together=WEIGHTS, unlike=16.0, unlike_doubt=8.0)


def unlike(numbers: Numbers):
    return together.unlike(numbers.as_dict(), OWN.as_dict(), WEIGHTS)


def test_no_mild_degradation_of_the_render_is_unlike_it():
    assert unlike(OWN)[0] == unlike(CALM)[0] == -math.inf


@pytest.mark.parametrize(
    ("change", "cause", "word"),
    [
        ({"p95_px": 3.9, "worst_px": 7.0}, Cause.SHAPE, "outline"),
        ({"moved_px": 7.0, "new": 8.0}, Cause.DETAIL, "surface"),
        ({"recoloured": 35.0}, Cause.COLOUR, "colours"),
        ({"label_shift_px": 3.5}, Cause.LABEL, "print"),
        ({"shift_px": 2.5, "dx_px": 2.5, "scale": 1.009}, Cause.PLACEMENT, "where and how large"),
    ],
)
def test_what_says_most_is_named(change, cause, word):
    found, *said = unlike(replace(CALM, **change))
    assert found > unlike(replace(CALM, p95_px=1.1))[0]
    assert said[0] == cause
    assert word in said[1]


def test_many_small_faults_are_one():
    little = replace(CALM, p95_px=2.0)
    more = replace(little, worst_px=5.0, moved_px=4.0, new=3.0)
    most = replace(more, recoloured=10.0, shift_px=2.0, dx_px=2.0)
    assert [judge(each, LIMITS, OWN).outcome for each in (little, more, most)] == [
        Outcome.PASS,
        Outcome.UNSURE,
        Outcome.FAIL,
    ]
    assert "taken together" in judge(most, LIMITS, OWN).reason
    assert judge(most, Thresholds(), OWN).outcome == Outcome.PASS, (
        "one of them is a fault by itself, so the case says nothing"
    )


def test_without_the_views_own_numbers_nothing_is_said():
    most = replace(CALM, p95_px=3.0, worst_px=6.0, recoloured=10.0, shift_px=2.0, moved_px=4.0)
    assert judge(most, LIMITS).outcome == Outcome.PASS


def test_what_is_shipped_has_a_weight_for_each_measure():
    limits = fitted()
    assert len(limits.together) == 2 * len(together.NAMES) + 1
    assert 0.0 < limits.unlike_doubt < limits.unlike < 100.0
