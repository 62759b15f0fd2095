# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A camera's way around a product, from the place of one still to that of the next: the same for renders and for masks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..gate.scoring.reference import Camera

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Arc:
    """From the camera ``one`` to ``other``, by larger azimuths, ``degrees`` on in (0, 360].

    Both stand upright. Azimuth, elevation, the place in the camera's own axes and the lens change evenly, so that at both ends the
    arc is exactly where its cameras are.
    """

    one: Camera
    other: Camera
    degrees: float

    @classmethod
    def between(cls, one: Camera, other: Camera) -> Arc:
        on = math.degrees(_azimuth(other) - _azimuth(one)) % 360.0
        return cls(one, other, on if 1e-3 < on < 360.0 - 1e-3 else 360.0)

    def at(self, yaw: float) -> Camera:
        """``yaw`` degrees on. Beyond either end the camera goes on around, as it stands there."""
        share = min(1.0, max(0.0, yaw / self.degrees))
        azimuth = _azimuth(self.one) + math.radians(yaw)
        elevation = _mixed(_elevation(self.one), _elevation(self.other), share)
        axes = _axes(azimuth, elevation)
        pivot = self.pivot
        local = _mixed(_local(self.one, pivot), _local(self.other, pivot), share)
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = axes.T, pivot + local @ axes
        return Camera(matrix, _mixed(self.one.projection, self.other.projection, share))

    @property
    def pivot(self) -> Floats:
        """(3,) the point nearest to both cameras' optical axes."""
        left, right = np.zeros((3, 3)), np.zeros(3)
        for camera in (self.one, self.other):
            way = camera.matrix_world[:3, 2]
            beside = np.eye(3) - np.outer(way, way)
            left, right = left + beside, right + beside @ camera.position
        return np.linalg.lstsq(left, right, rcond=1e-6)[0]


class Orbit:
    """Arcs one after another."""

    def __init__(self, cameras: Sequence[Camera]) -> None:
        """``cameras``: at least two, in order; of a full turn the last is the first again."""
        self.arcs = [Arc.between(*pair) for pair in itertools.pairwise(cameras)]

    @property
    def degrees(self) -> float:
        return sum(arc.degrees for arc in self.arcs)

    def at(self, yaw: float) -> Camera:
        """``yaw`` degrees on from the first camera."""
        for arc in self.arcs[:-1]:
            if yaw < arc.degrees:
                return arc.at(yaw)
            yaw -= arc.degrees
        return self.arcs[-1].at(yaw)


def _mixed(one: Floats, other: Floats, share: float) -> Floats:
    return one * (1.0 - share) + other * share


def _azimuth(camera: Camera) -> float:
    """Radians, as ``rig.Angle`` counts them. Of a camera that looks straight down, where its right side points."""
    across, along, _ = camera.matrix_world[:3, 0]
    return math.atan2(along, across)


def _elevation(camera: Camera) -> Floats:
    return np.asarray(math.asin(float(np.clip(camera.matrix_world[2, 2], -1.0, 1.0))))


def _axes(azimuth: float, elevation: Floats) -> Floats:
    """(3, 3) rows: right, up and backward, as ``framing.axes`` has them."""
    s, c, up, on = math.sin(azimuth), math.cos(azimuth), math.sin(elevation), math.cos(elevation)
    return np.array([[c, s, 0.0], [-s * up, c * up, on], [s * on, -c * on, up]])


def _local(camera: Camera, pivot: Floats) -> Floats:
    return (camera.position - pivot) @ camera.matrix_world[:3, :3]
