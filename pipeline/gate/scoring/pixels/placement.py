# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the product sits in the picture: shift, scale and rotation that lay the known outline on the picture's edges."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .arrays import Array, blur, gradient, shrink
from .silhouette import Silhouette
from .walk import STEP, nearest_edges, noise_threshold, prepare, walk

COARSE_SHIFT = 0.045  # of the longer side: how far the first search looks
COARSE_SCALE = np.linspace(0.90, 1.10, 13)
COARSE_SIDE = 256  # pixels of the longer side in the first search
STEPS = ((14.0, 8.0), (10.0, 5.0), (8.0, 3.5), (6.0, 2.5), (6.0, 2.0))  # reach and trust in px at 1024, per refinement
INNER = 0.6  # of the outline's say in the placement, for all edges inside together
MOST_INNER = 1200  # points inside that are looked at
RIDGE = 0.004  # keeps what the outline can't tell (the rotation of a disc) at no change


@dataclass(frozen=True)
class Similarity:
    """Render grid -> picture: p' = pivot + scale · R(rotation) · (p − pivot) + (dx, dy).

    ``dx``, ``dy``: pixels of the reference, at ``pivot`` (the product's centroid), x to the right, y down. ``rotation``:
    degrees, clockwise as seen.
    """

    dx: float = 0.0
    dy: float = 0.0
    scale: float = 1.0
    rotation: float = 0.0
    pivot: tuple[float, float] = (0.0, 0.0)

    def matrix(self) -> NDArray[np.float64]:
        """(2, 3): p' = M[:, :2] p + M[:, 2]."""
        c, s = self.scale * math.cos(math.radians(self.rotation)), self.scale * math.sin(math.radians(self.rotation))
        turn = np.array([[c, -s], [s, c]])
        pivot = np.array(self.pivot)
        return np.column_stack([turn, pivot + np.array([self.dx, self.dy]) - turn @ pivot])

    def apply(self, points: Array) -> Array:
        """(N, 2) of the render grid -> (N, 2) of the picture, both x, y."""
        matrix = self.matrix()
        return (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)

    def turn(self, vectors: Array) -> Array:
        angle = math.radians(self.rotation)
        rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        return (vectors @ rotation.T).astype(np.float32)

    def at_size(self, factor: float) -> Similarity:
        """The same similarity of a grid ``factor`` times as large."""
        x, y = ((value + 0.5) * factor - 0.5 for value in self.pivot)
        return Similarity(self.dx * factor, self.dy * factor, self.scale, self.rotation, (x, y))

    def then(self, dx: float, dy: float, growth: float, turn: float) -> Similarity:
        """Moved further: ``dx``, ``dy`` pixels, scale times 1 + ``growth``, rotation plus ``turn`` radians."""
        return Similarity(
            self.dx + dx, self.dy + dy, self.scale * (1 + growth), self.rotation + math.degrees(turn), self.pivot
        )


Lines = tuple[Array, Array]  # (N, 2) points and (N, 2) normals of known edges, on the render's grid


def place(
    picture: Array, outline: Silhouette, unit: float, start: Similarity | None = None, inner: Lines | None = None
) -> Similarity:
    """The similarity that lays ``outline`` on the edges of ``picture`` (H, W, 3).

    ``unit``: pixels per pixel at 1024. ``start``: where to begin; None: a search over shifts of ±4.5 % of the longer side
    and scales of ±10 % on a picture shrunk to 256 px. ``inner``: known edges inside, which keep the outline from being laid
    on a shadow, a reflection or a print along the rim. An outline without points is left where it is.
    """
    if not len(outline):
        return start or Similarity(pivot=outline.centre)
    prepared = prepare(picture, unit)
    threshold = noise_threshold(prepared)
    pose = start or coarse(picture, outline)
    if start is None and inner is not None:
        candidates = (Similarity(pivot=outline.centre), pose)
        pose = max(candidates, key=lambda each: _support(prepared, outline, inner, each, unit, threshold))
    for reach, trust in STEPS if start is None else STEPS[1:]:
        points, normals = pose.apply(outline.points), pose.turn(outline.normals)
        room = (outline.room_in, outline.room_out)
        walked = walk(prepared, points, normals, reach * unit, STEP * unit, room, outline.chains, threshold)
        displacement, weight = nearest_edges(walked, trust * unit)
        found = Matched(points, normals, displacement, weight * outline.length)
        if inner is not None:
            found = found.beside(look_inside(prepared, pose, inner, unit, reach, trust, threshold))
        pose = fit(
            pose, found.points, found.normals, found.displacement, found.weight, max(1.0, trust / 2) * unit, outline
        )
    return pose


@dataclass(frozen=True)
class Matched:
    """``displacement``: (N,) pixels along ``normals`` at which an edge was found for ``points``; ``weight``: (N,)."""

    points: Array
    normals: Array
    displacement: Array
    weight: Array

    def beside(self, inner: Matched) -> Matched:
        """Both, what lies inside with INNER of the outline's say at most."""
        say = INNER * float(self.weight.sum()) / max(float(inner.weight.sum()), 1e-6)
        parts = zip(
            (self.points, self.normals, self.displacement, self.weight),
            (inner.points, inner.normals, inner.displacement, inner.weight * say),
            strict=True,
        )
        return Matched(*(np.concatenate(pair) for pair in parts))


def look_inside(
    prepared: Array, pose: Similarity, inner: Lines, unit: float, reach: float, trust: float, threshold: float
) -> Matched:
    """Where the edges ``inner`` are found around their place under ``pose``; ``reach``, ``trust``: px at 1024."""
    keep = slice(None, None, max(1, len(inner[0]) // MOST_INNER))
    points, normals = pose.apply(inner[0][keep]), pose.turn(inner[1][keep])
    walked = walk(prepared, points, normals, reach * unit, STEP * unit, threshold=threshold)
    return Matched(points, normals, *nearest_edges(walked, trust * unit))


def _support(
    prepared: Array, outline: Silhouette, inner: Lines, pose: Similarity, unit: float, threshold: float
) -> float:
    """How much of the outline and of what lies inside has an edge in its place under ``pose``; the one half each."""
    rim = look_inside(prepared, pose, (outline.points, outline.normals), unit, 4.0, 2.0, threshold)
    within = look_inside(prepared, pose, inner, unit, 4.0, 2.0, threshold)
    near = [
        float((found.weight * np.exp(-0.5 * (found.displacement / (2.0 * unit)) ** 2)).mean())
        for found in (rim, within)
        if len(found.weight)
    ]
    return sum(near) / len(near)


def fit(
    pose: Similarity,
    points: Array,
    normals: Array,
    displacement: Array,
    weight: Array,
    tolerance: float,
    outline: Silhouette,
) -> Similarity:
    """``pose`` moved so that ``displacement`` (N,) pixels along ``normals`` vanishes, by robust linear least squares.

    Linear in dx, dy, growth · radius and turn · radius, so that all four unknowns are pixels and one ridge fits them.
    ``tolerance``: pixels at which a point's say is halved (Cauchy weights, four reweightings).
    """
    arm = (points - np.asarray(pose.pivot) - (pose.dx, pose.dy)) / outline.radius
    along = (normals * arm).sum(axis=1)
    across = normals[:, 1] * arm[:, 0] - normals[:, 0] * arm[:, 1]
    columns = np.stack([normals[:, 0], normals[:, 1], along, across], axis=1).astype(np.float64)
    move = np.zeros(4)
    for _ in range(4):
        left = displacement - columns @ move
        say = weight / (1 + (left / tolerance) ** 2)
        normal_matrix = (columns * say[:, None]).T @ columns
        normal_matrix += np.eye(4) * RIDGE * max(float(say.sum()), 1e-6)
        move = np.linalg.solve(normal_matrix, (columns * say[:, None]).T @ displacement)
    growth, turn = move[2] / outline.radius, move[3] / outline.radius
    return pose.then(float(move[0]), float(move[1]), float(growth), float(turn))


def coarse(picture: Array, outline: Silhouette) -> Similarity:
    """The best of a grid of shifts and scales: where the picture changes most across the outline's normals.

    The change across a normal n is nᵀSn with S the picture's structure tensor, so each candidate costs three lookups a
    point. Saturated, so that a strong inner edge counts no more than a faint rim.
    """
    factor = max(1, round(max(picture.shape[:2]) / COARSE_SIDE))
    small = blur(shrink(picture, factor), 0.8)
    across, down = gradient(small)
    tensor = np.stack([(across**2).sum(-1), (across * down).sum(-1), (down**2).sum(-1)], axis=-1)
    tensor = blur(tensor, 0.8)
    faint = (1.5 * noise_threshold(small)) ** 2
    keep = slice(None, None, max(1, len(outline) // 250))
    points, normals = (outline.points[keep] + 0.5) / factor - 0.5, outline.normals[keep]
    quadratic = np.stack([normals[:, 0] ** 2, 2 * normals[:, 0] * normals[:, 1], normals[:, 1] ** 2], axis=1)
    centre = (np.asarray(outline.centre, dtype=np.float32) + 0.5) / factor - 0.5
    reach = int(np.ceil(COARSE_SHIFT * max(small.shape[:2])))
    shifts = np.arange(-reach, reach + 1, dtype=np.float32)
    dy, dx = (grid.ravel() for grid in np.meshgrid(shifts, shifts, indexing="ij"))
    near = 1 - 0.15 * (dx**2 + dy**2) / reach**2
    best, chosen = -1.0, (0.0, 0.0, 1.0)
    for scale in COARSE_SCALE:
        base = centre + (points - centre) * np.float32(scale)
        x = np.clip(np.rint(base[:, 0] + dx[:, None]), 0, small.shape[1] - 1).astype(np.int32)
        y = np.clip(np.rint(base[:, 1] + dy[:, None]), 0, small.shape[0] - 1).astype(np.int32)
        across_normal = (tensor[y, x] * quadratic).sum(axis=-1)
        support = (across_normal / (across_normal + faint)).mean(axis=1) * near * (1 - 8 * (scale - 1) ** 2)
        top = int(support.argmax())
        if support[top] > best:
            best, chosen = float(support[top]), (float(dx[top]), float(dy[top]), float(scale))
    return Similarity(chosen[0] * factor, chosen[1] * factor, chosen[2], 0.0, outline.centre)


def outline_on(pose: Similarity, outline: Silhouette) -> tuple[Array, Array]:
    """The outline's points and normals where ``pose`` puts them in the picture."""
    return pose.apply(outline.points), pose.turn(outline.normals)
