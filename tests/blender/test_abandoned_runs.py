# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that a window left before their end are told of, each once."""

from __future__ import annotations

import bpy
import pytest

from consistency_pipeline.pipeline.system.processes import birth

from .stand_in import status


@pytest.fixture
def begun(studio):
    """A run whose first steps are done, as a window begins it."""
    from consistency_pipeline.operators.runs import run_request, start_run

    running = start_run.start(bpy.context.scene, run_request.RunRequest())
    running.advance(0.0)
    yield running
    running.close()


def told():
    """What a file that has just been loaded says of runs that were left."""
    from consistency_pipeline.operators import startup

    status().note = ""
    startup.say_what_was_left(bpy.context.scene)
    return status().note


def pays(running):
    """As if fal.ai made its pictures."""
    running.folder.settings = running.folder.settings.model_copy(update={"backend": "fal"})


def test_a_run_on_this_machine_says_what_is_done_and_nothing_of_money(begun):
    while begun.folder.shot("side") is None:
        begun.advance(0.0)
    begun.close()
    assert "press Resume to go on. 3 of 5 references and 0 of 5 stills are done and lie there: " in told()


def test_a_run_that_its_window_left_is_told_of_once(begun):
    assert told() == "", "it is still going on"
    begun.close()
    pays(begun)
    note = told()
    assert str(begun.folder.root) in note
    assert "still being saved" in note
    assert "end: press Resume to go on" in note, "this file is working on that run"
    assert told() == ""


def test_a_run_that_ended_is_not_told_of(begun):
    while not begun.advance(1.0):
        pass
    assert begun.error is None
    assert told() == ""


def test_a_run_on_a_drive_that_is_away_is_told_of_when_it_is_back(begun, tmp_path):
    begun.close()
    root = begun.folder.root
    drive, away = root.parent, root.parent.with_name("away")
    drive.rename(away)
    assert told() == ""
    away.rename(drive)
    assert str(root) in told()


def test_the_run_of_a_blender_that_crashed_is_told_of_by_another_file(begun, tmp_path):
    import json
    import os
    import shutil
    import subprocess

    begun.close()
    pays(begun)
    bpy.context.scene.consistency.run_folder = ""
    (file,) = (tmp_path / "state" / "active-runs").iterdir()
    said = json.loads(file.read_text())
    file.write_text(json.dumps({**said, "pid": os.getppid(), "birth": birth(os.getppid())}))
    assert told() == "", "another Blender is working on it"
    gone = subprocess.Popen(["true"])
    gone.wait()
    file.write_text(json.dumps({**said, "pid": gone.pid, "birth": "1"}))
    note = told()
    assert "open it again under Jobs, Earlier Runs" in note
    assert "what was paid for is saved there" in note
    file.write_text(json.dumps({**said, "pid": gone.pid, "birth": "1"}))
    shutil.rmtree(begun.folder.root)
    assert told() == "", "there is nothing left to open"
    file.write_text("{not json")
    assert told() == ""


def test_every_run_that_was_left_is_told_of(begun, tmp_path):
    from consistency_pipeline.operators.runs import abandoned_runs

    begun.close()
    (tmp_path / "other").mkdir()
    abandoned_runs.remember(tmp_path / "other")
    note = told()
    assert str(begun.folder.root) in note
    assert str(tmp_path / "other") in note


def test_a_second_blender_that_is_refused_a_run_takes_no_mark_of_the_first(begun, monkeypatch):
    import os

    from consistency_pipeline.operators.runs import abandoned_runs

    root = begun.folder.root
    with monkeypatch.context() as second:
        second.setattr(os, "getpid", os.getppid)
        abandoned_runs.remember(root)
        abandoned_runs.forget(root)
    begun.close()
    assert str(root) in told()


def test_a_run_that_is_gone_on_with_is_no_longer_left(begun, monkeypatch):
    import os
    import subprocess

    from consistency_pipeline.operators.runs import abandoned_runs

    gone = subprocess.Popen(["true"])
    gone.wait()
    with monkeypatch.context() as crashed:
        crashed.setattr(os, "getpid", lambda: gone.pid)
        abandoned_runs.remember(begun.folder.root)
    abandoned_runs.remember(begun.folder.root)
    abandoned_runs.forget(begun.folder.root)
    assert abandoned_runs.take() == []


def test_a_crashed_blender_whose_number_is_ours_now_saves_nothing_any_more(begun, tmp_path):
    import json

    begun.close()
    pays(begun)
    (file,) = (tmp_path / "state" / "active-runs").iterdir()
    file.write_text(json.dumps({**json.loads(file.read_text()), "birth": "long ago"}))
    assert "what was paid for is saved there" in told()
