# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens next: the ladder ends, spends no more than it may, and says why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consistency_pipeline.pipeline.gate.scoring.crossview import Tint
from consistency_pipeline.pipeline.gate.scoring.ladder import (
    BOUGHT,
    Attempt,
    Ladder,
    best,
    headline,
    next_action,
    next_for_tint,
    tally,
)
from consistency_pipeline.pipeline.gate.scoring.verdict import Verdict

pytestmark = pytest.mark.by_turns

GOOD = Verdict("pass", "the outline lies within 0.4 px of the render")
SHIFTED = Verdict("fail", "the product sits 6.2 px to the right", "placement")
WRONG = Verdict("fail", "a part is missing", "part", {"bad_share": 0.2, "hollow_share": 0.05, "added_share": 0.0})
VAGUE = Verdict("unsure", "only 40 % of the outline can be seen against the backdrop", "coverage")
DETAILED = Verdict("unsure", "detail inside the outline isn't the render's", "detail")
MISPRINTED = Verdict("fail", "62 % of the print on the product shows something else", "label", {"label_shift_px": 0.4})
MOVED_PRINT = Verdict("fail", "the print sits 12 px beside its place", "label", {"label_shift_px": 12.0})
PRICES = {"reroll": 0.025, "stricter": 0.025, "depth": 0.05}


def climb(verdict: Verdict, ladder: Ladder, budget: float | None, prices: dict[str, float | None]) -> list[str]:
    """Every action while each new take gets the same verdict; paid takes are taken off the budget."""
    history, actions = [Attempt("first", verdict)], []
    for _ in range(40):
        action = next_action(history, ladder, budget, prices)
        actions.append(action.kind)
        assert action.reason
        if action.kind in ("accept", "flag"):
            return actions
        if action.kind in BOUGHT and budget is not None:
            budget -= prices[action.kind] or 0.0
            assert budget > -1e-6
        history.append(Attempt(action.kind, GOOD if action.kind == "local" else verdict))
    raise AssertionError("the ladder has no end")


def test_a_good_picture_is_accepted_and_a_shifted_one_unwarped_for_free() -> None:
    assert climb(GOOD, Ladder(), 0.0, {}) == ["accept"]
    first = next_action([Attempt("first", SHIFTED)], Ladder(), 0.0, PRICES)
    assert first.kind == "unwarp"
    assert next_action([Attempt("first", SHIFTED), Attempt("unwarp", GOOD)], Ladder(), 0.0, PRICES).kind == "accept"


def test_an_unwarp_that_did_not_help_is_not_tried_on_its_own_result() -> None:
    history = [Attempt("first", SHIFTED), Attempt("unwarp", SHIFTED)]
    assert next_action(history, Ladder(), None, PRICES).kind == "reroll"


def test_a_wrong_print_that_is_not_surely_right_after_it_was_mended_is_bought_again() -> None:
    half = [Attempt("first", MISPRINTED), Attempt("faithful", DETAILED)]
    assert next_action(half, Ladder(), None, PRICES).kind == "reroll"
    assert next_action(half, Ladder(unsure="accept"), None, PRICES).kind == "reroll"
    assert next_action([half[0], Attempt("faithful", GOOD)], Ladder(), None, PRICES).kind == "accept"
    doubted = [Attempt("first", DETAILED), Attempt("faithful", DETAILED)]
    assert next_action(doubted, Ladder(), None, PRICES).kind == "flag"


def test_a_wrong_shape_climbs_the_whole_ladder_in_order() -> None:
    assert climb(WRONG, Ladder(), None, PRICES) == ["reroll", "reroll", "stricter", "depth", "local", "accept"]


def test_without_a_local_finish_the_best_take_is_flagged() -> None:
    better = Verdict("fail", "a part is missing", "part", {"bad_share": 0.05, "hollow_share": 0.01, "added_share": 0.0})
    history = [Attempt("first", WRONG), Attempt("reroll", better), Attempt("reroll", WRONG)]
    action = next_action(history, Ladder(purchases=("reroll", "reroll"), local=False), None, PRICES)
    assert (action.kind, action.keep) == ("flag", 1)


def test_the_budget_passes_over_what_it_cannot_pay() -> None:
    assert climb(WRONG, Ladder(), 0.06, PRICES) == ["reroll", "reroll", "local", "accept"]
    assert climb(WRONG, Ladder(), 0.0, PRICES) == ["local", "accept"]
    action = next_action([Attempt("first", WRONG)], Ladder(), 0.0, PRICES)
    assert "budget" in action.reason


def test_an_unknown_price_is_not_bought_under_a_limit() -> None:
    assert climb(WRONG, Ladder(local=False), 10.0, {"reroll": None}) == ["flag"]


def test_unsure_goes_to_a_person_unless_the_settings_say_otherwise() -> None:
    assert climb(VAGUE, Ladder(), None, PRICES) == ["flag"]
    assert climb(VAGUE, Ladder(unsure="accept"), None, PRICES) == ["accept"]
    assert climb(VAGUE, Ladder(unsure="climb"), None, PRICES)[0] == "reroll"


@given(
    st.builds(
        Ladder,
        unwarp=st.booleans(),
        faithful=st.booleans(),
        purchases=st.lists(st.sampled_from(BOUGHT), max_size=8).map(tuple),
        local=st.booleans(),
        unsure=st.sampled_from(["flag", "accept", "climb"]),
    ),
    st.sampled_from([WRONG, SHIFTED, VAGUE, DETAILED, MISPRINTED]),
    st.one_of(st.none(), st.floats(0, 0.3)),
)
def test_every_ladder_ends_and_buys_no_more_than_it_says(
    ladder: Ladder, verdict: Verdict, budget: float | None
) -> None:
    actions = climb(verdict, ladder, budget, PRICES)
    bought = [kind for kind in actions if kind in BOUGHT]
    rungs = iter(ladder.purchases)
    assert all(kind in rungs for kind in bought)  # the ladder's own, in its order, some passed over
    assert budget is None or sum(PRICES[kind] for kind in bought) <= budget + 1e-6


def test_nothing_scored_has_no_next_step() -> None:
    with pytest.raises(ValueError, match="score"):
        next_action([])


def test_the_best_take_passes_before_it_is_unsure_before_it_fails() -> None:
    assert best([Attempt("first", WRONG), Attempt("reroll", VAGUE), Attempt("reroll", GOOD)]) == 2
    assert best([Attempt("first", WRONG), Attempt("reroll", VAGUE)]) == 1


@pytest.mark.parametrize(
    ("action", "taken", "affordable", "kind"),
    [
        ("gain", 0, True, "gain"),
        ("reroll", 0, True, "reroll"),
        ("reroll", 1, True, "flag"),
        ("reroll", 0, False, "flag"),
    ],
)
def test_one_tinted_view_is_corrected_taken_again_or_flagged(
    action: str, taken: int, affordable: bool, kind: str
) -> None:
    tint = Tint((), {"side": 9.0}, {}, "side", action, "side is tinted by 9.0 ΔE")
    assert next_for_tint(tint, taken, Ladder(), affordable).kind == kind
    assert next_for_tint(Tint((), {}, {}, "", "", "the views agree"), 0).kind == "accept"


def test_the_headline_counts_and_names_what_is_not_on_model() -> None:
    assert headline({"front": GOOD, "side": GOOD}) == "2 of 2 on model"
    assert headline({"front": GOOD, "side": WRONG}) == "1 of 2 on model; side: a part is missing"


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        (["pass"] * 5, "5 of 5 on model"),
        (["pass"] * 4 + ["fail"], "4 of 5 on model"),
        (["fail"] * 3, "0 of 3 on model"),
        (["unsure"] * 3, "3 to look at"),
        (["pass", "pass", "unsure"], "2 of 3 on model, 1 to look at"),
        (["fail", "unsure"], "1 off model, 1 to look at"),
        (["pass", "fail", "unsure"], "1 of 3 on model, 1 off model, 1 to look at"),
    ],
)
def test_what_nobody_could_tell_is_not_called_off_model(outcomes, said):
    assert tally(outcomes) == said


@pytest.mark.parametrize("doubted", [DETAILED, MISPRINTED, Verdict("fail", "something melted", "detail")])
def test_doubted_detail_is_mended_for_free_before_anything_is_bought(doubted: Verdict) -> None:
    first = [Attempt("first", doubted)]
    assert next_action(first, Ladder(), 0.0, PRICES).kind == "faithful"
    mended = next_action([*first, Attempt("faithful", GOOD)], Ladder(), 0.0, PRICES)
    assert (mended.kind, mended.keep) == ("accept", 1)
    assert next_action(first, Ladder(faithful=False), None, PRICES).kind == (
        "flag" if doubted.outcome == "unsure" else "reroll"
    )


def test_detail_that_was_mended_in_vain_is_mended_anew_only_of_a_new_take() -> None:
    ladder = Ladder(purchases=("reroll", "depth"))
    assert climb(MISPRINTED, ladder, None, PRICES) == [
        "faithful", "reroll", "faithful", "depth", "faithful", "local", "accept",
    ]  # fmt: skip
    assert climb(MISPRINTED, ladder, 0.0, PRICES) == ["faithful", "local", "accept"]


@pytest.mark.parametrize("wrong", [MOVED_PRINT, WRONG, VAGUE])
def test_what_is_wrong_beside_detail_is_not_hidden_by_the_renders_detail(wrong: Verdict) -> None:
    assert "faithful" not in climb(wrong, Ladder(), None, PRICES)


def test_a_picture_with_the_renders_detail_is_on_its_grid_and_not_unwarped() -> None:
    history = [Attempt("first", MISPRINTED), Attempt("faithful", SHIFTED)]
    assert next_action(history, Ladder(), None, PRICES).kind == "reroll"


def test_what_the_settings_trust_unverified_stays_as_it_came() -> None:
    assert climb(DETAILED, Ladder(unsure="accept"), None, PRICES) == ["accept"]
