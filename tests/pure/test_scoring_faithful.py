# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A still that is made faithful: what the dial removes, what it keeps, and what it never touches."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from consistency_pipeline.pipeline.gate.scoring.faithful import Ground, smooth
from consistency_pipeline.pipeline.gate.scoring.reference import Reference

pytestmark = pytest.mark.by_turns

SIZE = 192
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE]
INSIDE = (np.abs(ROWS - 96) < 72) & (np.abs(COLUMNS - 96) < 72)
LEFT = COLUMNS < 96


def box(bright: float = 0.5, *, printed: bool = False) -> Reference:
    """A box on grey, whose two sides meet in the middle; on its left side, where asked for, a row of bars as print."""
    colour = np.full((SIZE, SIZE, 3), bright, dtype=np.float32)
    label = INSIDE & (np.abs(ROWS - 96) < 20) & (np.abs(COLUMNS - 60) < 20)
    bars = INSIDE & (np.abs(ROWS - 96) < 20) & (np.abs(COLUMNS - 60) < 20) & (COLUMNS // 3 % 2 == 0)
    if printed:
        colour[bars] *= 0.3
    normal = np.where(LEFT[..., None], [-0.7, -0.7, 0.0], [0.7, -0.7, 0.0]).astype(np.float32)
    rgb = np.where(INSIDE[..., None], colour, 0.8).astype(np.float32)
    depth = np.where(INSIDE, 2.0 - 0.002 * np.abs(COLUMNS - 96), 100.0).astype(np.float32)
    surface = np.where(INSIDE[..., None], colour, 0.0).astype(np.float32)
    return Reference(
        rgb, INSIDE.astype(np.float32), depth=depth, normal=normal, surface=surface, label=label * np.float32(printed)
    )


def lit(reference: Reference, left: float = 1.5, right: float = 0.6) -> np.ndarray:
    """A true photo: each side in another light, the backdrop as it likes."""
    light = np.where(LEFT, left, right)[..., None].astype(np.float32)
    return np.where(INSIDE[..., None], np.clip(reference.rgb * light ** (1 / 2.2), 0, 1), 0.2).astype(np.float32)


def spotted(picture: np.ndarray, row: int = 96, column: int = 130, size: int = 2, tone: float = 0.0) -> np.ndarray:
    out = picture.copy()
    out[row - size : row + size + 1, column - size : column + size + 1] = tone
    return out


def left_of(fault: np.ndarray, clean: np.ndarray, ground: Ground, dial: float, **options: bool) -> float:
    """The share of a fault's visibility that the dial leaves."""
    where = np.abs(fault - clean).max(axis=-1) > 0.07
    made = np.abs(ground.at(fault, dial, **options) - ground.at(clean, dial, **options))
    return float(made[where].mean() / np.abs(fault - clean)[where].mean())


def test_at_nothing_the_still_is_what_it_was_to_the_last_bit_and_next_to_it_hardly_another():
    reference, ground = box(), Ground.of(box())
    noisy = lit(reference) * (1 + 0.05 * np.random.default_rng(1).normal(size=(SIZE, SIZE, 1)).astype(np.float32))
    assert np.array_equal(ground.at(noisy, 0.0), noisy)
    assert np.abs(ground.at(noisy, 0.002) - np.clip(noisy, 0, 1)).max() < 0.01


def test_the_dial_changes_the_picture_steadily():
    reference, ground = box(), Ground.of(box())
    still = spotted(lit(reference))
    made = [ground.at(still, dial) for dial in np.linspace(0.0, 1.0, 21)]
    steps = [float(np.abs(after - before).max()) for before, after in itertools.pairwise(made)]
    assert max(steps) < 0.25
    assert float(np.abs(made[-1] - made[0]).max()) > 0.35


def test_a_spot_that_the_render_lacks_goes_and_the_light_stays():
    reference, ground = box(), Ground.of(box())
    clean = lit(reference)
    assert left_of(spotted(clean), clean, ground, 1.0) < 0.1
    assert left_of(spotted(clean), clean, ground, 0.6) < 0.15
    assert np.abs(ground.at(clean, 1.0) - clean)[INSIDE].max() < 0.02  # also along the edge between its two sides


def test_a_hole_of_black_is_filled_and_black_stays_without_noise():
    black = box(0.0)
    still = np.where(INSIDE[..., None], [0.001] * 3, 0.8).astype(np.float32)
    assert np.abs(Ground.of(black).at(still, 1.0) - still).max() < 0.01
    reference, ground = box(), Ground.of(box())
    clean = lit(reference)
    assert left_of(spotted(clean, tone=0.0), clean, ground, 1.0) < 0.1
    assert left_of(spotted(clean, tone=1.0), clean, ground, 1.0) < 0.1


def test_texture_that_the_render_lacks_is_kept_until_the_dials_end():
    reference, ground = box(), Ground.of(box())
    weave = 1 + 0.02 * np.sin(ROWS * 2.0)[..., None]
    still = np.where(INSIDE[..., None], lit(reference) * weave, 0.2).astype(np.float32)
    plain = lit(reference)
    middle = np.s_[60:132, 110:150]

    def kept(dial: float) -> float:
        return float(
            np.std((ground.at(still, dial) - ground.at(plain, dial))[middle]) / np.std((still - plain)[middle])
        )

    assert kept(0.3) > 0.6
    assert kept(1.0) < 0.3


def test_known_print_is_the_renders_as_soon_as_the_dial_is_up_unless_switched_off():
    reference = box(printed=True)
    ground = Ground.of(reference)
    clean = lit(reference)
    other = clean.copy()
    other[84:110, 45:75] = clean[84:110, 48:78]  # the print, moved by a bar: something else is written
    assert ground.printed.max() > 0.9
    assert left_of(other, clean, ground, 0.02) < 0.4
    assert left_of(other, clean, ground, 0.02, has_print=False) > 0.7


def test_nothing_is_touched_outside_and_no_seam_shows_at_the_rim():
    reference, ground = box(), Ground.of(box())
    still = lit(reference)
    made = ground.at(still, 1.0)
    assert np.array_equal(made[~INSIDE], still[~INSIDE])
    row = made[96, 24:60] - still[96, 24:60]
    assert np.abs(np.diff(row, axis=0)).max() < 0.02


@pytest.mark.parametrize("fill", [0.0, 1.0])
def test_a_picture_of_one_tone_and_passes_with_holes_make_numbers(fill: float):
    reference = box()
    broken = Reference(
        reference.rgb, reference.mask, depth=np.full((SIZE, SIZE), np.nan, np.float32),
        normal=np.full((SIZE, SIZE, 3), np.nan, np.float32),
    )  # fmt: skip
    made = Ground.of(broken).at(np.full((SIZE, SIZE, 3), fill, np.float32), 0.7)
    assert np.isfinite(made).all()
    assert 0 <= made.min() <= made.max() <= 1


def test_the_smoothing_keeps_a_mean_and_has_the_width_that_was_asked_for():
    one = np.ones((64, 64), dtype=np.float32)
    spot = np.zeros((64, 64, 1), dtype=np.float32)
    spot[32, 32] = 1.0
    spread = smooth(spot, one, one, 4.0)[..., 0]
    assert np.isclose(spread.sum(), 1.0, atol=0.01)
    assert np.isclose(np.sqrt((spread.sum(axis=0) * (np.arange(64) - 32) ** 2).sum()), 4.0, rtol=0.15)
    assert np.allclose(smooth(np.full((64, 64, 1), 0.3, np.float32), one, one, 9.0), 0.3, atol=1e-5)
