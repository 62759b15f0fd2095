# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A turntable with the look of the stills: rendered, resumed frame by frame, and made anew where a still is another."""

from __future__ import annotations

import shutil
import subprocess
from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from consistency_pipeline.pipeline import plan
from consistency_pipeline.pipeline.backend.requests import Lender
from consistency_pipeline.pipeline.formats import marks, png
from consistency_pipeline.pipeline.formats.picture_marks import xmp_in
from consistency_pipeline.pipeline.gate.inspections import AS_IT_IS, facts_of
from consistency_pipeline.pipeline.look.lenders import with_look
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.choices import MotionName
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.pipeline.system.disk import copy_file
from consistency_pipeline.studio import exact_turntable, references, rig, video
from consistency_pipeline.studio.ground_light import render_ground
from consistency_pipeline.studio.image_worker import ImageWorker
from consistency_pipeline.studio.image_worker.frames import frames_of
from consistency_pipeline.studio.model import load_product, product_root
from consistency_pipeline.studio.rendering import devices, passes

SIZE = 96


def finish(steps):
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


@pytest.fixture
def table(add_box, save_glb, tmp_path):
    """A red box with its front and back rendered, and a still of each: the front's greener, the back's as its render."""
    add_box(size=(0.3, 0.3, 0.3), colour=(0.5, 0.2, 0.2))
    own = save_glb()
    angles = [{"name": "front", "azimuth": 0, "elevation": 10}, {"name": "back", "azimuth": 180, "elevation": 10}]
    settings = RunSettings(
        inputs=(str(own),), backend="fal", size=SIZE, samples=2, device="cpu", angles=angles,
        motion="exact_turntable", duration=1.0, frame_rate=4, clip_alpha="png",
    )  # fmt: skip
    finish(load_product(own))
    finish(rig.place_rig(settings))
    folder = RunFolder.create(tmp_path / "run", settings, {})
    device, worker = devices.find("cpu"), ImageWorker()
    folder.references.mkdir(exist_ok=True)
    ground = finish(render_ground(settings, folder.references, device, worker))
    shots = {
        angle.name: finish(references.render_reference(angle, settings, folder.references, device, worker, ground))
        for angle in settings.studio.angles
    }
    copy_file(shots["back"].files["image"], folder.still("back"))
    picture = passes.load(shots["front"].files["image"])
    picture[..., 1] *= 1.5
    passes.save(folder.still("front"), np.clip(picture, 0.0, 1.0))
    return SimpleNamespace(folder=folder, settings=settings, shots=shots, device=device, worker=worker)


def lent(table, *names, mark=""):
    pose = AS_IT_IS.model_dump(mode="json")
    return tuple(
        Lender(name, table.folder.still(name), facts_of(table.shots[name], sent=False), pose, f"{name}{mark}")
        for name in names
    )


def made(table, *lenders, frames=4):
    clip = with_look(plan.clip_request(table.folder, table.settings, plan.UNKNOWN_PRODUCT), lenders, table.shots)
    steps = exact_turntable.render_exact_turntable(clip, table.settings, table.device, table.worker)
    said = [progress.text for progress in steps]
    clip.out.with_suffix(".webm").unlink(missing_ok=True)
    folder = clip.out.parent / f"{clip.motion}.frames"
    rendered = sorted({text for text in said if text.startswith("frame ")})
    clip.out.unlink()
    return [passes.load(folder / f"{number:05d}.png") for number in range(frames)], rendered


def product(table, name):
    return passes.load(table.shots[name].files["mask"])[..., 0] > 0.98


def greenness(picture):
    """Green by red where the picture shows the red box."""
    inside = picture[..., 0] - picture[..., 2] > 0.08
    return float(np.median(picture[inside][:, 1] / picture[inside][:, 0]))


def test_frames_have_the_look_of_the_stills_that_see_them(table):
    plain, rendered = made(table)
    assert len(rendered) == 4
    shown, rendered = made(table, *lent(table, "front", "back"))
    assert len(rendered) == 4
    assert greenness(shown[0]) > 1.3 * greenness(plain[0]), "the front took the front still's green"
    away = np.abs(shown[2] - plain[2])  # two renders, whose last bit may differ
    assert away.max() < 0.02, "the back's still changed nothing, and the front's can't be seen there"
    assert made(table, *lent(table, "front", "back"))[1] == [], "nothing is made twice"
    cut_out = passes.load(table.folder.root / "video" / "exact_turntable.frames" / "00000.cut.png")
    assert cut_out.shape[:2] == (SIZE, SIZE)
    _, rendered = made(table, *lent(table, "front"), *lent(table, "back", mark="another"))
    assert "frame 3 of 4" in rendered, "what shows the back is made anew"
    assert "frame 1 of 4" not in rendered, "what doesn't is not"


@pytest.mark.parametrize("motion", ["exact_light_sweep", "exact_detail_reveal"])
def test_light_and_camera_move_over_the_look_of_the_stills(table, motion):
    table.settings = table.settings.model_copy(update={"motion": MotionName(motion), "frame_rate": 3})
    table.folder.settings = table.settings
    plain, rendered = made(table, frames=3)
    assert len(rendered) == 3
    shown, _ = made(table, *lent(table, "front"), frames=3)
    for before, after in zip(plain, shown, strict=True):
        assert greenness(after) > 1.3 * greenness(before), "each frame took the front still's green"
    assert np.abs(plain[1] - plain[0]).mean() > 0.004, "something moves"


def test_the_loop_closes_and_the_light_stands(table):
    camera = rig.camera_for("front")
    lights = [thing for thing in bpy.data.objects if thing.type == "LIGHT"]
    with video.motion("turntable", camera, crops=False) as pose:
        places = []
        for share in (0.0, 0.5, 1.0):
            pose(share)
            bpy.context.view_layer.update()
            places.append([np.array(thing.matrix_world) for thing in (product_root(), camera, *lights)])
    for first, _, last in zip(*places, strict=True):
        assert np.allclose(first, last, atol=1e-6)
    assert not np.allclose(places[0][0], places[1][0], atol=0.1), "the product turns"
    for first, half in zip(places[0][1:], places[1][1:], strict=True):
        assert np.allclose(first, half), "camera and lights stand"


def test_a_clip_has_the_frames_that_were_asked_for_and_all_of_it_is_marked(table):
    settings = table.settings.model_copy(update={"duration": 1.0, "frame_rate": 3, "clip_alpha": "webm"})
    table.folder.settings = settings
    request = plan.clip_request(table.folder, settings, plan.UNKNOWN_PRODUCT)
    clip = with_look(request, lent(table, "front", "back"), table.shots)
    finish(exact_turntable.render_exact_turntable(clip, settings, table.device, table.worker))
    without = clip.out.with_suffix(".webm")
    for made in (clip.out, without):
        assert len(list(frames_of(made, 1 / 3, SIZE))) == 3
    assert marks.COMPOSITE in xmp_in(clip.out.read_bytes())
    said = without.read_bytes()
    assert marks.COMPOSITE.encode() in said
    assert said.index(b"DIGITAL_SOURCE_TYPE") > len(said) - 400, "in tags at its end"
    frames = sorted((clip.out.parent / "exact_turntable.frames").glob("*.png"))
    assert len(frames) == 6, "over the backdrop, and without it"
    assert all(marks.COMPOSITE in png.read_text(frame)[marks.XMP] for frame in frames)
    if shutil.which("exiftool"):  # a program that knows nothing of ours
        told = subprocess.run(
            ["exiftool", "-ee", clip.out, without, *frames], capture_output=True, check=True, text=True
        ).stdout
        assert told.count("compositeWithTrainedAlgorithmicMedia") == 8


def test_a_turntable_that_was_stopped_goes_on_with_the_next_frame(table):
    clip = with_look(plan.clip_request(table.folder, table.settings, plan.UNKNOWN_PRODUCT), lent(table, "front"), table.shots)  # fmt: skip
    steps = exact_turntable.render_exact_turntable(clip, table.settings, table.device, table.worker)
    while next(steps).text != "frame 3 of 4":
        pass
    steps.close()
    assert not clip.out.exists()
    _, rendered = made(table, *lent(table, "front"))
    assert rendered == ["frame 3 of 4", "frame 4 of 4"]


def test_without_a_service_the_default_clip_is_the_same_turn_smaller(table):
    """On a processor it is a preview: every picture stands for two frames."""
    settings = table.settings.model_copy(update={"backend": "local", "motion": MotionName.TURNTABLE, "size": 64})
    exact = settings.model_copy(update={"motion": MotionName.EXACT_TURNTABLE, "frame_rate": 12})
    shown = []
    for each in (settings, exact):
        clip = with_look(plan.clip_request(table.folder, each, plan.UNKNOWN_PRODUCT), (), table.shots)
        steps = exact_turntable.render_exact_turntable(clip, each, table.device, table.worker)
        while next(steps).text != "frame 3 of 12":
            pass
        steps.close()
        frames = clip.out.parent / f"{clip.motion}.frames"
        shown.append([passes.load(frames / f"{number:05d}.png") for number in range(2)])
    away = [np.abs(one - other).max() for one, other in zip(*shown, strict=True)]
    assert max(away) < 0.02, "the same pictures"
