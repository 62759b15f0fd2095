# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A wire, a hair, a curtain keep their own colour on another ground, however near a thicker part of another colour is."""

from __future__ import annotations

import numpy as np
import pytest

from consistency_pipeline.pipeline.deliver.matting import matte
from consistency_pipeline.pipeline.deliver.placing import layout, place
from consistency_pipeline.pipeline.deliver.presets import Fill, Rules
from consistency_pipeline.pipeline.gate.scoring.recomposite import recomposite

SIDE = 256
WHITE, BLACK, RED = (0.95, 0.95, 0.94), (0.02, 0.02, 0.02), (0.8, 0.1, 0.1)
BASE = np.s_[40:120, 30:110]
CURTAIN = np.s_[150:230, 140:230]


def lamp(ground: tuple[float, float, float], wire_cover: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A still (H, W, 3), its mask (H, W) and its own colours: a white base, a black wire that slants away from it, of which no pixel is
    covered by more than ``wire_cover``, and a red curtain of half alpha."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    wire = np.clip(1.0 - np.abs(y - 60.0 - 0.37 * (x - 110.0)), 0.0, 1.0) * wire_cover * ((x >= 110) & (x < 235))
    mask, colours = wire.astype(np.float32), np.empty((SIDE, SIDE, 3), np.float32)
    colours[:] = BLACK
    mask[BASE], colours[BASE] = 1.0, WHITE
    mask[CURTAIN], colours[CURTAIN] = 0.5, RED
    still = colours * mask[..., None] + np.float32(ground) * (1.0 - mask[..., None])
    return (np.round(still * 255.0) / 255.0).astype(np.float32), mask, colours


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("cover", [0.9, 0.3])
@pytest.mark.parametrize("ground", [(1.0, 1.0, 1.0), (0.5, 0.5, 0.5), (0.2, 0.3, 0.6)])
def test_thin_parts_keep_their_colour_on_white(ground, cover: float, exact: bool):
    still, mask, colours = lamp(ground, cover)
    if not exact:  # as a model draws it and a codec leaves it
        still = np.clip(still + np.random.default_rng(1).normal(0.0, 0.01, still.shape), 0.0, 1.0).astype(np.float32)
    found = matte(still, mask, exact=exact)
    rules = Rules(shadow=False, fill=Fill(wanted=0.9), advised=SIDE)
    where = layout(found.alpha, rules, crops=True)
    placed = place(found, still, where, rules)
    assert where.scale == 1.0
    wanted = colours * mask[..., None] + (1.0 - mask[..., None])
    there = np.zeros_like(wanted)
    there[: where.height, : where.width] = placed.pixels / 255.0
    wire = (mask > 0.2) & (np.arange(SIDE) > 118)[None] & (np.arange(SIDE) < 230)[None]
    wire[CURTAIN] = False
    assert np.abs(there - wanted)[wire].mean() < 0.04
    assert np.abs(there - wanted)[160:220, 150:220].max() < 0.06
    assert np.abs(there - wanted)[50:110, 40:100].max() < 0.05


@pytest.mark.parametrize("cover", [0.9, 0.3])
def test_exact_mode_keeps_the_colour_of_thin_parts(cover: float):
    ground = (0.85, 0.85, 0.85)
    still, mask, _ = lamp(ground, cover)
    exact = recomposite(still, mask, ground)
    wire = (mask > 0.2) & (np.arange(SIDE) > 118)[None]
    wire[CURTAIN] = False
    assert np.abs(exact - still)[wire].mean() < 0.02  # on the backdrop that it had, nothing changes
    assert np.abs(exact - still)[160:220, 150:220].max() < 0.02
