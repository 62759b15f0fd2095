# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exact framing: where a camera stands so that the projected vertices fill a chosen share of the picture.

From the vertices, never from a bounding sphere. With the camera's orientation fixed by the angle, a point (x, y, z) in
the camera's axes (z towards the camera) lands at (x − cx) / (cz − z) on the picture plane at distance 1. Asking the
outermost points to land at ±t, with t = fill · tan(fov / 2), gives two linear inequalities per axis, hence

    cz = (max(x + t·z) + max(−x + t·z)) / (2t)        cx = (max(x + t·z) − max(−x + t·z)) / 2

The axis that needs the larger cz is the limiting one. On the other axis only the centring is left to be solved.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput
from ..rig import FULL_FRAME_MM, Angle

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """One placed camera. ``matrix_world``: (4, 4), metres. Clip distances in metres.

    ``distance``: metres from the camera to the centre of the product's bounding box, along the optical axis.
    """

    matrix_world: Array
    distance: float
    clip_start: float
    clip_end: float


def axes(angle: Angle) -> Array:
    """(3, 3) rows: the camera's right, up and backward vectors in world axes.

    Up is the derivative of ``angle.direction()`` by elevation, so the roll stays defined looking straight down or up.
    """
    azimuth, elevation = math.radians(angle.azimuth), math.radians(angle.elevation)
    right = (math.cos(azimuth), math.sin(azimuth), 0.0)
    up = (-math.sin(azimuth) * math.sin(elevation), math.cos(azimuth) * math.sin(elevation), math.cos(elevation))
    return np.array([right, up, angle.direction()], dtype=np.float64)


def half_tangents(focal_length: float, aspect: float) -> tuple[float, float]:
    """tan(fov / 2) of width and height; ``aspect`` = width / height.

    Blender's sensor_fit AUTO: the sensor's 36 mm belong to the picture's longer side.
    """
    longer = FULL_FRAME_MM / 2.0 / focal_length
    return (longer, longer / aspect) if aspect >= 1.0 else (longer * aspect, longer)


def place_camera(points: Array, angle: Angle, aspect: float) -> Frame:
    """The camera for one angle.

    ``points``: (N, 3) world-space metres. Where ``angle.crops``, the aim point lands in the picture's middle and the
    product's extent is ``fill`` times the frame's limiting side; otherwise the product is centred on both axes.
    Raises BadInput where the points have no extent or are not finite.
    """
    _check(points)
    local = points @ axes(angle).T
    tangents = half_tangents(angle.focal_length, aspect)
    if angle.crops:
        low, high = points.min(axis=0), points.max(axis=0)
        aim = axes(angle) @ (low + (high - low) * np.asarray(angle.aim))
        camera = np.array([aim[0], aim[1], _crop_distance(local, aim, angle.fill, tangents)])
    else:
        height = max(_needed_height(local[:, axis], local[:, 2], angle.fill * tangents[axis]) for axis in (0, 1))
        # A needle pointing at the camera has no extent to fit; keep the camera off its tip.
        height = max(height, float(local[:, 2].max()) + 1e-3 * _diagonal(points))
        camera = _centred(local, height)
    return _frame(points, angle, camera)


def place_cameras(points: Array, angles: Sequence[Angle], aspect: float, one_scale: bool = False) -> dict[str, Frame]:
    """A camera for each angle, by name; arguments as for ``place_camera``.

    ``one_scale``: the product's centre is magnified alike in all angles that don't crop (focal length / distance is
    the smallest that any of them needs), so sizes can be compared between pictures.
    """
    frames = {angle.name: place_camera(points, angle, aspect) for angle in angles}
    whole = [angle for angle in angles if not angle.crops]
    if not one_scale or not whole:
        return frames
    magnification = min(angle.focal_length / frames[angle.name].distance for angle in whole)
    centre = (points.min(axis=0) + points.max(axis=0)) / 2.0
    for angle in whole:
        local = points @ axes(angle).T
        height = float(axes(angle)[2] @ centre) + angle.focal_length / magnification
        frames[angle.name] = _frame(points, angle, _centred(local, height))
    return frames


def project(points: Array, matrix_world: Array, focal_length: float, aspect: float) -> Array:
    """(N, 2) picture coordinates of world-space points: (0, 0) bottom left, (1, 1) top right, as Blender's
    ``world_to_camera_view``."""
    rotation, position = matrix_world[:3, :3], matrix_world[:3, 3]
    local = (points - position) @ rotation
    return 0.5 + local[:, :2] / -local[:, 2:3] / (2.0 * np.asarray(half_tangents(focal_length, aspect)))


def filled(points: Array, matrix_world: Array, focal_length: float, aspect: float) -> float:
    """Share of the frame's limiting side that the points cover; above 1.0 they leave the frame."""
    picture = project(points, matrix_world, focal_length, aspect)
    return float((picture.max(axis=0) - picture.min(axis=0)).max())


def _check(points: Array) -> None:
    if len(points) == 0 or not np.isfinite(points).all() or _diagonal(points) <= 0.0:
        raise BadInput("the product has no visible extent to frame; check that the model holds a visible mesh")


def _diagonal(points: Array) -> float:
    return float(np.linalg.norm(points.max(axis=0) - points.min(axis=0)))


def _needed_height(across: Array, towards: Array, t: float) -> float:
    return float((across + t * towards).max() + (-across + t * towards).max()) / (2.0 * t)


def _centred(local: Array, height: float) -> Array:
    depth = height - local[:, 2]
    return np.array([_middle(local[:, 0], depth), _middle(local[:, 1], depth), height])


def _middle(across: Array, depth: Array) -> float:
    """The c for which max((across − c) / depth) = −min((across − c) / depth).

    The difference falls strictly with c and is piecewise linear: solving for the two outermost points and looking
    again ends after a few rounds; the bracket keeps a round from leaving the interval known to hold the answer.
    """
    low, high = float(across.min()), float(across.max())
    middle = (low + high) / 2.0
    for _ in range(60):
        seen = (across - middle) / depth
        first, last = int(seen.argmin()), int(seen.argmax())
        imbalance = seen[first] + seen[last]
        low, high = (middle, high) if imbalance > 0 else (low, middle)
        weight = 1.0 / depth[first], 1.0 / depth[last]
        following = float((across[first] * weight[0] + across[last] * weight[1]) / (weight[0] + weight[1]))
        if abs(following - middle) <= 1e-12 * float(depth.max()):
            return following
        middle = following if low <= following <= high else (low + high) / 2.0
    return middle


def _crop_distance(local: Array, aim: Array, fill: float, tangents: tuple[float, float]) -> float:
    """Camera height (along its own backward axis) at which the limiting extent is ``fill`` times the frame."""
    across = local[:, :2] - aim[:2]
    nearest, size = float(local[:, 2].max()), _diagonal(local)

    def extent(height: float) -> float:
        seen = across / (height - local[:, 2:3])
        return float(((seen.max(axis=0) - seen.min(axis=0)) / (2.0 * np.asarray(tangents))).max())

    # In front of the nearest vertex the extent grows without limit; far away it vanishes; in between it is monotone.
    low, high = nearest + 1e-6 * size, nearest + size / min(tangents) / fill + size
    for _ in range(80):
        middle = (low + high) / 2.0
        low, high = (middle, high) if extent(middle) > fill else (low, middle)
    return high


def _frame(points: Array, angle: Angle, camera: Array) -> Frame:
    basis = axes(angle)
    matrix = np.eye(4)
    matrix[:3, :3] = basis.T
    matrix[:3, 3] = camera @ basis
    depth = camera[2] - points @ basis[2]
    centre = (points.min(axis=0) + points.max(axis=0)) / 2.0
    size = _diagonal(points)
    return Frame(
        matrix_world=matrix,
        distance=float(camera[2] - basis[2] @ centre),
        # Half way to the nearest vertex, and far enough behind the farthest for the ground and its shadow.
        clip_start=float(depth.min()) / 2.0,
        clip_end=float(depth.max()) + 30.0 * size,
    )
