# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Colour differences that people see: CIE Lab and ΔE2000."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .arrays import Array, Bools

# IEC 61966-2-1 primaries, white point D65 (2°).
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])


@dataclass(frozen=True)
class ColourDifference:
    """``median``, ``p95``: ΔE2000 over the product. ``tint``: length of the mean (Δa*, Δb*); ``lightness``: mean ΔL*."""

    median: float
    p95: float
    tint: float
    lightness: float


def to_linear(srgb: NDArray[np.floating]) -> NDArray[np.floating]:
    """sRGB-coded 0..1 -> linear light (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((np.maximum(srgb, 0.0) + 0.055) / 1.055) ** 2.4)


def to_srgb(linear: NDArray[np.floating]) -> NDArray[np.floating]:
    """Linear light -> sRGB-coded, unclipped above 1."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


def to_lab(srgb: NDArray[np.floating]) -> NDArray[np.float64]:
    """(..., 3) sRGB 0..1 -> CIE L*a*b* (CIE 15:2004, D65)."""
    ratio = to_linear(srgb.astype(np.float64)) @ _TO_XYZ.T / _WHITE
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], axis=-1)


def bytes_to_lab(srgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """``to_lab`` of (N, 3) 8-bit sRGB, in single precision: 1e-3 near, and several times as quick."""
    linear = _linear_of_bytes()
    red, green, blue = (linear[srgb[:, channel]] for channel in range(3))
    x, y, z = (
        np.float32(row[0] / white) * red + np.float32(row[1] / white) * green + np.float32(row[2] / white) * blue
        for row, white in zip(_TO_XYZ, _WHITE, strict=True)
    )
    fx, fy, fz = (_f(each) for each in (x, y, z))
    return np.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)]).T  # so that each of the three lies in one piece


def _f(ratio: NDArray[np.float32]) -> NDArray[np.float32]:
    slope, least = np.float32(1 / (3 * (6 / 29) ** 2)), np.float32((6 / 29) ** 3)
    return np.where(ratio > least, np.cbrt(ratio), ratio * slope + np.float32(4 / 29))


@cache
def _linear_of_bytes() -> NDArray[np.float32]:
    return to_linear(np.arange(256) / 255.0).astype(np.float32)


def delta_e(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float64]:
    """ΔE2000 between (..., 3) Lab arrays (Sharma, Wu & Dalal 2005, equations 2 to 22; kL = kC = kH = 1)."""
    l1, a1, b1 = np.moveaxis(one, -1, 0)
    l2, a2, b2 = np.moveaxis(other, -1, 0)
    mean_c7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    g = 0.5 * (1 - np.sqrt(mean_c7 / (mean_c7 + 25.0**7)))
    c1, c2 = np.hypot(a1 * (1 + g), b1), np.hypot(a2 * (1 + g), b2)
    h1 = np.degrees(np.arctan2(b1, a1 * (1 + g))) % 360
    h2 = np.degrees(np.arctan2(b2, a2 * (1 + g))) % 360
    grey = c1 * c2 == 0
    turn = np.where(grey, 0.0, (h2 - h1 + 180) % 360 - 180)
    dl, dc, dh = l2 - l1, c2 - c1, 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    light, c = (l1 + l2) / 2, (c1 + c2) / 2
    h = np.where(grey, h1 + h2, np.where(np.abs(h1 - h2) <= 180, (h1 + h2) / 2, ((h1 + h2) / 2 + 180) % 360))
    t = (
        1
        - 0.17 * np.cos(np.radians(h - 30))
        + 0.24 * np.cos(np.radians(2 * h))
        + 0.32 * np.cos(np.radians(3 * h + 6))
        - 0.20 * np.cos(np.radians(4 * h - 63))
    )
    sl = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    sc, sh = 1 + 0.045 * c, 1 + 0.015 * c * t
    rt = -np.sin(np.radians(60 * np.exp(-(((h - 275) / 25) ** 2)))) * 2 * np.sqrt(c**7 / (c**7 + 25.0**7))
    dl, dc, dh = dl / sl, dc / sc, dh / sh
    return np.sqrt(np.maximum(dl**2 + dc**2 + dh**2 + rt * dc * dh, 0.0))


def compare(picture: Array, reference: Array, where: Bools) -> ColourDifference:
    """Over the pixels ``where`` (H, W), of two pictures on the same grid; every k-th pixel, 40 000 at most."""
    mine, known = picture[where], reference[where]
    if not len(mine):
        return ColourDifference(0.0, 0.0, 0.0, 0.0)
    step = max(1, len(mine) // 40_000)
    a, b = to_lab(mine[::step]), to_lab(known[::step])
    difference = delta_e(a, b)
    shift = (a - b).mean(axis=0)
    median, p95 = np.percentile(difference, [50, 95])
    return ColourDifference(float(median), float(p95), float(np.hypot(shift[1], shift[2])), float(shift[0]))
