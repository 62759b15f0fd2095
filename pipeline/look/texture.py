# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The carried look as a texture: for each texel of a surface, what the stills that see it say, into its base colour.

A texture is seen from everywhere, so that a still counts only by how much a place faces it. What no still sees takes its
change from the texels around.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ..gate.scoring.pixels.arrays import Array, pull_outward
from .carry import ENOUGH
from .lookup import Eyes, mixed, said, unit
from .views import Source, brightened

FINEST = (
    2048  # px of a texture's side that the change is looked up for: a still has no more of it, and a larger one is slow
)
CHUNK = 1 << 16  # texels looked up at a time
BATCH = 1 << 20  # places tried at a time, whether a triangle covers them
TWICE = 0.02  # share of the texels that may belong to several triangles, borders and such, before a map is no good

Covered = tuple[NDArray[np.intp], NDArray[np.intp], Array]


def covered(uv: NDArray[np.floating], side: int) -> Covered:
    """The texels whose middle lies in a triangle of ``uv`` (T, 3, 2), 0..1 from below on the left: the number of each in a texture of
    ``side``² in rows from below, its triangle's, and (N, 3) the share that each corner has in it."""
    found = list(_covered(np.asarray(uv, np.float64) * side - 0.5, side))
    if not found:
        return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros((0, 3), np.float32)
    texel, triangle, share = (np.concatenate(each) for each in zip(*found, strict=True))
    return texel, triangle, share


def _covered(corners: NDArray[np.float64], side: int) -> Iterator[Covered]:
    low = np.clip(np.ceil(corners.min(axis=1)), 0, side).astype(np.intp)
    high = np.clip(np.floor(corners.max(axis=1)), -1, side - 1).astype(np.intp)
    width, height = np.maximum(high - low + 1, 0).T
    count = width * height
    ends = np.cumsum(count)
    first = 0
    while first < len(count):
        before = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + BATCH, side="right")))
        part = slice(first, last)
        owner = np.repeat(np.arange(first, last), count[part])
        place = np.arange(len(owner)) - np.repeat(ends[part] - count[part] - before, count[part])
        column, row = (
            low[owner, 0] + place % np.maximum(width[owner], 1),
            low[owner, 1] + place // np.maximum(width[owner], 1),
        )
        a, b, c = np.moveaxis(corners[owner], 1, 0)
        area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
        safe = np.where(np.abs(area) < 1e-12, 1.0, area)
        of_b = ((column - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (row - a[:, 1])) / safe
        of_c = ((b[:, 0] - a[:, 0]) * (row - a[:, 1]) - (column - a[:, 0]) * (b[:, 1] - a[:, 1])) / safe
        inside = (of_b >= 0.0) & (of_c >= 0.0) & (of_b + of_c <= 1.0) & (np.abs(area) >= 1e-12)
        share = np.stack([1.0 - of_b - of_c, of_b, of_c], axis=-1)[inside].astype(np.float32)
        yield (row * side + column)[inside], owner[inside], share
        first = last


def is_usable(uv: NDArray[np.floating], side: int = 512) -> bool:
    """``uv`` (T, 3, 2) lies within 0..1, and gives each place of the surface texels of its own."""
    if not len(uv) or not np.isfinite(uv).all() or uv.min() < -1e-4 or uv.max() > 1.0 + 1e-4:
        return False
    texel, _, share = covered(uv, side)
    inner = texel[share.min(axis=1) > 1e-3]  # neighbours share their borders
    if not len(inner):
        return False
    return len(inner) - len(np.unique(inner)) <= TWICE * len(inner)


def lent(points: Array, normals: Array, sources: Sequence[Source], size: float) -> tuple[Array, Array]:
    """(N, 3) log: the change that the sources lend to ``points`` (N, 3) with their ``normals``; (N,) 0..1, how well it is known.
    ``size``: the product's radius in metres."""
    change, known = np.zeros_like(points), np.zeros(len(points), np.float32)
    if not sources or not len(points):
        return change, known
    centre = points[:: max(1, len(points) // 1000)].mean(axis=0, dtype=np.float64)
    eyes = Eyes.of(sources, centre)
    for start in range(0, len(points), CHUNK):
        part = slice(start, start + CHUNK)
        here = np.ascontiguousarray((points[part] - centre).T.astype(np.float32))
        upright = np.ascontiguousarray(unit(normals[part]).T.astype(np.float32))
        found = said(here, upright, None, sources, eyes, size)
        change[part] = mixed(here, np.arange(here.shape[1]), found, sources, eyes).T
        known[part] = found.total / (found.total + np.float32(ENOUGH))
    return change, known


def spread(side: int, texel: NDArray[np.intp], change: Array, known: Array) -> Array:
    """(side, side, 3) in rows from below: the texels numbered ``texel`` with ``change`` (N, 3); what is not ``known`` (N,) 0..1, and
    what no triangle covers, from what lies around."""
    slow, weight = np.zeros((side * side, 3), np.float32), np.zeros(side * side, np.float32)
    slow[texel], weight[texel] = change * known[:, None], known
    shape = (side, side)
    around = pull_outward((slow / np.maximum(weight, 1e-6)[:, None]).reshape(*shape, 3), weight.reshape(shape))
    whole = around.reshape(-1, 3)
    whole[texel] += (change - whole[texel]) * known[:, None]
    return around


def texture(side: int, texel: NDArray[np.intp], base: Array, change: Array) -> Array:
    """(side, side, 4) sRGB 0..1 in rows from below: ``base`` (N, 4), the colour and alpha of the texels numbered ``texel``, with
    ``change`` (N, 3) in it; what no triangle covers, from what lies around."""
    made, there = np.zeros((side * side, 4), np.float32), np.zeros(side * side, np.float32)
    made[texel, :3] = brightened(base[:, :3], np.exp(change).astype(np.float32))
    made[texel, 3], there[texel] = base[:, 3], 1.0
    filled = pull_outward(made.reshape(side, side, 4), there.reshape(side, side))
    return np.clip(filled, 0.0, 1.0)


def looked_up(picture: Array, uv: Array) -> Array:
    """(N, C) of ``picture`` (H, W, C), in rows from below, at ``uv`` (N, 2): bilinear, repeated beyond its border."""
    height, width = picture.shape[:2]
    x, y = uv[:, 0] * width - 0.5, uv[:, 1] * height - 0.5
    left, low = np.floor(x), np.floor(y)
    right, up = (x - left)[:, None].astype(np.float32), (y - low)[:, None].astype(np.float32)
    columns = [(left.astype(np.intp) + step) % width for step in (0, 1)]
    rows = [(low.astype(np.intp) + step) % height for step in (0, 1)]
    below, above = (picture[row, columns[0]] * (1 - right) + picture[row, columns[1]] * right for row in rows)
    found: Array = below * (1 - up) + above * up
    return found
