# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The finish of a reference that becomes a still by itself: a little depth of field, from the depth that was rendered with it.

Nothing is rendered anew, and the outline stays the reference's: only pixels that are all product change, by pixels that are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .gate.scoring.pixels.arrays import blur
from .gate.scoring.pixels.colour import to_linear, to_srgb

Pixels = NDArray[np.uint8]
BLUR = 0.004  # widest blur over the product, as a share of the frame: seen as depth, too small to move an edge
FOCUS = 1 / 3  # of the product's depth, from its nearest point, at which it is sharp
SOLID = 0.99  # coverage from which a pixel is all product
STEPS = 3  # blurs between which a pixel's own is interpolated


def blur_width(depth: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(H, W): diameter of what a point becomes, as a share of the widest, 0..1; 0 outside.

    Thin lens: it is proportional to |d − s| / d at depth d where the focus is at s, whatever the lens. ``depth``: (H, W), metres.
    """
    there = inside & (depth > 0.0)
    width = np.zeros(depth.shape, np.float32)
    if not there.any():
        return width
    near, far = np.percentile(depth[there], (0.1, 99.9))  # glass in front of nothing may have any depth
    focus = near + FOCUS * (far - near)
    widest = max(abs(near - focus) / near, abs(far - focus) / far)
    if widest > 1e-6:
        width[there] = np.minimum(np.abs(depth[there] - focus) / depth[there] / widest, 1.0)
    return width


def with_depth_of_field(picture: Pixels, coverage: NDArray[np.float32], depth: NDArray[np.float32]) -> Pixels:
    """``picture`` (H, W, 3) sRGB as a lens with a wide aperture shows it; ``coverage`` 0..1, ``depth`` in metres, both (H, W)."""
    inside = coverage >= SOLID
    rows, columns = np.nonzero(inside)
    if not len(rows):
        return picture
    window = (slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    seen, solid = picture[window], inside[window].astype(np.float32)[..., None]
    light = to_linear(seen / np.float32(255.0)) * solid
    # A disc of diameter D has the standard deviation D/4 along each axis.
    sigma = BLUR * max(coverage.shape) / 4.0
    levels = [light] + [
        blur(light, sigma * step / STEPS) / np.maximum(blur(solid, sigma * step / STEPS), 1e-3)
        for step in range(1, STEPS + 1)
    ]
    at = blur_width(depth, inside)[window][..., None] * STEPS
    soft = sum(np.clip(1.0 - np.abs(at - step), 0.0, 1.0) * level for step, level in enumerate(levels))
    finished = picture.copy()
    finished[window] = np.where(solid > 0.0, np.rint(to_srgb(np.asarray(soft, np.float32)) * 255.0), seen)
    return finished
