# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A view with the change that stills made to their own renders, warped through the known cameras.

Each pixel's place on the product is looked up in every source. It counts there where the depth agrees, so that nothing is
taken through what stands before it, and the more the surface faces the source and the source stands near the wanted view; the
last makes the change from frame to frame smooth. What departs from the others' mean loses. Surface that no source sees takes
its change from its surroundings: there the render shows, tinted as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..gate.scoring.faithful import smooth
from ..gate.scoring.pixels.arrays import Array, Bools, pull_outward, resize, shrink
from .views import Render, Source, applied, with_change

FACES = 0.2  # cosine between surface and source below which nothing is taken
STEEP = 4.0  # power of that cosine in the weight
NEARER = 8.0  # exponent per cosine between the two views' directions
SIDEWAYS = float(np.exp(-NEARER))  # that at a right angle, from which on a source says nothing
SAYS = 1e-5  # weight from which a source has a say
DEPTH_OFF, DEPTH_SLANT = (
    0.006,
    0.02,
)  # of the product's radius: by how much depths of one point may differ, head on and slanted
ENOUGH = 0.02  # sum of weights at which what is carried counts half, against what the surroundings say
ODD = 0.25  # log light by which a source departs from the mean at which it counts half
ROUNDS = 2
CHUNK = 1 << 16  # pixels at a time: what bounds the memory, whatever the picture's size
AROUND = 0.015  # of the picture's side: standard deviation of what is asked of the surroundings
JUMP = 0.04  # of the product's radius: a step in depth from which what lies beyond it is other surface
APART = 1e4  # px that such a step counts as
COARSE = 4  # what is filled is slow, and is filled in a picture so many times smaller


@dataclass(frozen=True)
class Carried:
    """``rgb``: (H, W, 3) sRGB 0..1, as the render's, not multiplied by the mask. ``seen``: (H, W) 0..1, how much of what a pixel shows
    the sources see; 0 outside the outline. ``change``: (H, W, 3) log light. ``asked``: by source, whether it had a say at all.
    """

    rgb: Array
    seen: Array
    change: Array
    asked: tuple[bool, ...]


def carry(render: Render, sources: Sequence[Source], light: NDArray[np.float32]) -> Carried:
    """``render`` with the look of ``sources``; ``light`` (3,): what the mirrored light changed by, of views.light_change.

    Where every source changed nothing, the picture is the render's to the last bit. Without sources it is, too.
    """
    height, width = render.mask.shape
    own = np.zeros((height * width, 3), np.float32)
    known = np.zeros(height * width, np.float32)
    where = np.flatnonzero(render.solid)
    if not sources or not len(where):
        return Carried(render.rgb, known.reshape(height, width), own.reshape(height, width, 3), (False,) * len(sources))
    points, normals = (plane.reshape(-1, 3) for plane in (render.position, render.normal))
    size = radius(points[where])
    asked = np.zeros(len(sources), bool)
    for start in range(0, len(where), CHUNK):
        part = where[start : start + CHUNK]
        own[part], known[part], said = _looked_up(points[part], normals[part], render, sources, size)
        asked |= said
    own_plane, seen = own.reshape(height, width, 3), known.reshape(height, width)
    whole = _filled(own_plane, seen, render, size)
    inside = np.clip(render.mask, 0.0, 1.0) > 0.0
    change = with_change(whole, np.clip(render.diffuse, 0.0, 1.0), light) * inside[..., None]
    return Carried(applied(render.rgb, change), seen, change, tuple(asked.tolist()))


def radius(points: Array) -> float:
    return float(np.linalg.norm(np.ptp(points, axis=0))) / 2.0 or 1.0


def _looked_up(
    points: Array, normals: Array, render: Render, sources: Sequence[Source], size: float
) -> tuple[Array, Array, Bools]:
    """For (N, 3) points with their normals: (N, 3) the surface's own change, (N,) how well it is known, 0..1, and by source
    whether it said anything."""
    towards = unit(render.camera.position.astype(np.float32) - points)
    samples, weights = [], []
    total = np.zeros(len(points), np.float32)
    for source in sources:
        sample, weight = _one(points, normals, towards, source, size)
        samples.append(sample)
        weights.append(weight)
        total += weight
    mean = _mean(samples, weights, total)
    for _ in range(ROUNDS):
        robust = [weight / (1.0 + _apart(sample, mean)) for sample, weight in zip(samples, weights, strict=True)]
        mean = _mean(samples, robust, np.sum(robust, axis=0))
    said = np.array([bool(weight.max(initial=0.0) > SAYS) for weight in weights])
    return mean, total / (total + np.float32(ENOUGH)), said


def _apart(sample: Array, mean: Array) -> Array:
    """(N,) square of how far a source departs from the mean, by ``ODD``."""
    away = np.zeros(len(sample), np.float32)
    np.max(np.abs(sample - mean), axis=-1, out=away)
    return np.square(away / np.float32(ODD))


def _mean(samples: list[Array], weights: list[Array], total: Array) -> Array:
    mean = np.zeros_like(samples[0])
    for sample, weight in zip(samples, weights, strict=True):
        mean += sample * weight[:, None]
    return mean / np.maximum(total, np.float32(1e-9))[:, None]


def _one(points: Array, normals: Array, towards: Array, source: Source, size: float) -> tuple[Array, Array]:
    """What ``source`` says of the points: (N, 3) change, (N,) weight."""
    height, width = source.packed.shape[:2]
    to_source = unit(source.camera.position.astype(np.float32) - points)
    facing = np.einsum("ij,ij->i", normals, to_source)
    alike = np.einsum("ij,ij->i", towards, to_source)
    sample = np.zeros((len(points), 3), np.float32)
    weight = np.zeros(len(points), np.float32)
    here = np.flatnonzero((facing > FACES) & (alike > 0.0))
    if not len(here):
        return sample, weight
    x, y, depth = source.camera.project(points[here], width, height)
    within = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1) & (depth > 0)
    here, x, y, depth = here[within], x[within], y[within], depth[within]
    if not len(here):
        return sample, weight
    found = sampled(source.packed, x, y)
    slant = facing[here]
    allowed = size * (DEPTH_OFF + DEPTH_SLANT * (1.0 - slant))
    agrees = np.clip(2.0 - np.abs(found[:, 4] - depth) / allowed, 0.0, 1.0)
    sample[here] = found[:, :3]
    weight[here] = found[:, 3] * agrees * slant**STEEP * (np.exp(NEARER * (alike[here] - 1.0)) - SIDEWAYS)
    return sample, weight


def sampled(packed: Array, x: Array, y: Array) -> Array:
    """Bilinear: (N, C) of (H, W, C)."""
    height, width, channels = packed.shape
    left, top = np.minimum(x.astype(np.int32), width - 2), np.minimum(y.astype(np.int32), height - 2)
    right, low = (x - left)[:, None], (y - top)[:, None]
    flat, index = packed.reshape(-1, channels), top * width + left
    above = flat.take(index, axis=0)
    above += (flat.take(index + 1, axis=0) - above) * right
    below = flat.take(index + width, axis=0)
    below += (flat.take(index + width + 1, axis=0) - below) * right
    above += (below - above) * low
    return above


def unit(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return vectors / np.maximum(length, 1e-9)[:, None]


def _filled(own: Array, seen: Array, render: Render, size: float) -> Array:
    """(H, W, 3): ``own`` where it is known, and what its surroundings on the same surface know where it isn't."""
    height, width = seen.shape
    factor = COARSE if min(height, width) >= 64 * COARSE else 1
    rest = [(0, -height % factor), (0, -width % factor)]
    weight = shrink(np.pad(seen, rest), factor)[..., None]
    sums = shrink(np.pad(own * seen[..., None], [*rest, (0, 0)]), factor)
    solid = np.pad(render.solid, rest)[factor // 2 :: factor, factor // 2 :: factor]
    depth = np.pad(np.nan_to_num(render.depth), rest)[factor // 2 :: factor, factor // 2 :: factor]
    across, down = (_way(depth, solid, size, axis) for axis in (1, 0))
    near = smooth(np.concatenate([sums, weight], axis=-1), across, down, AROUND * max(weight.shape))
    trust = near[..., 3:] / (near[..., 3:] + np.float32(0.05))
    anywhere = pull_outward(sums / np.maximum(weight, 1e-6), np.clip(weight[..., 0], 0.0, 1.0))
    around = near[..., :3] / np.maximum(near[..., 3:], 1e-9) * trust + anywhere * (1.0 - trust)
    around = resize(around, height + rest[0][1], width + rest[1][1])[:height, :width]
    return (own * seen[..., None] + around * (1.0 - seen[..., None])).astype(np.float32)


def _way(depth: Array, solid: Bools, size: float, axis: int) -> Array:
    """(H, W) px from each pixel to the one before it along ``axis``, as faithful.smooth wants it: far across a step in depth."""
    before = [(1, 0) if each == axis else (0, 0) for each in range(2)]
    step = np.pad(np.abs(np.diff(depth, axis=axis)), before) / np.float32(JUMP * size)
    border = np.pad(np.diff(solid.astype(np.int8), axis=axis) != 0, before)
    return (1.0 + APART * np.clip(step - 1.0, 0.0, 1.0) + APART * border).astype(np.float32)
