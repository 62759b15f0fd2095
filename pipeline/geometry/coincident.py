# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faces of different parts that lie in the same place, such as a label modelled flush with its bottle: a renderer takes each
for the other's shadow, and shows a black patch.

Faces count as coincident where they are in one plane to within ``NEAR`` and overlap. Faces that only touch back to back, as
those between stacked parts, hide each other and are left alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NEAR = 1e-5  # share of the product's size
_TURN = 1e-3  # of a unit normal; what two triangles of one flat face differ by at most
_MOST = 1500  # triangles of one plane that are compared with each other


class Coincidence(NamedTuple):
    """``part`` is the smaller of the two; its ``triangles`` lie in the same place as some of ``other``.

    ``same_side``: both face the same way, so that lifting ``part`` along its own normals uncovers it.
    """

    part: int
    other: int
    triangles: NDArray[np.int64]
    same_side: bool


def coincidences(corners: NDArray[np.float64], parts: NDArray[np.int64]) -> list[Coincidence]:
    """``corners``: (N, 3, 3) metres, the triangles; ``parts``: (N,) which part each belongs to, from 0."""
    if len(corners) == 0 or len(np.unique(parts)) < 2:
        return []
    size = float(np.linalg.norm(np.ptp(corners.reshape(-1, 3), axis=0)))
    crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    doubled = np.linalg.norm(crossed, axis=1)
    real = doubled > (NEAR * size) ** 2
    areas = np.bincount(parts, weights=doubled)
    normals = crossed / np.maximum(doubled, 1e-300)[:, None]
    main = np.abs(normals).argmax(axis=1)
    signs = np.sign(np.take_along_axis(normals, main[:, None], axis=1))[:, 0]
    planes = np.c_[normals * signs[:, None], ((normals * signs[:, None]) * corners.mean(axis=1)).sum(axis=1)]
    found: dict[tuple[int, int, bool], set[int]] = {}
    flat = _flat(parts, planes, real, size)
    # Two grids: what a border of one parts, the other keeps together.
    for shift in (0.0, 0.5):
        grid = np.floor(planes / ([_TURN] * 3 + [4 * NEAR * size]) + shift).astype(np.int64)
        for group in _groups(grid, parts, real):
            for a, b in _overlaps(corners, parts, planes, group, size):
                small, large = sorted((a, b), key=lambda index: (areas[parts[index]], -parts[index]))
                same = bool(signs[a] == signs[b])
                if same or flat[parts[small]]:
                    found.setdefault((int(parts[small]), int(parts[large]), same), set()).add(int(small))
    return [
        Coincidence(part, other, np.array(sorted(which)), same) for (part, other, same), which in sorted(found.items())
    ]


def _flat(
    parts: NDArray[np.int64], planes: NDArray[np.float64], real: NDArray[np.bool_], size: float
) -> NDArray[np.bool_]:
    """Whether a part is one plane, seen from both of its sides."""
    flat = np.zeros(int(parts.max()) + 1, dtype=bool)
    for part in np.unique(parts):
        mine = planes[(parts == part) & real]
        spread = np.ptp(mine, axis=0) if len(mine) else np.zeros(4)
        flat[part] = bool((spread[:3] < _TURN).all() and spread[3] < 4 * NEAR * size)
    return flat


def _groups(grid: NDArray[np.int64], parts: NDArray[np.int64], real: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Triangles of one cell of the grid, for each cell that holds more than one part."""
    candidates = np.flatnonzero(real)
    if not len(candidates):
        return []
    order = candidates[np.lexsort(grid[candidates].T)]
    starts = np.flatnonzero(np.r_[True, (np.diff(grid[order], axis=0) != 0).any(axis=1)])
    lows, highs = (ends.reduceat(parts[order], starts) for ends in (np.minimum, np.maximum))
    ends = np.r_[starts[1:], len(order)]
    return [order[starts[i] : ends[i]] for i in np.flatnonzero(lows != highs) if ends[i] - starts[i] <= _MOST]


def _overlaps(
    corners: NDArray[np.float64],
    parts: NDArray[np.int64],
    planes: NDArray[np.float64],
    group: NDArray[np.int64],
    size: float,
) -> list[tuple[int, int]]:
    """Pairs of triangles of different parts, one of which has its middle, or a point near a corner, inside the other."""
    normal = planes[group[0], :3]
    axes = [axis for axis in range(3) if axis != np.abs(normal).argmax()]
    flat = corners[group][:, :, axes]
    middles = flat.mean(axis=1, keepdims=True)
    points = np.concatenate([middles, middles + 0.9 * (flat - middles)], axis=1)
    a, b, c = flat[:, 0], flat[:, 1], flat[:, 2]

    def side(start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
        """(m, m, 4): on which side of each triangle's edge the points of each other triangle lie."""
        edge, to = (end - start)[:, None, None, :], points[None] - start[:, None, None, :]
        return edge[..., 0] * to[..., 1] - edge[..., 1] * to[..., 0]

    sides = np.stack([side(a, b), side(b, c), side(c, a)])
    inside = ((sides > 0).all(axis=0) | (sides < 0).all(axis=0)).any(axis=2)
    # In one plane to within NEAR, not only in one cell.
    away = np.abs((corners[group].mean(axis=1)[:, None] - corners[group].mean(axis=1)[None]) @ normal)
    inside &= (parts[group][:, None] != parts[group][None]) & (away < NEAR * size)
    return [(int(group[i]), int(group[j])) for i, j in np.argwhere(inside)]
