# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The studio view, as far as it is data: what a scene shows, and that it is what it was afterwards."""

from __future__ import annotations

import bpy
import pytest


@pytest.fixture
def scene(sidebar, add_box):
    """A scene with a world, a camera, a lamp, render settings and a view of its own, and a product taken in it."""
    scene = bpy.context.scene
    scene.world = bpy.data.worlds.new("Dusk")
    scene.camera = bpy.data.objects.new("Own Camera", bpy.data.cameras.new("Own Camera"))
    scene.collection.objects.link(scene.camera)
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 1920, 817, 50
    scene.view_settings.view_transform, scene.view_settings.exposure = "AgX", 0.3
    scene.view_settings.look = "AgX - Punchy"
    sidebar.source, sidebar.backend, sidebar.size, sidebar.aspect = "OBJECTS", "local", 256, 1.25
    add_box("Kettle", size=(0.2, 0.2, 0.3), at=(1.0, 2.0, 3.0)).select_set(True)
    bpy.ops.consistency.use_selected()
    return scene


def looks(scene):
    """What of a scene's settings the studio view may touch, besides what it says that it changes."""
    from consistency_pipeline.pipeline.settings.groups import RunSettings
    from consistency_pipeline.studio.scene import set_aside

    values = {path: set_aside.read(scene, path) for path in set_aside.of_scene(RunSettings())}
    own = (scene.world and scene.world.name, scene.camera and scene.camera.name)
    cameras = {camera.name: len(camera.background_images) for camera in bpy.data.cameras}
    return {**values, "own": own, "backdrops": [name for name, count in cameras.items() if count]}


def test_the_frame_is_the_references_and_one_toggle_brings_everything_back(scene):
    before = looks(scene)
    assert bpy.ops.consistency.studio_view() == {"FINISHED"}
    assert scene.consistency.studio_view
    assert (scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage) == (256, 208, 100)
    assert (scene.render.engine, scene.world.name, scene.camera.name) == ("CYCLES", "Consistency World", "Camera front")
    assert scene.camera.data.background_images[0].image.generated_color[0] == 1.0
    bpy.ops.consistency.studio_view()
    assert looks(scene) == before


def test_it_follows_the_settings_the_angle_and_the_backdrop(scene, sidebar):
    before = looks(scene)
    bpy.ops.consistency.studio_view()
    sidebar.aspect, sidebar.backdrop, sidebar.angle_index = 0.8, "grey", 2
    assert (scene.render.resolution_x, scene.render.resolution_y) == (208, 256)
    assert scene.camera.name == "Camera side"
    assert scene.camera.data.background_images[0].image.generated_color[0] == pytest.approx(128 / 255)
    bpy.ops.consistency.studio_view()
    assert looks(scene) == before


def test_a_camera_that_is_looked_through_stays_when_a_setting_changes(scene, sidebar):
    bpy.ops.consistency.studio_view()
    sidebar.angle_index = -1  # none is selected
    bpy.ops.consistency.look_through(angle="side")
    assert sidebar.angles[sidebar.angle_index].name == "side"
    sidebar.aspect = 1.5
    assert scene.camera.name == "Camera side"


def test_another_engine_waits_until_blender_renders_nothing(scene, monkeypatch):
    """Set at once, it would free the engine of a render that is just beginning."""
    from consistency_pipeline.studio.scene import render_job

    busy = True
    monkeypatch.setattr(render_job, "is_busy", lambda: busy)
    before, engine = looks(scene), scene.render.engine

    def render_ends():
        nonlocal busy
        busy = False
        assert render_job._settle() is None
        busy = True

    bpy.ops.consistency.studio_view()
    assert (scene.render.engine, scene.render.resolution_x) == (engine, 256)
    assert render_job._settle(), "it no longer looks whether the render has ended"
    scene.consistency.angle_index = 1
    render_ends()
    assert scene.render.engine == "CYCLES"
    bpy.ops.consistency.studio_view()
    assert scene.render.engine == "CYCLES"
    bpy.ops.consistency.studio_view()
    bpy.ops.consistency.studio_view()
    render_ends()
    assert looks(scene) == before
    assert "consistency_engine" not in scene


def test_what_the_artist_changes_meanwhile_stays_the_artists(scene):
    before = looks(scene)
    bpy.ops.consistency.studio_view()
    scene.render.resolution_percentage, scene.view_settings.exposure = 25, 1.5
    scene.world, scene.camera = bpy.data.worlds.new("Dawn"), None
    bpy.ops.consistency.studio_view()
    after = looks(scene)
    assert (after["render.resolution_percentage"], after["view_settings.exposure"]) == (25, 1.5)
    assert after["own"] == ("Dawn", "Own Camera")
    changed = ("render.resolution_percentage", "view_settings.exposure", "own")
    assert {name: after[name] for name in after if name not in changed} == {
        name: before[name] for name in before if name not in changed
    }


def test_the_still_over_the_camera_is_hidden_meanwhile(scene):
    bpy.ops.consistency.studio_view()
    camera = scene.camera.data
    camera.background_images.clear()  # as Results does
    camera.background_images.new().image = bpy.data.images.new("Still front", 4, 4)
    bpy.ops.consistency.look_through(angle="front")
    scene.consistency.aspect = 1.0
    assert {shown.image.name: shown.show_background_image for shown in camera.background_images} == {
        "Still front": False,
        "Consistency Backdrop": True,
    }
    bpy.ops.consistency.studio_view()
    assert {shown.image.name: shown.show_background_image for shown in camera.background_images} == {
        "Still front": True
    }


def drawn(camera):
    """Names of the pictures that a viewport draws behind and before a camera; a freed one has any name, or crashes."""
    evaluated = camera.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return [shown.image.name for shown in evaluated.data.background_images if shown.image is not None]


def test_no_viewport_draws_a_backdrop_that_is_freed(scene):
    bpy.ops.consistency.studio_view()
    camera = scene.camera
    bpy.context.view_layer.update()
    assert drawn(camera) == ["Consistency Backdrop"]
    bpy.ops.consistency.studio_view()
    assert drawn(camera) == []


def test_whoever_takes_a_picture_off_a_camera_tells_the_viewports(scene):
    from consistency_pipeline.studio.scene.collections import remove_backgrounds

    bpy.ops.consistency.studio_view()
    camera = scene.camera
    still = bpy.data.images.new("Still front", 4, 4)
    camera.data.background_images.new().image = still
    bpy.context.view_layer.update()
    remove_backgrounds(camera.data, still)
    bpy.data.images.remove(still)
    assert drawn(camera) == ["Consistency Backdrop"]
    remove_backgrounds(camera.data)
    assert drawn(camera) == []


def test_what_was_deleted_meanwhile_is_no_error(scene):
    bpy.ops.consistency.studio_view()
    bpy.data.worlds.remove(bpy.data.worlds["Dusk"])
    bpy.data.objects.remove(bpy.data.objects["Own Camera"])
    for thing in list(bpy.data.collections["Consistency Product"].all_objects):
        bpy.data.objects.remove(thing)
    assert bpy.ops.consistency.studio_view() == {"FINISHED"}
    assert looks(scene)["own"] == (None, None)
    assert (scene.render.resolution_x, scene.render.resolution_y) == (1920, 817)


def test_it_survives_saving_and_everything_comes_back_after_reopening(scene, tmp_path):
    before = looks(scene)
    bpy.ops.consistency.studio_view()
    path = str(tmp_path / "studio.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    reopened = bpy.context.scene
    assert (reopened.render.resolution_x, reopened.render.resolution_y) == (256, 208)
    assert reopened.consistency.studio_view
    bpy.ops.consistency.studio_view()
    assert looks(reopened) == before


def test_removing_everything_leaves_the_studio_view_first(scene):
    before = looks(scene)
    bpy.ops.consistency.studio_view()
    bpy.ops.consistency.remove_rig()
    assert not scene.consistency.studio_view
    assert looks(scene) == before
    assert "Consistency Backdrop" not in bpy.data.images


def test_without_a_product_there_is_nothing_to_show(sidebar):
    assert not bpy.ops.consistency.studio_view.poll()
