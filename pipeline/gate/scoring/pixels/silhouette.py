# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The known outline of the product: ordered points with outward normals, to a fraction of a pixel.

Marching squares on the renderer's soft mask at level 0.5 (Lorensen & Cline's marching cubes in two dimensions).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .arrays import Array, sample

SPACING = 2.0  # px at 1024 between two points of the outline
MARGIN = 2.0  # px; an outline this close to the picture's border is the crop's, not the product's
REACH = 48.0  # px at 1024 that a walk may go at most, to either side


@dataclass(frozen=True)
class Silhouette:
    """N points. ``points``, ``normals``: (N, 2) as x, y; normals point away from the product, length 1.

    ``chains``: (first, last + 1, closed) of each connected outline. ``room_in``, ``room_out``: (N,) pixels that can be
    walked along the normal before half the way to another outline. ``length``: (N,) pixels of outline per point.
    ``centre``: x, y of the mask's centroid; ``radius``: pixels, root mean square distance of the points from it.
    """

    points: Array
    normals: Array
    chains: tuple[tuple[int, int, bool], ...]
    room_in: Array
    room_out: Array
    length: Array
    centre: tuple[float, float]
    radius: float

    def __len__(self) -> int:
        return len(self.points)


def trace(mask: Array, unit: float) -> Silhouette:
    """The outline of ``mask`` (H, W) in 0..1; ``unit``: pixels per pixel at 1024."""
    height, width = mask.shape
    spacing = max(1.0, SPACING * unit)
    resampled = (_resample(chain, closed, spacing) for chain, closed in _chains(mask))
    pieces = [piece for piece in resampled if piece is not None]
    points, normals, length, chains = [], [], [], []
    count = 0
    for chain, closed, step in pieces:
        normal = _normals(chain, closed, mask)
        inner = (chain > MARGIN).all(axis=1) & (chain[:, 0] < width - 1 - MARGIN) & (chain[:, 1] < height - 1 - MARGIN)
        for first, last in _runs(inner):
            chains.append((count, count + last - first, closed and last - first == len(chain)))
            points.append(chain[first:last])
            normals.append(normal[first:last])
            length.append(np.full(last - first, step, dtype=np.float32))
            count += last - first
    ys, xs = np.nonzero(mask > 0.5)
    centre = (float(xs.mean()), float(ys.mean()))
    if not count:
        empty = np.zeros((0, 2), dtype=np.float32)
        return Silhouette(empty, empty, (), empty[:, 0], empty[:, 0], empty[:, 0], centre, 1.0)
    p, n = np.concatenate(points), np.concatenate(normals)
    room_out = _room(mask, p, n, 1.0, REACH * unit)
    room_in = _room(mask, p, n, -1.0, REACH * unit)
    radius = float(np.sqrt(((p - centre) ** 2).sum(axis=1).mean()))
    return Silhouette(p, n, tuple(chains), room_in, room_out, np.concatenate(length), centre, radius)


def _chains(mask: Array) -> list[tuple[Array, bool]]:
    """Linked crossings of level 0.5, each (N, 2) as x, y, and whether the chain closes."""
    height, width = mask.shape
    field = mask.astype(np.float64)
    inside = field > 0.5
    flat_h = np.full((height, width), -1, dtype=np.int64)  # crossing between a pixel and its right neighbour
    flat_v = np.full((height, width), -1, dtype=np.int64)  # … and its lower neighbour
    rows_h, cols_h = np.nonzero(inside[:, :-1] != inside[:, 1:])
    rows_v, cols_v = np.nonzero(inside[:-1] != inside[1:])
    flat_h[rows_h, cols_h] = np.arange(len(rows_h))
    flat_v[rows_v, cols_v] = np.arange(len(rows_v)) + len(rows_h)
    a, b = field[rows_h, cols_h], field[rows_h, cols_h + 1]
    c, d = field[rows_v, cols_v], field[rows_v + 1, cols_v]
    x = np.concatenate([cols_h + (0.5 - a) / (b - a), cols_v.astype(np.float64)])
    y = np.concatenate([rows_h.astype(np.float64), rows_v + (0.5 - c) / (d - c)])
    links = np.full((len(x), 2), -1, dtype=np.int64)

    top, bottom = flat_h[:-1, :-1], flat_h[1:, :-1]
    left, right = flat_v[:-1, :-1], flat_v[:-1, 1:]
    saddle = (top >= 0) & (bottom >= 0) & (left >= 0) & (right >= 0)
    middle = (field[:-1, :-1] + field[:-1, 1:] + field[1:, :-1] + field[1:, 1:]) / 4 > 0.5
    joined = middle == inside[:-1, :-1]  # the top left corner hangs together with the bottom right one
    # Slot 0 of a crossing faces the cell above or left of it, slot 1 the one below or right of it.
    sides = {"top": (top, 1), "bottom": (bottom, 0), "left": (left, 1), "right": (right, 0)}
    opposite = [("top", "bottom"), ("left", "right")]
    for one, other in [*opposite, *itertools.product(*opposite)]:
        (first, slot_1), (second, slot_2) = sides[one], sides[other]
        meets = (first >= 0) & (second >= 0) & ~saddle
        if {one, other} in ({"top", "right"}, {"bottom", "left"}):
            meets |= saddle & joined
        elif {one, other} in ({"top", "left"}, {"bottom", "right"}):
            meets |= saddle & ~joined
        links[first[meets], slot_1] = second[meets]
        links[second[meets], slot_2] = first[meets]
    return _walk(links, np.stack([x, y], axis=1).astype(np.float32))


def _walk(links: NDArray[np.int64], points: Array) -> list[tuple[Array, bool]]:
    pairs = links.tolist()
    seen = bytearray(len(pairs))
    ends = [node for node, pair in enumerate(pairs) if -1 in pair]
    chains = []
    for place, start in enumerate([*ends, *range(len(pairs))]):
        order, node = [], -1 if seen[start] else start
        while node != -1:
            seen[node] = 1
            order.append(node)
            node = next((near for near in pairs[node] if near != -1 and not seen[near]), -1)
        if order:
            chains.append((points[order], place >= len(ends)))
    return chains


def _resample(chain: Array, closed: bool, spacing: float) -> tuple[Array, bool, float] | None:
    """Points at equal steps along the chain, smoothed by one step; None for a speck."""
    path = np.concatenate([chain, chain[:1]]) if closed else chain
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    count = int(along[-1] / spacing)
    if count < 8:
        return None
    at = np.arange(count) * along[-1] / count
    points = np.stack([np.interp(at, along, path[:, axis]) for axis in (0, 1)], axis=1)
    return points.astype(np.float32), closed, float(along[-1] / count)


def _normals(chain: Array, closed: bool, mask: Array) -> Array:
    mode = "wrap" if closed else "edge"
    padded = np.pad(chain, ((2, 2), (0, 0)), mode=mode)  # type: ignore[call-overload]
    tangent = 2 * (padded[4:] - padded[:-4]) + (padded[3:-1] - padded[1:-3])
    normal = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)
    normal /= np.maximum(np.hypot(*normal.T), 1e-6)[:, None]
    out, into = chain + normal, chain - normal
    outward = sample(mask, *into.T).sum() >= sample(mask, *out.T).sum()
    return (normal if outward else -normal).astype(np.float32)


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edge = np.diff(np.pad(flags.astype(np.int8), 1))
    first, last = np.nonzero(edge == 1)[0].tolist(), np.nonzero(edge == -1)[0].tolist()
    return [(a, b) for a, b in zip(first, last, strict=True) if b - a >= 4]


def _room(mask: Array, points: Array, normals: Array, sign: float, reach: float) -> Array:
    """Half of the way along ``sign`` × normal to where the mask changes back, at most ``reach``."""
    steps = np.arange(2.0, 2 * reach, 1.0, dtype=np.float32)
    at = points[:, None] + sign * steps[None, :, None] * normals[:, None]
    inside = sample(mask, at[..., 0], at[..., 1]) > 0.5
    changed = inside if sign > 0 else ~inside
    first = np.where(changed.any(axis=1), steps[changed.argmax(axis=1)], 2 * reach)
    return np.clip(first / 2, 1.5, reach).astype(np.float32)
