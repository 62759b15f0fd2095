# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A still's share of its render's detail, asked for by a person after the run: a take of its own, and no purchase."""

from __future__ import annotations

from pathlib import Path

import pytest

from consistency_pipeline.pipeline.driver import finish
from consistency_pipeline.pipeline.errors import BadInput
from consistency_pipeline.pipeline.gate import by_hand
from consistency_pipeline.pipeline.run.run_folder import RunFolder
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
    assert (entry.take, entry.faithful) == (2, 0.9)
    assert [still for _, still, _ in studio.asked] == ["front.take-01"]
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
