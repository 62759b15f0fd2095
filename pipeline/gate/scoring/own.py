# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a render says of itself: no picture is asked for what its own render doesn't show.

The render, and the render harmlessly worse in a handful of ways, is scored as a still would be. Edges, outline points and
print that aren't found there are not asked for in that view, and what is measured there is no fault in a picture: a view's
limits are never tighter than its own render keeps.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .pixels.arrays import Array, blur, resize, shrink

DEFOCUS = 3.0  # px at 1024, sigma of a focus that lies a little beside the product
GRAIN = 0.012  # of display code
BRIGHTER = 1.12  # times as much display code, with which white begins to burn out
LEVELS = 24  # steps of display code across a block, as a strong JPEG leaves them


def degraded(picture: Array, unit: float) -> Iterator[Array]:
    """``picture`` (H, W, 3) as it is, out of focus, brighter with a steeper tone, coarse with grain, and at half its size."""
    yield picture
    yield blur(picture, DEFOCUS * unit)
    steep = picture + 0.25 * picture * (1 - picture) * (2 * picture - 1)
    gain = np.clip(
        0.99 / max(float(np.percentile(steep, 99.5)), 0.1), 0.85, 1.12
    )  # what burns out is no mild degradation
    yield np.clip(steep * gain, 0, 1).astype(np.float32)
    noise = np.random.default_rng(0).normal(size=picture.shape[:2]).astype(np.float32)[..., None]
    yield np.clip(np.rint((picture + noise * GRAIN) * 4 * LEVELS) / (4 * LEVELS), 0, 1).astype(np.float32)
    moved = (picture + np.roll(picture, 1, axis=1)) / 2  # by half a pixel
    half = shrink(moved, 2)
    yield np.clip(resize(half, *picture.shape[:2]), 0, 1)


def brighter(picture: Array) -> Array:
    """``picture`` (H, W, 3) with light print on a light surface burnt out: asked of the print alone."""
    return np.clip(picture * BRIGHTER, 0, 1).astype(np.float32)
