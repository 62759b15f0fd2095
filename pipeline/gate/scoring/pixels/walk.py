# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walking the outline's normals through a picture: how strong is the edge at each step, and which one is the outline?

One walk is one step of point-to-line ICP (Chen & Medioni 1991), the outline's points against the picture's edges. The
choice among several edges is made for a whole chain at once by dynamic programming (Amini, Weymouth & Jain 1990): strong,
near the expected place, and without jumps from one point to the next unless an edge pays for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .arrays import Array, blur, sample

STEP = 0.5  # px at 1024 between two steps along a normal
COARSE_STEP = 1.0  # … where a whole chain is walked at once; the parabola through the peak gives the fraction
FAINTEST = 0.010  # colour change per pixel that an edge must have, in 0..1; below, nothing can be told from banding
NOISE_FACTOR = 4.0  # an edge must be that much stronger than the picture's own noise
CLEAR = 2.5  # times the faintest edge's strength: a clear edge
JUMP = 0.9  # price of a jump of any size between neighbours, against 1 for a missing edge
SLOPE = 0.25  # price per pixel at 1024 and pixel along the outline
NEARNESS = 0.35  # price of an edge at the far end of the walk


@dataclass(frozen=True)
class Walk:
    """``steps``: (K,) pixels along the normal, outward positive. ``strength``: (N, K) colour change per pixel.

    ``colour``: (N, K, 3). ``allowed``: (N, K). ``threshold``: colour change per pixel of the faintest edge that counts.
    """

    steps: Array
    strength: Array
    colour: Array
    allowed: Array
    threshold: float

    @property
    def evidence(self) -> Array:
        """(N, K) in 0..1: strength, saturating, so that one bright edge doesn't outvote the rest; 0 where not allowed."""
        return np.where(self.allowed, self.strength / (self.strength + 1.5 * self.threshold), 0.0).astype(np.float32)


def prepare(picture: Array, unit: float) -> Array:
    """The picture as it is walked through: blurred by about a pixel, which is the scale of the edges looked for."""
    return blur(picture, max(0.7, unit))


def noise_threshold(prepared: Array) -> float:
    """The faintest edge that counts, from the picture's own noise: the median colour change between neighbours."""
    some = prepared[:: max(1, prepared.shape[0] // 256)]
    change = np.sqrt((np.diff(some, axis=1) ** 2).sum(axis=-1))
    return float(np.clip(NOISE_FACTOR * np.median(change), FAINTEST, 4 * FAINTEST))


def walk(
    prepared: Array,
    points: Array,
    normals: Array,
    reach: float,
    step: float,
    room: tuple[Array, Array] | None = None,
    chains: Iterable[tuple[int, int, bool]] = (),
    threshold: float | None = None,
) -> Walk:
    """Profiles along ``normals`` at ``points`` (N, 2), from −reach to +reach pixels in steps of ``step`` pixels.

    ``room``: pixels allowed inward and outward per point. ``chains``: where given, profiles are averaged with their two
    neighbours, which costs the outline nothing and halves the noise.
    """
    count = max(2, round(reach / step))
    steps = (np.arange(-count - 1, count + 2) * step).astype(np.float32)
    at = points[:, None] + steps[None, :, None] * normals[:, None]
    colour = sample(prepared, at[..., 0], at[..., 1])
    for first, last, closed in chains:
        part = np.pad(colour[first:last], ((1, 1), (0, 0), (0, 0)), mode="wrap" if closed else "edge")
        colour[first:last] = (part[:-2] + 2 * part[1:-1] + part[2:]) / 4
    change = (colour[:, 2:] - colour[:, :-2]) / (2 * step)
    strength = np.sqrt((change**2).sum(axis=-1))
    steps, colour, at = steps[1:-1], colour[:, 1:-1], at[:, 1:-1]
    allowed = np.ones(strength.shape, dtype=bool)
    if room is not None:
        allowed = (steps >= -room[0][:, None]) & (steps <= room[1][:, None])
    height, width = prepared.shape[:2]
    allowed &= (at[..., 0] >= 1) & (at[..., 0] <= width - 2) & (at[..., 1] >= 1) & (at[..., 1] <= height - 2)
    return Walk(steps, strength, colour, allowed, noise_threshold(prepared) if threshold is None else threshold)


def nearest_edges(walked: Walk, trust: float) -> tuple[Array, Array]:
    """Per point by itself: displacement in pixels and its weight in 0..1. ``trust``: pixels, 1 sigma of nearness."""
    evidence = walked.evidence
    best = (evidence * np.exp(-0.5 * (walked.steps / trust) ** 2)).argmax(axis=1)
    return refine(walked, best), evidence[np.arange(len(best)), best]


def best_path(
    walked: Walk, chains: Iterable[tuple[int, int, bool]], unit: float, spacing: float
) -> tuple[Array, Array]:
    """Per chain as a whole: displacement in pixels (N,) and the edge's strength there (N,).

    A closed chain is opened where its evidence is strongest, so that the cut costs nothing.
    """
    # Saturated hard: any clear edge is as good as a stronger one, so that the nearest wins and not a bold print beside the rim.
    evidence = np.where(walked.allowed, np.clip(walked.strength / (CLEAR * walked.threshold), 0, 1), 0.0)
    price = (1 - evidence) + NEARNESS * (walked.steps / walked.steps[-1]) ** 2
    price = np.where(walked.allowed, price, 1.5).astype(np.float32)
    pick = np.zeros(len(price), dtype=np.int64)
    step = float(walked.steps[1] - walked.steps[0])
    slope = SLOPE * step / unit * (spacing / unit)
    for first, last, closed in chains:
        order = np.arange(first, last)
        if closed:
            order = np.roll(order, -int(price[first:last].min(axis=1).argmin()))
        pick[order] = _cheapest(price[order], slope)
    rows = np.arange(len(pick))
    return refine(walked, pick), np.where(walked.allowed[rows, pick], walked.strength[rows, pick], 0.0)


def _cheapest(price: Array, slope: float) -> np.ndarray:
    count, states = price.shape
    near = (
        [shift for shift in range(-int(JUMP / slope), int(JUMP / slope) + 1) if abs(shift) < states] if slope else [0]
    )
    near = sorted(near, key=abs)[:9]
    came = np.zeros((count, states), dtype=np.int32)
    total = price[0].copy()
    index = np.arange(states)
    for row in range(1, count):
        cheapest = int(total.argmin())
        best = np.full(states, total[cheapest] + JUMP, dtype=np.float32)
        origin = np.full(states, cheapest)
        for shift in near:
            target = slice(max(0, shift), states + min(0, shift))
            source = slice(max(0, -shift), states - max(0, shift))
            candidate = total[source] + abs(shift) * slope
            better = candidate < best[target]
            best[target] = np.where(better, candidate, best[target])
            origin[target] = np.where(better, index[source], origin[target])
        came[row] = origin
        total = best + price[row]
    path = np.empty(count, dtype=np.int64)
    path[-1] = int(total.argmin())
    for row in range(count - 1, 0, -1):
        path[row - 1] = came[row, path[row]]
    return path


def refine(walked: Walk, pick: np.ndarray) -> Array:
    """Pixels along the normal of the strength's peak next to step ``pick``, by a parabola through three steps."""
    last = len(walked.steps) - 1
    # The path may stop a step beside the peak; climb to it first.
    for _ in range(2):
        sides = [np.clip(pick + shift, 0, last) for shift in (-1, 0, 1)]
        strengths = np.stack([walked.strength[np.arange(len(pick)), side] for side in sides])
        pick = np.choose(strengths.argmax(axis=0), sides)
    middle = np.clip(pick, 1, last - 1)
    rows = np.arange(len(pick))
    low, peak, high = (walked.strength[rows, middle + shift] for shift in (-1, 0, 1))
    bend = low - 2 * peak + high
    shift = np.where(bend < -1e-7, 0.5 * (low - high) / np.minimum(bend, -1e-7), 0.0)
    step = walked.steps[1] - walked.steps[0]
    return (walked.steps[middle] + np.clip(shift, -1, 1) * step).astype(np.float32)
