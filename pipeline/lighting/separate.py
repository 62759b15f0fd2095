# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A denoised picture shared out among its lights.

Cycles keeps each light's part of the picture (a light group), and denoises only the sum. Denoising each part by itself
costs a denoiser's run a light, and its parts don't add up to the picture any more. Here the parts are cleaned by the
denoised sum itself: a guided filter (He, Sun, Tang 2013) with the sum as its guide keeps every edge that the sum has; what it
takes away is given back where it is more than noise (Wiener's rule), as a mirror image of one lamp alone is.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
GLOW = "glow"  # what the product itself sends out, and every other light that belongs to no group

RADIUS = 1  # pixels of the guided filter's window; a wider one mixes the two sides of a shadow's edge
EDGE = 1e-4  # variance of the guide, linear light squared, below which it has no edge
NOISE_RADIUS, DETAIL_RADIUS = 3, 2  # pixels over which noise, and what the filter took away, are averaged
CAUTION = 5.0  # times the noise that taken-away detail has to exceed before it is given back
DARK = 1e-5  # linear light, below which all lights have equal shares
UNLIT = 1e-4  # linear light; what is darker everywhere is rounding, no glow


def with_glow(noisy: Plane, groups: Mapping[str, Plane]) -> dict[str, Plane]:
    """``groups`` and, where they leave a part of the picture unexplained, that part as ``GLOW``. All (H, W, 3)."""
    rest = noisy - sum(groups.values(), np.zeros_like(noisy))
    return {**groups, **({GLOW: rest} if np.abs(rest).max(initial=0.0) > UNLIT else {})}


def separated(denoised: Plane, noisy: Plane, groups: Mapping[str, Plane]) -> dict[str, Plane]:
    """Each light's share of ``denoised``. All arrays (H, W, 3), linear light; the shares add up to ``denoised``.

    ``groups`` add up to ``noisy``, the picture before it was denoised; where that is the same, they are only made to fit.
    """
    lit = np.argwhere((denoised > 0.0).any(axis=-1) | (noisy > 0.0).any(axis=-1))
    shares = {name: np.zeros_like(denoised) for name in groups}
    if not lit.size or not groups:
        return shares
    margin = NOISE_RADIUS + DETAIL_RADIUS + 2 * RADIUS
    low, high = np.maximum(lit.min(axis=0) - margin, 0), lit.max(axis=0) + 1 + margin
    window = (slice(low[0], high[0]), slice(low[1], high[1]))
    whole, grain = np.maximum(denoised[window], 0.0), noisy[window] - denoised[window]
    parts = {name: group[window] for name, group in groups.items()}
    if grain.any():
        parts = _cleaned(whole, grain, parts)
    parts = {name: np.maximum(part, 0.0) + DARK / len(parts) for name, part in parts.items()}
    scale = whole / sum(parts.values(), np.zeros_like(whole))
    for name, part in parts.items():
        shares[name][window] = part * scale
    return shares


def _cleaned(guide: Plane, grain: Plane, groups: Mapping[str, Plane]) -> dict[str, Plane]:
    mean = mean_around(guide, RADIUS)
    variance = mean_around(guide * guide, RADIUS) - mean * mean + EDGE
    smooth = {}
    for name, group in groups.items():
        average = mean_around(group, RADIUS)
        slope = (mean_around(guide * group, RADIUS) - mean * average) / variance
        smooth[name] = np.maximum(mean_around(slope, RADIUS) * guide + mean_around(average - slope * mean, RADIUS), 0.0)
    # Independent lights: their noises' variances add up to the sum's, each in proportion to its light.
    noise = CAUTION * mean_around(grain * grain, NOISE_RADIUS)
    total = sum(smooth.values(), np.zeros_like(guide)) + DARK
    cleaned = {}
    for name, group in groups.items():
        taken = group - smooth[name]
        power = mean_around(taken * taken, DETAIL_RADIUS) + np.float32(1e-12)
        kept = np.clip(1.0 - noise * smooth[name] / total / power, 0.0, 1.0)
        cleaned[name] = smooth[name] + kept * taken
    return cleaned


def mean_around(plane: Plane, radius: int) -> Plane:
    """Of the square of 2·radius + 1 pixels around each, borders repeated."""
    for axis in (0, 1):
        pad = [(radius, radius) if each == axis else (0, 0) for each in range(plane.ndim)]
        padded, length = np.pad(plane, pad, mode="edge"), plane.shape[axis]
        steps = [_from(padded, axis, step, length) for step in range(2 * radius + 1)]
        total = steps[0] + steps[1]
        for step in steps[2:]:
            total += step
        plane = total / np.float32(2 * radius + 1)
    return plane


def _from(plane: Plane, axis: int, start: int, length: int) -> Plane:
    """A view of ``length`` rows or columns from ``start`` on."""
    return plane[start : start + length] if axis == 0 else plane[:, start : start + length]
