# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The geometry gate in a whole run: what is seen of a still decides what is kept, bought again, mended or flagged."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline.fal_backend import prices, quote
from consistency_pipeline.fal_backend.backend import FalBackend
from consistency_pipeline.pipeline.errors import BadInput, BadRender, Cancelled
from consistency_pipeline.pipeline.gate.acceptance import NotOnModel, ladder_of
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import Gate, RunSettings
from consistency_pipeline.pipeline.stages import Progress
from consistency_pipeline.pipeline.system.disk import read_lines
from tests.fake_fal import API_KEY, FakeFal
from tests.fake_fal.model import glb

from .shop import KONTEXT, go
from .stand_in import StandInStudio, verdict, write

pytestmark = [pytest.mark.by_turns, pytest.mark.usefixtures("near")]
DEPTH = "fal-ai/flux-control-lora-depth"
KLING = "fal-ai/kling-video/v3/pro/image-to-video"
GOOD = verdict("pass", "the outline lies within 0.4 px of the render")
WRONG = verdict("fail", "a part is missing", "part", bad_share=0.2)
SHIFTED = verdict("fail", "the product sits 6.2 px to the right", "placement")
VAGUE = verdict("unsure", "only 40 % of the outline can be seen against the backdrop", "coverage")


class Seeing(StandInStudio):
    """Sees in ``front`` what ``looks`` says, by take number (the last one for all further takes), and good elsewhere."""

    def __init__(self, *looks: dict[str, Any], tint: tuple[dict[str, Any], ...] = ()) -> None:
        super().__init__()
        self.looks, self.tints = looks, iter(tint)
        self.measured: list[str] = []

    def look(self, task: str, job: dict[str, Any]) -> dict[str, Any]:
        if task == "tint":
            return next(self.tints, super().look(task, job))
        name = Path(job.get("still", "")).stem
        if task == "measure":
            self.measured.append(name)
        if task == "measure" and name.startswith("front.") and self.looks:
            return dict(self.looks[min(int(name[-2:]), len(self.looks)) - 1])
        return dict(GOOD)


def new_run(place: Path, *, gate: dict[str, Any] | None = None, **settings: Any) -> RunFolder:
    own = write(place / "duck.glb", glb(200, (9, 9, 9)))
    chosen = RunSettings(inputs=(str(own),), backend="fal", size=256, seed=7, gate=Gate(**(gate or {})), **settings)
    folder = RunFolder.create(place / "run", chosen, {"python": "3"})
    folder.note(prices=prices.fetch(API_KEY, {*(p.endpoint for p in quote.plan(chosen)), DEPTH}))
    return folder


def bought(fake: FakeFal) -> dict[str, int]:
    names = sorted(entry.endpoint for entry in fake.books)
    return {name: len(list(group)) for name, group in itertools.groupby(names)}


def decisions(folder: RunFolder, angle: str = "front") -> list[tuple[str, str]]:
    lines = [line for line in read_lines(folder.journal) if line["event"] == "decided" and line["angle"] == angle]
    assert all(line["reason"] for line in lines)
    return [(line["key"].rpartition("/")[2], line["action"]) for line in lines]


def sent(fake: FakeFal, folder: RunFolder, take: int, angle: str = "front") -> dict[str, Any]:
    attempt = folder.read_journal().purchases.last(f"photoreal/{angle}/take-{take:02d}")
    assert attempt is not None
    return attempt.arguments


def test_stills_that_pass_are_kept_and_nothing_more_is_bought(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path)
    report = go(folder, Seeing())
    assert bought(fake) == {KONTEXT: 5, KLING: 1}
    assert report["headline"] == "5 of 5 on model"
    assert decisions(folder) == [("take-01", "accept")]
    scores = [picture["scores"] for picture in report["pictures"] if picture["stage"] == "photoreal"]
    assert [score["outcome"] for score in scores] == ["pass"] * 5


def test_a_wrong_shape_is_taken_again_with_another_seed_and_the_good_take_is_shown(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path)
    report = go(folder, Seeing(WRONG, GOOD))
    assert bought(fake) == {KONTEXT: 6, KLING: 1}
    assert decisions(folder) == [("take-01", "reroll"), ("take-02", "accept")]
    assert folder.still("front").read_bytes() == folder.take("front", 2).read_bytes()
    assert folder.take("front", 1).is_file()  # paid for, and kept
    assert (sent(fake, folder, 1)["seed"], sent(fake, folder, 2)["seed"]) == (7, 8)
    assert report["headline"] == "5 of 5 on model"
    assert [p["scores"]["outcome"] for p in report["pictures"] if p["angle"] == "front"] == ["fail", "pass"]


def test_a_misplaced_product_is_laid_back_without_a_purchase(fake: FakeFal, tmp_path: Path):
    folder, studio = new_run(tmp_path), Seeing(SHIFTED, GOOD)
    go(folder, studio)
    assert bought(fake) == {KONTEXT: 5, KLING: 1}
    assert studio.calls["unwarp"] == 1
    assert folder.chosen("photoreal/front") == 2
    assert decisions(folder) == [("take-01", "unwarp"), ("take-02", "accept")]


def test_the_whole_ladder_is_climbed_in_order_and_ends_with_the_local_finish(fake: FakeFal, tmp_path: Path):
    folder, studio = new_run(tmp_path, gate={"retakes": 3}), Seeing(WRONG, WRONG, WRONG, WRONG, GOOD)
    report = go(folder, studio)
    assert bought(fake) == {KONTEXT: 7, DEPTH: 1, KLING: 1}
    assert [action for _, action in decisions(folder)] == ["reroll", "stricter", "depth", "local", "accept"]
    assert "the same silhouette" in sent(fake, folder, 3)["prompt"]
    assert "the same silhouette" not in sent(fake, folder, 2)["prompt"]
    assert sent(fake, folder, 4)["control_lora_image_url"]  # the depth map
    assert studio.calls["finish_reference"] == 1
    assert report["verdicts"]["photoreal/front"]["made_by"] == "local"
    assert [mended["made_by"] for mended in report["mended"]] == ["local"]
    own = "5 of 5 on model; front: the render's own finish, since no still that was bought is right"
    assert report["headline"] == folder.headline == own


@pytest.mark.parametrize("retakes", [0, 2, 5])
def test_never_more_is_bought_than_the_ladder_allows(fake: FakeFal, tmp_path: Path, retakes: int):
    folder = new_run(tmp_path, gate={"retakes": retakes, "local": False}, motion="none")
    report = go(folder, Seeing(WRONG))
    assert sum(bought(fake).values()) == 5 + retakes
    assert report["headline"] == "4 of 5 on model; front: a part is missing"
    assert folder.still("front").is_file()  # flagged, and shown all the same
    assert decisions(folder)[-1][1] == "flag"


@pytest.mark.parametrize(
    ("limits", "extra"),
    [
        ({"gate": {"retakes": 3, "retake_budget": 0.0}}, 0),
        ({"gate": {"retakes": 3, "retake_budget": 0.05}}, 2),
        ({"gate": {"retakes": 3}, "budget": 0.125}, 0),  # just what the five stills cost
        ({"gate": {"retakes": 3}, "daily_budget": 0.155}, 1),
        ({"gate": {"retakes": 3}, "product_budget": 0.155}, 1),
    ],
    ids=["no money for retakes", "money for two", "the run's limit", "the day's", "the product's"],
)
def test_never_more_is_bought_than_the_limits_allow(fake: FakeFal, tmp_path: Path, limits: dict, extra: int):
    folder = new_run(tmp_path, motion="none", **limits)
    go(folder, Seeing(WRONG, WRONG, WRONG, WRONG, WRONG, GOOD))
    assert sum(bought(fake).values()) == 5 + extra


def test_retakes_leave_the_money_that_the_rest_of_the_run_needs(fake: FakeFal, tmp_path: Path):
    whole = quote.estimate(new_run(tmp_path / "a").settings, prices.fetch(API_KEY, {KONTEXT, KLING})).total
    folder = new_run(tmp_path / "b", budget=whole + 0.01, gate={"retakes": 3})
    go(folder, Seeing(WRONG, GOOD))
    assert bought(fake) == {KONTEXT: 5, KLING: 1}
    assert folder.clip("turntable").is_file()


def test_no_clip_is_bought_from_a_still_that_is_not_on_model_until_a_person_says_so(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, gate={"retakes": 1, "local": False}, video_angle="front")
    with pytest.raises(NotOnModel, match=r"front is not on model \(a part is missing\); choose another take"):
        go(folder, Seeing(WRONG))
    assert bought(fake) == {KONTEXT: 6}
    assert json.loads(folder.report.read_text(encoding="utf-8"))["headline"].startswith("4 of 5 on model; front")
    again = RunFolder.open(folder.root)
    again.choose("photoreal/front", 2 if folder.chosen("photoreal/front") == 1 else 1)
    go(again, Seeing(WRONG))
    assert bought(fake) == {KONTEXT: 6, KLING: 1}
    assert again.is_finished


def test_what_can_not_be_told_is_flagged_and_not_bought_again(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path)
    report = go(folder, Seeing(VAGUE))
    assert bought(fake) == {KONTEXT: 5, KLING: 1}
    assert decisions(folder) == [("take-01", "flag")]
    assert (
        report["headline"].startswith("4 of 5 on model, 1 to look at; front: a person should look")
        or "only 40 %" in report["headline"]
    )


def test_of_several_takes_the_best_is_shown(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, takes=3, motion="none")
    go(folder, Seeing(WRONG, GOOD, VAGUE))
    assert sum(bought(fake).values()) == 15
    assert folder.chosen("photoreal/front") == 2


def test_a_run_stopped_during_a_retake_goes_on_with_it_and_pays_once(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, motion="none")

    def stop(_progress: Progress, _backend: FalBackend) -> Exception | None:
        pending = folder.entries("photoreal/front")
        return Cancelled("enough") if len(pending) == 2 and pending[1].outcome is None else None

    with pytest.raises(Cancelled):
        go(folder, Seeing(WRONG, GOOD), on_progress=stop)
    again, studio = RunFolder.open(folder.root), Seeing(WRONG, GOOD)
    go(again, studio)
    assert sum(bought(fake).values()) == 6
    assert again.chosen("photoreal/front") == 2
    assert "front.take-01" not in studio.measured  # known already
    assert again.is_finished
    report = go(RunFolder.open(folder.root), Seeing(WRONG, GOOD))
    assert sum(bought(fake).values()) == 6
    assert [p["scores"]["outcome"] for p in report["pictures"] if p["angle"] == "front"] == ["fail", "pass"]


def test_a_retake_is_not_bought_twice_where_its_run_was_killed_and_its_record_is_written_seldom(
    fake: FakeFal, tmp_path: Path
):
    folder, left = new_run(tmp_path, motion="none"), tmp_path / "as the kill left it"

    def keep(_progress: Progress, _backend: FalBackend) -> None:
        if not left.exists() and folder.read_journal().purchases.last("photoreal/front/take-02") is not None:
            shutil.copytree(folder.root, left, ignore=shutil.ignore_patterns("*.part"))  # those end while this copies

    with folder.seldom(every=3600.0):
        go(folder, Seeing(WRONG, GOOD), on_progress=keep)
    again = RunFolder.open(left)
    go(again, Seeing(WRONG, GOOD))
    assert sum(bought(fake).values()) == 6
    assert again.chosen("photoreal/front") == 2


def test_an_angle_asked_for_again_begins_with_a_clean_ladder(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, motion="none")
    go(folder, Seeing(WRONG, GOOD))
    again = RunFolder.open(folder.root)
    again.new_round("photoreal/front")
    go(again, Seeing(WRONG, GOOD, WRONG, GOOD))
    assert sum(bought(fake).values()) == 8
    assert again.chosen("photoreal/front") == 4


def test_a_retake_that_fails_is_passed_over_and_the_run_is_whole(fake: FakeFal, tmp_path: Path):
    folder = new_run(
        tmp_path, motion="none", gate={"retakes": 1, "rungs": ("depth",), "depth_endpoint": "fal-ai/no-such"}
    )
    go(folder, Seeing(WRONG, GOOD))
    assert bought(fake) == {KONTEXT: 5}
    assert folder.chosen("photoreal/front") == 3  # the local finish
    assert folder.is_finished


def test_the_gate_can_be_left_out(fake: FakeFal, tmp_path: Path):
    folder, studio = new_run(tmp_path, gate={"enabled": False}), Seeing(WRONG)
    report = go(folder, studio)
    assert bought(fake) == {KONTEXT: 5, KLING: 1}
    assert not studio.measured
    assert report["headline"] == ""


def test_exact_mode_cuts_out_what_was_accepted(fake: FakeFal, tmp_path: Path):
    folder, studio = new_run(tmp_path, gate={"exact": True}, motion="none"), Seeing(WRONG, GOOD)
    go(folder, studio)
    assert studio.calls["exact"] == 5
    assert folder.decision("photoreal/front").made_by == "exact"
    assert folder.chosen("photoreal/front") == 3


class Following(Seeing):
    def look(self, task: str, job: dict[str, Any]) -> dict[str, Any]:
        if task != "track":
            return super().look(task, job)
        assert Path(job["clip"]).is_file()
        return {
            "outcome": "fail",
            "reason": "drift after 2.4 s: the turn runs backwards",
            "fails_at": 2.4,
            "frames": [],
        }


def test_a_clip_is_followed_and_its_drift_is_said(fake: FakeFal, tmp_path: Path):
    folder, said = new_run(tmp_path), []
    report = go(folder, Following(), on_progress=lambda progress, _backend: said.append(progress))
    assert any("drift after 2.4 s" in progress.text and progress.warning for progress in said)
    (clip,) = [picture for picture in report["pictures"] if picture["stage"] == "video"]
    assert (clip["scores"]["outcome"], clip["scores"]["fails_at"]) == ("fail", 2.4)
    assert bought(fake)[KLING] == 1  # said, never bought again unasked
    studio = Following()
    go(RunFolder.open(folder.root), studio)
    assert "track" not in studio.calls


class Stumbling(Seeing):
    def look(self, task: str, job: dict[str, Any]) -> dict[str, Any]:
        if task == "measure" and Path(job["still"]).name.startswith("front."):
            raise BadInput("the picture is 1024 × 768 and its reference 1024 × 1024, another shape")
        if task == "track":
            raise BadInput("turntable.mp4 is not a clip that Blender can read; fetch it again")
        return super().look(task, job)


def test_a_still_that_can_not_be_compared_is_shown_and_flagged_and_the_run_goes_on(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path)
    report = go(folder, Stumbling())
    assert bought(fake) == {KONTEXT: 5, KLING: 1}
    assert "another shape" in report["headline"]
    assert folder.is_finished


class NoFinish(Seeing):
    def finish_reference(self, angle, references, out):
        yield Progress("photoreal", "rendering", 0.0, angle.name)
        raise BadRender("the front reference is black")


def test_a_local_finish_that_fails_leaves_the_best_take_flagged(fake: FakeFal, tmp_path: Path):
    folder = new_run(tmp_path, gate={"retakes": 1}, motion="none")
    report = go(folder, NoFinish(WRONG))
    assert folder.chosen("photoreal/front") in (1, 2)
    assert report["headline"].startswith("4 of 5")
    assert folder.is_finished


OFF = {
    "outlier": "front",
    "reason": "front is tinted by 9.0 ΔE against the other views",
    "gains": {"front": [1.1, 1.0, 0.9]},
}


def test_a_slight_tint_of_one_view_is_corrected(fake: FakeFal, tmp_path: Path):
    folder, studio = new_run(tmp_path, motion="none"), Seeing(tint=({**OFF, "action": "gain"},))
    go(folder, studio)
    assert sum(bought(fake).values()) == 5
    assert studio.calls["gain"] == 1
    assert folder.decision("photoreal/front").made_by == "gain"


def test_a_strong_tint_of_one_view_is_taken_again_once_and_only_that_view(fake: FakeFal, tmp_path: Path):
    strong = {**OFF, "action": "reroll"}
    folder = new_run(tmp_path, motion="none", gate={"retakes": 2})
    report = go(folder, Seeing(tint=(strong, strong)))
    assert sum(bought(fake).values()) == 6
    assert folder.chosen("photoreal/front") == 2
    assert "front" in report["headline"]  # still tinted: said, not hidden


def test_the_rungs_follow_their_order_and_the_last_is_repeated():
    assert ladder_of(Gate(retakes=0)).purchases == ()
    assert ladder_of(Gate(retakes=2)).purchases == ("reroll", "stricter")
    assert ladder_of(Gate(retakes=5)).purchases == ("reroll", "stricter", "depth", "depth", "depth")
    assert ladder_of(Gate(retakes=3, rungs=("reroll",))).purchases == ("reroll",) * 3
    assert ladder_of(Gate(retakes=2, rungs=("depth", "reroll"))).purchases == ("depth", "reroll")


def test_a_tint_never_makes_a_wrong_still_a_doubtful_one(fake: FakeFal, tmp_path: Path):
    gate = {"retakes": 0, "local": False}
    folder = new_run(tmp_path, motion="none", gate=gate)
    report = go(folder, Seeing(WRONG, tint=({**OFF, "outlier": "front", "action": "reroll"},)))
    verdict = report["verdicts"]["photoreal/front"]
    assert verdict["outcome"] == "fail"
    assert WRONG["reason"] in verdict["reason"]
    assert OFF["reason"] in verdict["reason"]
    assert report["headline"].startswith("4 of 5 on model; front: ")
