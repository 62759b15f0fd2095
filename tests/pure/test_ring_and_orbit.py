# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which stills a turn is put together of, and the camera's way between them."""

from __future__ import annotations

import numpy as np
import pytest

from consistency_pipeline.pipeline.gate.scoring.drift import masks_along
from consistency_pipeline.pipeline.gate.scoring.reference import Camera
from consistency_pipeline.pipeline.gate.scoring.video import track
from consistency_pipeline.pipeline.geometry import framing
from consistency_pipeline.pipeline.look.orbit import Arc, Orbit
from consistency_pipeline.pipeline.rig import ANGLE_SETS, Angle
from consistency_pipeline.pipeline.ring import spans

from . import scoring_scene as scene

BOX = np.array([[x, y, z] for x in (-0.2, 0.2) for y in (-0.1, 0.1) for z in (0.0, 0.5)])


def at(name: str, azimuth: float, elevation: float, **more: float) -> Angle:
    return Angle(name=name, azimuth=azimuth, elevation=elevation, **more)


def camera(angle: Angle) -> Camera:
    across, up = framing.half_tangents(angle.focal_length, 1.0)
    projection = np.array([[1 / across, 0, 0, 0], [0, 1 / up, 0, 0], [0, 0, -1.0, -0.1], [0, 0, -1, 0]])
    return Camera(framing.place_camera(BOX, angle, 1.0).matrix_world, projection)


@pytest.mark.parametrize(
    ("name", "first", "found"),
    [
        ("product", "three-quarter", [("three-quarter", "side", 45), ("side", "front", 270), ("front", "three-quarter", 45)]),
        ("turnaround", "turn-090", [(f"turn-{n % 360:03d}", f"turn-{(n + 45) % 360:03d}", 45) for n in range(90, 450, 45)]),
        ("jewellery", "top", [("front", "three-quarter", 35), ("three-quarter", "profile", 55), ("profile", "front", 270)]),
    ],
)  # fmt: skip
def test_a_turn_goes_by_the_stills_that_show_the_product_from_the_side(name: str, first: str, found: list):
    angles = ANGLE_SETS[name]
    start = next(angle for angle in angles if angle.name == first)
    pieces = spans(angles, start)
    assert [(span.one.name, span.other.name, round(span.degrees)) for span in pieces] == found
    assert sum(span.degrees for span in pieces) == pytest.approx(360.0)


def test_of_two_stills_from_one_side_the_nearer_in_height_counts():
    low, high, back = (at("low", 0, 5), at("high", 0, 40), at("back", 180, 35))
    assert [span.one.name for span in spans([low, high, back], back)] == ["back", "high"]


def test_one_still_is_a_whole_turn_and_none_from_above_is_no_turn():
    [whole] = spans([at("front", 0, 15)], at("front", 0, 15))
    assert (whole.degrees, whole.can_be_bought) == (360.0, False)
    assert spans([at("top", 0, 80)], at("top", 0, 80)) == ()


def test_an_arc_ends_exactly_at_its_cameras_and_keeps_the_product_in_sight():
    one, other = camera(at("a", 300, 5)), camera(at("b", 20, 30, focal_length=60))
    arc = Arc.between(one, other)
    assert arc.degrees == pytest.approx(80.0)
    for end, yaw in ((one, 0.0), (other, 80.0)):
        assert np.allclose(arc.at(yaw).matrix_world, end.matrix_world, atol=1e-6)
        assert np.allclose(arc.at(yaw).projection, end.projection, atol=1e-9)
    for yaw in np.linspace(0, 80, 9):
        x, y, _ = arc.at(yaw).project(BOX, 100, 100)
        assert min(x.min(), y.min()) > 0
        assert max(x.max(), y.max()) < 100
        assert np.allclose(arc.at(yaw).matrix_world[2, 0], 0.0), "it stands upright"


def test_opposite_cameras_and_a_full_turn_have_a_way_too():
    front, back = camera(at("front", 0, 0)), camera(at("back", 180, 0))
    half = Arc.between(front, back).at(90.0)
    assert np.allclose(half.matrix_world[:3, 2], [1, 0, 0], atol=1e-6), "by the right side"
    turn = Orbit([front, back, front])
    assert turn.degrees == pytest.approx(360.0)
    assert np.allclose(turn.at(270.0).matrix_world[:3, 2], [-1, 0, 0], atol=1e-6)
    assert np.allclose(turn.at(360.0).matrix_world, front.matrix_world, atol=1e-6)
    alone = Orbit([front, front])
    assert np.allclose(alone.at(180.0).matrix_world[:3, 2], back.matrix_world[:3, 2], atol=1e-6)


@pytest.mark.long
def test_a_clip_is_followed_along_its_cameras_way_and_to_no_other_side():
    """The way between cameras of other heights and distances is no turn about one of them."""
    arc = Arc.between(scene.camera(30, 20, 3.2), scene.camera(75, 40, 2.6))
    masks = masks_along(*scene.mesh(), arc.at, scene.SIZE, scene.SIZE)

    def along(*yaws: float) -> str:
        seen = [(t, scene.restyle(seed=t, view=arc.at(yaw))) for t, yaw in enumerate(yaws)]
        return track(seen, masks, lambda t: 22.5 * t, widest=6.0, either_way=False).outcome

    assert along(0.0, 22.5) == "pass"
    assert along(-10.0, -22.5) == "fail"
