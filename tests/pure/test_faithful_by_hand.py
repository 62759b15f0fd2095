# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A still's share of its render's detail, asked for by a person after the run: a take of its own, and no purchase."""

from __future__ import annotations

from pathlib import Path

import pytest

from consistency_pipeline.pipeline import opinions, results
from consistency_pipeline.pipeline.driver import finish
from consistency_pipeline.pipeline.errors import BadInput
from consistency_pipeline.pipeline.gate import by_hand
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.verdicts import Said
from tests.fake_fal import FakeFal

from .shop import KONTEXT, go
from .test_acceptance import GOOD, VAGUE, bought, new_run
from .test_acceptance_faithful import Asked

pytestmark = pytest.mark.usefixtures("near")


@pytest.fixture
def made(fake: FakeFal, tmp_path: Path) -> RunFolder:
    folder = new_run(tmp_path, motion="none")
    go(folder, Asked())
    return RunFolder.open(folder.root)


def ask(folder: RunFolder, share: float, *looks: dict) -> tuple[by_hand.Entry, Asked]:
    studio = Asked(*(looks or (GOOD,)))
    return finish(by_hand.make_faithful(folder, studio, "front", share, lambda: RunFolder.open(folder.root))), studio


def test_letting_go_shows_a_take_of_its_own_and_choosing_the_other_one_takes_it_back(fake: FakeFal, made: RunFolder):
    entry, studio = ask(made, 0.4)
    again = RunFolder.open(made.root)
    assert (entry.made_by, entry.of, entry.faithful, entry.outcome) == ("faithful", 1, 0.4, "pass")
    assert (again.chosen("photoreal/front"), by_hand.share_of(again, "front")) == (2, 0.4)
    assert studio.measured == ["front.take-02"]
    assert again.decision("photoreal/front").faithful == 0.4
    again.choose("photoreal/front", 1)
    assert by_hand.share_of(again, "front") == 0.0
    assert again.still("front").read_bytes() == again.take("front", 1).read_bytes()
    assert bought(fake) == {KONTEXT: 5}


def test_trying_leaves_one_file_and_always_begins_with_what_came(made: RunFolder):
    ask(made, 0.4)
    entry, studio = ask(RunFolder.open(made.root), 0.9)
    assert (entry.take, entry.faithful) == (3, 0.9)
    assert [still for _, still, _ in studio.asked] == ["front.take-01"]
    assert sorted(path.name for path in (made.root / "photoreal").glob("front.take-*")) == [
        "front.take-01.png",
        "front.take-03.png",
    ]
    assert [each.take for each in RunFolder.open(made.root).entries("photoreal/front")] == [1, 3]
    entry, _ = ask(RunFolder.open(made.root), 0.0)
    assert RunFolder.open(made.root).chosen("photoreal/front") == entry.take == 1


def test_what_nobody_can_tell_is_said_of_it_too(made: RunFolder):
    entry, _ = ask(made, 0.4, GOOD, VAGUE)
    assert entry.outcome == "unsure"
    assert RunFolder.open(made.root).decision("photoreal/front").action == "flag"


def test_a_resumed_run_keeps_what_a_person_made_and_buys_nothing(fake: FakeFal, made: RunFolder):
    ask(made, 0.4)
    go(RunFolder.open(made.root), Asked())
    assert RunFolder.open(made.root).chosen("photoreal/front") == 2
    assert bought(fake) == {KONTEXT: 5}


def test_what_was_said_of_one_share_is_not_said_of_another(made: RunFolder):
    ask(made, 0.4)
    opinions.say(RunFolder.open(made.root), "front", Said.RIGHT)
    entry, _ = ask(RunFolder.open(made.root), 0.9, VAGUE)
    again = RunFolder.open(made.root)
    assert again.opinion("photoreal/front", entry.take) is None
    results.tell_again(again)
    assert again.headline.startswith("4 of 5 on model, 1 to look at")


def test_of_a_product_without_its_textures_nothing_is_told_by_hand_either(made: RunFolder):
    of, reason = "photoreal/front", "it can't be told whether this is the product: its texture wood.png is missing"
    (entry,) = made.entries(of)
    unmeasured = {"heatmap": None, "outcome": "unsure", "reason": reason}
    made.keep_entry(of, entry.completed(**unmeasured))
    entry, studio = ask(made, 0.4)
    assert (entry.outcome, entry.reason, studio.measured) == ("unsure", reason, [])
    assert made.decision(of).action == "accept"
    assert RunFolder.open(made.root).decision(of).action == "flag"


@pytest.mark.parametrize("task", ["faithful", "measure"])
def test_one_that_is_stopped_half_way_leaves_the_earlier_one_as_it_was(made: RunFolder, task: str):
    ask(made, 0.4)
    folder = RunFolder.open(made.root)
    files = {path: path.read_bytes() for path in (made.root / "photoreal").rglob("*.png")}
    record = (made.root / "run.json").read_bytes()
    studio = Asked()
    steps = by_hand.make_faithful(folder, studio, "front", 0.9, lambda: RunFolder.open(made.root))
    for _ in range(1 if task == "faithful" else 2):
        next(steps)
    assert studio.calls[task] > 0
    steps.close()
    assert (made.root / "run.json").read_bytes() == record
    assert {path: path.read_bytes() for path in (made.root / "photoreal").rglob("*.png")} == files


def test_a_still_that_fails_to_be_made_changes_nothing(made: RunFolder):
    before = (made.root / "run.json").read_bytes()
    with pytest.raises(BadInput, match="another shape"):
        finish(by_hand.make_faithful(made, Asked(stops=BadInput("of another shape")), "front", 0.4, lambda: made))
    assert (made.root / "run.json").read_bytes() == before


def test_it_is_said_why_there_is_nothing_to_make(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, motion="none")
    assert "no still yet" in (by_hand.why_not(folder, "front") or "")
    go(folder, Asked())
    folder.take("front", 1).unlink()
    assert "no still yet" in (by_hand.why_not(RunFolder.open(folder.root), "front") or "")


def test_exact_mode_cuts_out_what_a_person_made_as_well(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, gate={"exact": True}, motion="none")
    go(folder, Asked())
    entry, studio = ask(RunFolder.open(folder.root), 0.4)
    assert (entry.made_by, entry.faithful) == ("exact", 0.4)
    assert [(task, still) for task, still, _ in studio.asked] == [
        ("faithful", "front.take-01"),
        ("exact", "front.take-03"),
    ]
    back, _ = ask(RunFolder.open(folder.root), 0.0)
    assert (back.made_by, back.take) == ("exact", 2)
