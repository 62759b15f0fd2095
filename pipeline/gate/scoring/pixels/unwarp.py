# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Un-warp: a picture whose product is right but misplaced, laid back onto the render's grid.

Only for placement: un-warping a picture whose shape is wrong would hide a wrong object inside a right outline.
"""

from __future__ import annotations

import numpy as np

from .arrays import Array, blur, pull_outward, sample
from .placement import Similarity


def unwarp(picture: Array, pose: Similarity, sharp: bool = True) -> Array:
    """``picture`` (H, W, C) on the render's grid, (H, W, C). ``pose``: render grid -> picture, as fitted.

    ``sharp``: Catmull-Rom, which keeps the picture's detail; otherwise bilinear. What the picture doesn't show (a strip at
    the border after a shift) is filled smoothly from what it shows. A pose of nothing returns the picture as it is.
    """
    height, width = picture.shape[:2]
    if pose.dx == pose.dy == pose.rotation == 0.0 and pose.scale == 1.0:
        return picture.copy()
    matrix = pose.matrix()
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    at_x = (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]).astype(np.float32)
    at_y = (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]).astype(np.float32)
    if pose.scale > 1.25:  # smaller than half a pixel a step would alias
        picture = blur(picture, 0.5 * (pose.scale - 1))
    result = _cubic(picture, at_x, at_y) if sharp else sample(picture, at_x, at_y)
    shown = (at_x >= 0) & (at_x <= width - 1) & (at_y >= 0) & (at_y <= height - 1)
    if not shown.all():
        filled = pull_outward(result, shown.astype(np.float32))
        result = np.where(shown[..., None], result, filled)
    return np.clip(result, 0, 1).astype(np.float32)


def _cubic(image: Array, x: Array, y: Array) -> Array:
    """Catmull-Rom (Keys 1981, a = −0.5) at array coordinates (H, W)."""
    height, width = image.shape[:2]
    left, top = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    across, down = _taps(x - left), _taps(y - top)
    flat = image.reshape(height * width, -1)
    result = np.zeros((*x.shape, flat.shape[1]), dtype=np.float32)
    for row in range(4):
        rows = np.clip(top + row - 1, 0, height - 1) * width
        line = np.zeros_like(result)
        for column in range(4):
            line += flat[rows + np.clip(left + column - 1, 0, width - 1)] * across[column][..., None]
        result += line * down[row][..., None]
    return result


def _taps(t: Array) -> list[Array]:
    t = t.astype(np.float32)
    return [
        ((-0.5 * t + 1.0) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1.0,
        ((-1.5 * t + 2.0) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    ]
