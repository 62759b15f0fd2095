# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fresh map of a surface, where its own repeats or overlaps: charts of faces that look the same way, each as large as its surface.

Neighbours that look along the same one of the six axes are one chart, seen along that axis, so that a table's top stays in one
piece. What lies over itself then, as a coil or a thread, is taken apart, layer by layer. The charts' boxes stand on shelves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..gate.scoring.pixels.arrays import Array
from .texture import covered

GAP = 1  # px around a chart, which take its colour
WELD = 1 << 20  # steps over the part's size: corners in the same one are one
LAYERS = 6  # rounds of taking apart; what is left then is a chart face by face
FILLED = 0.3  # share of the texels that the charts' boxes should have, or a larger texture is taken
PACKED = 0.5  # share of the texels that are surface in the end, about
CHECKED = 1024  # px of the side at which charts are looked at for surface that lies over itself

Numbers = NDArray[np.intp]


def unwrapped(
    corners: NDArray[np.floating], starts: NDArray[np.integer], totals: NDArray[np.integer], sides: Sequence[int]
) -> tuple[Array, int]:
    """(L, 2) 0..1, and the side in pixels of the texture that it is for, the first of ``sides``, rising, that is large enough.

    ``corners``: (L, 3) metres, face by face; ``starts`` and ``totals``: (F,) where each face's corners begin, and how many it has.
    """
    first, length = np.asarray(starts, np.intp), np.asarray(totals, np.intp)
    if not len(first):
        return np.zeros((len(corners), 2), np.float32), sides[0]
    owner = np.repeat(np.arange(len(first)), length)
    following = np.arange(1, len(owner) + 1)
    following[first + length - 1] = first
    looks = _looks(corners, first, owner, following)
    flat = np.stack(  # each face as its axis shows it
        [np.take_along_axis(corners, ((looks[owner] // 2 + step) % 3)[:, None], 1)[:, 0] for step in (1, 2)], axis=-1
    ).astype(np.float64)
    along = np.take_along_axis(corners, (looks[owner] // 2)[:, None], 1)[:, 0] * np.where(looks[owner] % 2, -1.0, 1.0)
    pairs = _neighbours(corners, owner, following)
    pairs = pairs[looks[pairs[:, 0]] == looks[pairs[:, 1]]]
    height = np.add.reduceat(along, first) / length
    charts = _apart(flat, first, length, height, pairs)
    return _packed(flat, np.unique(charts, return_inverse=True)[1][owner], sides)


def _looks(corners: NDArray[np.floating], starts: Numbers, owner: Numbers, following: Numbers) -> Numbers:
    """(F,) 0..5: along which axis each face looks, twice its number, and one more where it looks backwards."""
    rest = corners - corners[starts][owner]
    normals = np.add.reduceat(np.cross(rest, rest[following]), starts)
    axis = np.abs(normals).argmax(axis=1)
    found: Numbers = axis * 2 + (np.take_along_axis(normals, axis[:, None], 1)[:, 0] < 0.0)
    return found


def _neighbours(corners: NDArray[np.floating], owner: Numbers, following: Numbers) -> Numbers:
    """(P, 2): the numbers of faces that share an edge."""
    low = corners.min(axis=0)
    size = float(np.ptp(corners, axis=0).max()) or 1.0
    x, y, z = np.rint((corners - low) / size * (WELD - 1)).astype(np.int64).T
    vertex = np.unique(((x << 42) | (y << 21) | z), return_inverse=True)[1].ravel()
    one, other = np.minimum(vertex, vertex[following]), np.maximum(vertex, vertex[following])
    edge = one.astype(np.int64) * (int(vertex.max()) + 1) + other
    order = np.argsort(edge, kind="stable")
    same = np.flatnonzero(edge[order[1:]] == edge[order[:-1]])
    return np.stack([owner[order[same]], owner[order[same + 1]]], axis=-1)


def _connected(pairs: Numbers, count: int) -> Numbers:
    """(F,): a number for each set of faces that ``pairs`` connect: that of its first face."""
    labels = np.arange(count)
    while True:
        one, other = labels[pairs[:, 0]], labels[pairs[:, 1]]
        if (one == other).all():
            return labels
        np.minimum.at(labels, np.maximum(one, other), np.minimum(one, other))
        while (labels[labels] != labels).any():
            labels = labels[labels]


def _apart(
    flat: NDArray[np.float64], starts: Numbers, totals: Numbers, height: NDArray[np.float64], pairs: Numbers
) -> Numbers:
    """(F,): the chart of each face, none of which lies over itself. ``height``: (F,) metres along the axis that it looks along."""
    layers = np.zeros(len(starts), np.intp)
    for _ in range(LAYERS):
        charts = _connected(pairs[layers[pairs[:, 0]] == layers[pairs[:, 1]]], len(starts))
        below = _below(flat, starts, totals, charts, height)
        if not len(below):
            return charts
        layers[below] += 1
    alone = np.isin(charts, charts[below])
    charts[alone] = len(starts) + np.flatnonzero(alone)
    return charts


def _below(
    flat: NDArray[np.float64], starts: Numbers, totals: Numbers, charts: Numbers, height: NDArray[np.float64]
) -> Numbers:
    """The faces that lie below another of their own chart."""
    number = np.unique(charts, return_inverse=True)[1]
    owner = np.repeat(np.arange(len(starts)), totals)
    uv, _ = _packed(flat, number[owner], (CHECKED,))
    inner = np.arange(len(owner)) - starts[owner]
    second = np.flatnonzero((inner > 0) & (inner < totals[owner] - 1))  # a fan of triangles for each face
    fan = np.stack([starts[owner[second]], second, second + 1], axis=-1)
    texel, triangle, share = covered(uv[fan], CHECKED)
    within = share.min(axis=1) > 1e-3  # neighbours share their borders
    texel, face = texel[within], owner[second[triangle[within]]]
    order = np.lexsort((-height[face], texel))
    texel, face = texel[order], face[order]
    again = (texel[1:] == texel[:-1]) & (face[1:] != face[:-1]) & (height[face[1:]] < height[face[:-1]])
    return np.unique(face[1:][again])


def _packed(flat: NDArray[np.float64], chart: Numbers, sides: Sequence[int]) -> tuple[Array, int]:
    """(L, 2) 0..1 and the side: the charts' boxes on shelves, all at one scale. ``chart``: (L,) from 0, that of each corner."""
    count = int(chart.max()) + 1
    low, high = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
    np.minimum.at(low, chart, flat)
    np.maximum.at(high, chart, flat)
    boxes = high - low
    is_upright = boxes[:, 1] > boxes[:, 0]  # lies down, so that shelves are low
    boxes[is_upright] = boxes[is_upright, ::-1]
    order = np.argsort(-boxes[:, 1], kind="stable")
    boxes = np.maximum(boxes, max(float(boxes.max()), 1e-12) * 1e-6)
    surface = float(boxes.prod(axis=1).sum())
    for side in sides:
        scale = _scale(boxes[order], side)
        if scale**2 * surface >= FILLED * side**2:
            break
    room = float(side)
    while not scale:  # more charts than texels for them
        room *= 1.5
        scale = _scale(boxes[order], room)
    places = np.zeros_like(boxes)
    places[order] = np.asarray(_shelved(boxes[order], scale, room), np.float64)
    own = (flat - low[chart]) * scale
    own = np.where(is_upright[chart, None], own[:, ::-1], own)
    made: Array = ((places[chart] + GAP + 0.5 + own) / room).astype(np.float32)
    return made, side


def _scale(boxes: NDArray[np.float64], side: float) -> float:
    """The pixels a metre at which the boxes fit; 0 where they never do."""
    most = side / float(np.sqrt(boxes.prod(axis=1).sum()))
    if _shelved(boxes, most * 1e-3, side) is None:
        return 0.0
    least, most = most * 1e-3, min(most, (side - 2 * GAP - 2) / float(boxes[:, 0].max()))
    for _ in range(12):
        middle = (least + most) / 2.0
        fits = _shelved(boxes, middle, side) is not None
        least, most = (middle, most) if fits else (least, middle)
    return least


def _shelved(boxes: NDArray[np.float64], scale: float, side: float) -> list[tuple[int, int]] | None:
    """Where each of ``boxes`` (C, 2), the highest first, stands at ``scale`` px a metre; None where they don't fit."""
    places, x, y, shelf = [], 0, 0, 0
    for width, height in (np.ceil(boxes * scale).astype(int) + 1 + 2 * GAP).tolist():
        if x + width > side:
            x, y, shelf = 0, y + shelf, 0
        if width > side or y + height > side:
            return None
        places.append((x, y))
        x, shelf = x + width, max(shelf, height)
    return places
