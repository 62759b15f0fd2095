# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What sources say of places on the product: where each sees them, how much that counts, and the mean of what they say.

All arrays are planes, coordinates and channels first: numpy's loops are long then, and its threads let each other run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..gate.scoring.pixels.arrays import Array, Bools
from .views import Source

FACES = 0.2  # cosine between surface and source below which nothing is taken
STEEP = 4  # power of that cosine in the weight
NEARER = 8.0  # exponent per cosine between the two views' directions
SIDEWAYS = float(np.exp(-NEARER))  # that at a right angle, from which on a source says nothing
FAR = 0.05  # of that factor, 51°: farther sources are asked only where nearer ones say little, which saves most of the work
LITTLE = 0.06  # sum of weights below which that begins, slowly, so that nothing jumps from frame to frame
BEHIND = (
    -0.15
)  # cosine between the two views' directions, in the middle of a piece, from which a source is asked nothing
SAYS = 1e-5  # weight from which a source has a say
DEPTH_OFF, DEPTH_SLANT = (
    0.006,
    0.02,
)  # of the product's radius, by how much one point's depths may differ: head on, slanted
ODD = 0.25  # log light by which a source departs from the mean at which it counts half
ROUNDS = 2


@dataclass(frozen=True)
class Eyes:
    """Cameras, in axes through ``centre``, (3,) metres, so that single precision is enough.

    ``places``: (S, 3). ``rows``: (S, 4, 4), whose products with a point are x·w and y·w in array coordinates of the source, the
    homogeneous w, and metres along the optical axis.
    """

    centre: NDArray[np.float64]
    places: Array
    rows: Array

    @classmethod
    def of(cls, sources: Sequence[Source], centre: NDArray[np.float64]) -> Eyes:
        shift = np.eye(4)
        shift[:3, 3] = centre
        places, rows = [], []
        for source in sources:
            height, width = source.planes.shape[1:]
            to_camera = np.linalg.inv(source.camera.matrix_world) @ shift
            x, y, _, w = source.camera.projection @ to_camera
            rows.append([(x + w) * (width / 2) - 0.5 * w, (w - y) * (height / 2) - 0.5 * w, w, -to_camera[2]])
            places.append(source.camera.position - centre)
        return cls(centre, np.asarray(places, np.float32), np.asarray(rows, np.float32))

    def project(self, number: int, points: Array) -> tuple[Array, Array, Array]:
        """(3, N) points about ``centre`` -> x, y in array coordinates of source ``number``, not finite behind it, and (N,) metres
        along its optical axis."""
        rows = _times(self.rows[number, :, :3], points)
        rows += self.rows[number, :, 3:]
        x, y, w, depth = rows
        np.maximum(w, np.float32(1e-9), out=w)
        x /= w
        y /= w
        return x, y, depth


@dataclass(frozen=True)
class Said:
    """``weights``: (K, N), of the sources ``numbers``, those that depart from the rest counting less; ``total``: (N,), before
    that."""

    numbers: list[int]
    weights: Array
    total: Array


def _times(rows: Array, points: Array) -> Array:
    """The product of matrices (K, 3) and (3, N). BLAS starts threads for it, which takes several times as long as the sums do."""
    found: Array = np.einsum("ij,jn->in", rows, points)
    return found


def sampled(planes: Array, x: Array, y: Array) -> Array:
    """Bilinear: (C, N) of (C, H, W) at array coordinates within the picture."""
    height, width = planes.shape[1:]
    left, top = np.minimum(np.floor(x), np.float32(width - 2)), np.minimum(np.floor(y), np.float32(height - 2))
    right, low = x - left, y - top
    index = top.astype(np.intp) * width + left.astype(np.intp)
    corners = (index, index + 1, index + width, index + width + 1)
    found = np.empty((len(planes), len(x)), np.float32)
    for flat, out in zip(planes.reshape(len(planes), -1), found, strict=True):
        above, beside, below, beyond = (
            flat.take(each, mode="clip") for each in corners
        )  # unasked whether all are in it
        beside -= above
        beside *= right
        above += beside
        beyond -= below
        beyond *= right
        below += beyond
        below -= above
        below *= low
        np.add(above, below, out=out)
    return found


def said(points: Array, normals: Array, eye: Array | None, sources: Sequence[Source], eyes: Eyes, size: float) -> Said:
    """What the sources have to say of ``points`` (3, N), about the eyes' centre, with their unit ``normals``, as ``eye`` (3,) sees
    them; None: from everywhere, so that no source is nearer than others. ``size``: the product's radius in metres."""
    names = np.arange(len(sources)) if eye is None else _beside(points.mean(axis=1), eye, eyes)
    facing, near = _directions(points, normals, eye, eyes.places[names])
    may = (facing > FACES) & (near > 0.0)
    base: dict[int, Array] = {}
    samples: dict[int, Array] = {}
    for number in np.flatnonzero((may & (near > FAR)).any(axis=1)):
        samples[number], base[number] = _one(points, facing[number], may[number], names[number], sources, eyes, size)
    total = np.zeros(points.shape[1], np.float32)
    for number, each in base.items():
        total += each * np.maximum(near[number] - np.float32(FAR), 0.0)
    need = np.maximum(1.0 - total / np.float32(LITTLE), 0.0)
    here = np.flatnonzero(need)
    for number in np.flatnonzero(may[:, here].any(axis=1)) if len(here) else ():
        if number not in base:
            samples[number], base[number] = (np.zeros((*shape, len(total)), np.float32) for shape in ((3,), ()))
            part = _one(points[:, here], facing[number, here], may[number, here], names[number], sources, eyes, size)
            samples[number][:, here], base[number][here] = part
    floor = np.float32(FAR) * (1.0 - need)
    weights = np.empty((len(base), len(total)), np.float32)
    total = np.zeros_like(total)
    for number, weight in zip(base, weights, strict=True):
        np.multiply(base[number], np.maximum(near[number] - floor, 0.0), out=weight)
        total += weight
    numbers = [int(names[number]) for number in base]
    return Said(numbers, _agreeing(list(samples.values()), weights), total)


def _beside(middle: Array, eye: Array, eyes: Eyes) -> NDArray[np.intp]:
    """The sources that may have a say near ``middle`` (3,): all that don't look at it from the other side."""
    alike = unit(eyes.places - middle) @ unit((eye - middle)[None])[0]
    return np.flatnonzero(alike > BEHIND)


def _directions(points: Array, normals: Array, eye: Array | None, places: Array) -> tuple[Array, Array]:
    """(S, N): cosine between surface and source, and the factor by which a near source counts more.

    By products of matrices: with t the direction to the eye, t·(source − point) is t·source − t·point.
    """
    square = np.einsum("ij,ij->j", points, points) + np.einsum("ij,ij->i", places, places)[:, None]
    square -= 2.0 * _times(places, points)
    away = np.sqrt(np.maximum(square, np.float32(1e-12)))
    facing = (_times(places, normals) - np.einsum("ij,ij->j", normals, points)) / away
    if eye is None:
        return facing, np.ones_like(facing)
    towards = eye[:, None] - points
    towards /= np.maximum(np.sqrt(np.einsum("ij,ij->j", towards, towards)), np.float32(1e-9))
    alike = (_times(places, towards) - np.einsum("ij,ij->j", towards, points)) / away
    return facing, np.exp(np.float32(NEARER) * (alike - 1.0)) - np.float32(SIDEWAYS)


def _one(
    points: Array, facing: Array, may: Bools, number: int, sources: Sequence[Source], eyes: Eyes, size: float
) -> tuple[Array, Array]:
    """What a source says of the points: (3, N) change, (N,) weight without the preference for near views."""
    planes = sources[number].coarse
    height, width = planes.shape[1:]
    shrunk = sources[number].planes.shape[2] // width
    x, y, depth = eyes.project(number, points)
    if shrunk > 1:
        x, y = (x + 0.5) / shrunk - 0.5, (y + 0.5) / shrunk - 0.5
    good = may & (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1) & (depth > 0)
    found = sampled(planes, _within(x, width), _within(y, height))
    allowed = np.float32(size) * (DEPTH_OFF + DEPTH_SLANT * (1.0 - facing))
    agrees = np.clip(2.0 - np.abs(found[4] - depth) / np.maximum(allowed, 1e-9), 0.0, 1.0)
    weight = found[3] * agrees * facing**STEEP * good
    return found[:3], weight


def _within(at: Array, length: int) -> Array:
    return np.clip(at, 0.0, np.float32(length - 1))


def _agreeing(samples: list[Array], weights: Array) -> Array:
    """(K, N): the weights, less where a source departs from the mean of all."""
    if len(samples) < 2:
        return weights
    robust = weights
    for _ in range(ROUNDS):
        mean, total = np.zeros_like(samples[0]), np.full(weights.shape[1], 1e-9, np.float32)
        for sample, weight in zip(samples, robust, strict=True):
            mean += sample * weight
            total += weight
        mean /= total
        robust = np.stack(
            [weight / (1.0 + _apart(sample, mean)) for sample, weight in zip(samples, weights, strict=True)]
        )
    return robust


def _apart(sample: Array, mean: Array) -> Array:
    """(N,) square of how far a source departs from the mean, by ``ODD``."""
    red, green, blue = np.square(sample - mean)
    away: Array = np.maximum(np.maximum(red, green), blue) * np.float32(ODD**-2)
    return away


def mixed(points: Array, group: NDArray[np.intp], found: Said, sources: Sequence[Source], eyes: Eyes) -> Array:
    """(3, N): the change that the sources lend to ``points`` (3, N), each weighed as its ``group``, (N,) places in ``found``."""
    total = np.full(points.shape[1], 1e-9, np.float32)
    mean = np.zeros_like(points)
    for number, weights in zip(found.numbers, found.weights, strict=True):
        weight = weights.take(group)
        here = np.flatnonzero(weight)
        if not len(here):
            continue
        every = len(here) > 0.7 * len(weight)  # to pick them out would take longer than they do
        part = points if every else points.take(here, axis=1)
        planes = sources[number].planes
        height, width = planes.shape[1:]
        x, y, _ = eyes.project(number, part)
        sample = sampled(planes[:3], _within(x, width), _within(y, height))
        if every:
            total += weight
            mean += sample * weight
        else:
            weight = weight.take(here)
            total[here] += weight
            for channel, values in zip(mean, sample, strict=True):
                channel[here] += values * weight
    return mean / total


def radius(points: Array) -> float:
    """Half the diagonal of the box around ``points`` (N, 3)."""
    sides = [
        float(column.max() - column.min()) for column in points.T
    ]  # by column: along rows of three it takes many times longer
    return math.hypot(*sides) / 2.0 or 1.0


def unit(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    """(N, 3), each of length 1."""
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return vectors / np.maximum(length, 1e-9)[:, None]
