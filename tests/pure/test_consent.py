# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is agreed to before anything is bought: the same on every surface."""

from __future__ import annotations

from pathlib import Path

import pytest

from consistency_pipeline.fal_backend import consent
from consistency_pipeline.pipeline.driver import finish
from consistency_pipeline.pipeline.errors import BudgetExceeded
from consistency_pipeline.pipeline.settings.groups import RunSettings

pytestmark = pytest.mark.by_turns

UNKNOWN = "somebody/made-this"


def costs(until="results", **options):
    """Of a run with these settings, each purchase at $0.25; UNKNOWN's price is not known."""

    def prices(endpoints, _to_send):
        yield
        return {each: {"usd": 0.25, "unit": "images", "at": "2026-01-01"} for each in endpoints if each != UNKNOWN}

    settings = RunSettings(inputs=("duck.glb",), backend="fal", **options)
    return settings, finish(consent.estimate(settings, None, prices, until=until))


def test_only_the_stages_that_are_asked_for_are_paid_for():
    _, whole = costs()
    _, stills = costs("photoreal")
    _, renders = costs("references")
    assert {line.stage for line in whole.lines} == {"photoreal", "video"}
    assert {line.stage for line in stills.lines} == {"photoreal"}
    assert stills.retakes > 0.0
    assert (renders.lines, renders.most, renders.buys) == ((), 0.0, False)


@pytest.mark.parametrize(("agreed", "covered"), [
    (consent.NOTHING_AGREED, False), (0.0, False), (1.249, False), (1.25, True), (1.24999994, True), (consent.EVERYTHING_AGREED, True),
])  # fmt: skip
def test_no_more_is_spent_than_was_agreed_to(agreed, covered):
    _, stills = costs("photoreal", gate={"retakes": 0})
    assert stills.most == 1.25
    assert consent.covers(agreed, stills) == covered


def test_what_costs_nothing_that_is_known_has_to_be_agreed_to_as_well():
    _, unknown = costs("photoreal", image_endpoint=UNKNOWN, gate={"enabled": False})
    assert unknown.most == 0.0
    assert not consent.covers(consent.NOTHING_AGREED, unknown)
    assert consent.covers(0.0, unknown)
    assert consent.question(unknown) == f"Spend up to $0.00, and what {UNKNOWN} asks?"
    assert consent.refusal(unknown, "confirm with --yes").endswith("asks; confirm with --yes")


def test_who_renders_only_is_asked_nothing():
    _, renders = costs("references")
    assert consent.covers(consent.NOTHING_AGREED, renders)


def test_a_limit_that_cannot_be_kept_is_told_before_the_renders(tmp_path: Path):
    settings, unknown = costs("photoreal", image_endpoint=UNKNOWN, budget=5.0)
    with pytest.raises(BudgetExceeded, match=UNKNOWN):
        consent.check(unknown, settings)
    settings, known = costs("photoreal", budget=0.5)
    consent.check(known, settings)
    assert consent.limit_note(known.total, settings.money.budget) == (
        "the run stops in order before its own limit of $0.50 is passed"
    )
    assert consent.limit_note(0.50000001, settings.money.budget) == consent.limit_note(9.0, None) == ""


def test_a_run_on_this_machine_costs_nothing_and_asks_nobody():
    def nobody(_endpoints, _to_send):
        raise AssertionError("fal.ai was asked")
        yield

    settings = RunSettings(inputs=("duck.glb",), backend="local")
    nothing = finish(consent.estimate(settings, None, nobody))
    consent.check(nothing, settings)
    assert consent.covers(consent.NOTHING_AGREED, nothing)
