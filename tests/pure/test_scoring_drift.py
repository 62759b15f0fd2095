# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Degrees: a drifted camera, and a clip that turns."""

from __future__ import annotations

import numpy as np
import pytest

from consistency_pipeline.pipeline.gate.scoring.drift import fan_of_mesh, find_drift
from consistency_pipeline.pipeline.gate.scoring.raster import mesh_mask, orbit
from consistency_pipeline.pipeline.gate.scoring.video import Frame, judge, track

from . import scoring_scene as scene

pytestmark = pytest.mark.by_turns

FAN = fan_of_mesh(*scene.mesh(), scene.camera(), scene.SIZE, scene.SIZE)
PIVOT = np.mean([scene.mesh()[0].min(axis=0), scene.mesh()[0].max(axis=0)], axis=0)


def test_the_mesh_mask_is_the_ray_traced_one() -> None:
    mask = mesh_mask(*scene.mesh(), scene.camera(), scene.SIZE, scene.SIZE)
    traced = scene.render(scene.PRODUCT, scene.camera())["mask"]
    assert np.abs(mask - traced).mean() < 5e-4
    assert abs(float(mask.sum() / traced.sum()) - 1) < 2e-3


def test_a_mesh_behind_the_camera_is_not_seen() -> None:
    points, corners = scene.mesh()
    assert mesh_mask(points + np.array([0, -50, 0]), corners, scene.camera(azimuth=0), 64, 64).max() == 0


def test_orbiting_keeps_the_distance_and_grows_the_azimuth() -> None:
    moved = orbit(scene.camera(azimuth=30), np.zeros(3), 15.0, 0.0)
    assert moved.matrix_world == pytest.approx(scene.camera(azimuth=45).matrix_world, abs=1e-9)
    raised = orbit(scene.camera(elevation=20), np.zeros(3), 0.0, 7.0)
    assert raised.matrix_world == pytest.approx(scene.camera(elevation=27).matrix_world, abs=1e-9)


def turned(yaw: float, pitch: float = 0.0, seed: int = 0) -> np.ndarray:
    """A still of the product from a camera that drifted around its middle."""
    return scene.restyle(seed=seed, view=orbit(scene.camera(), PIVOT, yaw, pitch))


@pytest.mark.parametrize(("yaw", "pitch"), [(0.0, 0.0), (3.0, 0.0), (-7.0, 0.0), (0.0, 4.0)])
def test_drift_is_found_to_a_degree(yaw: float, pitch: float) -> None:
    found = find_drift(turned(yaw, pitch), FAN)
    assert found.yaw == pytest.approx(yaw, abs=1.0)
    assert found.pitch == pytest.approx(pitch, abs=1.0)
    assert found.telling == ((yaw, pitch) != (0.0, 0.0))


def test_a_ball_looks_the_same_from_everywhere_and_says_so() -> None:
    ball = {"ball": scene.Part("ball", (0, 0, 0), (0.3, 0.3, 0.3), (0.3, 0.1, 0.1))}
    fan = fan_of_mesh(*scene.mesh(ball), scene.camera(), scene.SIZE, scene.SIZE)
    assert not find_drift(scene.restyle(ball, yaw=5.0), fan, widest=6.0).telling


def test_a_true_turntable_passes() -> None:
    found = track(((t, turned(8.0 * t, seed=int(t))) for t in (0.0, 1.0, 2.0)), FAN, expected=lambda t: 8.0 * t)
    assert found.outcome == "pass", found.reason
    assert [frame.yaw for frame in found.frames] == pytest.approx([0, 8, 16], abs=1.0)


def clip(*yaws: float, parts: dict[str, scene.Part] | None = None) -> list[tuple[float, np.ndarray]]:
    """A look each half second; the product has turned by ``yaws`` degrees."""
    views = [orbit(scene.camera(), PIVOT, yaw, 0.0) for yaw in yaws]
    return [(0.5 * index, scene.restyle(parts, seed=index, view=view)) for index, view in enumerate(views)]


def turntable(time: float) -> float:
    return 72.0 * time  # degrees: all round in five seconds


@pytest.mark.long
def test_a_turntable_that_goes_all_round_is_followed_to_either_side() -> None:
    found = track(clip(0, -36, -72), FAN, turntable, widest=8.0)
    assert found.outcome == "pass", found.reason
    assert [frame.yaw for frame in found.frames] == pytest.approx([0, -36, -72], abs=1.5)


@pytest.mark.long
def test_a_turntable_that_only_creeps_fails_and_says_by_how_much() -> None:
    found = track(clip(0, 2, 4), FAN, turntable, widest=8.0)
    assert found.outcome == "fail"
    assert found.fails_at == 0.5
    assert "where 36° are due" in found.reason
    assert [frame.yaw for frame in found.frames] == pytest.approx([0, 2, 4], abs=1.5)


def looks(*yaws: float, due: float) -> tuple[Frame, ...]:
    """A faultless outline each half second, turned by ``yaws`` where ``due`` degrees a look are asked."""
    return tuple(Frame(0.5 * i, yaw, 1.0, 1.0, 1.0, 1.0, due * i) for i, yaw in enumerate(yaws))


@pytest.mark.parametrize(
    ("frames", "fails_at", "said"),
    [
        (looks(0, 36, 72, 108, 144, due=36), None, "the outline stays within"),
        (looks(0, 28, 66, 112, 150, due=36), None, "the outline stays within"),  # eased in and out
        (looks(0, 2, 4, 6, due=36), 0.5, "turned by 2° where 36° are due"),
        (looks(0, 36, 90, 150, 210, due=36), 1.5, "turned by 150° where 108° are due"),
        (looks(0, 36, 34, 30, due=36), 1.0, "where 72° are due"),
        (looks(0, 0, 9, 13, due=0), 1.0, "turned by 9° where 0° are due"),
    ],
    ids=["as asked", "eased", "creeps", "too fast", "turns back", "turns under a gliding light"],
)
def test_a_clip_turns_as_asked_or_says_when_and_by_how_much(frames: tuple, fails_at: float | None, said: str) -> None:
    found = judge(frames)
    assert found.fails_at == fails_at
    assert said in found.reason


def test_what_looks_alike_from_all_sides_turns_as_it_is_said_to() -> None:
    ball = {"ball": scene.Part("ball", (0, 0, 0), (0.3, 0.3, 0.3), (0.3, 0.1, 0.1))}
    fan = fan_of_mesh(*scene.mesh(ball), scene.camera(), scene.SIZE, scene.SIZE)
    assert track(clip(0, 36, parts=ball), fan, turntable, widest=8.0).outcome == "pass"


def test_a_clip_that_melts_names_the_second() -> None:
    melted = scene.without("spout") | {"lump": scene.Part("ball", (0.1, 0, 0.2), (0.25, 0.2, 0.22), (0.3, 0.1, 0.1))}
    frames = [
        (0.0, turned(0.0)),
        (0.8, turned(0.0, seed=1)),
        (1.6, scene.restyle(melted)),
        (2.4, scene.restyle(melted, seed=1)),
    ]
    found = track(frames, FAN, expected=lambda _: 0.0, widest=4.0)
    assert found.outcome == "fail"
    assert found.fails_at == pytest.approx(1.6)
    assert "drift after 1.6 s" in found.reason


def test_a_clip_without_frames_is_unsure() -> None:
    assert track([], FAN).outcome == "unsure"
