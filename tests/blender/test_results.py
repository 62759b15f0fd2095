# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""RUN/scene.blend and the contact sheet, tested by opening them."""

from __future__ import annotations

import shutil
from pathlib import Path

import bpy
import numpy as np
import pytest

from consistency_pipeline.pipeline import chain
from consistency_pipeline.pipeline.backend.local import LocalBackend
from consistency_pipeline.pipeline.formats import png
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.studio import BlenderStudio, compat
from consistency_pipeline.studio.rendering import passes

ANGLES = ("front", "side")


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A whole local run of a small box, moved to another place afterwards."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.mesh.primitive_cube_add(size=0.2)
    place = tmp_path_factory.mktemp("results")
    bpy.ops.export_scene.gltf(filepath=str(place / "box.glb"))
    angles = tuple(angle for angle in RunSettings().studio.angles if angle.name in ANGLES)
    settings = RunSettings(
        inputs=(str(place / "box.glb"),), angles=angles, size=64, samples=2, duration=1.0, device="cpu"
    )
    folder = RunFolder.create(place / "run", settings, {})
    studio = BlenderStudio(settings, own_file=True)
    for _ in chain.run(folder, studio, LocalBackend(studio, settings)):
        pass
    return Path(shutil.move(place / "run", place / "moved"))


@pytest.fixture
def scene(run_folder):
    bpy.ops.wm.open_mainfile(filepath=str(run_folder / "scene.blend"))
    return bpy.context.scene


def test_every_stage_says_it_is_done(run_folder):
    folder = RunFolder.open(run_folder)
    assert folder.states == {
        "model": "skipped",
        "rig": "done",
        "references": "done",
        "photoreal": "done",
        "video": "done",
        "results": "done",
    }
    assert folder.is_finished


def test_numpad_0_shows_still_over_render_pixel_on_pixel(scene, run_folder):
    assert scene.camera.name == "Camera front"
    for angle in ANGLES:
        camera = bpy.data.objects[f"Camera {angle}"].data
        (shown,) = camera.background_images
        assert camera.show_background_images
        assert shown.image.name == f"Still {angle}"
        assert (shown.frame_method, tuple(shown.offset), shown.scale, shown.rotation) == ("FIT", (0.0, 0.0), 1.0, 0.0)
        assert tuple(shown.image.size) == (scene.render.resolution_x, scene.render.resolution_y) == (64, 64)
    assert scene.view_settings.view_transform == "Khronos PBR Neutral"


def test_paths_are_relative_and_hold_after_the_folder_has_moved(scene, run_folder):
    for name, path in (("Still front", "//photoreal/front.png"), ("Clip turntable", "//video/turntable.mp4")):
        image = bpy.data.images[name]
        assert image.filepath == path
        assert Path(bpy.path.abspath(image.filepath)).is_file()
    assert all(
        image.packed_file for image in bpy.data.images if image.source == "FILE" and not image.filepath.startswith("//")
    )


def test_planes_stand_in_a_collection_of_their_own_and_are_not_rendered(scene):
    planes = bpy.data.collections["Consistency Results"].all_objects
    assert sorted(plane.name for plane in planes) == ["Still front", "Still side"]
    assert all(plane.hide_render for plane in planes)
    left, right = sorted(planes, key=lambda plane: plane.location.x)
    assert left.location.x + left.dimensions.x / 2 < right.location.x - right.dimensions.x / 2 + 1e-6


def test_the_clip_is_a_strip_and_a_movie_of_its_length(scene):
    movie = bpy.data.images["Clip turntable"]
    assert movie.source == "MOVIE"
    assert tuple(movie.size) == (64, 64)
    sequence = bpy.data.scenes["Consistency Sequence"]
    (strip,) = compat.strips(sequence.sequence_editor)
    assert strip.type == "MOVIE"
    assert compat.strip_length(strip) == movie.frame_duration == sequence.frame_end == 24
    assert sequence.render.fps == 24


def test_the_clip_turns_the_product_and_its_first_picture_is_the_still(scene, run_folder):
    still = passes.load(run_folder / "photoreal" / "front.png")
    frames = frame_pixels(run_folder / "video" / "turntable.mp4", (1, 4))
    assert np.abs(frames[0] - still).mean() < 0.05
    assert np.abs(frames[1] - frames[0]).mean() > np.abs(frames[0] - still).mean(), (
        "a cube turned by 45° looks different"
    )


def frame_pixels(movie, numbers):
    """Frames as (H, W, 3), by rendering a sequencer strip."""
    scene = bpy.data.scenes.new("Frames")
    strip = compat.strips(scene.sequence_editor_create()).new_movie("clip", str(movie), channel=1, frame_start=1)
    element = strip.elements[0]
    scene.render.resolution_x, scene.render.resolution_y = element.orig_width, element.orig_height
    scene.view_settings.view_transform = "Standard"
    compat.set_still_format(scene.render.image_settings, "PNG")
    scene.frame_start, scene.frame_end = 1, max(numbers)
    scene.render.filepath = str(movie.parent / "frame-")
    bpy.ops.render.render(animation=True, scene=scene.name)
    return [passes.load(movie.parent / f"frame-{number:04d}.png") for number in numbers]


def test_the_contact_sheet_shows_references_over_stills_and_says_local(run_folder):
    sheet = passes.load(run_folder / "contact_sheet.png")
    header = png.read_header((run_folder / "contact_sheet.png").read_bytes())
    assert (header.width, header.height) == (sheet.shape[1], sheet.shape[0])
    assert sheet.shape[1] > 2 * 400
    assert "no AI" in RunFolder.open(run_folder).report.read_text(encoding="utf-8")
    assert sheet.std() > 0.05


def test_results_loaded_twice_replace_the_first(run_folder, scene):
    from consistency_pipeline.pipeline.backend.ports import Results
    from consistency_pipeline.studio.results import load_into_scene

    before = {kind: len(getattr(bpy.data, kind)) for kind in ("images", "objects", "materials", "meshes", "scenes")}
    stills = {angle: run_folder / "photoreal" / f"{angle}.png" for angle in ANGLES}
    shown = Results(
        shots={}, stills=stills, clips={"turntable": run_folder / "video" / "turntable.mp4"}, backend="local"
    )
    for _ in load_into_scene(shown):
        pass
    after = {kind: len(getattr(bpy.data, kind)) for kind in before}
    assert after == before
