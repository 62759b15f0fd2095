# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a shadow or a mirror image of the product may lie: told by its visible surface, the ground and one light.

Each visible point throws its shadow along the light onto the ground; a dark region is the product's shadow if one direction of
light explains nearly all of it. A floor that mirrors shows each point as far below the ground as it is above.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..pixels.arrays import Bools, dilate
from ..reference import Reference

AZIMUTHS, ELEVATIONS = 36, (12.0, 20.0, 30.0, 42.0, 56.0, 72.0, 88.0)  # degrees: lights that are tried
POINTS = 6000  # of the visible surface
EXPLAINED = 0.86  # share of a region that a shadow must explain
GROW = 1.6  # pixels of the small grid that a splat is grown by


@dataclass(frozen=True)
class Caster:
    """``points``: (N, 3) metres in the world, of the surface; ``ground``: metres, the height of what it stands on.
    ``small``: (h, w) of the grid that regions are asked on, ``factor`` times coarser than the reference."""

    points: np.ndarray
    ground: float
    reference: Reference
    factor: int
    small: tuple[int, int]


def casting(reference: Reference, factor: int, small: tuple[int, int]) -> Caster | None:
    """None where positions or camera aren't known. ``factor``, ``small``: of the backdrop's small grid."""
    if reference.position is None or reference.camera is None:
        return None
    points = (reference.position[reference.inside] if reference.solid is None else reference.solid).astype(np.float64)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return None
    points = points[:: max(1, len(points) // POINTS)]
    ground = float(np.percentile(points[:, 2], 0.5))
    return Caster(np.maximum(points, (-np.inf, -np.inf, ground)), ground, reference, factor, small)


def solid_points(vertices: np.ndarray, triangles: np.ndarray, count: int = POINTS) -> np.ndarray:
    """``count`` points spread evenly over a mesh: (count, 3) float32. ``vertices``: (N, 3) metres; ``triangles``: (M, 3)."""
    a, b, c = (vertices[triangles[:, corner]].astype(np.float64) for corner in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    if not len(triangles) or area.sum() <= 0:
        return vertices[:count].astype(np.float32)
    random = np.random.default_rng(0)
    chosen = random.choice(len(triangles), size=count, p=area / area.sum())
    u, v = random.random((2, count, 1))
    root = np.sqrt(u)  # uniform over a triangle: Osada et al. 2002, equation 1
    return ((1 - root) * a[chosen] + root * (1 - v) * b[chosen] + root * v * c[chosen]).astype(np.float32)


def _splat(product: Caster, points: np.ndarray) -> Bools:
    assert product.reference.camera is not None
    height, width = product.reference.mask.shape
    x, y, depth = product.reference.camera.project(points, width, height)
    column, row = (
        np.rint((x + 0.5) / product.factor - 0.5).astype(int),
        np.rint((y + 0.5) / product.factor - 0.5).astype(int),
    )
    seen = np.zeros(product.small, dtype=bool)
    keep = (depth > 0) & (row >= 0) & (row < product.small[0]) & (column >= 0) & (column < product.small[1])
    seen[row[keep], column[keep]] = True
    return seen


def may_be_shadow(product: Caster, region: Bools) -> bool:
    """Whether one light explains ``region`` (h, w) as the product's shadow on the ground."""
    total = int(region.sum())
    if total == 0:
        return False
    best = 0.0
    for elevation in ELEVATIONS:
        reach = 1.0 / np.tan(np.radians(elevation))
        for azimuth in np.arange(AZIMUTHS) * (2 * np.pi / AZIMUTHS):
            rise = product.points[:, 2] - product.ground
            there = product.points + np.stack(
                [np.sin(azimuth) * rise * reach, np.cos(azimuth) * rise * reach, -rise], axis=1
            )
            seen = _splat(product, there)
            if (seen & region).sum() * 9 < total:
                continue
            best = max(best, float((dilate(seen, GROW + 1.0) & region).sum()) / total)
            if best >= EXPLAINED:
                return True
    return False


def may_be_mirrored(product: Caster, region: Bools) -> bool:
    """Whether the floor's mirror image of the product explains ``region``."""
    there = product.points.copy()
    there[:, 2] = 2 * product.ground - there[:, 2]
    seen = dilate(_splat(product, there), GROW + 1.0)
    return bool((seen & region).sum() >= EXPLAINED * max(1, int(region.sum())))
