# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A still between as it came and faithful to its render: its light stays, detail comes from the render.

    out = render · exp(smooth(log still − log render))        in linear light, inside the outline

The quotient of still and render is the still's other light. Light changes slowly over a surface and fast where the geometry
turns; what changes fast elsewhere, such as a letter, a melted spot or a screw that isn't there, is no light. So the
quotient is smoothed within surfaces, and not across the edges of normals, depth and materials: what no measure can tell is
removed by construction. Print is no edge, and where the render is known to carry one the smoothing is never narrow.

It is smoothed twice, what departs from the first mean counting less in the second, so that a fault is not smeared but left
out. What departs from the second by little is texture that the render lacks, grain or weave, and is kept until near the
dial's end. benchmarks/faithful.py measures what is left of faults, and how near to a true photo the result stays.

The smoothing is the recursive filter of the domain transform (Gastal & Oliveira, Domain Transform for Edge-Aware Image and
Video Processing, 2011, section 4.1), which takes as long for any width.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .measures import label
from .measures.edges import DEPTH_STEP, geometry_edges, product_size
from .pixels.arrays import Array, Bools, blur, dilate, distance_to
from .pixels.colour import to_linear, to_srgb
from .reference import Reference

WIDEST = 24.0  # px at 1024, standard deviation of the smoothing at the dial's end
PRINTED = 16.0  # px at 1024, the least in print, as soon as the dial is above 0: at 8 another print shows through
ODD = 0.1  # departure from the mean, in log light, at which a pixel counts half
TEXTURE = (
    0.1  # departure from the mean, in log light, that is kept by half, at the dial's beginning; nothing at its end
)
FLOOR = 0.004  # linear light that is added before the logarithm, which would make noise of black
TURN = 32.0  # px that a change of the unit normal by 1 counts as, from one pixel to the next
STEP = 32.0  # px that the smallest depth step that is an edge counts as
BORDER = 160.0  # px that a change of the surface's colour by 1, in sRGB code, counts as
PLAIN = 0.05  # sRGB code by which it must change
EASED = 0.75  # of what an edge counts as, that is gone at the dial's end: detail beside it is the render's, too
BEYOND = 1e6  # px that the outline counts as: nothing comes across
RIM = 3.0  # px at 1024 over which the still passes into what is made of it, inside the outline
PASSES = 3


@dataclass(frozen=True)
class Ground:
    """What the smoothing needs of a render, for several pictures of one angle.

    ``render``: (H, W, 3) log of linear light. ``solid``: (H, W), all product, none of the backdrop. ``across``, ``down``:
    (H, W) px from each pixel to the one on its left, and above it. ``printed``: (H, W) 0..1. ``cover``: (H, W) 0..1, of what
    is made here over the still; 0 from the outline on outward.
    """

    render: Array
    solid: Bools
    across: Array
    down: Array
    printed: Array
    cover: Array
    unit: float

    @classmethod
    def of(cls, reference: Reference, printed: Bools | None = None) -> Ground:
        """``printed``: (H, W), as of label.find, where it is known already."""
        unit = reference.unit
        if printed is None:
            printed = label.find(reference, geometry_edges(reference))
        print_ = dilate(printed, 3.0 * unit)
        solid = reference.mask > 0.98
        across, down = (_distances(reference, solid, print_, axis) for axis in (1, 0))
        deep = distance_to(~solid, int(np.ceil(RIM * unit)) + 1)
        cover = np.clip((deep - 0.5) / max(RIM * unit, 1.0), 0, 1).astype(np.float32) * solid
        return cls(_log(reference.rgb), solid, across, down, blur(print_.astype(np.float32), unit), cover, unit)

    def at(self, still: Array, dial: float, *, has_print: bool = True) -> Array:
        """(H, W, 3) sRGB 0..1 of ``still`` (H, W, 3), sRGB 0..1 on the render's grid.

        ``dial``: 0 the still itself, to the last bit; 1 the render's own detail under the still's slow light.
        ``has_print``: print is taken from the render as soon as ``dial`` is above 0.
        """
        if dial <= 0:
            return still
        box = _box(self.solid)
        if not self.solid[box].size:
            return still
        hold = np.float32(1 - EASED * min(dial, 1.0))
        ways = (1 + (self.across[box] - 1) * hold, 1 + (self.down[box] - 1) * hold)
        render, weight = self.render[box], self.solid[box].astype(np.float32)[..., None]
        light = (_log(still[box]) - render) * weight
        sigma = WIDEST * min(dial, 1.0) * self.unit
        wide = _slow(light, weight, ways, sigma)
        slow = _with_texture(light, wide, TEXTURE * (1 - min(dial, 1.0)))
        if has_print and self.printed[box].any():
            share = np.clip(self.printed[box], 0, 1)[..., None]
            if sigma < PRINTED * self.unit:
                wide = _slow(light, weight, ways, PRINTED * self.unit)
            slow = slow * (1 - share) + wide * share
        made = np.clip(to_srgb(np.clip(np.exp(render + slow) - FLOOR, 0, 1)), 0, 1)
        cover = self.cover[box][..., None]
        out = still.astype(np.float32, copy=True)
        out[box] = still[box] * (1 - cover) + made * cover
        return out


def _slow(light: Array, weight: Array, ways: tuple[Array, Array], sigma: float) -> Array:
    """``light``, smoothed; where it is odd it counts less."""
    first = _mean(light, weight, ways, sigma)
    odd = np.abs(light - first).max(axis=-1, keepdims=True) / np.float32(ODD)
    return _mean(light, weight / (1 + odd**2), ways, sigma)


def _mean(light: Array, weight: Array, ways: tuple[Array, Array], sigma: float) -> Array:
    both = smooth(np.concatenate([light * weight, weight], axis=-1), *ways, sigma)
    return both[..., :3] / np.maximum(both[..., 3:], 1e-6)


def _with_texture(light: Array, slow: Array, little: float) -> Array:
    """``slow`` with what ``light`` departs from it by no more than about ``little``."""
    if little <= 0:
        return slow
    rest = light - slow
    size = np.abs(rest).max(axis=-1, keepdims=True) / np.float32(little)
    return slow + rest / (1 + size**2)


def smooth(image: Array, across: Array, down: Array, sigma: float) -> Array:
    """(H, W, C), each pixel the mean of those near it by way of ``across`` and ``down``, with a standard deviation of ``sigma``.

    ``across``, ``down``: (H, W) px to the pixel on the left, and above. Exponential kernels forth and back along rows, then
    columns, ever narrower (equations 14, 21 and appendix).
    """
    for number in range(PASSES):
        wide = sigma * np.sqrt(3.0) * 2.0 ** (PASSES - number - 1) / np.sqrt(4.0**PASSES - 1.0)
        rate = -np.sqrt(2.0) / max(wide, 1e-6)
        image = _there_and_back(image.swapaxes(0, 1), np.exp(rate * across.T)).swapaxes(0, 1)
        image = _there_and_back(image, np.exp(rate * down))
    return np.ascontiguousarray(image)


def _there_and_back(image: Array, share: Array) -> Array:
    """Along the first axis. ``share``: (H, W) that a pixel takes of the one before it."""
    rows = np.ascontiguousarray(image)
    rows = rows.copy() if rows is image else rows
    shares = np.ascontiguousarray(share, dtype=np.float32)[..., None]
    for here in range(1, len(rows)):
        rows[here] += shares[here] * (rows[here - 1] - rows[here])
    for here in range(len(rows) - 2, -1, -1):
        rows[here] += shares[here + 1] * (rows[here + 1] - rows[here])
    return rows


def _distances(reference: Reference, solid: Bools, printed: Bools, axis: int) -> Array:
    """(H, W) px to the pixel before it along ``axis``: more than one where the geometry or the material changes."""
    far = np.ones(reference.mask.shape, dtype=np.float32)
    if reference.normal is not None:
        far += TURN * np.sqrt((_change(np.nan_to_num(reference.normal), axis) ** 2).sum(axis=-1))
    if reference.depth is not None:
        far += STEP * np.minimum(_steps(reference, axis), 3.0)
    if reference.surface is not None:
        change = np.abs(_change(reference.surface, axis)).max(axis=-1)
        far += BORDER * np.where((change > PLAIN) & ~printed, change, 0.0)
    far += BEYOND * np.abs(_change(solid.astype(np.float32), axis))
    return far.astype(np.float32)


def _steps(reference: Reference, axis: int) -> Array:
    """(H, W): by how much the depth departs from its slope on either side, in steps that count as an edge."""
    assert reference.depth is not None
    change = _change(np.where(reference.inside, np.nan_to_num(reference.depth), 0.0).astype(np.float32), axis)
    either = [np.abs(change - np.roll(change, way, axis=axis)) for way in (1, -1)]
    size = product_size(reference)
    return np.minimum(*either) / np.float32(DEPTH_STEP * size) if np.isfinite(size) else np.zeros_like(change)


def _change(image: Array, axis: int) -> Array:
    """From the pixel before, along ``axis``; none at the border."""
    before = [(1, 0) if each == axis else (0, 0) for each in range(image.ndim)]
    return np.pad(np.diff(image, axis=axis), before)


def _log(picture: Array) -> Array:
    return np.log(to_linear(picture) + FLOOR).astype(np.float32)


def _box(where: Bools) -> tuple[slice, slice]:
    rows, columns = np.nonzero(where.any(axis=1))[0], np.nonzero(where.any(axis=0))[0]
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
