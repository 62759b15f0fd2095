# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Edges inside the outline: where the render's depth steps or its normals turn, the picture should change too.

One-directional on purpose: a restyle may add texture, so new edges are no fault; an edge of the geometry that isn't there
is. A colour Canny (Di Zenzo's structure tensor, thinned along its main direction) finds the points on the passes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..pixels.arrays import Array, Bools, blur, erode, gradient, sample
from ..pixels.placement import Similarity
from ..pixels.walk import STEP, prepare, walk
from ..reference import Reference

NEAR = 3.0  # px at 1024 within which an edge counts as this one
REACH = 9.0  # px at 1024 looked at to both sides, to know what finding one by chance is worth
DEPTH_STEP = 0.02  # of the product's size: a depth step this high is an edge
TURN = 0.35  # length of the change of a unit normal over about 3 px at 1024: some 20°
FEWEST = 40  # points below which a recall says nothing


@dataclass(frozen=True)
class InnerEdges:
    """``recall``: share of the geometry's inner edges with an edge of the picture within 3 px at 1024.

    ``centred``: share whose strongest edge within 9 px lies within 3 px; by chance a third. Both are 1.0 where there are too
    few points to tell, and ``points`` says how many there were. ``found``, ``in_place``: (M,), an edge within 3 px, and the
    strongest within 9 px; ``at``: (M, 2) x, y on the render grid.
    """

    recall: float
    centred: float
    points: int
    found: Bools
    at: Array
    in_place: Bools


def thin_edges(image: Array, where: Bools, threshold: float, every: int = 1) -> tuple[Array, Array]:
    """Ridges of the change of ``image`` (H, W, C) above ``threshold`` per pixel: points and unit normals, (M, 2) as x, y."""
    across, down = gradient(image)
    xx, xy, yy = ((a * b).sum(axis=-1) for a, b in ((across, across), (across, down), (down, down)))
    middle, spread = (xx + yy) / 2, np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    strength = np.sqrt(np.maximum(middle + spread, 0))
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    rows, cols = np.nonzero((strength > threshold) & where)
    normals = np.stack([np.cos(angle[rows, cols]), np.sin(angle[rows, cols])], axis=1).astype(np.float32)
    points = np.stack([cols, rows], axis=1).astype(np.float32)
    here = strength[rows, cols]
    ahead, back = points + normals, points - normals
    ridge = (here >= sample(strength, *ahead.T)) & (here > sample(strength, *back.T))
    return points[ridge][::every], normals[ridge][::every]


def geometry_edges(reference: Reference) -> tuple[Array, Array]:
    """Points and normals of depth steps and creases well inside the outline; none without depth and normal."""
    layers = []
    where = erode(reference.inside, max(2.0, 5.0 * reference.unit))
    if reference.normal is not None:
        layers.append(blur(np.nan_to_num(reference.normal), max(0.6, 0.8 * reference.unit)) / TURN)
    if reference.depth is not None and where.any():
        layers.append(_steps(reference)[..., None])
    if not layers:
        return np.zeros((0, 2), dtype=np.float32), np.zeros((0, 2), dtype=np.float32)
    threshold = 0.33 / max(1.0, reference.unit)
    return thin_edges(np.concatenate(layers, axis=-1), where, threshold, max(1, round(1.5 * reference.unit)))


def _steps(reference: Reference) -> Array:
    """Depth without its slopes, in units of the smallest step that counts."""
    assert reference.depth is not None
    inside = reference.inside.astype(np.float32)
    depth = np.where(reference.inside, np.nan_to_num(reference.depth), 0.0).astype(np.float32)
    sigma = 4.0 * reference.unit
    base = blur(depth * inside, sigma) / np.maximum(blur(inside, sigma), 1e-3)
    return (depth - base) * inside / (DEPTH_STEP * product_size(reference))


def product_size(reference: Reference) -> float:
    """Metres: the diagonal of what is seen where positions are known, otherwise the range of its depth."""
    if reference.position is not None:
        seen = reference.position[reference.inside]
        low, high = np.percentile(seen, [1, 99], axis=0)
        return max(float(np.linalg.norm(high - low)), 1e-6)
    assert reference.depth is not None
    low, high = np.percentile(reference.depth[reference.inside], [1, 99])
    return max(float(high - low), 1e-6)


def measure(
    picture: Array, reference: Reference, pose: Similarity, known: tuple[Array, Array] | None = None
) -> InnerEdges:
    """``known``: geometry_edges(reference), where already at hand."""
    points, normals = geometry_edges(reference) if known is None else known
    if len(points) < FEWEST:
        every = np.ones(len(points), dtype=bool)
        return InnerEdges(1.0, 1.0, len(points), every, points, every)
    unit = reference.unit
    walked = walk(prepare(picture, unit), pose.apply(points), pose.turn(normals), REACH * unit, STEP * unit)
    near = np.abs(walked.steps) <= NEAR * unit
    here = walked.strength[:, near].max(axis=1)
    found = here >= walked.threshold
    centred = here >= walked.strength.max(axis=1) - 1e-6
    both: NDArray[np.bool_] = found & centred
    return InnerEdges(float(found.mean()), float(both.sum() / max(1, found.sum())), len(points), found, points, both)
