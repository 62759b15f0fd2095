# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import numpy as np

from consistency_pipeline.pipeline.finish import with_depth_of_field


def checks(size: int = 500) -> np.ndarray:
    """A product of fine black and white checks in the middle, a soft rim around it, on white."""
    y, x = np.mgrid[:size, :size]
    grey = np.where((x + y) % 2, 255, 0)
    inside = (abs(x - size / 2) < size / 4) & (abs(y - size / 2) < size / 4)
    return np.repeat(np.where(inside, grey, 255)[..., None], 3, axis=2).astype(np.uint8)


def contrast(picture: np.ndarray, row: int) -> float:
    return float(picture[row, 150:350, 0].astype(float).std())


def test_the_far_end_is_softer_than_the_focus_and_the_outline_stays():
    picture = checks()
    coverage = np.zeros((500, 500), np.float32)
    coverage[126:375, 126:375] = 0.5
    coverage[128:373, 128:373] = 1.0
    depth = np.where(coverage > 0, np.linspace(1.2, 1.0, 500, dtype=np.float32)[:, None], 0.0).astype(np.float32)
    finished = with_depth_of_field(picture, coverage, depth)
    changed = (finished != picture).any(axis=-1)
    assert changed.any()
    assert not changed[coverage < 0.99].any(), "the rim and the backdrop are the reference's"
    in_focus = 372 - round((373 - 128) / 3)
    assert contrast(finished, in_focus) > 0.9 * contrast(picture, in_focus)
    assert contrast(finished, 135) < 0.6 * contrast(picture, 135)


def test_what_lies_all_in_one_plane_or_is_not_there_stays_as_it_is():
    picture, flat = checks(100), np.full((100, 100), 0.5, np.float32)
    assert np.array_equal(with_depth_of_field(picture, np.ones((100, 100), np.float32), flat), picture)
    assert np.array_equal(with_depth_of_field(picture, np.zeros((100, 100), np.float32), flat), picture)
