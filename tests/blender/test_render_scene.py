# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scene that references are rendered from: what it saves, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

from consistency_pipeline.pipeline.errors import BadRender, ConsistencyError
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.pipeline.stages import Progress
from consistency_pipeline.studio import BlenderStudio, rig
from consistency_pipeline.studio.rendering import devices
from consistency_pipeline.studio.rendering.render_scene import render_scene


def result_of(steps):
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        return stop.value


@pytest.fixture
def settings():
    return RunSettings(size=64, samples=1, device="cpu")


@pytest.fixture
def studio(settings, box_glb):
    studio = BlenderStudio(settings)
    result_of(studio.load_product(box_glb))
    result_of(rig.place_rig(settings))
    return studio


def facts(thing):
    """Every plain setting of ``thing``, and the names of what it points to."""
    found = {}
    for prop in thing.bl_rna.properties:
        if prop.type in ("POINTER", "COLLECTION"):
            continue
        value = getattr(thing, prop.identifier)
        found[prop.identifier] = repr([*value] if getattr(prop, "is_array", False) else value)
    return found


def artists_scene():
    """A scene with settings of its own in every place that rendering touches."""
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 777, 333, 50
    scene.render.filepath, scene.render.use_border, scene.render.film_transparent = "//mine_", True, False
    scene.render.image_settings.file_format = "JPEG"
    scene.view_settings.view_transform = "Standard"
    scene.cycles.samples = 17
    scene.frame_set(12)
    layer = scene.view_layers.new("Second")
    layer.use_pass_mist, layer.use = True, False
    scene.world = bpy.data.worlds.new("Mine")
    for name, kind in (("Lamp", bpy.data.lights.new("Lamp", "SUN")), ("Eye", bpy.data.cameras.new("Eye"))):
        scene.collection.objects.link(bpy.data.objects.new(name, kind))
    scene.camera = bpy.data.objects["Eye"]
    bpy.data.objects["Lamp"].hide_render = True
    bpy.data.objects["Eye"].select_set(True)
    bpy.context.view_layer.objects.active = bpy.data.objects["Lamp"]
    return scene


def everything(scene):
    return {
        "scene": [facts(part) for part in (scene, scene.render, scene.render.image_settings, scene.cycles)],
        "colour": [facts(part) for part in (scene.view_settings, scene.display_settings)],
        "uses": [scene.world.name, scene.camera.name, bpy.context.view_layer.objects.active.name],
        "layers": [
            (
                facts(layer),
                [
                    (thing.name, thing.select_get(view_layer=layer), thing.visible_get(view_layer=layer))
                    for thing in layer.objects
                ],
                [(child.name, child.exclude, child.hide_viewport) for child in layer.layer_collection.children],
            )
            for layer in scene.view_layers
        ],
        "objects": [
            (thing.name, thing.hide_render, thing.hide_viewport, repr(thing.matrix_world)) for thing in bpy.data.objects
        ],
        "preferences": facts(bpy.context.preferences.view),
        "devices": bpy.context.preferences.addons["cycles"].preferences.compute_device_type,
        "images": sorted(image.name for image in bpy.data.images if image.type != "RENDER_RESULT"),
        "handlers": [len(getattr(bpy.app.handlers, name)) for name in ("render_complete", "render_cancel")],
    }


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # every setting is read, those on their way out too
@pytest.mark.parametrize("ending", ["finished", "closed", "failed"])
def test_the_artists_scene_is_what_it_was(studio, settings, tmp_path, ending):
    scene = artists_scene()
    if ending == "failed":
        for thing in list(bpy.data.collections["Consistency Product"].all_objects):  # hiding one frees what it iterates
            thing.hide_render = True
    before = everything(scene)
    folder = tmp_path / "references"
    steps = studio.render_reference(settings.studio.angles[0], settings, folder)
    if ending == "closed":
        next(steps)
        steps.close()
    elif ending == "failed":
        with pytest.raises(BadRender, match="no product"):
            result_of(steps)
        assert not list(folder.glob("front*")), "nothing that looks like a reference is left"
    else:
        result_of(steps)
    assert bpy.context.scene == scene
    assert everything(scene) == before


@pytest.mark.parametrize("step", ["load", "export", "frame", "reference"])
def test_blenders_own_render_is_waited_for(studio, settings, tmp_path, box_glb, monkeypatch, step):
    """To show another scene or to set an engine frees what a render is using; to render stops the other render."""
    from consistency_pipeline.studio.scene import render_job

    busy, scenes = True, set(bpy.data.scenes)
    monkeypatch.setattr(render_job, "is_busy", lambda: busy)
    angle, out = settings.studio.angles[0], tmp_path / "out.png"
    steps = {
        "load": lambda: studio.load_product(box_glb),
        "export": lambda: studio.export_product(out),
        "frame": lambda: studio.place_rig(settings),
        "reference": lambda: studio.render_reference(angle, settings, tmp_path / "references"),
    }[step]()
    said = [next(steps).text for _ in range(12)]
    assert said[-3:] == ["waiting for Blender's own render"] * 3
    assert set(bpy.data.scenes) == scenes
    busy = False
    result_of(steps)
    assert step != "export" or out.is_file()


def test_all_angles_share_one_cycles_session(studio, settings, tmp_path, monkeypatch):
    import _cycles

    made = []
    create = _cycles.create

    def counted(*arguments):
        made.append(arguments)
        return create(*arguments)

    monkeypatch.setattr(_cycles, "create", counted)
    pictures = [
        result_of(studio.render_reference(angle, settings, tmp_path)).files["image"].read_bytes()
        for angle in settings.studio.angles[:3]
    ]
    assert len(made) == 1 + 2  # the ground, with the product and without it, is another scene
    assert len(set(pictures)) == 3  # and still each angle is seen from its own camera


def test_what_cycles_keeps_is_given_back_before_its_scene_goes(studio, settings, tmp_path, monkeypatch):
    """Kept beyond it, it refers to a scene that is freed, and Blender crashes at some later change of the file."""
    import _cycles

    freed, free = [], _cycles.free
    monkeypatch.setattr(
        _cycles, "free", lambda session: (freed.append("Consistency Render" in bpy.data.scenes), free(session))
    )
    result_of(studio.render_reference(settings.studio.angles[0], settings, tmp_path))
    assert freed == [False, False]  # the ground's own two
    studio.close()
    assert freed == [False, False, True]
    assert "Consistency Render" not in bpy.data.scenes


def test_a_small_picture_gets_more_samples_a_pixel_and_a_wish_gets_what_it_says():
    def effort(**wish):
        cycles = render_scene(RunSettings(device="cpu", **wish), devices.find("cpu")).cycles
        return cycles.samples, cycles.adaptive_threshold

    (most, noise), (most_of_large, noise_of_large) = effort(size=256), effort(size=1024)
    assert most > most_of_large
    assert noise < noise_of_large
    assert effort(size=1024, samples=7)[0] == 7


def test_a_render_that_an_undo_has_stopped_is_never_written(studio, settings, monkeypatch, tmp_path):
    """Blender writes a still all the same, or crashes at its empty passes; of an animation it writes whole frames only."""
    from consistency_pipeline.studio.rendering import render_scene as module

    asked = []

    def run_job(scene_name, while_waiting, **options):
        asked.append((options, bpy.data.scenes[scene_name].frame_start, bpy.data.scenes[scene_name].frame_end))
        yield while_waiting

    monkeypatch.setattr(module, "run_job", run_job)
    with pytest.raises(ConsistencyError, match="rendered nothing"):
        result_of(studio.render_reference(settings.studio.angles[0], settings, tmp_path))
    assert asked == [({"animation": True}, 1, 1)]


def test_who_quits_during_a_render_finds_the_preferences_as_they_were(monkeypatch):
    from consistency_pipeline.studio.rendering import render_scene as module

    view, seen = bpy.context.preferences.view, []

    def begin(*_arguments, **_options):
        seen.append(view.render_display_type)
        return {"RUNNING_MODAL"}

    window = SimpleNamespace(
        app=bpy.app, context=bpy.context, ops=SimpleNamespace(render=SimpleNamespace(render=begin))
    )
    monkeypatch.setattr(module.compat, "in_background", lambda: False)
    monkeypatch.setattr(module, "bpy", window)
    monkeypatch.setattr(view, "render_display_type", "AREA")
    bpy.context.preferences.is_dirty = False
    job = module.run_job("Scene", Progress("references", "rendering"))
    next(job)
    assert seen == ["NONE"], "the render would open a window"
    assert view.render_display_type == "AREA"
    assert not bpy.context.preferences.is_dirty
    job.close()


@pytest.mark.parametrize(("free", "cure"), [(4096, "free some space"), (1 << 33, "render it again")])
def test_a_render_that_was_cut_off_names_the_full_disk(monkeypatch, studio, settings, tmp_path, free, cure):
    """Blender itself says "Saved" and ends well."""
    from consistency_pipeline.studio.rendering import render_scene as module

    def cut_off(scene_name, while_waiting, **_options):
        Path(bpy.data.scenes[scene_name].render.frame_path(frame=1)).write_bytes(b"v/1\x01")
        yield while_waiting

    monkeypatch.setattr(module, "run_job", cut_off)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=free))
    with pytest.raises(ConsistencyError, match=cure):
        result_of(studio.render_reference(settings.studio.angles[0], settings, tmp_path))
