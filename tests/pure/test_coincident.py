# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which faces lie in one another's place."""

from __future__ import annotations

import numpy as np
import pytest

from consistency_pipeline.pipeline.geometry.coincident import coincidences


def quad(low, high, z=0.0, up=True):
    """Two triangles in the plane z, facing up or down."""
    (x0, y0), (x1, y1) = low, high
    a, b, c, d = (x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)
    triangles = [(a, b, c), (a, c, d)]
    return [triangle if up else triangle[::-1] for triangle in triangles]


def box(low, high):
    (x0, y0, z0), (x1, y1, z1) = low, high
    faces = [*quad((x0, y0), (x1, y1), z1), *quad((x0, y0), (x1, y1), z0, up=False)]
    for z, w in ((z0, z1),):
        for (ax, ay), (bx, by) in (
            ((x0, y0), (x1, y0)),
            ((x1, y0), (x1, y1)),
            ((x1, y1), (x0, y1)),
            ((x0, y1), (x0, y0)),
        ):
            faces += [((ax, ay, z), (bx, by, z), (bx, by, w)), ((ax, ay, z), (bx, by, w), (ax, ay, w))]
    return faces


def found(*parts, turn=None):
    corners = np.array([triangle for part in parts for triangle in part], dtype=np.float64)
    if turn is not None:
        corners = corners @ turn.T + 0.1234
    owners = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return [(item.part, item.other, item.same_side) for item in coincidences(corners, owners)]


BODY = box((0, 0, 0), (1, 1, 1))


@pytest.mark.parametrize("place", [((0.3, 0.3), (0.6, 0.5)), ((0.0, 0.0), (1.0, 1.0)), ((0.8, 0.8), (1.4, 1.4))])
def test_a_label_in_the_surface_is_found_whatever_way_it_faces(place):
    assert found(BODY, quad(*place, z=1.0)) == [(1, 0, True)]
    assert found(quad(*place, z=1.0, up=False), BODY) == [(0, 1, False)]


def test_also_turned_and_elsewhere():
    for seed in range(20):
        turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
        assert [pair[:2] for pair in found(BODY, quad((0.3, 0.3), (0.6, 0.5), z=1.0), turn=turn)] == [(1, 0)]


@pytest.mark.parametrize(
    "other",
    [
        quad((0.3, 0.3), (0.6, 0.5), z=1.001),  # lifted already
        quad((1.1, 0.3), (1.6, 0.5), z=1.0),  # beside
        quad((1.0, 0.0), (2.0, 1.0), z=1.0),  # edge to edge
        box((0, 0, 1), (1, 1, 2)),  # stacked: the faces between hide each other
        box((1, 0, 0), (2, 1, 1)),
    ],
)
def test_what_touches_or_lies_beside_is_none(other):
    assert found(BODY, other) == []
    assert found(other, BODY) == []


def test_a_doubled_part_is_found_and_one_part_alone_never():
    assert (1, 0, True) in found(BODY, BODY)
    assert found([*BODY, *quad((0.3, 0.3), (0.6, 0.5), z=1.0)]) == []
    assert found([], []) == []


def test_parts_that_are_nothing_beside_the_distance_between_them_coincide_nowhere():
    """A speck astray, 1e9 times as far away as it is large, and the product."""
    assert found(quad((0, 0), (1, 1)), quad((1e9, 0), (1e9 + 1, 1))) == []
