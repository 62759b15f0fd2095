# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one line of progress: counted, never backwards, and a time only once a run has shown how long a picture takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from consistency_pipeline.pipeline import chain
from consistency_pipeline.pipeline.backend.local import LocalBackend
from consistency_pipeline.pipeline.errors import Cancelled
from consistency_pipeline.pipeline.rig import Angle
from consistency_pipeline.pipeline.run.outlook import Outlook, about
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.pipeline.stages import STAGES, Progress
from consistency_pipeline.pipeline.wording.text_table import price_column, price_sum
from tests.fake_fal.model import glb

from .stand_in import StandInStudio

ANGLES = tuple(Angle(name=name) for name in ("front", "side", "top"))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class SlowStudio(StandInStudio):
    """A reference takes 10 s and a finished still 20 s, in steps of one second."""

    def __init__(self, clock: Clock, stop_at: str = "") -> None:
        super().__init__()
        self.clock, self.stop_at = clock, stop_at

    def _work(self, seconds: int, progress: Progress):
        for _ in range(seconds):
            self.clock.now += 1.0
            yield progress

    def render_reference(self, angle, settings, folder):
        yield from self._work(10, Progress("references", "rendering", None, angle.name))
        return (yield from super().render_reference(angle, settings, folder))

    def finish_reference(self, angle, references, out):
        yield from self._work(20, Progress("photoreal", "finishing", None, angle.name))
        if angle.name == self.stop_at:
            raise Cancelled("the render was stopped")
        yield from super().finish_reference(angle, references, out)


@pytest.fixture
def folder(tmp_path: Path, own_model: Path) -> RunFolder:
    settings = RunSettings(inputs=(str(own_model),), backend="local", angles=ANGLES, motion="none", size=64)
    return RunFolder.create(tmp_path / "run", settings, {})


@pytest.fixture
def own_model(tmp_path: Path) -> Path:
    path = tmp_path / "duck.glb"
    path.write_bytes(glb(200, (9, 9, 9)))
    return path


def steps_of(folder: RunFolder, studio: StandInStudio):
    return chain.run(folder, studio, LocalBackend(studio, folder.settings), wait=0.0)


def seconds(line: str) -> float | None:
    found = re.search(r"about (\d+) (s|min) left", line)
    if found is None:
        return 0.0 if "few seconds left" in line else None
    return int(found[1]) * (60.0 if found[2] == "min" else 1.0)


def played(folder: RunFolder) -> list[tuple[float, float, str]]:
    """(time, fraction, line) at each step of a run."""
    clock = Clock()
    outlook = Outlook(folder, "results", clock)
    seen = []
    for progress in steps_of(folder, SlowStudio(clock)):
        outlook.look(progress)
        seen.append((clock.now, outlook.fraction, outlook.line))
    return seen


def test_it_counts_and_never_goes_backwards(folder: RunFolder):
    seen = played(folder)
    lines = list(dict.fromkeys(line.partition(",")[0] for _, _, line in seen))
    counted = [line for line in lines if " of " in line]
    assert counted == [f"{word} {n} of 3" for word in ("Reference", "Still") for n in (1, 2, 3)]
    fractions = [fraction for _, fraction, _ in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] < 1.0
    times = [left for _, _, line in seen if (left := seconds(line)) is not None]
    assert times == sorted(times, reverse=True)


def test_the_time_is_told_once_it_is_known_and_is_about_right(folder: RunFolder):
    seen = played(folder)
    end = seen[-1][0]
    first = [(now, line) for now, _, line in seen if line.startswith("Reference 1")]
    assert all(seconds(line) is None for _, line in first), "a time was told before anything was measured"
    told = [(end - now, left) for now, _, line in seen if (left := seconds(line)) is not None]
    assert len(told) > 50
    assert all(abs(left - true) <= 0.25 * true + 10.0 for true, left in told), told


def test_a_resumed_run_counts_what_is_there(folder: RunFolder):
    steps = steps_of(folder, SlowStudio(Clock()))
    while folder.shot("side") is None:
        next(steps)
    steps.close()
    assert next(line for _, _, line in played(folder) if line.startswith("Reference")) == "Reference 3 of 3"


def test_what_takes_longer_than_expected_is_given_no_time(folder: RunFolder):
    clock = Clock()
    outlook = Outlook(folder, "references", clock)
    steps = chain.run(
        folder, SlowStudio(clock), LocalBackend(StandInStudio(), folder.settings), wait=0.0, until="references"
    )
    while folder.shot("side") is None:
        outlook.look(next(steps))
    assert seconds(outlook.line) is not None
    clock.now += 1.0
    outlook.look(Progress("references", "rendering"))
    told = seconds(outlook.line)
    outlook._expected["references"] = 500.0  # whatever makes it known that it lasts
    outlook.look(Progress("references", "rendering"))
    assert told is not None
    assert outlook.line == "Reference 3 of 3"
    steps.close()


@pytest.mark.parametrize(
    ("length", "words"), [(3.0, "a few seconds"), (23.0, "about 25 s"), (62.0, "about 60 s"), (200.0, "about 3 min")]
)
def test_a_time_is_as_coarse_as_it_is_known(length: float, words: str):
    assert about(length) == words


# Esc in the middle of a render


def test_a_render_that_was_stopped_ends_the_run_and_makes_no_results(folder: RunFolder):
    """Not this still alone: the next one would begin to render, and results be made of what there is."""
    studio = SlowStudio(Clock(), stop_at="side")
    with pytest.raises(Cancelled):
        for _ in steps_of(folder, studio):
            pass
    states = {name: folder.stage(name).state for name in STAGES}
    assert states["photoreal"] == "cancelled"
    assert states["results"] == "waiting"
    assert [angle.name for angle in ANGLES if folder.still(angle.name).is_file()] == ["front"], "what is done is kept"
    for _ in steps_of(folder, SlowStudio(Clock())):
        pass
    assert folder.stage("results").state == "done"
    assert studio.calls["render_reference"] == 3


def test_stills_that_were_all_cancelled_make_no_results(folder: RunFolder):
    studio = SlowStudio(Clock())
    backend = LocalBackend(studio, folder.settings)
    steps = chain.run(folder, studio, backend, wait=0.0)
    while next(steps).stage != "photoreal":
        pass
    backend.cancel()
    with pytest.raises(Cancelled):
        list(steps)
    assert folder.stage("photoreal").state == "cancelled"
    assert folder.stage("results").state == "waiting"
    assert "save_results" not in studio.calls


def test_references_are_made_in_the_order_of_the_angles_where_no_clip_waits_for_one(folder: RunFolder):
    folder.settings = folder.settings.model_copy(update={"motion": "turntable", "video_angle": "top"})
    made = [progress.angle for progress in steps_of(folder, SlowStudio(Clock())) if progress.stage == "references"]
    assert list(dict.fromkeys(made)) == ["front", "side", "top"]


# sums


@pytest.mark.parametrize(
    ("amounts", "shown"),
    [
        ([0.025] * 6, ["$0.025"] * 6 + ["$0.150"]),
        ([0.15000000596046448], ["$0.15", "$0.15"]),  # what Blender's single precision makes of 0.15
        ([1.2, 0.125, 1.12], ["$1.200", "$0.125", "$1.120", "$2.445"]),
        ([0.0262144, 0.0262144], ["$0.0263", "$0.0263", "$0.0526"]),
        ([1.2, -1.0], ["$1.20", "unknown", "$1.20"]),
        ([], ["$0.00"]),
    ],
)
def test_a_bill_adds_up_as_it_is_shown(amounts: list[float], shown: list[str]):
    column = price_column(amounts)
    assert column == shown
    read = [float(text.removeprefix("$")) for text in column if text != "unknown"]
    assert sum(read[:-1]) == pytest.approx(read[-1])
    assert read[-1] >= sum(amount for amount in amounts if amount > 0) - 1e-6
    assert float(price_sum(amounts).removeprefix("$")) == pytest.approx(read[-1])
