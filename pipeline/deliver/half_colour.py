# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""WebP, and some encoders of JPEG, keep colour at half the size. What they are handed can be made such that less of it is lost.

An encoder keeps the mean colour of 2 × 2 pixels, and a decoder makes a smooth picture of these means, which is duller than the
first at every edge. So each mean is handed over stronger by what would be missing, as libwebp's "sharp YUV" does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..gate.scoring.pixels.arrays import Array
from .matting import SEEN, box_of

ROUNDS = 2  # of looking at what is missing; more are no better
_ROOM = 4  # pixels around the product that its rim's colour is spread over; even
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as JFIF and WebP have it
_BLUE, _RED = 1.772, 1.402  # (B - Y) / Cb and (R - Y) / Cr


def for_half_colour(pixels: NDArray[np.uint8], alpha: Array) -> NDArray[np.uint8]:
    """(H, W, 3 or 4) sRGB as an encoder should be given it. Only pixels of the product, ``alpha`` (H, W) above 0, are changed."""
    box = box_of(alpha, SEEN)
    if box is None:
        return pixels
    left, top = (max(0, side - side % 2 - _ROOM) for side in box[:2])
    right, bottom = (side + side % 2 + _ROOM for side in box[2:])
    part = (slice(top, bottom), slice(left, right))
    free = alpha[part] > 0.0
    many = _sums(free.view(np.uint8)).astype(np.float32)
    is_clear = pixels.shape[-1] == 4  # of what is clear no colour is kept
    shares = np.maximum(many, 1.0) if is_clear else np.float32(4.0)
    mean = [_sums(pixels[part][..., channel]).astype(np.float32) / shares for channel in range(3)]
    luma = sum(share * plane for share, plane in zip(_LUMA, mean, strict=True))
    blue, red = (_missing((mean[at] - luma) / factor) * (many > 0.0) for at, factor in ((2, _BLUE), (0, _RED)))
    if not is_clear:  # the ground stays as it is, so the product's pixels make up for it
        blue, red = (4.0 / np.maximum(many, 1.0) * plane for plane in (blue, red))
    green = (-_LUMA[0] * _RED * red - _LUMA[2] * _BLUE * blue) / _LUMA[1]
    out = pixels.copy()
    for channel, change in enumerate((_RED * red, green, _BLUE * blue)):
        whole = np.rint(change).astype(np.int16)
        each = np.repeat(np.repeat(whole, 2, axis=0), 2, axis=1)[: free.shape[0], : free.shape[1]]
        each *= free
        each += pixels[part][..., channel]
        out[part][..., channel] = np.clip(each, 0, 255, out=each)
    return out


def _missing(mean: Array) -> Array:
    """What to add to the means of a plane of colour, so that the means of what a decoder makes of them are these again."""
    given = mean.copy()
    for _ in range(ROUNDS):
        given += mean - _kept(given)
    return given - mean


def _kept(half: Array) -> Array:
    """The means of 2 × 2 pixels of what a decoder makes of ``half``: to each pixel it gives three quarters of the nearest, one of
    the next, along both sides."""
    for axis in (0, 1):
        wide = np.pad(half, [(1, 1) if each == axis else (0, 0) for each in (0, 1)], mode="edge")
        before, after = (wide[:-2], wide[2:]) if axis == 0 else (wide[:, :-2], wide[:, 2:])
        half = np.float32(0.75) * half + np.float32(0.125) * (before + after)
    return half


def _sums(plane: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Of each 2 × 2 pixels; an odd last row or column counts twice."""
    height, width = plane.shape
    if height % 2 or width % 2:
        plane = np.pad(plane, ((0, height % 2), (0, width % 2)), mode="edge")
    rows = np.add(plane[0::2], plane[1::2], dtype=np.uint16)
    return rows[:, 0::2] + rows[:, 1::2]
