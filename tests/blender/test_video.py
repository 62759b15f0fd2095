# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The local clip: what moves stays in the frame, and everything stands where it stood afterwards."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.pipeline.stages import Progress
from consistency_pipeline.studio import rig, video
from consistency_pipeline.studio.image_worker import ImageWorker
from consistency_pipeline.studio.model import load_product, product_points
from consistency_pipeline.studio.rendering import devices, passes


def finish(steps):
    for _ in steps:
        pass


@pytest.fixture
def long_product(add_box, save_glb):
    add_box(size=(0.1, 1.0, 0.1))  # thin from the front, wide once it has turned
    return save_glb()


def standing():
    return {thing.name: np.array(thing.matrix_world) for thing in bpy.data.objects}


@pytest.mark.parametrize("motion", ["turntable", "light_sweep", "detail_reveal"])
def test_everything_stands_where_it_stood_also_after_a_cancel(long_product, tmp_path, motion):
    settings = RunSettings(size=64, samples=1, motion=motion, duration=1.0, device="cpu")
    finish(load_product(long_product))
    finish(rig.place_rig(settings))
    before = standing()
    steps = video.render_turntable(
        settings.studio.angles[0], settings, tmp_path / "clip.mp4", devices.find("cpu"), ImageWorker()
    )
    for _ in range(4):
        next(steps)
    steps.close()
    bpy.context.view_layer.update()
    after = standing()
    assert before.keys() == after.keys()
    assert [name for name in before if not np.allclose(before[name], after[name], atol=1e-5)] == []
    assert not list(tmp_path.glob("*.mp4")), "a clip that was stopped does not look like one"


def test_a_product_that_is_longer_than_wide_stays_in_the_frame_all_the_way_round(long_product):
    settings = RunSettings(size=64, device="cpu")
    finish(load_product(long_product))
    finish(rig.place_rig(settings))
    camera = rig.camera_for("front")
    before = standing()
    with video.motion("turntable", camera, crops=False) as pose:
        for share in np.linspace(0.0, 1.0, 16, endpoint=False):
            pose(share)
            bpy.context.view_layer.update()
            matrix, projection = rig.camera_matrices(camera, settings.resolution)
            points = np.c_[product_points(), np.ones(len(product_points()))]
            clip = points @ np.linalg.inv(np.array(matrix)).T @ np.array(projection).T
            assert np.abs(clip[:, :2] / clip[:, 3:]).max() <= 0.99
    bpy.context.view_layer.update()
    assert all(np.allclose(before[name], matrix, atol=1e-5) for name, matrix in standing().items())


def test_a_depth_clip_has_one_scale_over_all_its_frames(long_product, tmp_path, monkeypatch):
    """Thin and far from the front, near at its end once it has turned: each frame by itself would be as white as the other."""
    settings = RunSettings(size=64, samples=1, motion="turntable", device="cpu")
    finish(load_product(long_product))
    finish(rig.place_rig(settings))
    seen = []

    def keep(frames, hold, _size, _out):
        seen.append((hold, [passes.load(frame) for frame in frames]))
        yield Progress("video", "encoding")

    monkeypatch.setattr(video, "encode", keep)
    clip = tmp_path / "clip.mp4"
    angle = settings.angle("side")
    finish(video.render_turntable(angle, settings, clip, devices.find("cpu"), ImageWorker(), "depth", 8))
    [(hold, frames)] = seen
    assert len(frames) * hold >= 8
    assert all(np.ptp(frame[..., :3], axis=-1).max() < 0.01 for frame in frames), "grey"
    backdrop = [frame[0, 0, 0] for frame in frames]
    assert max(backdrop) == 0.0
    nearest = [frame.max() for frame in frames]
    assert max(nearest) == pytest.approx(1.0, abs=0.01)
    assert min(nearest) < 0.95, "on its own scale, every frame would have something white"
