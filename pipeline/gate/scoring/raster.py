# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Masks of a mesh from any camera, in numpy: the fan of views that a drifted camera is compared with."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .pixels.arrays import Array, shrink
from .reference import Camera

OVERSAMPLE = 3  # rows and columns per pixel, so that an outline of the mask is good to a tenth of a pixel


def mesh_mask(
    vertices: NDArray[np.floating], triangles: NDArray[np.integer], camera: Camera, width: int, height: int
) -> Array:
    """(height, width) in 0..1: coverage of the mesh as ``camera`` sees it, antialiased.

    ``vertices``: (V, 3) metres in the world; ``triangles``: (T, 3). Every triangle gives one interval per sample row; the
    intervals are summed up by differences, so hidden triangles cost nothing extra. Triangles that reach behind the camera
    are left out.
    """
    wide, high = width * OVERSAMPLE, height * OVERSAMPLE
    x, y, depth = camera.project(np.asarray(vertices, dtype=np.float64), wide, high)
    corners = triangles[(depth[triangles] > 1e-6).all(axis=1)]
    tx, ty = x[corners].astype(np.float64), y[corners].astype(np.float64)
    first = np.clip(np.ceil(ty.min(axis=1)), 0, high).astype(np.int64)
    last = np.clip(np.floor(ty.max(axis=1)), -1, high - 1).astype(np.int64)
    rows = np.maximum(last - first + 1, 0)
    owner = np.repeat(np.arange(len(rows)), rows)
    row = np.arange(len(owner)) - np.repeat(np.cumsum(rows) - rows, rows) + first[owner]
    left, right = np.full(len(owner), np.inf), np.full(len(owner), -np.inf)
    for one, other in ((0, 1), (1, 2), (2, 0)):
        xa, ya, xb, yb = tx[owner, one], ty[owner, one], tx[owner, other], ty[owner, other]
        crosses = (np.minimum(ya, yb) <= row) & (row <= np.maximum(ya, yb))
        rise = np.where(yb == ya, 1.0, yb - ya)
        at = np.where(yb == ya, xa, xa + (row - ya) * (xb - xa) / rise)
        left = np.where(crosses, np.minimum(left, at), left)
        right = np.where(crosses, np.maximum(right, at), right)
        level = crosses & (yb == ya)
        left, right = np.where(level, np.minimum(left, xb), left), np.where(level, np.maximum(right, xb), right)
    start, end = np.clip(np.ceil(left), 0, wide), np.clip(np.floor(right) + 1, 0, wide)
    full = end > start
    line = row[full] * (wide + 1)
    size = high * (wide + 1)
    steps = np.bincount(line + start[full].astype(np.int64), minlength=size).astype(np.int32)
    steps -= np.bincount(line + end[full].astype(np.int64), minlength=size).astype(np.int32)
    covered = np.cumsum(steps.reshape(high, wide + 1), axis=1)[:, :wide] > 0
    return shrink(covered.astype(np.float32), OVERSAMPLE)


def orbit(camera: Camera, pivot: NDArray[np.floating], yaw: float, pitch: float) -> Camera:
    """``camera`` moved around ``pivot`` (3,): ``yaw`` degrees about the world's vertical, ``pitch`` degrees upward.

    Positive yaw grows the azimuth, as rig.Angle counts it.
    """
    right = camera.matrix_world[:3, 0] / np.linalg.norm(camera.matrix_world[:3, 0])
    turn = _about((0.0, 0.0, 1.0), yaw) @ _about(right, -pitch)
    moved = np.array(camera.matrix_world, dtype=np.float64)
    moved[:3, :3] = turn @ moved[:3, :3]
    moved[:3, 3] = turn @ (moved[:3, 3] - pivot) + pivot
    return Camera(moved, camera.projection)


def _about(axis: tuple[float, float, float] | NDArray[np.floating], degrees: float) -> NDArray[np.float64]:
    """Rotation about a unit axis (Rodrigues)."""
    x, y, z = axis
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]], dtype=np.float64)
    return np.eye(3) * c + s * cross + (1 - c) * np.outer(axis, axis)
