# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A person's word on a still: it stands above the check's verdict, holds or releases the clip, and is kept with its numbers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline import command_line
from consistency_pipeline.pipeline import opinions
from consistency_pipeline.pipeline.errors import RunFolderError, UsageError
from consistency_pipeline.pipeline.gate.acceptance import NotOnModel
from consistency_pipeline.pipeline.gate.record import GateRecord
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.system.disk import read_lines
from consistency_pipeline.pipeline.verdicts import Said
from tests.fake_fal import FakeFal

from .shop import KONTEXT, go
from .stand_in import verdict
from .test_acceptance import GOOD, KLING, VAGUE, Seeing, bought, new_run
from .test_acceptance_faults import TINTED
from .test_kept_runs import KEPT

pytestmark = pytest.mark.usefixtures("near")
OFF = {**verdict("fail", "a part is missing", "part", bad_share=0.2), "own": {"bad_share": 0.01}}
REFUSING: dict[str, Any] = {"gate": {"retakes": 0, "local": False}, "video_angle": "front"}


def report(folder: RunFolder) -> dict[str, Any]:
    return json.loads(folder.report.read_text(encoding="utf-8"))


def decisions(tmp_path: Path) -> list[dict[str, Any]]:
    return read_lines(tmp_path / "state" / "decisions.jsonl")


def test_a_still_that_a_person_calls_right_is_counted_and_its_clip_is_bought(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, **REFUSING)
    with pytest.raises(NotOnModel):
        go(folder, Seeing(OFF))
    again = RunFolder.open(folder.root)
    assert opinions.say(again, "front", Said.RIGHT) == 1
    told = report(again)
    assert again.headline == told["headline"]
    assert again.headline.startswith(
        "5 of 5 on model; front: you said: right (the check: off model, a part is missing)"
    )
    front = told["verdicts"]["photoreal/front"]
    assert (front["outcome"], front["said"], front["checked"]) == ("pass", "right", "fail")
    go(RunFolder.open(folder.root), Seeing(OFF))
    assert bought(fake) == {KONTEXT: 5, KLING: 1}
    assert report(folder)["headline"] == again.headline, "a resume says something else"


def test_a_still_that_a_person_calls_wrong_holds_the_clip_whatever_the_check_says(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, motion="none", video_angle="front")
    go(folder, Seeing())
    opinions.say(folder, "front", Said.WRONG)
    again = RunFolder.open(folder.root)
    assert again.headline.startswith("4 of 5 on model; front: you said: wrong (the check: on model")
    again.settings = again.settings.model_copy(update={"motion": "turntable"})
    with pytest.raises(NotOnModel, match="front is not on model .you said: wrong"):
        go(again, Seeing())
    assert bought(fake) == {KONTEXT: 5}
    opinions.say(again, "front", None)
    go(RunFolder.open(folder.root), Seeing())
    assert bought(fake) == {KONTEXT: 5, KLING: 1}
    assert report(folder)["headline"] == "5 of 5 on model"


def test_the_word_belongs_to_its_take_alone(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, motion="none", takes=2)
    go(folder, Seeing(GOOD, GOOD))
    shown = folder.chosen("photoreal/front")
    opinions.say(folder, "front", Said.WRONG)
    folder.choose("photoreal/front", 3 - shown)
    assert GateRecord(folder, folder.settings).refused("front") == ""
    with pytest.raises(UsageError, match="front has no take 7; choose from 1, 2"):
        opinions.say(folder, "front", Said.RIGHT, take=7)
    with pytest.raises(UsageError, match="no angle 'back'; choose from front"):
        opinions.say(folder, "back", Said.RIGHT)


def test_no_tint_changes_what_a_person_calls_right_and_a_matched_still_stays_wrong(fake: FakeFal, tmp_path: Path):
    for said, made_by in ((Said.RIGHT, "first"), (Said.WRONG, "gain")):
        place = tmp_path / said
        folder = new_run(place, motion="none")
        go(folder, Seeing(GOOD))
        again = RunFolder.open(folder.root)
        opinions.say(again, "front", said)
        again.note(tints=[])  # as if the colours had not been compared yet
        again.mark("results", "waiting")
        go(again, Seeing(GOOD, tint=({**TINTED, "action": "gain"},)))
        assert again.decision("photoreal/front").made_by == made_by
        assert report(again)["verdicts"]["photoreal/front"]["said"] == said


def test_what_is_kept_on_this_machine_is_numbers_and_names_no_file(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, motion="none", gate={"retakes": 0, "local": False})
    go(folder, Seeing(OFF))
    opinions.say(folder, "front", Said.RIGHT)
    opinions.say(folder, "side", Said.WRONG)
    opinions.say(folder, "side", None)
    first, *_ = decisions(tmp_path)
    assert {name: first[name] for name in ("run", "angle", "take", "said", "outcome", "cause")} == {
        "run": folder.id, "angle": "front", "take": 1, "said": "right", "outcome": "fail", "cause": "part",
    }  # fmt: skip
    assert (first["numbers"], first["own"]) == ({"bad_share": 0.2}, {"bad_share": 0.01})
    assert first["thresholds"] == opinions.version()
    assert "/" not in json.dumps(first)
    assert "png" not in json.dumps(first)
    kept = opinions.kept([tmp_path / "state"])
    assert [(angle, opinion.said) for _, angle, opinion in kept] == [("front", "right")], "a word taken back counts"
    again = RunFolder.open(folder.root)
    assert again.opinion("photoreal/front", 1).numbers == {"bad_share": 0.2}
    assert again.opinion("photoreal/side", 1) is None


def test_where_this_machine_can_not_keep_it_the_run_does_and_it_is_said(fake: FakeFal, tmp_path: Path, monkeypatch):
    folder = new_run(tmp_path, motion="none")
    go(folder, Seeing(VAGUE))
    (tmp_path / "full").touch()
    monkeypatch.setenv("CONSISTENCY_STATE_FOLDER", str(tmp_path / "full"))
    with pytest.raises(RunFolderError, match="kept in the run, but not in this machine's list"):
        opinions.say(folder, "front", Said.RIGHT)
    assert RunFolder.open(folder.root).headline.startswith("5 of 5 on model")


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]):
    """The command, once, on a run that an earlier version kept: front and side are on model, each by its second take."""
    monkeypatch.setenv("CONSISTENCY_STATE_FOLDER", str(tmp_path / "state"))
    root = Path(shutil.copytree(KEPT / "fal", tmp_path / "run"))

    def call(*words: str) -> tuple[int, dict[str, Any], RunFolder]:
        status = command_line.main(["say", str(root), *words, "--json"])
        return status, json.loads(capfd.readouterr().out.splitlines()[-1]), RunFolder.open(root)

    return call


def test_the_command_says_it(say, tmp_path: Path):
    status, told, folder = say("front", "wrong")
    assert (status, told["take"], told["said"]) == (0, 2, "wrong")
    assert told["headline"] == folder.headline
    assert folder.headline.startswith("1 of 3 on model; front: you said: wrong")
    assert report(folder)["verdicts"]["photoreal/front"]["outcome"] == "fail"
    assert [(each["angle"], each["take"], each["said"]) for each in decisions(tmp_path)] == [("front", 2, "wrong")]


def test_the_command_speaks_of_another_take(say):
    status, told, folder = say("front", "right", "--take", "1")
    assert (status, told["take"]) == (0, 1)
    assert (folder.opinion("photoreal/front", 1).said, folder.opinion("photoreal/front", 2)) == ("right", None)


def test_the_command_takes_it_back(say, tmp_path: Path):
    opinions.say(RunFolder.open(tmp_path / "run"), "front", Said.WRONG)
    status, told, folder = say("front", "unsaid")
    assert (status, told["said"]) == (0, None)
    assert "you said" not in folder.headline
    assert "said" not in report(folder)["verdicts"]["photoreal/front"]


@pytest.mark.parametrize(
    ("words", "part"),
    [(("front", "maybe"), "unsaid"), (("back", "right"), "no angle"), (("front", "right", "--take", "9"), "no take 9")],
)
def test_what_can_not_be_said_is_a_usage_error(say, tmp_path: Path, words: tuple[str, ...], part: str):
    status, told, folder = say(*words)
    assert status == told["exit"] == 2
    assert part in told["error"]
    assert folder.headline == "2 of 2 on model"
    assert not decisions(tmp_path)
