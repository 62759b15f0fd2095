# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The log beside a run says what a maintainer needs, never the key, and no run depends on it."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from consistency_pipeline.fal_backend.service.client import FalQueue
from consistency_pipeline.pipeline import chain
from consistency_pipeline.pipeline.backend.local import LocalBackend
from consistency_pipeline.pipeline.errors import BadInput
from consistency_pipeline.pipeline.run import run_log
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import RunSettings
from tests.fake_fal import API_KEY, FakeFal
from tests.fake_fal.model import glb

from .shop import go, purchases
from .stand_in import StandInStudio, write
from .test_chain import new_run
from .test_private import holds_key


def handlers() -> list[logging.Handler]:
    return [*logging.getLogger().handlers, *run_log.PACKAGE.handlers, *run_log.PACKAGE.getChild("fal_backend").handlers]


def log(folder: RunFolder) -> str:
    return (folder.root / run_log.NAME).read_text(encoding="utf-8")


def local(place: Path) -> RunFolder:
    product = write(place / "duck.glb", glb(8, (200, 150, 40)))
    settings = RunSettings(inputs=(str(product),), size=64, motion="none")
    return RunFolder.create(place / "run", settings, {"blender": "9.9"})


def finish(folder: RunFolder, studio: StandInStudio) -> None:
    for _ in chain.run(folder, studio, LocalBackend(studio, folder.settings), wait=0.0):
        pass


def test_it_tells_versions_settings_stages_and_purchases(fake: FakeFal, tmp_path: Path, near: None):
    folder = new_run(tmp_path, inputs=(str(write(tmp_path / "duck.glb", glb(8, (200, 150, 40)))),), motion="none")
    fake.fault("submit", "lost_answer")
    before = handlers()
    go(folder)
    text = log(folder)
    assert "{'python': '3'}" in text
    assert '"size":64' in text
    assert "front: rendered on " in text
    for stage in ("model", "rig", "references", "photoreal", "results"):
        assert f"stage {stage}: " in text
    for attempt in purchases(folder).attempts:
        assert attempt.request_id is None or f"{attempt.key}: done, request {attempt.request_id}, billed " in text
    assert "looking in fal's request list" in text
    assert handlers() == before


def test_each_step_of_a_stage_is_told_once(tmp_path: Path):
    folder = local(tmp_path)
    finish(folder, StandInStudio())
    told = [line.partition(": ")[2] for line in log(folder).splitlines() if ": stage " in line]
    assert sum(line.startswith("stage references: running") for line in told) == 1
    assert sum(line.startswith("stage references: done") for line in told) == 1
    assert sum(line.startswith("stage results: done") for line in told) == 1


def test_an_exception_is_there_with_its_traceback_and_not_on_the_terminal(tmp_path: Path, capfd):
    class Broken(StandInStudio):
        def load_product(self, model: Path):
            raise BadInput(f"no product in {model}")
            yield

    folder, before = local(tmp_path), handlers()
    with pytest.raises(BadInput):
        finish(folder, Broken())
    assert "Traceback (most recent call last)" in log(folder)
    assert "no product in" in log(folder)
    assert capfd.readouterr() == ("", "")
    assert handlers() == before


def test_a_run_that_is_left_lets_go_of_its_log(tmp_path: Path):
    folder, before, studio = local(tmp_path), handlers(), StandInStudio()
    steps = chain.run(folder, studio, LocalBackend(studio, folder.settings), wait=0.0)
    next(steps)
    assert handlers() != before
    steps.close()
    assert handlers() == before
    assert "left after" in log(folder)


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path, capfd):
    folder, studio = local(tmp_path), StandInStudio()
    (folder.root / run_log.NAME).mkdir()  # nothing can be written under its name
    finish(folder, studio)
    assert folder.stage("results").state == "done"
    assert capfd.readouterr() == ("", "")


def test_a_full_disk_stops_nothing(tmp_path: Path, capfd):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no full device")
    folder, studio = local(tmp_path), StandInStudio()
    (folder.root / run_log.NAME).symlink_to("/dev/full")
    finish(folder, studio)
    assert folder.stage("results").state == "done"
    assert capfd.readouterr() == ("", "")


def test_it_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(run_log, "LARGEST", 2000)
    with run_log.log_of(tmp_path):
        for _ in range(200):
            run_log.PACKAGE.info("x" * 100)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["log.txt", "log.txt.1"]
    assert all(file.stat().st_size <= 2000 for file in files)


def test_neither_key_nor_signature_is_in_it(fake: FakeFal, tmp_path: Path, near: None, monkeypatch: pytest.MonkeyPatch):
    def explode(*_given: object) -> None:
        raise RuntimeError(f"could not authorize {API_KEY} at https://user:word@store.example/a.png?signature=abc")

    monkeypatch.setattr(FalQueue, "submit", explode)
    folder = new_run(tmp_path, inputs=(str(write(tmp_path / "duck.glb", glb(8, (200, 150, 40)))),), motion="none")
    with pytest.raises(Exception, match="unforeseen RuntimeError"):
        go(folder)
    text = log(folder)
    assert "could not authorize *** at https://store.example/a.png" in text  # from the child, with its traceback
    assert "explode" in text
    assert not holds_key(text.encode())
    assert "signature=" not in text
