# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parts that the product doesn't have: foreground outside the outline, sharply bordered and hanging on the product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..pixels.arrays import Array, Bools, dilate, luma, regions, steepness
from ..pixels.backdrop import Backdrop
from . import cast
from .cast import Caster

SMALLEST = 0.0012  # of the product's area
SHARP = 0.45  # share of a part's border that must be an edge
THICK = 10.0  # px at 1024 that a part measures at least across
TOUCH = 10.0  # px at 1024 from the outline within which a part hangs on the product
SHADOW_SPREAD = 0.05  # a shadow dims all three channels alike, up to this
OWN_SHADOW = 0.985  # of the backdrop's light, below which the render shows its own shadow
OWN_REACH = 14.0  # px at 1024 beyond it that a still's shadow may lie, softer or under another light
OWN_SPREAD = 0.2  # a product tints its shadow
CAST_SPREAD = 0.25  # the sky lights a shadow that the sun leaves


@dataclass(frozen=True)
class Added:
    """``share``: area of added parts over the product's. ``shadowlike``: … of dark sharp regions that may be shadows.

    ``where``, ``maybe``: (h, w) on the backdrop's small grid, the added parts and the regions that may be shadows.
    """

    share: float
    shadowlike: float
    where: Bools
    maybe: Bools


def own_shadow(rendered: Backdrop) -> Array:
    """(h, w): the light on the backdrop of the render itself, 1 where no shadow lies. ``rendered``: the render's own backdrop.

    Against its lightest side: a soft shadow has no edge, and is backdrop to look_behind().
    """
    grey, plain = luma(rendered.small), luma(rendered.colour)
    frame = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    light = np.maximum(plain, np.float32(np.median(frame)))
    return np.where(rendered.inside, 1.0, grey / np.maximum(light, 0.02)).astype(np.float32)


def measure(behind: Backdrop, unit: float, shadow: Array | None = None, product: Caster | None = None) -> Added:
    """``behind``: of look_behind(); ``unit``: pixels of the picture per pixel at 1024. ``shadow``: of own_shadow(); what lies
    where the render's own contact shadow lies, and is a shadow, is nothing added. ``product``: of cast.casting(); what one light
    can throw onto the ground, or a mirror floor show, is nothing added either."""
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
        return Added(0.0, 0.0, other, other)
    touch = dilate(inside, TOUCH / pixel)
    edge = dilate(steepness(small) > 2.0 * behind.faintest, 1.0)
    sizes = np.bincount(names.ravel(), minlength=count + 1)
    touching = np.bincount(names[touch & other], minlength=count + 1)
    lowest = np.nonzero(inside.any(axis=1))[0].max()
    where, maybe = np.zeros_like(other), np.zeros_like(other)
    own = None if shadow is None else dilate(shadow < OWN_SHADOW, OWN_REACH / pixel)
    share = dark = 0.0
    for name in range(1, count + 1):
        if sizes[name] < SMALLEST * area or not touching[name]:
            continue
        region = names == name
        border = dilate(region, 1.5) & ~region & ~near
        if not border.any() or edge[border].mean() < SHARP:
            continue
        if own is not None and shadow is not None and _is_own(small, behind.colour, region, own, shadow):
            continue
        if product is not None and _is_cast(small, behind.colour, region, product):
            continue
        if _shadowlike(small, behind.colour, region, lowest):
            dark += sizes[name] / area
            maybe |= region
        else:
            share += sizes[name] / area
            where |= region
    return Added(float(share), float(dark), where, maybe)


def _is_own(small: Array, colour: Array, region: Bools, own: Bools, shadow: Array) -> bool:
    """Where the render's own shadow lies, about as grey as a shadow is, and at least half as light as that one at its darkest."""
    if own[region].mean() < 0.6:
        return False
    ratio = np.median(small[region] / np.maximum(colour[region], 0.02), axis=0)
    darkest = float(shadow[own].min())
    return float(luma(ratio)) > 0.5 * darkest and float(ratio.max() - ratio.min()) < OWN_SPREAD


def _is_cast(small: Array, colour: Array, region: Bools, product: Caster) -> bool:
    """Darker than what lies around, and where a shadow of the product may lie; or where a floor would mirror it."""
    ratio = np.median(small[region] / np.maximum(colour[region], 0.02), axis=0)
    dark = float(luma(ratio)) < 0.97 and float(ratio.max() - ratio.min()) < CAST_SPREAD
    return (dark and cast.may_be_shadow(product, region)) or cast.may_be_mirrored(product, region)


def _shadowlike(small: Array, colour: Array, region: Bools, lowest: int) -> bool:
    """Darker than the backdrop by the same factor in all channels, evenly, and lying about the product's foot."""
    ratio = np.median(small[region] / np.maximum(colour[region], 0.02), axis=0)
    darker = float(luma(ratio)) < 0.95 and float(ratio.max() - ratio.min()) < SHADOW_SPREAD * 2
    rows = np.nonzero(region.any(axis=1))[0]
    at_foot = rows.max() >= lowest - 0.06 * len(region)
    return darker and bool(at_foot)
