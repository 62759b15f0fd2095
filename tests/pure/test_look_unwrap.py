# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fresh map: no place of the surface shares a texel with another, and each gets as many as it is large."""

from __future__ import annotations

import numpy as np
import pytest

from consistency_pipeline.pipeline.look.texture import covered, is_usable
from consistency_pipeline.pipeline.look.unwrap import unwrapped

SIDES = (512, 1024)


def sheet(columns, rows, place):
    """Corners of ``columns`` × ``rows`` quads; ``place``: x, y, z of u and v, 0..1."""
    u, v = np.meshgrid(np.linspace(0, 1, columns + 1), np.linspace(0, 1, rows + 1), indexing="ij")
    at = np.stack(np.broadcast_arrays(*place(u, v)), axis=-1)
    return np.stack([at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]], axis=2).reshape(-1, 4, 3)


def mapped(quads):
    """(F, 4, 2) of quads, and the texture's side."""
    count = len(quads)
    uv, side = unwrapped(quads.reshape(-1, 3), np.arange(count) * 4, np.full(count, 4), SIDES)
    return uv.reshape(-1, 4, 2), side


def triangles(uv):
    return np.concatenate([uv[:, [0, 1, 2]], uv[:, [0, 2, 3]]])


FLAT = sheet(12, 9, lambda u, v: (1.6 * u, 1.2 * v, 0.0))
RAMP = sheet(240, 3, lambda u, v: ((1 + v) * np.cos(19 * u), (1 + v) * np.sin(19 * u), 0.4 * u))
BALL = sheet(40, 20, lambda u, v: (np.cos(6.283 * u) * np.sin(3.1415 * v), np.sin(6.283 * u) * np.sin(3.1415 * v), np.cos(3.1415 * v)))  # fmt: skip
LOOSE = np.random.default_rng(0).random((2500, 1, 3)) + np.array(
    [[0, 0, 0], [0.02, 0, 0.01], [0.02, 0.02, 0.02], [0, 0.02, 0.01]]
)


@pytest.mark.parametrize("quads", [FLAT, RAMP, BALL, LOOSE], ids=["sheet", "ramp", "ball", "loose faces"])
def test_each_place_has_texels_of_its_own(quads):
    uv, _ = mapped(quads)
    assert is_usable(triangles(uv), 1024)


def test_a_large_face_among_many_small_ones_gets_its_share():
    """As a table's top beside its screws: by faces alone it would get as little as one of them."""
    small = sheet(30, 30, lambda u, v: (3.0 + 0.1 * u, 0.1 * v, 0.002 * np.sin(90 * u)))
    uv, side = mapped(np.concatenate([np.array([[[0, 0, 0], [1.6, 0, 0], [1.6, 0.8, 0], [0, 0.8, 0]]]), small]))
    texel, triangle, _ = covered(triangles(uv), side)
    of_top = np.isin(triangle, [0, len(uv)]).sum()
    assert of_top > 0.9 * len(texel)
    assert of_top > 0.3 * side**2


def test_a_flat_sheet_stays_in_one_piece():
    uv, _ = mapped(FLAT)
    beside = uv.reshape(12, 9, 4, 2)
    assert np.allclose(beside[:-1, :, 1], beside[1:, :, 0], atol=1e-6)
    assert np.allclose(beside[:, :-1, 3], beside[:, 1:, 0], atol=1e-6)


def test_more_faces_than_fit_take_a_larger_texture():
    assert mapped(FLAT)[1] == 512
    assert mapped(np.concatenate([LOOSE + 2.0 * step for step in range(12)]))[1] == 1024
