# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands behind the product, which the matte lets anything be after the render: a word, a colour, or a picture's file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .gate.scoring.pixels.arrays import Array, resize
from .references import BACKDROPS
from .settings.backdrop import GRADIENT, is_file

Pixels = NDArray[np.uint8]
TOP, BOTTOM = 196.0, 250.0  # 8-bit greys of the gradient: dark behind the product, light where it stands


def opaque(backdrop: str) -> int | tuple[int, int, int]:
    """One 8-bit colour for all of it, for who can't show more."""
    if backdrop.startswith("#"):
        return int(backdrop[1:3], 16), int(backdrop[3:5], 16), int(backdrop[5:7], 16)
    return BACKDROPS.get(backdrop, round((TOP + BOTTOM) / 2) if backdrop == GRADIENT else 255)


def behind(backdrop: str, shape: tuple[int, int], load: Callable[[Path], Array]) -> Pixels:
    """(H, W, 3) 8-bit sRGB: what is seen behind the product in a picture of ``shape``.

    ``load`` reads a picture as (h, w, 3) sRGB 0..1; it covers the frame, and what is too much is cut off on both sides alike.
    """
    height, width = shape
    if backdrop == GRADIENT:
        down = np.linspace(0.0, 1.0, height)
        down = down * down * (3.0 - 2.0 * down)
        return np.broadcast_to(np.rint(TOP + (BOTTOM - TOP) * down).astype(np.uint8)[:, None, None], (height, width, 3))
    if not is_file(backdrop):
        return np.broadcast_to(np.asarray(opaque(backdrop), np.uint8), (height, width, 3))
    picture = load(Path(backdrop))
    scale = max(height / picture.shape[0], width / picture.shape[1])
    sides = max(height, round(picture.shape[0] * scale)), max(width, round(picture.shape[1] * scale))
    picture = resize(picture, *sides)
    top, left = (sides[0] - height) // 2, (sides[1] - width) // 2
    return np.rint(np.clip(picture[top : top + height, left : left + width], 0.0, 1.0) * 255.0).astype(np.uint8)
