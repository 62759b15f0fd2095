# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What share of a product's surface its stills see, and the fewest further angles that see the rest, from the true geometry.

The surface is a cloud of points, evenly spread. A point is seen where its surface faces the camera and nothing of the cloud
lies before it. Angles are chosen greedily, each the one that shows most of what none shows yet: for covering problems nothing
quick is better by more than a constant (Chvátal, 1979). What no camera above the ground can see is no part of the surface.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..geometry import framing
from ..rig import FURTHER, Angle

Points = NDArray[np.float64]
Seen = NDArray[np.bool_]
POINTS = 60_000
GRID = 96  # cells of the longer side in which the nearest point hides what lies behind: so few that the cloud is dense
BEHIND = 0.03  # of the product's size: by how much a point may lie behind the nearest of its cell
FACES = 0.25  # cosine below which surface is too slanted to lend anything
CLOSED = 0.02  # of a surface's area, by which the sum of its normals may miss nothing: over a closed one it is nothing
WORTH = 0.01  # share of the surface that a further angle must add
CANDIDATES = tuple(
    Angle(name=f"{FURTHER}{azimuth:03d}-{elevation:02d}", azimuth=azimuth, elevation=elevation)
    for elevation in (15, 45, 75)
    for azimuth in range(0, 360, 30)
)


@dataclass(frozen=True)
class Coverage:
    """``seen``: 0..1 of the surface that the angles see. ``further``: angles, and the share with each and those before it."""

    seen: float
    further: tuple[tuple[Angle, float], ...]


def coverage(
    vertices: NDArray[np.floating],
    triangles: NDArray[np.integer],
    angles: Sequence[Angle],
    enough: float = 0.97,
    most: int = 6,
) -> Coverage:
    """Of ``vertices`` (V, 3) metres and ``triangles`` (T, 3): what ``angles`` see, and up to ``most`` further ones until ``enough``
    is seen."""
    points, normals = surface(vertices, triangles)
    options = {angle: sees(points, normals, angle) for angle in CANDIDATES}
    now = _together((sees(points, normals, angle) for angle in angles), len(points))
    reachable = _together(options.values(), len(points)) | now
    whole = max(1, int(reachable.sum()))
    share = float(now.sum()) / whole
    further: list[tuple[Angle, float]] = []
    before = share
    while before < enough and len(further) < most:
        best = max(options, key=lambda angle: int((options[angle] & ~now).sum()))
        after = float((now | options[best]).sum()) / whole
        if after - before < WORTH:
            break
        now, before = now | options[best], after
        further.append((best, after))
    return Coverage(share, tuple(further))


def surface(
    vertices: NDArray[np.floating], triangles: NDArray[np.integer], count: int = POINTS
) -> tuple[Points, Points]:
    """(N, 3) points spread evenly over the triangles, and the unit normals there."""
    corners = np.asarray(vertices, np.float64)[triangles]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(cross, axis=1)
    if not area.sum() > 0.0:
        return np.zeros((0, 3)), np.zeros((0, 3))
    random = np.random.default_rng(0)
    chosen = random.choice(len(area), count, p=area / area.sum())
    a, b = random.random((2, count, 1))
    flip = a + b > 1.0
    a, b = np.where(flip, 1.0 - a, a), np.where(flip, 1.0 - b, b)
    picked = corners[chosen]
    points = picked[:, 0] + a * (picked[:, 1] - picked[:, 0]) + b * (picked[:, 2] - picked[:, 0])
    return points, cross[chosen] / np.maximum(area[chosen], 1e-30)[:, None]


def is_inside_out(points: NDArray[np.floating], normals: NDArray[np.floating]) -> bool:
    """Whether a closed surface of triangles ``points`` (T, 3, 3) has normals (T, 3), of any length, that look into it.

    A render shows it all the same. Of a surface that is open, which side is outside can't be told: False.
    """
    corners = np.asarray(points, np.float64)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(cross, axis=1)
    cross = np.where((np.einsum("ij,ij->i", cross, normals) < 0.0)[:, None], -cross, cross)
    if not np.linalg.norm(cross.sum(axis=0)) < CLOSED * area.sum():
        return False
    away = corners.mean(axis=1) - corners.mean(axis=(0, 1))
    return bool(np.einsum("ij,ij->", cross, away) < 0.0)


def sees(points: Points, normals: Points, angle: Angle) -> Seen:
    """(N,): whether the angle's camera sees each point. Its frame is that of an angle that shows the whole product."""
    if not len(points):
        return np.zeros(0, bool)
    whole = replace(angle, fill=0.8, aim=(0.5, 0.5, 0.5)) if angle.crops else angle
    eye = framing.place_camera(points, whole, 1.0).matrix_world
    local = (points - eye[:3, 3]) @ eye[:3, :3]
    depth = -local[:, 2]
    flat = local[:, :2] / depth[:, None]
    low, size = flat.min(axis=0), float(np.ptp(flat, axis=0).max()) or 1.0
    cell = np.minimum((flat - low) / size * GRID, GRID - 1).astype(int)
    index = cell[:, 1] * GRID + cell[:, 0]
    nearest = np.full(GRID * GRID, np.inf)
    np.minimum.at(nearest, index, depth)
    towards = eye[:3, 3] - points
    facing = np.einsum("ij,ij->i", normals, towards) / np.linalg.norm(towards, axis=1)
    step = BEHIND * float(np.linalg.norm(np.ptp(points, axis=0))) / np.maximum(facing, FACES) ** 0.5
    inside = _in_frame(points, angle) if angle.crops else np.ones(len(points), bool)
    return (facing > FACES) & (depth <= nearest[index] + step) & inside


def _in_frame(points: Points, angle: Angle) -> Seen:
    """(N,): whether the frame that crops the product shows each point."""
    eye = framing.place_camera(points, angle, 1.0).matrix_world
    local = (points - eye[:3, 3]) @ eye[:3, :3]
    half = framing.half_tangents(angle.focal_length, 1.0)
    return (np.abs(local[:, :2]) <= -local[:, 2:] * np.array(half)).all(axis=1)


def _together(each: Iterable[Seen], count: int) -> Seen:
    found = np.zeros(count, bool)
    for seen in each:
        found |= seen
    return found


def seen_from_around(
    vertices: NDArray[np.floating], triangles: NDArray[np.integer], angles: Sequence[Angle], side: int = 320
) -> NDArray[np.uint8]:
    """(side, 4·side, 3): the product from four sides, what ``angles`` see of it in green, what none does in red."""
    points, normals = surface(vertices, triangles, 4 * POINTS)
    now = _together((sees(points, normals, angle) for angle in angles), len(points))
    return np.concatenate([_splat(points, normals, now, azimuth, side) for azimuth in (45, 135, 225, 315)], axis=1)


def _splat(points: Points, normals: Points, seen: Seen, azimuth: float, side: int) -> NDArray[np.uint8]:
    """The points as squares of two pixels, the nearest before the rest, shaded by their normals."""
    picture = np.full((side, side, 3), 255, np.uint8)
    if not len(points):
        return picture
    eye = framing.place_camera(points, Angle(name="around", azimuth=azimuth, elevation=25.0), 1.0).matrix_world
    local = (points - eye[:3, 3]) @ eye[:3, :3]
    flat = local[:, :2] / -local[:, 2:] / max(framing.half_tangents(Angle(name="around").focal_length, 1.0))
    column, row = ((flat * (0.5, -0.5) + 0.5) * side).astype(int).T
    light = 0.35 + 0.65 * np.abs(np.einsum("ij,ij->i", normals, _towards(eye, points)))
    colour = np.where(seen[:, None], (70.0, 160.0, 80.0), (215.0, 60.0, 45.0)) * light[:, None]
    far_first = np.argsort(local[:, 2])
    for down in (0, 1):
        for across in (0, 1):
            at = np.clip(row + down, 0, side - 1), np.clip(column + across, 0, side - 1)
            picture[at[0][far_first], at[1][far_first]] = colour[far_first].astype(np.uint8)
    return picture


def _towards(eye: Points, points: Points) -> Points:
    """(N, 3): unit vectors from ``points`` to the camera at ``eye`` (4, 4)."""
    towards = eye[:3, 3] - points
    found: Points = towards / np.maximum(np.linalg.norm(towards, axis=1), 1e-12)[:, None]
    return found
