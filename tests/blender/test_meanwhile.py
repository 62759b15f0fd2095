# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the artist does while a run is active: undo, rename, switch, edit, or take the extension away."""

from __future__ import annotations

import math
from types import SimpleNamespace

import bpy
import pytest

from consistency_pipeline.pipeline.backend.ports import Results
from consistency_pipeline.pipeline.errors import ConsistencyError
from consistency_pipeline.pipeline.stages import Progress


class Waiting:
    """A backend that never answers."""

    name, renders, in_flight = "waiting", False, 0

    def __init__(self):
        self.closed = False

    def start(self, request):
        pass

    def poll(self, wait=0.0):
        return []

    def cancel(self, key=None):
        pass

    def close(self):
        self.closed = True


@pytest.fixture
def folder(box_glb, sidebar, tmp_path):
    from consistency_pipeline.operators.editing import scene_settings
    from consistency_pipeline.pipeline.run.run_folder import RunFolder

    sidebar.source, sidebar.file, sidebar.backend = "FILE", str(box_glb), "local"
    sidebar.size, sidebar.motion = 64, "none"
    folder = RunFolder.create(tmp_path / "run", scene_settings.to_settings(bpy.context.scene), {})
    folder.product.parent.mkdir(exist_ok=True)
    folder.product.write_bytes(box_glb.read_bytes())
    return folder


@pytest.fixture
def studio(folder):
    """The product and the rig stand in the scene, as in the middle of a run."""
    from consistency_pipeline.operators.runs import scene_studio
    from consistency_pipeline.pipeline.driver import finish

    studio = scene_studio.SceneStudio(folder)
    finish(studio.load_product(folder.product_source))
    finish(studio.place_rig(folder.settings))
    scene_studio.count_undo_steps(on=True)
    yield studio
    scene_studio.count_undo_steps(on=False)
    studio.close()


@pytest.fixture
def running(folder, studio, monkeypatch):
    """A run that has begun, and waits."""
    from consistency_pipeline.operators.runs import active_run

    begun = active_run.ActiveRun(folder, studio, Waiting(), "results", bpy.context.scene)
    monkeypatch.setattr(active_run, "current", begun)
    status().running = True
    bpy.context.scene.consistency.run_folder = str(folder.root)
    yield begun
    begun.close()
    status().running = False


def status():
    return bpy.context.window_manager.consistency


def cameras():
    from consistency_pipeline.pipeline import names
    from consistency_pipeline.studio.scene.collections import existing_objects

    return {thing.name: thing.location.copy() for thing in existing_objects(names.RIG)}


def test_an_undo_during_the_wait_takes_no_result_away(folder, studio, monkeypatch):
    from consistency_pipeline.pipeline.driver import finish
    from consistency_pipeline.studio import BlenderStudio

    rig, seen = set(cameras()), []

    def save(_self, _results, _settings, _folder):
        seen.append(set(cameras()))
        yield Progress("results", "saving")

    monkeypatch.setattr(BlenderStudio, "save_results", save)
    bpy.ops.ed.undo_push(message="Rig")
    bpy.data.batch_remove(list(bpy.data.objects))
    bpy.ops.ed.undo_push(message="Nothing")
    bpy.ops.ed.undo()
    assert set(cameras()) == rig
    bpy.ops.ed.redo()
    assert cameras() == {}
    finish(studio.save_results(Results({}, {}, {}, "local"), folder.settings, folder.root))
    assert seen == [rig]


def test_a_run_stays_in_its_scene_under_another_name(running):
    own = bpy.context.scene
    own.name = "Hero Shot"
    bpy.context.window_manager.windows[0].scene = bpy.data.scenes.new("Other")
    with running._in_its_scene():
        assert bpy.context.scene == own


def test_a_run_whose_scene_is_deleted_says_how_to_go_on(running):
    from consistency_pipeline.operators.runs.run_request import RunRequest
    from consistency_pipeline.operators.runs.run_session import RunSession

    session = RunSession(bpy.context.scene, RunRequest(), 0.0)
    assert session.scene == bpy.context.scene
    own, other = bpy.context.scene, bpy.data.scenes.new("Other")
    bpy.context.window_manager.windows[0].scene = other
    bpy.data.scenes.remove(own)
    with pytest.raises(ConsistencyError, match="Earlier Runs"):
        session.tick()


def test_every_picture_of_a_run_shows_the_settings_that_it_began_with(running, sidebar):
    from consistency_pipeline.operators.display import follow

    before = cameras()
    sidebar.angles[0].azimuth = math.radians(170)
    sidebar.angles[1].name = "hero"
    sidebar.light.key = 300.0
    assert cameras() == before
    running.close()
    follow.catch_up(bpy.context.scene)
    after = cameras()
    assert "Camera hero" in after
    assert after["Camera front"].y > 0.0 > before["Camera front"].y
    after = bpy.data.objects["Camera front"].location = (9.0, 9.0, 9.0)
    follow.catch_up(bpy.context.scene)
    assert tuple(cameras()["Camera front"]) == after, "nothing was edited since, and still the camera was moved"


def test_a_window_that_closes_or_a_file_that_loads_ends_the_run_in_order(running, folder):
    """Blender calls the operator's cancel in both cases; the status outlives a file that is loaded without its windows."""
    from consistency_pipeline.operators import startup
    from consistency_pipeline.operators.buttons.run import CONSISTENCY_OT_run
    from consistency_pipeline.operators.display import reasons
    from consistency_pipeline.operators.runs import abandoned_runs
    from consistency_pipeline.operators.runs.run_request import RunRequest
    from consistency_pipeline.operators.runs.run_session import RunSession

    abandoned_runs.remember(folder.root)
    ended = []
    session = RunSession(bpy.context.scene, RunRequest(), 0.0)
    operator = SimpleNamespace(stop_timer=ended.append, _session=session)
    CONSISTENCY_OT_run.cancel(operator, bpy.context)
    assert ended == [bpy.context]
    assert running.ended
    assert not status().running
    assert reasons.busy(bpy.context) is None
    startup._look()
    assert str(folder.root) in status().note
    assert "0 of 5 references and 0 of 5 stills are done" in status().note
    assert "press Resume" in status().note


def test_taking_the_extension_away_ends_the_run_in_order(running):
    from consistency_pipeline.operators.buttons import run

    run.unregister()
    assert running.ended
    assert running.backend.backend.closed
    assert not status().running, "once enabled again, it would wait for a run that nobody advances"


def test_undoing_a_run_is_shown_and_said(running, folder, sidebar):
    from consistency_pipeline.operators import startup
    from consistency_pipeline.operators.display import refresh

    running.close()
    status().running = False
    refresh.everything(bpy.context.scene)
    assert len(status().stages) == 6
    sidebar.run_folder = ""
    startup._undone()
    startup._look()
    assert len(status().stages) == 0, "the panel shows a run that the scene does not have"
    assert str(folder.root) in status().note
    status().run_folder, sidebar.run_folder = str(folder.root), str(folder.root)
    startup._undone()
    assert status().note == ""


def test_a_file_saved_during_a_run_loses_the_scene_that_was_rendered_from(folder, sidebar):
    from consistency_pipeline.operators import startup
    from consistency_pipeline.studio.rendering import devices, render_scene

    render_scene.render_scene(folder.settings, devices.find("cpu"))
    assert len(bpy.data.scenes) == 2
    status().running = True
    startup._look()
    assert len(bpy.data.scenes) == 2
    status().running = False
    startup._look()
    assert len(bpy.data.scenes) == 1


def test_another_scene_shows_its_own_run_or_none(running, folder, sidebar):
    from consistency_pipeline.operators import startup
    from consistency_pipeline.operators.display import refresh

    running.close()
    status().running = False
    refresh.everything(bpy.context.scene)
    own = bpy.context.scene
    bpy.context.window_manager.windows[0].scene = bpy.data.scenes.new("Other")
    startup._look()
    assert (len(status().stages), len(status().shots)) == (0, 0)
    assert len(bpy.context.scene.consistency.angles) == 5, "a new scene has no angles, and nothing can be run"
    bpy.context.window_manager.windows[0].scene = own
    startup._look()
    assert (len(status().stages), len(status().shots)) == (6, 5)


def test_a_run_folder_that_was_moved_is_said_in_words_of_the_panels(folder, sidebar):
    from consistency_pipeline.operators.display import refresh

    sidebar.run_folder = str(folder.root)
    folder.root.rename(folder.root.with_name("moved"))
    refresh.everything(bpy.context.scene)
    assert "press New Run" in status().error
    status().error = ""


def test_undoing_to_the_very_beginning_keeps_the_default_angles(sidebar, monkeypatch):
    from consistency_pipeline.operators import startup

    looked = []
    monkeypatch.setattr(startup, "look_soon", lambda: looked.append(True))
    startup._undone()
    assert not looked
    sidebar.angles.clear()  # as Blender has it from before the angles were given
    startup._undone()
    assert looked


def test_an_undo_while_the_product_is_imported_deletes_nothing_of_the_artists(folder, add_box):
    """It brings back what was deleted before the run; an import that can't go on must not take that for its own."""
    from consistency_pipeline.operators.runs import scene_studio
    from consistency_pipeline.pipeline.driver import finish
    from consistency_pipeline.studio import model

    add_box("Mine")
    bpy.ops.ed.undo_push(message="Mine")
    bpy.data.batch_remove([bpy.data.objects["Mine"], bpy.data.meshes["Mine"]])
    bpy.ops.ed.undo_push(message="Deleted")
    studio = scene_studio.SceneStudio(folder)
    scene_studio.count_undo_steps(on=True)
    try:
        steps = studio.load_product(folder.product_source)
        while not next(steps).text.startswith("measuring"):
            pass
        bpy.ops.ed.undo()
        product = finish(steps)
    finally:
        scene_studio.count_undo_steps(on=False)
    assert {"Mine"} <= set(bpy.data.objects.keys()) & set(bpy.data.meshes.keys())
    assert product.size == pytest.approx((0.2, 0.3, 0.5), rel=1e-5)
    assert len(model.product_root().children) == 1


def test_an_undo_right_after_the_button_does_not_break_the_run(folder, sidebar, monkeypatch):
    from consistency_pipeline.operators.runs import start_run
    from consistency_pipeline.operators.runs.run_request import RunRequest
    from consistency_pipeline.operators.runs.run_session import RunSession, State

    begun = []

    def start(scene, _request, _prices):
        begun.append(scene.name)
        return SimpleNamespace(folder=folder)

    monkeypatch.setattr(start_run, "start", start)
    bpy.ops.ed.undo_push(message="Settings")
    bpy.context.scene.frame_current += 1
    bpy.ops.ed.undo_push(message="Frame")
    session = RunSession(bpy.context.scene, RunRequest(), 0.0)
    bpy.ops.ed.undo()
    while session.tick() is not State.RUNNING:
        pass
    assert begun == [bpy.context.scene.name]
