# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is behind the product: how it continues, how plain it is, and which grey to choose for the next render."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Array, Bools, blur, dilate, luma, pull_outward, regions, shrink, steepness
from .walk import noise_threshold

SIDE = 512  # pixels of the longer side at which the backdrop is looked at
TOLERANCE = 0.04  # colour difference, 0..1, up to which a pixel is the backdrop's
CONTRAST = 0.15  # luma between product and backdrop that the rim needs to be found


@dataclass(frozen=True)
class Backdrop:
    """The picture shrunk by ``factor`` and what continues behind the product.

    ``small``, ``colour``: (h, w, 3). ``outside``, ``inside``: (h, w), well outside the product, and in it. ``edges``: (h, w),
    the picture's own edges outside. ``faintest``: colour change per small pixel of an edge. ``tolerance``: colour difference
    up to which a pixel is the backdrop's.
    """

    small: Array
    colour: Array
    outside: Bools
    inside: Bools
    edges: Bools
    faintest: float
    tolerance: float
    factor: int


def look_behind(picture: Array, mask: Array, unit: float) -> Backdrop:
    """``picture`` (H, W, 3); ``mask`` (H, W) in the picture's place; ``unit``: pixels per pixel at 1024."""
    factor = max(1, round(max(mask.shape) / SIDE))
    small = blur(shrink(picture, factor), 0.6)
    inside = shrink(mask, factor) > 0.02
    pixel = factor / unit  # px at 1024 of one small pixel
    outside = ~dilate(inside, 8.0 / pixel)
    faintest = noise_threshold(small) * 1.5
    edges = (steepness(small) > faintest) & outside
    colour = blur(pull_outward(small, _backdrop_only(small, outside, edges).astype(np.float32)), 2.0)
    noise = float(np.median(np.abs(small - colour)[outside])) if outside.any() else 0.0
    return Backdrop(small, colour, outside, inside, edges, faintest, max(TOLERANCE, 4 * noise), factor)


def _backdrop_only(small: Array, outside: Bools, edges: Bools) -> Bools:
    """What surely is backdrop: not an edge, and not fenced in by edges as a part's inner area is.

    A hole in the product, such as a handle's, is fenced in by the product and not by edges of its own.
    """
    free = outside & ~dilate(edges, 2.0)
    names, count = regions(free)
    keep = np.zeros(count + 1, dtype=bool)
    frame = np.concatenate([names[0], names[-1], names[:, 0], names[:, -1]])
    at_frame = np.bincount(frame, minlength=count + 1)
    fence = dilate(edges, 3.5)
    for name in np.nonzero(at_frame > 0.1 * len(frame))[0].tolist():
        keep[name] = name > 0
    tones = [np.median(small[names == name], axis=0) for name in np.nonzero(keep)[0]]
    for name in np.nonzero(~keep)[0][1:].tolist():
        region = names == name
        border = dilate(region, 1.5) & ~region
        open_to_product = at_frame[name] == 0 and fence[border].mean() < 0.3
        # A piece of wall between a horizon and a handle has the wall's colour.
        tone = np.median(small[region], axis=0)
        keep[name] = open_to_product or any(np.abs(tone - other).max() < TOLERANCE for other in tones)
    if count and not keep.any():
        keep[1 + int(np.bincount(names.ravel(), minlength=count + 1)[1:].argmax())] = True
    return keep[names]


def clutter(behind: Backdrop, explained: Bools, unit: float) -> float:
    """Length of the edges in the backdrop that are neither a shadow's, hanging on the product, nor of ``explained`` parts.

    Over the picture's longer side: 0 on a seamless backdrop, about 0.5 with a horizon, 3 and more on a table of things.
    """
    pixel = behind.factor / unit
    edges = behind.edges & ~dilate(explained, 5.0)
    names, count = regions(dilate(edges, 1.0))
    if not count:
        return 0.0
    near = np.unique(names[dilate(behind.inside, 16.0 / pixel)])
    border = np.unique(
        np.concatenate([names[:2].ravel(), names[-2:].ravel(), names[:, :2].ravel(), names[:, -2:].ravel()])
    )
    sizes = np.bincount(names[edges], minlength=count + 1).astype(np.float64)
    sizes[0] = 0.0
    own = np.setdiff1d(near, border)
    sizes[own[own > 0]] = 0.0
    return float(sizes.sum() / 2.5 / max(edges.shape))  # an edge is some 2.5 pixels wide


def backdrop_choice(rgb: Array, mask: Array, wanted: float, reach: float = 0.35) -> tuple[float, float]:
    """The grey to render the reference on, and the share of the rim that then has contrast 0.15 or more.

    ``rgb``: (H, W, 3) sRGB 0..1 of the product alone (straight alpha or over anything: only inside pixels are used);
    ``mask``: (H, W); ``wanted``: luma 0..1 of the final backdrop, kept where nothing is gained by leaving it.
    ``reach``: how far from ``wanted`` the grey may go, because a very other surrounding changes how the generator lights
    the product. Of equally good greys the nearest to ``wanted``.
    """
    inside = mask > 0.95
    band = inside & dilate(mask < 0.5, max(3.0, max(mask.shape) / 200))
    if not band.any():
        return wanted, 0.0
    rim = luma(rgb[band])
    greys = np.clip(wanted + np.linspace(-reach, reach, 29), 0.02, 0.98)
    covered = (np.abs(rim[:, None] - greys) >= CONTRAST).mean(axis=0)
    value = covered - 0.05 * np.abs(greys - wanted) / reach
    best = int(value.argmax())
    at_wanted = float((np.abs(rim - wanted) >= CONTRAST).mean())
    if at_wanted >= covered[best] - 0.03:
        return float(wanted), at_wanted
    return float(greys[best]), float(covered[best])
