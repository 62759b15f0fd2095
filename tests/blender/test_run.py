# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The run as the buttons of the stages make it, with a stand-in for everything that renders."""

from __future__ import annotations

import json
import math
from pathlib import Path

import bpy
import pytest

from .stand_in import save_picture, stages, status


def test_run_all_makes_everything_and_a_second_press_makes_nothing_anew(studio):
    assert bpy.ops.consistency.run() == {"FINISHED"}
    assert set(stages().values()) == {"done", "skipped"}
    assert status().is_finished
    assert [shot.state for shot in status().shots] == ["rendered"] * 5
    assert all(shot.still for shot in status().shots)
    assert len(status().jobs) == 5
    assert {job.state for job in status().jobs} == {"done"}
    folder = bpy.context.scene.consistency.run_folder
    rendered = list(studio.rendered)
    assert bpy.ops.consistency.run() == {"FINISHED"}
    assert studio.rendered == rendered
    assert bpy.context.scene.consistency.run_folder == folder


def test_a_stage_runs_by_itself_and_again(studio):
    bpy.ops.consistency.run(until="references")
    assert stages()["references"] == "done"
    assert stages()["photoreal"] == "waiting"
    bpy.ops.consistency.run(until="references", again=True, angle="side")
    assert studio.rendered.count("side") == 2
    assert studio.rendered.count("front") == 1
    bpy.ops.consistency.run(until="photoreal")
    bpy.ops.consistency.run(until="photoreal", again=True, angle="front")
    front = next(shot for shot in status().shots if shot.name == "front")
    assert front.takes.split() == ["01", "02"]
    bpy.ops.consistency.choose_take(angle="front", take=1)
    assert next(shot for shot in status().shots if shot.name == "front").chosen == 1


def test_what_changed_is_said_and_only_that_is_rendered(studio):
    bpy.ops.consistency.run(until="references")
    own = bpy.context.scene.consistency
    own.angles[2].azimuth = math.radians(100.0)
    bpy.ops.consistency.refresh()
    assert {shot.name: shot.why for shot in status().shots if shot.state == "stale"} == {"side": "camera moved"}
    studio.rendered.clear()
    bpy.ops.consistency.run(until="references")
    assert studio.rendered == ["side"]
    own.light.rim = 10.0
    bpy.ops.consistency.refresh()
    assert stages()["references"] == "stale"
    assert {shot.why for shot in status().shots} == {"light changed"}
    own.light.rim = 100.0
    bpy.ops.consistency.refresh()
    assert {shot.state for shot in status().shots} == {"rendered"}


def test_what_the_gate_says_reaches_the_panels(studio):
    from pathlib import Path

    from consistency_pipeline.operators.display import refresh
    from consistency_pipeline.pipeline.run.run_folder import RunFolder

    bpy.ops.consistency.run(until="photoreal")
    folder = RunFolder.open(Path(bpy.context.scene.consistency.run_folder))
    save_picture(folder.root / "photoreal" / "front.take-01.heatmap.png")
    first = {"take": 1, "made_by": "first", "outcome": "fail", "reason": "it leans"}
    second = {"take": 2, "made_by": "unwarp", "outcome": "pass", "reason": "the outline fits within 1 px"}
    waiting = {"take": 3, "made_by": "reroll", "key": "photoreal/front/take-03"}
    save_picture(folder.take("front", 2))
    folder.choose("photoreal/front", 2)
    folder.note(
        gate={
            "photoreal/front": [first, {**second, "heatmap": "photoreal/front.take-01.heatmap.png"}, waiting],
            "photoreal/side": [
                {"take": 7, "made_by": "first", "outcome": "fail", "reason": "about a take that is not shown"}
            ],
            "photoreal/top": [
                {"take": 1, "made_by": "first", "outcome": "unsure", "reason": "", "heatmap": "photoreal/gone.png"}
            ],
        },
    )
    refresh.everything(bpy.context.scene)
    shots = status().shots
    assert status().headline == "1 of 2 on model, 1 to look at"
    assert (shots["front"].outcome, shots["front"].verdict) == (
        "pass",
        "pulled into place; the outline fits within 1 px",
    )
    assert shots["front"].heatmap == str(folder.root / "photoreal" / "front.take-01.heatmap.png")
    assert (shots["side"].outcome, shots["side"].verdict) == ("", "")
    assert (shots["top"].outcome, shots["top"].heatmap) == ("unsure", "")
    assert bpy.ops.consistency.compare(angle="front", over="heatmap") == {"FINISHED"}
    assert (status().comparing, status().comparing_with) == ("front", "heatmap")
    bpy.ops.consistency.compare(angle="front", over="reference")
    assert status().comparing_with == "reference"
    bpy.ops.consistency.compare(angle="front", over="reference")
    assert status().comparing == ""
    with pytest.raises(RuntimeError, match="no still to compare"):
        bpy.ops.consistency.compare(angle="top", over="heatmap")


def test_a_picture_selects_its_angle(studio):
    own = bpy.context.scene.consistency
    bpy.ops.consistency.select_angle(angle="top")
    assert own.angles[own.angle_index].name == "top"
    with pytest.raises(RuntimeError, match="add it, or choose another"):
        bpy.ops.consistency.select_angle(angle="nowhere")


def test_finished_work_that_has_been_overtaken_says_so(studio):
    bpy.ops.consistency.run()
    assert (status().is_finished, status().is_outdated) == (True, False)
    bpy.context.scene.consistency.light.key = 150.0
    bpy.ops.consistency.refresh()
    assert status().is_outdated
    assert {name for name, state in stages().items() if state == "stale"} == {"references", "photoreal", "results"}
    bpy.ops.consistency.run(until="references")
    assert status().is_outdated, "the stills are those of the earlier light"
    assert {name for name, state in stages().items() if state == "stale"} == {"photoreal", "results"}
    bpy.ops.consistency.run()
    assert (status().is_finished, status().is_outdated) == (True, False)


def test_another_product_gets_a_folder_of_its_own(studio, save_glb):
    bpy.ops.consistency.run(until="rig")
    own = bpy.context.scene.consistency
    first, own.file = own.run_folder, own.file + "/../other.glb"
    from pathlib import Path
    from shutil import copy

    copy(own.file.replace("/../other.glb", ""), Path(own.file).resolve())
    own.file = str(Path(own.file).resolve())
    bpy.ops.consistency.run(until="rig")
    assert own.run_folder != first


def test_a_run_that_another_process_works_on_is_left_as_it_is(studio):
    from consistency_pipeline.pipeline.run.run_folder import RunFolder

    bpy.ops.consistency.run()
    root = Path(bpy.context.scene.consistency.run_folder)
    lease = RunFolder.open(root).lease.path
    lease.write_text(json.dumps({"id": "theirs", "host": "elsewhere", "pid": 1, "role": "consistency run"}))
    before = (root / "run.json").read_bytes()
    bpy.context.scene.consistency.prompt = "a green bottle"
    with pytest.raises(RuntimeError, match="wait for it or stop it"):
        bpy.ops.consistency.run(until="references", again=True)
    assert (root / "run.json").read_bytes() == before


def test_a_failure_is_reported_and_stays_readable(studio):
    bpy.context.scene.consistency.file = "/nowhere/duck.glb"
    with pytest.raises(RuntimeError, match="doesn't exist; check the spelling"):
        bpy.ops.consistency.run()
    assert "doesn't exist; check the spelling" in status().error
    assert "BadInput" in status().details
    assert not status().running
    bpy.ops.consistency.clear_error()
    assert status().error == ""


def test_settings_of_an_earlier_run_come_back(studio):
    own = bpy.context.scene.consistency
    own.prompt, own.seed_lock, own.seed = "yellow duck", True, 7
    bpy.ops.consistency.run(until="rig")
    folder = own.run_folder
    own.prompt, own.seed = "something else", 8
    bpy.ops.consistency.new_run()
    assert own.run_folder == ""
    bpy.ops.consistency.list_runs()
    assert [run.path for run in status().history] == [folder]
    bpy.ops.consistency.load_run(path=folder, go_on=True)
    assert (own.prompt, own.seed, own.run_folder) == ("yellow duck", 7, folder)
    assert stages()["rig"] == "done"
