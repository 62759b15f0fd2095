# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people said of stills, held against the limits of the verdict (benchmarks/calibration/decisions.py)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.calibration import decisions, limits
from consistency_pipeline.pipeline import opinions
from consistency_pipeline.pipeline.gate.scoring.verdict import Numbers, fitted, judge
from consistency_pipeline.pipeline.run.record import Opinion, now
from consistency_pipeline.pipeline.verdicts import Said

NOW = fitted()
GOOD = Numbers(inner_points=100)
HOLLOW = Numbers(hollow_share=NOW.hollow_share * 1.5, missing_share=0.2, inner_points=100)
SHIFTED_TOO = replace(HOLLOW, dx_px=NOW.shift_px * 2)


def said(
    place: Path, word: Said | None, numbers: Numbers | None, *, run: str = "run", angle: str = "front", take: int = 1
):
    told = {} if numbers is None else {"numbers": numbers.as_dict(), "outcome": judge(numbers).outcome}
    opinion = Opinion(take=take, said=word, time=now(), thresholds=opinions.version(), **told)
    opinions.keep(run, angle, opinion, place / "decisions.jsonl")


def cached(place: Path) -> Path:
    """A yardstick of ten true pictures and ten that lack a part, more and more of each."""
    rows = [
        {
            "product": "cup",
            "kind": kind,
            "visible": 40,
            "numbers": replace(HOLLOW, hollow_share=share).as_dict(),
            "own": {},
        }
        for kind, start in (("true", 0.0), ("missing", NOW.hollow_share * 1.2))
        for share in (start + NOW.hollow_share * 0.1 * step for step in range(10))
    ]
    (place / "rows").mkdir(parents=True)
    (place / "rows" / "cup.front.0123.json").write_text(json.dumps(rows), encoding="utf-8")
    return place


def test_those_that_agree_move_nothing(tmp_path: Path):
    said(tmp_path, Said.RIGHT, GOOD)
    said(tmp_path, Said.WRONG, HOLLOW, angle="side")
    said(tmp_path, Said.RIGHT, None, angle="top")
    text = decisions.report([tmp_path], tmp_path)
    assert "3 decisions, 1 of them about stills that were not measured: 2 agree with the limits of now, 0 don't" in text
    assert "→" not in text


def test_a_right_still_that_was_called_wrong_moves_each_limit_that_has_to_give_way(tmp_path: Path):
    one, both = (decisions.Decision("x", Said.RIGHT, numbers, None) for numbers in (HOLLOW, SHIFTED_TOO))
    (way,) = decisions.moves(one, NOW)
    assert way == {"hollow_share": pytest.approx(HOLLOW.hollow_share, rel=1e-3)}
    (way,) = decisions.moves(both, NOW)
    assert way.keys() == {"hollow_share", "shift_px"}
    assert both.is_agreed(replace(NOW, **way))
    assert not both.is_agreed(replace(NOW, **{name: value * 0.99 for name, value in way.items()}))


def test_a_wrong_still_that_passed_has_a_limit_for_each_number_that_tells_it(tmp_path: Path):
    slight = replace(GOOD, hollow_share=NOW.hollow_share * 0.5, missing_share=0.2, inner_recall=0.9)
    decision = decisions.Decision("x", Said.WRONG, slight, None)
    assert judge(slight, NOW).outcome == "pass"
    ways = decisions.moves(decision, NOW)
    (moved,) = [way["hollow_share"] for way in ways if "hollow_share" in way]
    assert moved == pytest.approx(slight.hollow_share, rel=1e-3)
    assert all(decision.is_agreed(replace(NOW, **way)) for way in ways)


def test_no_limit_is_asked_for_less_than_the_views_own_render_keeps(tmp_path: Path):
    numbers = replace(GOOD, hollow_share=NOW.hollow_share * 0.5, missing_share=0.2)
    decision = decisions.Decision("x", Said.WRONG, numbers, numbers)
    assert not any("hollow_share" in way for way in decisions.moves(decision, NOW))


def test_the_report_says_what_a_move_costs_on_the_yardstick(tmp_path: Path):
    said(tmp_path / "a", Said.RIGHT, HOLLOW)
    said(tmp_path / "b", Said.RIGHT, replace(HOLLOW, hollow_share=NOW.hollow_share * 1.8), run="other")
    cache = cached(tmp_path / "cache")
    before = decisions.costs(decisions.cached_rows(cache), NOW)
    assert before == (0.0, 1.0)
    text = decisions.report([tmp_path / "a", tmp_path / "b"], cache)
    needed = round(NOW.hollow_share * 1.8, 4)
    more = f"{100.0 * (needed / NOW.hollow_share - 1.0):+.0f}%"
    assert f"2 × hollow_share {NOW.hollow_share:.4g} → {needed:.4g} ({more})" in text
    assert "true pictures called wrong 0.0% → 0.0%, faults caught 100.0% → 30.0%" in text
    bare = decisions.report([tmp_path / "a"], tmp_path / "nothing")
    assert "run the calibration first" in bare
    assert "caught" not in bare


def test_a_word_that_was_taken_back_or_changed_counts_as_it_is_now(tmp_path: Path):
    said(tmp_path, Said.RIGHT, HOLLOW)
    said(tmp_path, Said.WRONG, HOLLOW)
    said(tmp_path, Said.RIGHT, HOLLOW, angle="side")
    said(tmp_path, None, HOLLOW, angle="side")
    with (tmp_path / "decisions.jsonl").open("a") as file:
        file.write('{"torn": ')
    assert "1 decision: 1 agrees" in decisions.report([tmp_path / "decisions.jsonl"], tmp_path)


def test_every_limit_of_a_picture_is_looked_at():
    assert set(limits.BOUNDS) <= set(decisions.NAMES)
