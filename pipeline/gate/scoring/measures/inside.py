# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lies inside the outline, place by place: edges that must be there, edges that moved, edges that don't belong.

Generators go wrong in one place: a spot melts, a seam goes, a button appears. A share of the whole product hides that, so each
measure here is of the worst place, a window of WINDOW px at 1024.

Expected are the edges of the render's own passes (colour of the surface, depth, normals) and of the render itself. An edge
that the passes have and the render shows *must* be in a picture. An edge where neither has one is *new*; on a matt surface
only a shadow's rim explains it, on glass and chrome anything may be reflected, so there nothing is called new.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..pixels.arrays import Array, Bools, blur, dilate, erode
from ..pixels.walk import CLEAR, STEP, noise_threshold, prepare, walk
from ..reference import Reference
from .edges import geometry_edges, thin_edges

WINDOW = 28.0  # px at 1024, sigma of a window
NEAR = 3.5  # px at 1024 within which an edge is in its place
REACH = 10.0  # px at 1024 that an edge is looked for beside it
RIM = 7.0  # px at 1024 kept from the outline, whose own measure is another
PRINT = 0.035  # change per px at 1024 of the surface's colour (sRGB-coded) that is an edge
APART = 6.0  # px at 1024 from every expected edge at which an edge is new
FEWEST = 24.0  # px at 1024 of edges in a window below which it says nothing
SPACING = 24.0  # px at 1024 between two windows whose edges are asked how far they moved


@dataclass(frozen=True)
class Expected:
    """``points``, ``normals``: (N, 2), edges that must be there. ``anywhere``: (H, W), near any edge of render or passes.
    ``matt``: (H, W), where a new edge would say something. ``reflected``: as Inside.new, of the edges that the render itself
    shows and its passes don't have: as sharply as there may light and surroundings show on this surface."""

    points: Array
    normals: Array
    anywhere: Bools
    matt: Bools
    reflected: float = 0.0


@dataclass(frozen=True)
class Inside:
    """The worst window of each. ``lost``: share 0..1 of its edges that are not there. ``moved_px``: px at 1024 by which its
    edges lie elsewhere. ``new``: length of new edges, in units of the window's width. ``found``: (N,).

    ``lost_at``, ``moved_at``, ``new_at``: (H, W) maps for the heat-map, on the render's grid.
    """

    lost: float
    moved_px: float
    new: float
    points: int
    found: Bools
    lost_at: Array
    moved_at: Array
    new_at: Array


def expect(reference: Reference) -> Expected:
    """What the passes of ``reference`` say that a picture must show, and where it may show anything."""
    unit = reference.unit
    where = erode(reference.inside, RIM * unit)
    layers = [geometry_edges(reference)]
    if reference.surface is not None:
        layers.append(
            thin_edges(
                blur(reference.surface, max(0.6, 0.8 * unit)), where, PRINT / max(unit, 0.3), max(1, round(1.5 * unit))
            )
        )
    points = np.concatenate([layer[0] for layer in layers])
    normals = np.concatenate([layer[1] for layer in layers])
    keep = where[points[:, 1].astype(int), points[:, 0].astype(int)] if len(points) else np.zeros(0, dtype=bool)
    points, normals = points[keep], normals[keep]
    marks = np.zeros(reference.mask.shape, dtype=bool)
    prepared = prepare(reference.rgb, unit)
    shown, _ = thin_edges(prepared, where, 0.7 * noise_threshold(prepared))
    for part in (points, shown):
        marks[part[:, 1].astype(int), part[:, 0].astype(int)] = True
    seen = (
        _at(prepared, points, normals, unit, noise_threshold(prepared))[0] if len(points) else np.zeros(0, dtype=bool)
    )
    known = np.zeros(reference.mask.shape, dtype=bool)
    known[points[:, 1].astype(int), points[:, 0].astype(int)] = True
    matt = where & reference.matt
    passes_alone = Expected(points, normals, dilate(known, APART * unit), matt)
    reflected = float(_new(prepared, passes_alone, unit, noise_threshold(prepared)).max())
    return Expected(points[seen], normals[seen], dilate(marks, APART * unit), matt, reflected)


def _at(prepared: Array, points: Array, normals: Array, unit: float, threshold: float) -> tuple[Bools, Array, Array]:
    """Per point: whether an edge is there and the strongest around, displacement in px at 1024, and its weight."""
    walked = walk(prepared, points, normals, REACH * unit, STEP * unit, threshold=threshold)
    near = np.abs(walked.steps) <= NEAR * unit
    here = walked.strength[:, near].max(axis=1)
    found = here >= threshold
    evidence = walked.strength * np.exp(-0.5 * (walked.steps / (6.0 * unit)) ** 2)
    best = evidence.argmax(axis=1)
    strength = walked.strength[np.arange(len(best)), best]
    return found, walked.steps[best] / unit, np.where(strength >= threshold, np.minimum(strength / threshold, 3.0), 0.0)


def measure(straight: Array, reference: Reference, expected: Expected) -> Inside:
    """``straight``: (H, W, 3) un-warped onto the render's grid."""
    unit, shape = reference.unit, reference.mask.shape
    nothing = np.zeros(shape, dtype=np.float32)
    prepared = prepare(straight, unit)
    threshold = noise_threshold(prepared)
    new_at = _new(prepared, expected, unit, threshold)
    new = float(new_at.max())
    if len(expected.points) < FEWEST / 2:
        return Inside(
            0.0, 0.0, new, len(expected.points), np.ones(len(expected.points), dtype=bool), nothing, nothing, new_at
        )
    found, moved, weight = _at(prepared, expected.points, expected.normals, unit, threshold)
    # Lost is what is not there even at a third of the strength that counts elsewhere: light may weaken an edge.
    gone = ~_at(prepared, expected.points, expected.normals, unit, threshold / 2.0)[0]
    lost_at = _share(gone, expected.points, shape, unit)
    moved_at = _shifts(expected.points, expected.normals, moved, weight, shape, unit)
    return Inside(float(lost_at.max()), float(moved_at.max()), new, len(found), found, lost_at, moved_at, new_at)


def _marks(points: Array, shape: tuple[int, ...], values: Array | None = None) -> Array:
    marks = np.zeros(shape[:2], dtype=np.float32)
    np.add.at(marks, (points[:, 1].astype(int), points[:, 0].astype(int)), 1.0 if values is None else values)
    return marks


def _share(flags: Bools, points: Array, shape: tuple[int, ...], unit: float) -> Array:
    """Per pixel the share of flagged points in its window, 0 where there are too few."""
    sigma = WINDOW * unit
    area = 2 * np.pi * sigma**2
    all_of = blur(_marks(points, shape), sigma) * area
    bad = blur(_marks(points, shape, flags.astype(np.float32)), sigma) * area
    spacing = max(1, round(1.5 * unit)) / unit  # px at 1024 of edge per point
    return np.where(all_of * spacing >= FEWEST, bad / np.maximum(all_of, 1e-6), 0.0).astype(np.float32)


def _new(prepared: Array, expected: Expected, unit: float, threshold: float) -> Array:
    if not expected.matt.any():
        return np.zeros(expected.matt.shape, dtype=np.float32)
    where = expected.matt & ~expected.anywhere
    points, _ = thin_edges(prepared, where, CLEAR * threshold)
    sigma = WINDOW * unit
    # Of a window where hardly a pixel may be asked, nothing is known.
    asked = blur(where.astype(np.float32), sigma)
    dense = blur(_marks(points, where.shape), sigma) * np.sqrt(2 * np.pi) * sigma
    return np.where(expected.matt & (asked > 0.15), dense / np.maximum(asked, 0.15), 0.0).astype(np.float32)


def _shifts(points: Array, normals: Array, moved: Array, weight: Array, shape: tuple[int, ...], unit: float) -> Array:
    """Per pixel the length of the shift, px at 1024, that best explains how the edges around lie; by windows on a grid."""
    n = normals.astype(np.float32)
    sigma = WINDOW * unit
    say = weight / (1 + (moved / 8.0) ** 2)
    parts = [
        n[:, 0] ** 2 * say,
        n[:, 0] * n[:, 1] * say,
        n[:, 1] ** 2 * say,
        n[:, 0] * moved * say,
        n[:, 1] * moved * say,
        say,
    ]
    step = max(1, int(SPACING * unit / 2))
    xx, xy, yy, bx, by, total = (blur(_marks(points, shape, part), sigma)[::step, ::step] for part in parts)
    ridge = 0.15 * np.maximum(total, 1e-9)
    xx, yy = xx + ridge, yy + ridge
    det = np.maximum(xx * yy - xy**2, 1e-12)
    x, y = (yy * bx - xy * by) / det, (xx * by - xy * bx) / det
    area, spacing = 2 * np.pi * sigma**2, max(1, round(1.5 * unit)) / unit
    enough = total * area * spacing >= 2.0 * FEWEST
    length = np.where(enough, np.hypot(x, y), 0.0)
    rows, cols = (
        np.minimum(np.arange(side) // step, part - 1) for side, part in zip(shape[:2], length.shape, strict=True)
    )
    return length[np.ix_(rows, cols)].astype(np.float32)
