# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The anchored turntable in the chain: a purchase for each piece between two stills, exact frames for what fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline.fal_backend import quote
from consistency_pipeline.pipeline import chain, plan
from consistency_pipeline.pipeline.backend.local import LocalBackend
from consistency_pipeline.pipeline.errors import BudgetExceeded, UsageError
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.pipeline.stages import Progress
from tests.fake_fal import FakeFal
from tests.fake_fal.model import glb

from .shop import agrees, go
from .stand_in import StandInStudio, png, verdict, write
from .test_chain import KLING, bought, new_run, states

pytestmark = [pytest.mark.by_turns, pytest.mark.usefixtures("near")]
FOUR = [{"name": name, "azimuth": 90.0 * place} for place, name in enumerate(("front", "right", "back", "left"))]
PIECES = [("front", "right"), ("right", "back"), ("back", "left"), ("left", "front")]
PRICE = 3 * 0.112  # USD: two seconds of the turn, and three are the fewest on sale


def anchored_run(place: Path, **settings: Any) -> RunFolder:
    own = write(place / "duck.glb", glb(200, (9, 9, 9)))
    wanted = {"motion": "anchored_turntable", "angles": FOUR, "duration": 8.0, **settings}
    return new_run(place, inputs=(str(own),), **wanted)


def pieces_of(report: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    [turn] = [each for each in report["pictures"] if each["stage"] == "video" and "pieces" in each["scores"]]
    assert (turn["backend"], turn["billed_usd"]) == ("local", 0.0)
    return {(piece["from"], piece["to"]): piece for piece in turn["scores"]["pieces"]}


def model_made(report: dict[str, Any]) -> list[tuple[str, str]]:
    return [pair for pair, piece in pieces_of(report).items() if piece["made_by"] == "video model"]


class Watching(StandInStudio):
    """Keeps which pieces the turn was stitched of; the piece ``bad`` drifts."""

    def __init__(self, bad: str = "") -> None:
        super().__init__()
        self.bad, self.stitched = bad, []

    def render_exact_clip(self, clip: Any, settings: RunSettings) -> Any:
        self.stitched = [(piece.one, piece.other, piece.clip and piece.clip.name) for piece in clip.pieces]
        return super().render_exact_clip(clip, settings)

    def look(self, task: str, job: dict[str, Any]) -> dict[str, Any]:
        if task == "track" and self.bad and self.bad in Path(job["clip"]).name:
            return {"outcome": "fail", "reason": "drift after 1.0 s", "fails_at": 1.0, "frames": []}
        return super().look(task, job) if task != "track" else verdict("pass")


def test_each_piece_begins_and_ends_with_a_still_and_is_paid_once(fake: FakeFal, tmp_path: Path):
    folder, studio = anchored_run(tmp_path), Watching()
    report = go(folder, studio)
    assert bought(fake) == sorted(["flux-kontext/dev"] * 4 + [KLING.removeprefix("fal-ai/")] * 4)
    sent = set()
    for entry in fake.books.of(KLING):
        assert entry.usd == pytest.approx(PRICE)
        assert entry.arguments["generate_audio"] is False
        assert "by 90 degrees" in entry.arguments["prompt"]
        sent.add(tuple(fake.storage.fetch(entry.arguments[f"{end}_image_url"]) for end in ("start", "end")))
    assert sent == {tuple(folder.still(name).read_bytes() for name in pair) for pair in PIECES}
    assert [(one, other) for one, other, clip in studio.stitched if clip] == PIECES
    assert folder.clip("anchored_turntable").is_file()
    assert model_made(report) == PIECES
    assert folder.is_finished
    agrees(folder, fake)
    again = Watching()
    go(RunFolder.open(folder.root), again)
    assert "render_exact_clip" not in again.calls
    assert len(fake.of("submit")) == 8
    assert quote.estimate(folder.settings, {}, folder).lines == ()


def test_a_piece_that_drifts_is_shown_by_exact_frames_and_said(fake: FakeFal, tmp_path: Path):
    folder, studio, said = anchored_run(tmp_path, size=256), Watching(bad="right.back"), []
    report = go(folder, studio, on_progress=lambda progress, _: said.append(progress.text))
    assert model_made(report) == [pair for pair in PIECES if pair != ("right", "back")]
    assert pieces_of(report)["right", "back"]["why"] == "drift after 1.0 s"
    assert "exact frames from right to back: drift after 1.0 s" in said
    assert ("right", "back", None) in studio.stitched
    assert len(fake.books.of(KLING)) == 4, "what drifts is not bought again unasked"
    assert folder.is_finished


def test_a_piece_that_the_service_refuses_does_not_fail_the_run(fake: FakeFal, tmp_path: Path):
    folder, studio = anchored_run(tmp_path), Watching()
    fake.fault(f"submit:{KLING}", "content_policy")
    report = go(folder, studio)
    assert len(model_made(report)) == 3
    [refused] = [piece for piece in pieces_of(report).values() if piece["made_by"] == "exact frames"]
    assert "content" in refused["why"]
    assert folder.is_finished
    agrees(folder, fake)


def test_a_limit_that_allows_some_pieces_leaves_exact_frames_for_the_rest_until_it_is_raised(
    fake: FakeFal, tmp_path: Path
):
    folder, studio = anchored_run(tmp_path, budget=0.1 + 2.5 * PRICE), Watching()
    with pytest.raises(BudgetExceeded):
        go(folder, studio)
    assert fake.wait().usd == pytest.approx(0.1 + 2 * PRICE)
    assert sum(clip is not None for *_, clip in studio.stitched) == 2
    assert folder.clip("anchored_turntable").is_file()
    assert (states(folder)["video"], states(folder)["results"]) == ("stopped", "done")
    folder.settings = folder.settings.model_copy(update={"budget": 5.0})
    assert len(quote.estimate(folder.settings, {}, folder).lines) == 2
    studio = Watching()
    report = go(RunFolder.open(folder.root), studio)
    assert model_made(report) == PIECES
    assert RunFolder.open(folder.root).chosen("video/anchored_turntable") == 2
    assert folder.clip_take("anchored_turntable", 1).is_file(), "the earlier one is kept beside"
    assert len(fake.of("submit")) == 8
    agrees(folder, fake)


@pytest.mark.parametrize("after", [1, 3])
def test_killed_between_pieces_it_goes_on_and_pays_once(fake: FakeFal, tmp_path: Path, after: int):
    folder = anchored_run(tmp_path)

    def kill(progress: Progress, _backend: Any) -> BaseException | None:
        there = list((folder.root / "video").glob("anchored_turntable.*.take-01.mp4"))
        return KeyboardInterrupt() if len(there) >= after else None

    with pytest.raises(KeyboardInterrupt):
        go(folder, Watching(), on_progress=kill)
    studio = Watching()
    report = go(RunFolder.open(folder.root), studio)
    assert model_made(report) == PIECES
    assert len(fake.of("submit")) == 8
    agrees(folder, fake)


def test_pieces_of_a_still_that_a_person_replaced_are_exact_frames_and_nothing_is_bought(fake: FakeFal, tmp_path: Path):
    folder = anchored_run(tmp_path, takes=2)
    go(folder, Watching())
    write(folder.take("back", 2), png(64, 64, grey=7))
    folder.choose("photoreal/back", 2)
    studio = Watching()
    report = go(RunFolder.open(folder.root), studio)
    assert model_made(report) == [("front", "right"), ("left", "front")]
    assert "earlier still of back" in pieces_of(report)["right", "back"]["why"]
    assert len(fake.books.of(KLING)) == 4


def test_stills_too_far_apart_are_not_joined_by_a_model(fake: FakeFal, tmp_path: Path):
    folder = anchored_run(tmp_path, angles=FOUR[:2])
    assert [line.key for line in quote.plan(folder.settings)][2:] == ["video/anchored_turntable.front.right/take-01"]
    report = go(folder, Watching())
    assert model_made(report) == [("front", "right")]
    assert "its stills are 270° apart" in pieces_of(report)["right", "front"]["why"]


def test_each_piece_is_a_line_of_the_estimate_and_further_angles_are_counted(tmp_path: Path):
    settings = RunSettings(
        backend="fal",
        inputs=(str(tmp_path / "duck.glb"),),
        motion="anchored_turntable",
        angles=FOUR,
        duration=8.0,
        seed=1,
    )
    clips = [line for line in quote.plan(settings) if line.stage == "video"]
    assert [line.quoted_usd for line in clips] == pytest.approx([PRICE] * 4)
    with_more = [line for line in quote.plan(settings.model_copy(update={"cover": 2})) if line.stage == "video"]
    assert len(with_more) == 6, "two at most, wherever they will stand"
    assert len({line.key for line in with_more}) == 6
    assert sum(line.quoted_usd for line in with_more) >= 6 * PRICE


def test_an_endpoint_without_an_end_picture_is_refused_before_anything_is_bought(tmp_path: Path):
    endpoint = "fal-ai/kling-video/v3/turbo/pro/image-to-video"
    settings = RunSettings(
        backend="fal", inputs=("/duck.glb",), motion="anchored_turntable", angles=FOUR, video_endpoint=endpoint
    )
    with pytest.raises(UsageError, match="takes no end picture"):
        quote.plan(settings)
    with pytest.raises(ValueError, match="shows the whole product from the side"):
        RunSettings(motion="anchored_turntable", angles=[{"name": "top", "elevation": 80.0}])


def test_without_a_service_all_of_it_is_exact(tmp_path: Path):
    folder, studio = anchored_run(tmp_path, backend="local"), Watching()
    for _ in chain.run(folder, studio, LocalBackend(studio, folder.settings), wait=0.0):
        pass
    assert [clip for *_, clip in studio.stitched] == [None] * 4
    assert folder.clip("anchored_turntable").is_file()
    assert folder.is_finished


def test_a_turn_that_is_asked_for_again_buys_each_piece_anew(fake: FakeFal, tmp_path: Path):
    folder = anchored_run(tmp_path)
    go(folder, Watching())
    for subject in plan.clip_subjects(folder.settings):
        folder.new_round(subject)
    assert len(quote.estimate(folder.settings, {}, folder).lines) == 4, "it is in the estimate first"
    studio = Watching()
    report = go(RunFolder.open(folder.root), studio)
    assert len(fake.books.of(KLING)) == 8
    assert all(clip.endswith(".take-02.mp4") for *_, clip in studio.stitched)
    assert model_made(report) == PIECES
    agrees(folder, fake)
