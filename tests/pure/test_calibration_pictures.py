# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calibration's references show what a run's would."""

from __future__ import annotations

import numpy as np

from benchmarks.calibration import pictures


def lit(strength):
    """A disc with a dent, under lamps of ``strength``."""
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    alpha = (np.hypot(x, y) < 0.7).astype(np.float32)
    light = strength * (0.8 + 0.2 * (np.hypot(x, y) > 0.3)).astype(np.float32)
    return {"rgb": np.repeat((light * alpha)[..., None], 3, axis=-1), "alpha": alpha}, alpha > 0.5


def test_a_white_product_keeps_its_detail_in_the_reference():
    shot, inside = lit(2.5)
    picture, _ = pictures.as_reference(shot)
    assert picture[inside].max() < 1.0
    assert np.ptp(picture[inside]) > 0.05


def test_what_does_not_burn_out_is_left_as_it_is_lit():
    shot, inside = lit(0.5)
    picture, _ = pictures.as_reference(shot)
    assert abs(picture[inside].max() - 0.735) < 0.005  # 0.5, sRGB-coded
