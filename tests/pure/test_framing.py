# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from consistency_pipeline.pipeline.errors import BadInput
from consistency_pipeline.pipeline.geometry import framing
from consistency_pipeline.pipeline.rig import ANGLE_SETS, Angle

RANDOM = np.random.default_rng(7)
CUBE = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (0, 2)], dtype=float)
SHAPES = {
    "cube": CUBE,
    "ring": CUBE * 0.01,
    "sofa": CUBE * [1.1, 0.45, 0.4],
    "pole": CUBE * [0.02, 0.02, 3.0],
    "sheet": CUBE * [1.0, 1.0, 0.0],
    "far away": CUBE + np.array([300.0, -200.0, 50.0]),
    "cloud": RANDOM.normal(size=(2000, 3)) * [0.3, 0.1, 0.7],
    "one sided": np.vstack([CUBE, [[4.0, 0.0, 0.1]]]),
}
ASPECTS = (1.0, 16 / 9, 9 / 16, 2.5, 0.4)
ALL_ANGLES = sorted({angle for angles in ANGLE_SETS.values() for angle in angles}, key=lambda a: (a.name, a.azimuth))


def _box(points, frame, angle, aspect):
    picture = framing.project(points, frame.matrix_world, angle.focal_length, aspect)
    return picture.min(axis=0), picture.max(axis=0)


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_angle_fills_its_share_and_is_centred(shape, aspect):
    points = SHAPES[shape]
    for angle in ALL_ANGLES:
        if angle.crops:
            continue
        frame = framing.place_camera(points, angle, aspect)
        low, high = _box(points, frame, angle, aspect)
        assert (high - low).max() == pytest.approx(angle.fill, abs=1e-4)
        assert (low + high) / 2 == pytest.approx([0.5, 0.5], abs=1e-4)
        assert low.min() >= 0
        assert high.max() <= 1


@pytest.mark.parametrize("elevation", [-90.0, -89.9, 89.9, 90.0])
def test_straight_down_and_up_keep_the_roll(elevation):
    angle = Angle(name="plan", azimuth=0, elevation=elevation)
    frame = framing.place_camera(SHAPES["sofa"], angle, 1.0)
    assert frame.matrix_world[:3, 0] == pytest.approx([1, 0, 0])  # the product's width stays horizontal
    assert np.linalg.det(frame.matrix_world[:3, :3]) == pytest.approx(1.0)
    assert framing.filled(SHAPES["sofa"], frame.matrix_world, angle.focal_length, 1.0) == pytest.approx(0.8, abs=1e-4)


def test_front_looks_from_minus_y_and_side_from_plus_x():
    front = framing.place_camera(CUBE, Angle(name="front", azimuth=0, elevation=0), 1.0).matrix_world
    side = framing.place_camera(CUBE, Angle(name="side", azimuth=90, elevation=0), 1.0).matrix_world
    assert front[1, 3] < -1
    assert front[:3, 3] == pytest.approx([0, front[1, 3], 1])
    assert side[0, 3] > 1
    assert side[:3, 3] == pytest.approx([side[0, 3], 0, 1])
    assert front[:3, 1] == pytest.approx([0, 0, 1])  # upright


@pytest.mark.parametrize("aspect", ASPECTS)
@pytest.mark.parametrize("fill", [1.2, 1.6, 2.4, 4.0])
def test_a_crop_is_closer_and_centred_on_its_aim(fill, aspect):
    points = SHAPES["cloud"]
    angle = Angle(name="detail", azimuth=30, elevation=5, fill=fill, aim=(0.5, 0.5, 0.6))
    frame = framing.place_camera(points, angle, aspect)
    low, high = _box(points, frame, angle, aspect)
    assert (high - low).max() == pytest.approx(fill, abs=1e-4)
    aim = points.min(axis=0) + np.array(angle.aim) * np.ptp(points, axis=0)
    middle = framing.project(aim[None], frame.matrix_world, angle.focal_length, aspect)[0]
    assert middle == pytest.approx([0.5, 0.5], abs=1e-6)
    assert frame.distance < framing.place_camera(points, replace(angle, fill=0.8), aspect).distance


def test_one_scale_keeps_the_magnification_and_clips_nothing():
    angles = (*ANGLE_SETS["product"], Angle(name="wide", azimuth=200, elevation=10, focal_length=50))
    frames = framing.place_cameras(SHAPES["sofa"], angles, 1.0, one_scale=True)
    whole = [angle for angle in angles if not angle.crops]
    magnifications = [angle.focal_length / frames[angle.name].distance for angle in whole]
    assert magnifications == pytest.approx([magnifications[0]] * len(whole))
    fills = {a.name: framing.filled(SHAPES["sofa"], frames[a.name].matrix_world, a.focal_length, 1.0) for a in whole}
    assert max(fills.values()) == pytest.approx(0.8, abs=1e-4)  # the angle that needs most room fills its frame
    assert min(fills.values()) < 0.7  # and the narrow side view doesn't
    for angle in whole:
        low, high = _box(SHAPES["sofa"], frames[angle.name], angle, 1.0)
        assert (low + high) / 2 == pytest.approx([0.5, 0.5], abs=1e-4)


def test_one_scale_leaves_the_crop_as_it_was():
    angles = ANGLE_SETS["product"]
    apart, alike = (framing.place_cameras(CUBE, angles, 1.0, one_scale=mode) for mode in (False, True))
    assert np.array_equal(apart["detail"].matrix_world, alike["detail"].matrix_world)


@pytest.mark.parametrize("scale", [0.002, 1.0, 40.0])
def test_clip_planes_hold_the_product(scale):
    points = SHAPES["cloud"] * scale
    for angle in ALL_ANGLES:
        frame = framing.place_camera(points, angle, 1.0)
        depth = (points - frame.matrix_world[:3, 3]) @ -frame.matrix_world[:3, 2]
        assert 0 < frame.clip_start < depth.min()
        assert depth.max() < frame.clip_end
        assert frame.clip_end / frame.clip_start < 1e5  # what a 24-bit depth buffer still resolves


def test_sensor_belongs_to_the_longer_side():
    assert framing.half_tangents(18.0, 2.0) == pytest.approx((1.0, 0.5))
    assert framing.half_tangents(18.0, 0.5) == pytest.approx((0.5, 1.0))
    assert math.degrees(2 * math.atan(framing.half_tangents(85.0, 1.0)[0])) == pytest.approx(23.913, abs=1e-3)


@pytest.mark.parametrize("points", [np.empty((0, 3)), np.zeros((4, 3)), np.full((3, 3), np.nan)])
def test_nothing_to_frame_is_said(points):
    with pytest.raises(BadInput, match="no visible extent"):
        framing.place_camera(points, Angle(name="front"), 1.0)


def test_a_needle_pointing_at_the_camera_is_survived():
    needle = np.array([[0.0, -1.0, 0.0], [0.0, 1.0, 0.0]])
    frame = framing.place_camera(needle, Angle(name="front", elevation=0), 1.0)
    assert np.isfinite(frame.matrix_world).all()
    assert frame.matrix_world[1, 3] < -1.0
