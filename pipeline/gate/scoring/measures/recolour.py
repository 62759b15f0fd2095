# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is each colour of the product still that colour? After one fit of the whole still's light and tone to its render.

A generator may light the product anew, warmer or darker, all over. A part in another hue is no light: its colour differs from
what the other parts say the light does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..pixels.arrays import Array, Bools, erode
from ..pixels.colour import to_lab, to_linear, to_srgb
from ..reference import Reference

SMALLEST = 0.012  # of the product's area: a smaller colour region isn't judged
STEPS = 6  # levels a channel of the surface's colour is told apart by
FLOOR = 0.01  # linear light below which a colour can't be told
RIM = 4.0  # px at 1024


@dataclass(frozen=True)
class Recolour:
    """``delta``: of the worst region, the length of (Δa*, Δb*) against what the rest of the product lets expect, in ΔE76
    units of chroma. ``share``: its share of the product. ``where``: (H, W), that region on the render's grid."""

    delta: float
    share: float
    where: Bools


def colour_regions(reference: Reference) -> list[Bools]:
    """The regions of one surface colour, large enough to be judged; without that pass, of one colour of the render."""
    inside = erode(reference.inside, RIM * reference.unit)
    source = reference.surface if reference.surface is not None else reference.rgb
    if reference.surface is not None:
        inside &= reference.matt
    levels = np.rint(source * (STEPS - 1)).astype(np.int32)
    names = levels[..., 0] * STEPS * STEPS + levels[..., 1] * STEPS + levels[..., 2]
    least = SMALLEST * reference.inside.sum()
    found = []
    for name in np.unique(names[inside]):
        region = (names == name) & inside
        if region.sum() >= least:
            found.append(region)
    return found


def measure(straight: Array, reference: Reference, parts: list[Bools]) -> Recolour:
    """``straight``: (H, W, 3) un-warped onto the render's grid. ``parts``: of colour_regions()."""
    nothing = Recolour(0.0, 0.0, np.zeros(reference.mask.shape, dtype=bool))
    if not parts:
        return nothing
    mine = np.log(np.maximum(to_linear(straight), FLOOR)).astype(np.float32)
    known = np.log(np.maximum(to_linear(reference.rgb), FLOOR)).astype(np.float32)
    # Per region the median log ratio; the light is what most of the area agrees on.
    ratios = np.array([np.median((mine - known)[part], axis=0) for part in parts])
    sizes = np.array([part.sum() for part in parts], dtype=np.float64)
    area = float(reference.inside.sum())
    worst = nothing
    for index, part in enumerate(parts):
        others = np.arange(len(parts)) != index
        light = _middle(ratios[others], sizes[others]) if others.any() else np.full(3, ratios[index].mean())
        # One light for all can't be told from a product of one colour: then only strong casts count, by the limit.
        tone = np.median(known[part], axis=0) + light
        meant = to_lab(np.clip(to_srgb(np.exp(tone + (ratios[index] - light).mean())), 0, 1)[None])[0]
        shown = to_lab(np.clip(to_srgb(np.exp(np.median(mine[part], axis=0))), 0, 1)[None])[0]
        delta = float(np.hypot(shown[1] - meant[1], shown[2] - meant[2]))
        if delta > worst.delta:
            worst = Recolour(delta, float(sizes[index] / area), part)
    return worst


def _middle(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted median by column."""
    out = np.empty(values.shape[1])
    for column in range(values.shape[1]):
        order = np.argsort(values[:, column])
        total = np.cumsum(weights[order])
        out[column] = values[order[np.searchsorted(total, total[-1] / 2)], column]
    return out
