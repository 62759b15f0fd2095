# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The exact turntable in the chain: made here, of stills that are on model, once, and anew where one of them is another."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline.fal_backend import quote
from consistency_pipeline.pipeline import chain
from consistency_pipeline.pipeline.backend.local import LocalBackend
from consistency_pipeline.pipeline.opinions import say
from consistency_pipeline.pipeline.plan import going_on
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.pipeline.verdicts import Said
from tests.fake_fal import FakeFal
from tests.fake_fal.model import glb

from .shop import agrees, go
from .stand_in import StandInStudio, png, verdict, write
from .test_chain import bought, new_run, states

pytestmark = [pytest.mark.by_turns, pytest.mark.usefixtures("near")]
ANGLES = ["three-quarter", "front", "side", "top", "detail"]


def exact_run(place: Path, **settings: Any):
    own = write(place / "duck.glb", glb(200, (9, 9, 9)))
    return new_run(place, inputs=(str(own),), **{"motion": "exact_turntable", **settings})


def test_no_clip_is_bought_and_every_still_lends_its_look(fake: FakeFal, tmp_path: Path):
    folder, studio = exact_run(tmp_path), StandInStudio()
    said: list[str] = []
    report = go(folder, studio, on_progress=lambda progress, _: said.append(progress.text))
    assert (
        "the stills see 60% of the surface; stills from azimuth 180°, elevation 15° would make that 98%, for about $0.025 (references/surface.png)"
        in said
    )
    assert bought(fake) == ["flux-kontext/dev"] * 5
    assert sorted(studio.lent) == sorted(ANGLES)
    assert folder.clip("exact_turntable").is_file()
    assert set(states(folder).values()) <= {"done", "skipped"}
    assert folder.is_finished
    agrees(folder, fake)
    clip = next(picture for picture in report["pictures"] if picture["stage"] == "video")
    assert (clip["backend"], clip["endpoint"], clip["billed_usd"]) == ("local", "local (Cycles, no AI)", 0.0)
    assert sorted(clip["scores"]["look_of"]) == sorted(ANGLES)
    again = StandInStudio()
    go(folder, again)
    assert "render_exact_clip" not in again.calls
    assert len(fake.of("submit")) == 5


@pytest.mark.parametrize("motion", ["exact_light_sweep", "exact_detail_reveal"])
def test_other_motions_go_the_same_road(fake: FakeFal, tmp_path: Path, motion: str):
    folder, studio = exact_run(tmp_path, motion=motion), StandInStudio()
    report = go(folder, studio)
    assert bought(fake) == ["flux-kontext/dev"] * 5
    assert sorted(studio.lent) == sorted(ANGLES)
    assert folder.clip(motion).is_file()
    clip = next(picture for picture in report["pictures"] if picture["stage"] == "video")
    assert (clip["backend"], clip["billed_usd"]) == ("local", 0.0)


def test_further_angles_are_estimated_before_and_bought_by_the_models_shape(fake: FakeFal, tmp_path: Path):
    folder, studio = exact_run(tmp_path, cover=2), StandInStudio()
    assert len(quote.plan(folder.settings)) == 7, "two at most, wherever they will stand"
    go(folder, studio)
    assert len(bought(fake)) == 6, "one was enough"
    assert "look-180-15" in studio.lent
    assert [angle.name for angle in folder.settings.studio.angles][5:] == ["look-180-15"]
    assert quote.estimate(folder.settings, {}, folder).lines == ()
    asked_again = folder.settings.model_copy(update={"angles": folder.settings.studio.angles[:5], "cover": 2})
    assert going_on(asked_again, folder.settings) == folder.settings, "a window asks with the scene's angles"
    others = asked_again.model_copy(update={"angles": folder.settings.studio.angles[:4]})
    assert going_on(others, folder.settings) == others, "other angles ask for other further ones"
    agrees(folder, fake)
    go(folder, StandInStudio())
    assert len(bought(fake)) == 6, "nothing is bought twice"


def test_it_is_in_no_estimate(tmp_path: Path):
    settings = RunSettings(backend="fal", inputs=(str(tmp_path / "duck.glb"),), motion="exact_turntable")
    assert {purchase.stage for purchase in quote.plan(settings)} == {"photoreal"}


def test_without_fal_its_frames_are_the_renders_own(tmp_path: Path):
    folder, studio = exact_run(tmp_path, backend="local"), StandInStudio()
    for _ in chain.run(folder, studio, LocalBackend(studio, folder.settings), wait=0.0):
        pass
    assert studio.lent == []
    assert folder.clip("exact_turntable").is_file()
    assert folder.is_finished


class OneIsWrong(StandInStudio):
    """The still of the side is not the product, however often it is taken."""

    def look(self, task: str, job: dict[str, Any]) -> dict[str, Any]:
        if task == "measure" and Path(job["still"]).name.startswith("side."):
            return verdict("fail", "a part is missing", "part", bad_share=0.2)
        return super().look(task, job)


def test_a_still_that_is_off_model_lends_nothing(fake: FakeFal, tmp_path: Path):
    folder, studio = exact_run(tmp_path, size=256, gate={"retakes": 0, "local": False}), OneIsWrong()
    said: list[str] = []
    go(folder, studio, on_progress=lambda progress, _: said.append(f"{progress.angle}: {progress.text}"))
    assert sorted(studio.lent) == sorted(set(ANGLES) - {"side"})
    assert [line for line in said if "lends nothing" in line] == [
        "side: the still lends nothing to the clip: a part is missing"
    ]


def test_a_still_that_a_person_calls_right_lends_its_look_and_the_clip_is_made_anew(fake: FakeFal, tmp_path: Path):
    folder = exact_run(tmp_path, size=256, gate={"retakes": 0, "local": False})
    go(folder, OneIsWrong())
    say(folder, "side", Said.RIGHT)
    studio = OneIsWrong()
    go(folder, studio)
    assert sorted(studio.lent) == sorted(ANGLES)
    assert folder.chosen("video/exact_turntable") == 2
    assert folder.clip_take("exact_turntable", 1).is_file(), "the earlier one is kept beside"
    assert len(bought(fake)) == 5


def test_another_take_of_a_still_makes_the_clip_anew(fake: FakeFal, tmp_path: Path):
    folder = exact_run(tmp_path, takes=2)
    go(folder, StandInStudio())
    write(folder.take("front", 2), png(64, 64, grey=7))  # the fake's two takes are the same picture
    folder.choose("photoreal/front", 2)
    studio = StandInStudio()
    go(folder, studio)
    assert studio.calls["render_exact_clip"] == 1
    assert json.loads((folder.root / "run.json").read_text(encoding="utf-8"))["chosen"]["video/exact_turntable"] == 2
