# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a second witness's answer is worth: nothing, where it is not exactly what was asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consistency_pipeline.pipeline.gate.witness import LONGEST, SHOWN, Word, compare_words, worth_of
from consistency_pipeline.pipeline.redaction import hide
from consistency_pipeline.pipeline.verdicts import Says

pytestmark = pytest.mark.by_turns


def said(
    same: Any = "yes", shape: Any = "yes", print_: Any = "yes", colour: Any = "yes", reason: Any = "as seen"
) -> str:
    return json.dumps({"same": same, "shape": shape, "print": print_, "colour": colour, "reason": reason})


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (said(), Says.YES),
        (said(same="no", print_="no"), Says.NO),
        (said(same="no", print_="no", colour="can't tell"), Says.NO),
        (said(same="can't tell", print_="can’t tell"), Says.CANT_TELL),
        (f"```json\n{said()}\n```", Says.YES),
        (f"  {said('Yes', ' YES ')}\n", Says.YES),
    ],
)
def test_an_answer_of_the_form_counts(answer: str, says: Says):
    found = worth_of(answer)
    assert (found.says, found.reason) == (says, "as seen")


@pytest.mark.parametrize(
    "answer",
    [
        "",
        " \n ",
        "yes",
        "Yes, it is the same product.",
        f"Sure! {said()}",
        f"{said()}\n{said(same='no', shape='no')}",
        f"```json\n{said()}\n``` I hope that helps",
        said()[:-1],
        "[]",
        "null",
        '"yes"',
        "[" * 3000,
        json.dumps({"same": "yes", "reason": "as seen"}),
        said(reason=""),
        said(reason=" \n\t "),
        said(reason=7),
        said(reason="x" * 400),
        said(same=True),
        said(same=["yes"]),
        said(same="perhaps"),
        said(shape=None),
        said()[:-1] + ', "pass": true}',
        '{"same": "no", ' + said()[1:],
        said()[:-1] + f', "note": "{"x" * LONGEST}"}}',
        "{" * 1900,
        "\udcff",
        said("yes", "yes", "yes", "no"),
        said("no"),
        said("can't tell"),
        said("yes", "can't tell"),
        said("can't tell", "no"),
    ],
)
def test_any_other_answer_is_no_opinion_and_says_why(answer: str):
    found = worth_of(answer)
    assert found.says == Says.NOTHING
    assert found.reason.startswith("its answer")


@given(st.text(max_size=300))
def test_no_answer_is_taken_for_a_yes_by_chance(answer: str):
    assert worth_of(answer).says == Says.NOTHING


def test_its_words_are_shown_in_one_short_line_without_secrets():
    hide("a-secret-of-many-letters")
    reason = worth_of(said(reason="Label\n\x1b[31m\u202edriver a-secret-of-many-letters " + "and on " * 30)).reason
    assert len(reason) <= SHOWN
    assert reason.isprintable()
    assert "secret" not in reason
    assert reason.startswith("Label [31m driver ***")


# reading the print


def word(text: str, x: float = 0.5, y: float = 0.5, confidence: float = 0.95) -> Word:
    return Word(text, confidence, (x, y))


@pytest.mark.parametrize(
    ("render", "still", "says"),
    [
        ([word("AURORA"), word("30 ml", y=0.8)], [word("Aurora", 0.52), word("30ML", y=0.81)], Says.YES),
        ([word("AURORA")], [word("ZXCVBN")], Says.NO),
        ([word("AURORA"), word("30 ml", y=0.8)], [word("AURORA"), word("XYZW", y=0.8)], Says.NO),
        ([word("AURORA")], [word("AUR0RA")], Says.CANT_TELL),
        ([word("AURORA"), word("PERFUME", y=0.6)], [word("PERFUME", y=0.6)], Says.CANT_TELL),
        ([word("AURORA")], [word("XKQW", confidence=0.4)], Says.CANT_TELL),
        ([word("AURORA")], [word("AURORA", 0.9)], Says.CANT_TELL),
        ([word("AURORA")], [], Says.CANT_TELL),
        ([word("AURORA", confidence=0.5)], [word("ZXCVBN")], Says.CANT_TELL),
        ([word("a")], [word("b")], Says.CANT_TELL),
        ([], [word("ADDED")], Says.CANT_TELL),
    ],
)
def test_print_says_what_can_surely_be_read_in_its_place(render: list[Word], still: list[Word], says: Says):
    found = compare_words(render, still)
    assert found.says == says
    assert found.reason
