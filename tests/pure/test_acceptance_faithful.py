# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stills faithful to their render, in a whole run: when they are made, what is said of them, and that none is bought."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline.pipeline.errors import BadInput, Cancelled
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from tests.fake_fal import FakeFal

from .shop import KONTEXT, go
from .stand_in import verdict
from .test_acceptance import GOOD, SHIFTED, VAGUE, WRONG, Seeing, bought, decisions, new_run

pytestmark = [pytest.mark.by_turns, pytest.mark.usefixtures("near")]
MELTED = verdict("unsure", "detail inside the outline isn't the render's", "detail")
MISPRINTED = verdict("fail", "62 % of the print shows something else", "label", label_shift_px=0.3)


class Asked(Seeing):
    """Remembers what was asked for of faithful stills and cut-outs."""

    def __init__(self, *looks: dict[str, Any], stops: Exception | None = None) -> None:
        super().__init__(*looks)
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.stops = stops

    def look(self, task: str, job: dict[str, Any]) -> dict[str, Any]:
        if task in ("faithful", "exact"):
            self.asked.append((task, Path(job["still"]).stem, job))
            if self.stops is not None:
                raise self.stops
        return super().look(task, job)


def test_without_the_dial_every_still_is_shown_as_it_came(fake: FakeFal, tmp_path: Path):
    folder, studio = new_run(tmp_path, motion="none"), Asked()
    go(folder, studio)
    assert not studio.asked
    assert folder.still("front").read_bytes() == folder.take("front", 1).read_bytes()


def test_the_dial_holds_for_each_still_and_an_angles_own_for_it_alone(fake: FakeFal, tmp_path: Path):
    gate = {"faithful": 0.5, "faithful_at": {"front": 0.8, "side": 0.0}}
    folder, studio = new_run(tmp_path, gate=gate, motion="none"), Asked()
    report = go(folder, studio)
    assert bought(fake) == {KONTEXT: 5}
    dials = {still.partition(".")[0]: job["dial"] for _, still, job in studio.asked}
    assert dials == {"front": 0.8, "three-quarter": 0.5, "top": 0.5, "detail": 0.5}
    assert all(job["has_print"] for _, _, job in studio.asked)
    assert folder.take("front", 1).is_file()  # as it came
    assert folder.chosen("photoreal/front") == 2
    assert "front.take-02" in studio.measured  # what is said is said of what is shown
    assert report["verdicts"]["photoreal/front"]["made_by"] == "faithful"
    assert report["verdicts"]["photoreal/front"]["faithful"] == 0.8
    mended = next(each for each in report["mended"] if each["angle"] == "front")
    assert (mended["made_by"], mended["of"], mended["faithful"]) == ("faithful", 1, 0.8)
    assert "faithful" not in report["verdicts"]["photoreal/side"]
    assert report["headline"] == "5 of 5 on model"


def test_print_can_be_left_to_the_dial(fake: FakeFal, tmp_path: Path):
    studio = Asked()
    go(new_run(tmp_path, gate={"faithful": 0.1, "faithful_print": False}, motion="none"), studio)
    assert not any(job["has_print"] for _, _, job in studio.asked)


def test_exact_mode_cuts_out_the_faithful_still_where_it_lies(fake: FakeFal, tmp_path: Path):
    turned = {**GOOD, "pose": {"dx": 1.0, "dy": 0.0, "scale": 1.0, "rotation": 0.0, "pivot": [8.0, 8.0]}}
    folder = new_run(tmp_path, gate={"faithful": 0.5, "exact": True}, motion="none")
    studio = Asked(turned, turned)
    report = go(folder, studio)
    front = [(task, still, job["pose"]["dx"]) for task, still, job in studio.asked if still.startswith("front")]
    assert front == [("faithful", "front.take-01", 1.0), ("exact", "front.take-02", 0.0)]
    assert report["verdicts"]["photoreal/front"]["made_by"] == "exact"
    assert report["verdicts"]["photoreal/front"]["faithful"] == 0.5


def test_a_flagged_still_is_made_faithful_too(fake: FakeFal, tmp_path: Path):
    folder, studio = new_run(tmp_path, gate={"faithful": 0.5}, motion="none"), Asked(VAGUE, VAGUE)
    go(folder, studio)
    assert folder.decision("photoreal/front").made_by == "faithful"
    assert folder.decision("photoreal/front").action == "flag"


def test_a_wrong_still_is_shown_as_it_came(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, gate={"faithful": 0.5, "retakes": 0, "local": False}, motion="none")
    studio = Asked(WRONG)
    go(folder, studio)
    assert not [still for _, still, _ in studio.asked if still.startswith("front")]


def test_a_faithful_still_that_measures_worse_is_not_shown_and_nothing_is_bought_for_it(fake: FakeFal, tmp_path: Path):
    folder, studio = new_run(tmp_path, gate={"faithful": 0.5, "retakes": 3}, motion="none"), Asked(GOOD, WRONG)
    report = go(folder, studio)
    assert bought(fake) == {KONTEXT: 5}
    assert folder.chosen("photoreal/front") == 1
    assert "as it came" in report["verdicts"]["photoreal/front"]["reason"]
    assert report["headline"] == "5 of 5 on model"


@pytest.mark.parametrize("doubted", [MELTED, MISPRINTED], ids=["detail", "print"])
def test_doubted_detail_is_the_renders_before_a_retake_is_bought(fake: FakeFal, tmp_path: Path, doubted: dict):
    folder, studio = new_run(tmp_path, motion="none"), Asked(doubted, GOOD)
    report = go(folder, studio)
    assert bought(fake) == {KONTEXT: 5}
    assert decisions(folder) == [("take-01", "faithful"), ("take-02", "accept")]
    assert [job["dial"] for _, _, job in studio.asked] == [0.6]
    assert report["headline"] == "5 of 5 on model"


def test_where_that_does_not_help_the_ladder_goes_on_as_before_within_its_budget(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, motion="none", gate={"retakes": 1, "retake_budget": 0.03})
    go(folder, Asked(MISPRINTED, MISPRINTED, MISPRINTED, MISPRINTED, GOOD))
    assert bought(fake) == {KONTEXT: 6}
    assert [action for _, action in decisions(folder)] == ["faithful", "reroll", "faithful", "local", "accept"]


def test_mending_detail_can_be_switched_off(fake: FakeFal, tmp_path: Path):
    folder, studio = new_run(tmp_path, motion="none", gate={"mend_detail": False}), Asked(MISPRINTED, GOOD)
    go(folder, studio)
    assert bought(fake) == {KONTEXT: 6}
    assert not studio.asked


def test_a_composite_that_can_not_be_made_leaves_the_still_as_it_came(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, gate={"faithful": 0.5}, motion="none")
    report = go(folder, Asked(stops=BadInput("the picture is 1024 × 768, another shape")))
    assert bought(fake) == {KONTEXT: 5}
    assert folder.chosen("photoreal/front") == 1
    assert "another shape" in report["verdicts"]["photoreal/front"]["reason"]
    assert folder.is_finished


@pytest.mark.parametrize("looks", [(GOOD, GOOD), (GOOD, WRONG), (MELTED, WRONG), (SHIFTED, MELTED, MELTED)])
def test_a_run_stopped_at_any_step_ends_as_one_that_was_not(fake: FakeFal, tmp_path: Path, looks: tuple):
    gate = {"faithful": 0.5, "retakes": 2}
    whole = new_run(tmp_path / "whole", gate=gate, motion="none")
    go(whole, Asked(*looks))
    paid = sum(bought(fake).values())
    stopped = new_run(tmp_path / "stopped", gate=gate, motion="none")
    for at in range(1, 60):
        seen = 0

        def stop(_progress: Any, _backend: Any, at: int = at) -> Exception | None:
            nonlocal seen
            seen += 1
            return Cancelled("enough") if seen == 12 + 3 * at else None

        try:
            go(RunFolder.open(stopped.root), Asked(*looks), on_progress=stop)
        except Cancelled:
            continue
        break
    again = RunFolder.open(stopped.root)
    assert sum(bought(fake).values()) == 2 * paid
    assert again.chosen("photoreal/front") == whole.chosen("photoreal/front")
    assert json.loads(again.report.read_text(encoding="utf-8"))["headline"] == whole.headline
