# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A heat map's key, in the picture: what each colour says, of those that it has."""

from __future__ import annotations

import numpy as np
import pytest

from consistency_pipeline.pipeline.gate.scoring.heatmap import FINE, NEW, RING, WRONG
from consistency_pipeline.studio.image_worker.heat_key import with_key

SIDE = 512


def drawn(*colours: tuple[float, float, float], top: int = 40) -> np.ndarray:
    picture = np.full((SIDE, SIDE, 3), 0.4, dtype=np.float32)
    for number, colour in enumerate(colours):
        picture[top : top + 40, 40 + 60 * number : 90 + 60 * number] = colour
    return picture


def test_the_key_lies_where_least_is_drawn_and_the_rest_is_as_it_was():
    for top, band in ((40, slice(SIDE - 20, None)), (SIDE - 60, slice(0, 20))):
        before = drawn(FINE, WRONG, RING, top=top)
        after = with_key(before)
        assert after.shape == before.shape
        assert after[band].min() < 0.2
        changed = np.nonzero(np.abs(after - before).max(axis=(1, 2)) > 0.01)[0]
        assert len(changed) < SIDE / 8
        assert np.abs(after[top : top + 40, 60:200] - before[top : top + 40, 60:200]).max() < 0.01


@pytest.mark.parametrize("colours", [(FINE,), (FINE, NEW), (FINE, WRONG, NEW, RING)])
def test_each_colour_of_the_picture_has_its_square_and_words_beside_it(colours: tuple):
    band = with_key(drawn(*colours))[-30:]
    for colour in colours:
        assert (np.abs(band - np.float32(colour)).max(axis=-1) < 0.01).sum() > 80
    light = band.min(axis=-1) > 0.7
    assert light[:, : SIDE * len(colours) // 4].sum() > 40 * len(colours), "no words"


def test_of_a_small_picture_the_key_is_not_the_most():
    small = drawn(FINE, WRONG, NEW, RING)[20:100, ::4]
    assert np.array_equal(with_key(small), small)
    nothing = np.full((SIDE, SIDE, 3), 0.4, dtype=np.float32)
    assert np.array_equal(with_key(nothing), nothing)
