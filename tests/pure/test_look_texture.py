# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The carried look as a texture: which texels are surface, which maps are good enough."""

from __future__ import annotations

import numpy as np

from consistency_pipeline.pipeline.look import texture

SQUARE = np.array([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]], np.float64)


def test_a_square_covers_every_texel_and_corners_are_weighed() -> None:
    texel, triangle, share = texture.covered(SQUARE, 8)
    assert set(texel) == set(range(64))
    places = np.einsum("nc,ncd->nd", share, SQUARE[triangle]) * 8 - 0.5
    assert np.allclose(places, np.stack([texel % 8, texel // 8], axis=-1), atol=1e-5)


def test_maps_that_overlap_or_repeat_are_not_used() -> None:
    assert texture.is_usable(SQUARE)
    assert not texture.is_usable(np.concatenate([SQUARE, SQUARE]))
    assert not texture.is_usable(SQUARE * 3.0)
    assert not texture.is_usable(SQUARE * 0.0)


def test_what_no_triangle_covers_takes_its_colour_from_around() -> None:
    texel, _, _ = texture.covered(SQUARE * 0.5, 16)
    base = np.tile(np.array([0.5, 0.25, 0.125, 1.0], np.float32), (len(texel), 1))
    made = texture.texture(16, texel, base, np.zeros((len(texel), 3), np.float32))
    assert np.allclose(made, base[0], atol=1e-3)
