# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Frequency separation: the picture's light with the reference's detail, in chosen regions or along geometry edges.

out = blur(log picture) + log reference − blur(log reference), in linear light, with a blur normalised by the mask, so that
neither rim nor backdrop leaks in. In the log domain light is a factor, so a printed edge keeps its contrast in shadow. The
detail is as true as the reference's texture; where a photo shows the label, give the photo's pixels as ``reference``.
"""

from __future__ import annotations

import numpy as np

from ..pixels.arrays import Array, Bools, blur, dilate
from ..pixels.colour import to_linear, to_srgb

FLOOR = 0.004  # linear light under which the logarithm would amplify noise
FEATHER = 4.0  # px at 1024 over which a region's edge fades


def restore(picture: Array, reference: Array, mask: Array, region: Array | None = None, sigma: float = 8.0) -> Array:
    """(H, W, 3) sRGB. ``picture`` and ``reference``: (H, W, 3) sRGB 0..1 on one grid (un-warp first, or edges double).

    ``mask``: (H, W) the product. ``region``: (H, W) 0..1 where detail is replaced; None: everywhere on the product, which
    also removes the photographic micro-texture that was paid for. ``sigma``: px at 1024; larger trusts the reference more.
    """
    unit = max(mask.shape) / 1024
    inside = (mask > 0.5).astype(np.float32)[..., None]
    weight = np.maximum(blur(inside, sigma * unit), 1e-4)
    mine, known = (np.log(np.maximum(to_linear(image), FLOOR)).astype(np.float32) for image in (picture, reference))
    low_mine, low_known = (blur(image * inside, sigma * unit) / weight for image in (mine, known))
    restored = np.clip(to_srgb(np.exp(low_mine + known - low_known)), 0, 1)
    where = inside[..., 0] if region is None else np.clip(region, 0, 1) * inside[..., 0]
    soft = (np.minimum(blur(where, FEATHER * unit), 0.5) * 2 * inside[..., 0])[..., None]
    return (picture * (1 - soft) + restored * soft).astype(np.float32)


def edge_region(points: Array, shape: tuple[int, int], radius_px: float = 4.0) -> Bools:
    """(H, W): within ``radius_px`` (at 1024) of edge points (N, 2), such as those of edges.geometry_edges."""
    marks = np.zeros(shape, dtype=bool)
    marks[points[:, 1].astype(int), points[:, 0].astype(int)] = True
    return dilate(marks, radius_px * max(shape) / 1024)
