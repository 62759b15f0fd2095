# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far the picture's camera has drifted from the reference's, in degrees, against a fan of masks.

The same cost as the gate's: the outline of each candidate view is placed and walked, and the view whose outline fits best
is the picture's. Needs no pixels of the candidates, so a mask from the mesh (raster.mesh_mask) or a renderer will do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .measures.shape import warped
from .pixels.arrays import Array, distance_to, shrink, steepness
from .pixels.placement import Similarity, outline_on, place
from .pixels.silhouette import trace
from .pixels.walk import STEP, best_path, nearest_edges, noise_threshold, prepare, walk
from .raster import mesh_mask, orbit
from .reference import SIZE, Camera

MaskFor = Callable[[float, float], Array]  # yaw, pitch in degrees -> (H, W) in 0..1
SIDE = 512  # pixels of the longer side at which the search runs
WORST = 12.0  # px at 1024: a point further off costs no more, an unseen one half as much
LOST = 5.0  # px at 1024: a best view that fits no better than this was not found
PLAY = 14.0  # px at 1024 looked at to both sides


@dataclass(frozen=True)
class Drift:
    """``yaw``, ``pitch``: degrees the picture's camera stands beside the reference's; positive yaw = larger azimuth.

    ``residual_px``: what the best view leaves, px at 1024; ``reference_px``: what the reference's own view leaves. Where the
    two hardly differ the product looks alike from both (a bottle's yaw), and the degrees say nothing: ``telling`` is False.
    """

    yaw: float
    pitch: float
    residual_px: float
    reference_px: float
    masks: int

    @property
    def telling(self) -> bool:
        return self.reference_px - self.residual_px > 0.15


def fan_of_mesh(
    vertices: NDArray[np.floating], triangles: NDArray[np.integer], camera: Camera, width: int, height: int
) -> MaskFor:
    """Masks of a mesh around its own middle; at most 512 px large, which is what the search uses."""
    pivot = _middle(vertices)
    return masks_along(vertices, triangles, lambda yaw: orbit(camera, pivot, yaw, 0.0), width, height)


def masks_along(
    vertices: NDArray[np.floating],
    triangles: NDArray[np.integer],
    camera_at: Callable[[float], Camera],
    width: int,
    height: int,
) -> MaskFor:
    """As ``fan_of_mesh``, of a camera that is elsewhere for each yaw."""
    points, pivot = np.asarray(vertices, dtype=np.float64), _middle(vertices)
    factor = max(1, round(max(width, height) / SIDE))
    return lambda yaw, pitch: mesh_mask(
        points, triangles, orbit(camera_at(yaw), pivot, 0.0, pitch), width // factor, height // factor
    )


def _middle(vertices: NDArray[np.floating]) -> NDArray[np.float64]:
    points = np.asarray(vertices, dtype=np.float64)
    middle: NDArray[np.float64] = (points.min(axis=0) + points.max(axis=0)) / 2
    return middle


def find_drift(
    picture: Array,
    mask_for: MaskFor,
    widest: float = 16.0,
    around: tuple[float, float] = (0.0, 0.0),
    pitch_too: bool = True,
) -> Drift:
    """The yaw and pitch whose mask fits ``picture`` (H, W, 3) best, within ``widest`` degrees of ``around``.

    Masks may be smaller than the picture by a whole factor. Some 20 masks, 2 to 3 s at 512 px.
    """
    first = mask_for(*around)
    factor = max(1, round(picture.shape[0] / first.shape[0]))
    small = shrink(picture, factor)[: first.shape[0], : first.shape[1]]
    masks = {around: first}
    drift = _search(_Fit(small), mask_for, masks, widest, around, pitch_too)
    if drift.residual_px > LOST:
        # A large drift misplaces the reference's own outline, and with it every view that starts from there.
        free = _search(_Fit(small, shared_start=False), mask_for, masks, widest, around, pitch_too)
        drift = min(drift, free, key=lambda one: one.residual_px)
    return drift


def _search(
    fit: _Fit,
    mask_for: MaskFor,
    masks: dict[tuple[float, float], Array],
    widest: float,
    around: tuple[float, float],
    pitch_too: bool,
) -> Drift:
    """Coarse fans of yaw and pitch, then both by turns in halved steps down to half a degree, then a vertex between."""
    seen: dict[tuple[float, float], float] = {}

    def cost(yaw: float, pitch: float) -> float:
        key = (round(yaw, 3), round(pitch, 3))
        if key not in seen:
            if key not in masks:
                masks[key] = mask_for(*key)
            seen[key] = fit.cost(masks[key])
        return seen[key]

    yaw, pitch = (round(angle, 3) for angle in around)
    cost(yaw, pitch)  # first, because its placement is where the others start
    step = 4.0 if widest > 6 else 2.0
    fan = np.arange(-widest, widest + 0.1, step)
    yaw = min((yaw + float(turn) for turn in fan), key=lambda y: cost(y, pitch))
    if pitch_too:
        pitch = min((pitch + float(turn) for turn in fan if abs(turn) <= 8), key=lambda p: cost(yaw, p))
    while step > 0.6:
        step /= 2
        yaw = min((yaw - step, yaw, yaw + step), key=lambda y: cost(y, pitch))
        if pitch_too:
            pitch = min((pitch - step, pitch, pitch + step), key=lambda p: cost(yaw, p))
    best = cost(yaw, pitch)
    fine_yaw = yaw + step * _vertex(cost(yaw - step, pitch), best, cost(yaw + step, pitch))
    fine_pitch = pitch + step * _vertex(cost(yaw, pitch - step), best, cost(yaw, pitch + step)) if pitch_too else pitch
    return Drift(fine_yaw, fine_pitch, best, cost(*around), len(masks))


def _vertex(low: float, middle: float, high: float) -> float:
    """Where the minimum lies between three costs, in steps. Two lines of equal slope, because the cost is a distance."""
    steepest = max(low, high) - middle
    return 0.0 if steepest <= 1e-9 else float(np.clip((low - high) / (2 * steepest), -0.5, 0.5))


class _Fit:
    def __init__(self, picture: Array, shared_start: bool = True) -> None:
        self.picture = picture
        self.unit = max(picture.shape[:2]) / SIZE
        self.prepared = prepare(picture, self.unit)
        self.threshold = noise_threshold(self.prepared)
        self.edges = steepness(self.prepared) > 2.0 * self.threshold
        self.shared_start = shared_start
        self.pose: Similarity | None = None

    def cost(self, mask: Array) -> float:
        """Mean distance of the outline from the picture's edges after placement, and back, px at 1024.

        The way back counts the picture's edges outside the mask, so that a view whose spout is hidden doesn't win by having
        less outline to get wrong. Edges of the backdrop cost every view the same.
        """
        outline = trace(mask, self.unit)
        if not len(outline):
            return WORST
        start = self.pose and Similarity(
            self.pose.dx, self.pose.dy, self.pose.scale, self.pose.rotation, outline.centre
        )
        pose = place(self.picture, outline, self.unit, start)
        self.pose = self.pose or (pose if self.shared_start else None)
        points, normals = outline_on(pose, outline)
        room = (outline.room_in, outline.room_out)
        walked = walk(
            self.prepared, points, normals, PLAY * self.unit, STEP * self.unit, room, outline.chains, self.threshold
        )
        moved, evidence = nearest_edges(walked, 3.0 * self.unit)
        share = np.clip(evidence / 0.4, 0, 1)
        distance = np.minimum(np.abs(moved) / self.unit, WORST) * share + WORST / 2 * (1 - share)
        limit = int(np.ceil(WORST * self.unit))
        outside = distance_to(warped(mask, pose) > 0.5, limit)[self.edges] / self.unit
        back = np.minimum(outside[outside > 4.0], WORST).sum() / 2.5  # an edge is some 2.5 pixels wide
        return float(((distance * outline.length).sum() + back) / outline.length.sum())


def fit_of(picture: Array, mask: Array) -> tuple[float, float, Similarity]:
    """One view by itself: 95th percentile of the outline's displacement in px at 1024, share of it seen, its placement."""
    unit = max(picture.shape[:2]) / SIZE
    outline = trace(mask, unit)
    if not len(outline):
        return WORST, 0.0, Similarity(pivot=outline.centre)
    pose = place(picture, outline, unit)
    points, normals = outline_on(pose, outline)
    room = (outline.room_in, outline.room_out)
    walked = walk(prepare(picture, unit), points, normals, 24.0 * unit, STEP * unit, room, outline.chains)
    moved, strength = best_path(walked, outline.chains, unit, float(outline.length[0]))
    seen = strength >= walked.threshold
    p95 = float(np.percentile(np.abs(moved[seen]), 95)) / unit if seen.any() else WORST
    return p95, float(seen.mean()), pose
