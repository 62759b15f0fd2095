"""Parts that the product doesn't have: foreground outside the outline, sharply bordered and hanging on the product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Array, Bools, dilate, luma, regions, steepness
from .backdrop import Backdrop

SMALLEST = 0.0012  # of the product's area
SHARP = 0.45  # share of a part's border that must be an edge
THICK = 10.0  # px at 1024 that a part measures at least across
TOUCH = 10.0  # px at 1024 from the outline within which a part hangs on the product
SHADOW_SPREAD = 0.05  # a shadow dims all three channels alike, up to this


@dataclass(frozen=True)
class Added:
    """``share``: area of added parts over the product's. ``shadowlike``: … of dark sharp regions that may be shadows.

    ``where``: (h, w) on the backdrop's small grid.
    """

    share: float
    shadowlike: float
    where: Bools


def measure(behind: Backdrop, unit: float) -> Added:
    """``behind``: of look_behind(); ``unit``: pixels of the picture per pixel at 1024."""
    factor, small = behind.factor, behind.small
    pixel = factor / unit
    inside = behind.inside
    near = dilate(inside, 3.0 / pixel)
    area = max(1, int(inside.sum()))
    other = (np.abs(small - behind.colour).max(axis=-1) > max(1.5 * behind.tolerance, 0.05)) & ~near
    # A horizon is an edge without a body; a part has one.
    body = dilate(~dilate(~other, THICK / pixel / 2), THICK / pixel / 2 + 1)
    other &= body
    names, count = regions(other)
    if not count:
        return Added(0.0, 0.0, other)
    touch = dilate(inside, TOUCH / pixel)
    edge = dilate(steepness(small) > 2.0 * behind.faintest, 1.0)
    sizes = np.bincount(names.ravel(), minlength=count + 1)
    touching = np.bincount(names[touch & other], minlength=count + 1)
    lowest = np.nonzero(inside.any(axis=1))[0].max()
    where = np.zeros_like(other)
    share = shadow = 0.0
    for name in range(1, count + 1):
        if sizes[name] < SMALLEST * area or not touching[name]:
            continue
        region = names == name
        border = dilate(region, 1.5) & ~region & ~near
        if not border.any() or edge[border].mean() < SHARP:
            continue
        if _shadowlike(small, behind.colour, region, lowest):
            shadow += sizes[name] / area
        else:
            share += sizes[name] / area
            where |= region
    return Added(float(share), float(shadow), where)


def _shadowlike(small: Array, colour: Array, region: Bools, lowest: int) -> bool:
    """Darker than the backdrop by the same factor in all channels, evenly, and lying about the product's foot."""
    ratio = np.median(small[region] / np.maximum(colour[region], 0.02), axis=0)
    darker = float(luma(ratio)) < 0.95 and float(ratio.max() - ratio.min()) < SHADOW_SPREAD * 2
    rows = np.nonzero(region.any(axis=1))[0]
    at_foot = rows.max() >= lowest - 0.06 * len(region)
    return darker and bool(at_foot)
