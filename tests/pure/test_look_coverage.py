# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stills see of a surface, and which further angles show the rest of it."""

from __future__ import annotations

import numpy as np
import pytest

from consistency_pipeline.pipeline.look.coverage import coverage, is_inside_out, seen_from_around, sees, surface
from consistency_pipeline.pipeline.rig import Angle

pytestmark = pytest.mark.by_turns

FRONT = Angle(name="front", azimuth=0, elevation=15)
BACK = Angle(name="back", azimuth=180, elevation=15)


def box(low, high):
    x, y, z = np.array([low, high], float).T
    corners = np.array([[a, b, c] for a in x for b in y for c in z])
    sides = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    return corners, np.array([part for a, b, c, d in sides for part in ((a, b, c), (a, c, d))])


def both(*boxes):
    corners = np.concatenate([each[0] for each in boxes])
    starts = np.cumsum([0, *(len(each[0]) for each in boxes[:-1])])
    return corners, np.concatenate([each[1] + start for each, start in zip(boxes, starts, strict=True)])


def test_one_view_sees_a_part_and_two_opposite_ones_more():
    cube = box((-0.5, -0.5, 0), (0.5, 0.5, 1))
    one, two = coverage(*cube, [FRONT]).seen, coverage(*cube, [FRONT, BACK]).seen
    assert 0.15 < one < 0.45  # its front and, slanted, its top: of five sides that can be seen
    assert two > one + 0.15


def test_the_fewest_further_angles_cover_a_cube():
    found = coverage(*box((-0.5, -0.5, 0), (0.5, 0.5, 1)), [FRONT])
    shares = [share for _, share in found.further]
    assert shares == sorted(shares)
    assert shares[-1] > 0.97
    assert len(shares) <= 3
    assert all(90 <= angle.azimuth <= 270 for angle, _ in found.further[:1]), "the first shows what the front can't"


def test_what_stands_behind_another_part_is_not_seen():
    wall, hidden = box((-0.5, -0.6, 0), (0.5, -0.5, 1)), box((-0.2, 0.2, 0.1), (0.2, 0.4, 0.5))
    points, normals = surface(*both(wall, hidden))
    there = (points[:, 1] > 0.1) & (normals[:, 1] < -0.9)  # the hidden box's front
    level = Angle(name="level", azimuth=0, elevation=0)
    assert there.sum() > 500
    assert sees(points, normals, level)[there].mean() < 0.02
    assert sees(points, normals, Angle(name="high", azimuth=0, elevation=75))[there].mean() > 0.0


def test_all_that_can_be_seen_needs_nothing_further():
    around = [Angle(name=f"turn-{azimuth}", azimuth=azimuth, elevation=30) for azimuth in range(0, 360, 45)]
    found = coverage(*box((-0.5, -0.5, 0), (0.5, 0.5, 1)), around)
    assert found.seen > 0.97
    assert found.further == ()


def test_the_picture_shows_in_green_what_is_seen_and_in_red_what_is_not() -> None:
    vertices, triangles = box((-0.5, -0.5, 0), (0.5, 0.5, 1))
    picture = seen_from_around(vertices, triangles, [FRONT], side=64).astype(int)
    assert picture.shape == (64, 256, 3)
    views = np.split(picture, 4, axis=1)
    green = [int(((view[..., 1] - view[..., 0]) > 30).sum()) for view in views]
    red = [int(((view[..., 0] - view[..., 1]) > 30).sum()) for view in views]
    assert green[0] > 100
    assert red[1] > 10 * green[1], "from behind hardly anything is seen"


def test_a_closed_surface_that_looks_inwards_is_told_from_one_that_looks_out():
    corners, faces = box((2.0, -0.5, 0), (3.0, 0.5, 1))
    points = corners[faces]
    normals = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
    normals *= np.sign(np.einsum("ij,ij->i", normals, points.mean(axis=1) - (2.5, 0.0, 0.5)))[:, None]
    assert not is_inside_out(points, normals)
    assert is_inside_out(points, -normals)
    assert not is_inside_out(points[:6], -normals[:6]), "of an open one nobody can tell"
