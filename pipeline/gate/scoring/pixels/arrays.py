# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Image arithmetic that numpy lacks: blur, sampling, morphology, regions. All arrays are float32 or bool."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Bools = NDArray[np.bool_]
LUMA = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)  # ITU-R BT.709, on sRGB-coded values: luma, not luminance


def luma(rgb: Array) -> Array:
    """(..., 3) -> (...), of coded values."""
    return rgb @ LUMA


def blur(image: Array, sigma: float) -> Array:
    """Gaussian blur of (H, W) or (H, W, C); ``sigma`` in pixels; the border is repeated.

    From sigma 3 on three box filters stand in for the kernel (central limit), in time independent of sigma.
    """
    if sigma <= 0.0:
        return image.astype(np.float32)
    if sigma >= 3.0:
        width = 2 * max(1, round((np.sqrt(4.0 * sigma**2 + 1.0) - 1.0) / 2.0)) + 1
        for _ in range(3):
            image = _box(_box(image, width, 0), width, 1)
        return image
    radius = max(1, int(np.ceil(3.0 * sigma)))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    taps = (taps / taps.sum()).astype(np.float32)
    for axis in (0, 1):
        padded = _pad(image.astype(np.float32, copy=False), radius, axis)
        length = image.shape[axis]
        image = sum(tap * _cut(padded, start, length, axis) for start, tap in enumerate(taps))
    return image


def _box(image: Array, width: int, axis: int) -> Array:
    padded: Any = _pad(image, width // 2, axis).astype(np.float64)
    total = np.cumsum(padded, axis=axis)
    total = np.concatenate([np.zeros_like(_cut(total, 0, 1, axis)), total], axis=axis)
    length = image.shape[axis]
    return ((_cut(total, width, length, axis) - _cut(total, 0, length, axis)) / width).astype(np.float32)


def _pad(image: Array, radius: int, axis: int) -> Array:
    return np.pad(image, [(radius, radius) if a == axis else (0, 0) for a in range(image.ndim)], mode="edge")


def _cut(image: Array, start: int, length: int, axis: int) -> Array:
    return image[start : start + length] if axis == 0 else image[:, start : start + length]


def sample(image: Array, x: Array, y: Array) -> Array:
    """Bilinear lookup at array coordinates of any shape S -> S or S + (C,); outside, the border's value."""
    height, width = image.shape[:2]
    x, y = np.clip(x, 0, max(0, width - 1.001)), np.clip(y, 0, max(0, height - 1.001))
    left, top = x.astype(np.int32), y.astype(np.int32)
    right, low = (x - left).astype(np.float32), (y - top).astype(np.float32)
    if image.ndim == 3:
        right, low = right[..., None], low[..., None]
    flat = image.reshape(height * width, *image.shape[2:])
    index = top * width + left
    beside, under = min(1, width - 1), width * min(1, height - 1)
    above = flat[index] * (1 - right) + flat[index + beside] * right
    below = flat[index + under] * (1 - right) + flat[index + under + beside] * right
    return above * (1 - low) + below * low


def shrink(image: Array, factor: int) -> Array:
    """Mean over blocks of ``factor`` × ``factor`` pixels; what doesn't fill a block is cut off."""
    if factor == 1:
        return image
    height, width = (side // factor * factor for side in image.shape[:2])
    blocks = image[:height, :width].reshape(height // factor, factor, width // factor, factor, *image.shape[2:])
    return blocks.mean(axis=(1, 3), dtype=np.float32)


def resize(image: Array, height: int, width: int) -> Array:
    """Bilinear resampling with pixel centres kept (box-shrunk first where the target is less than half as large)."""
    image = shrink(image, max(1, min(image.shape[0] // height, image.shape[1] // width)))
    return _stretch(_stretch(image, height, 0), width, 1)


def _stretch(image: Array, length: int, axis: int) -> Array:
    old = image.shape[axis]
    at = np.clip((np.arange(length, dtype=np.float32) + 0.5) * old / length - 0.5, 0, old - 1)
    low = at.astype(np.int32)
    share: Any = (at - low).reshape([-1 if a == axis else 1 for a in range(image.ndim)])
    both: Array = image.take(low, axis) * (1 - share) + image.take(np.minimum(low + 1, old - 1), axis) * share
    return both


def gradient(image: Array) -> tuple[Array, Array]:
    """Central differences (d/dx, d/dy) per pixel."""
    down, across = np.gradient(image, axis=(0, 1))
    return across.astype(np.float32), down.astype(np.float32)


def steepness(image: Array) -> Array:
    """(H, W, C) -> (H, W): length of the colour gradient per pixel."""
    across, down = gradient(image)
    return np.sqrt((across**2 + down**2).sum(axis=-1))


def dilate(region: Bools, radius: float) -> Bools:
    """Region grown by ``radius`` pixels, by a disc."""
    if radius <= 0:
        return region.copy()
    return distance_to(region, int(np.ceil(radius)) + 1) <= radius


def erode(region: Bools, radius: float) -> Bools:
    """Region shrunk by ``radius`` pixels; the picture's border doesn't eat into it."""
    return ~dilate(~region, radius)


def distance_to(region: Bools, limit: int) -> Array:
    """Euclidean distance in pixels to the nearest True pixel, exact up to ``limit``, ``limit`` beyond.

    Separable lower envelope: per column the distance along y, then the minimum of dx² + dy² over |dx| <= limit.
    """
    down = np.where(region, 0.0, float(limit)).astype(np.float32)
    for row in range(1, len(down)):
        np.minimum(down[row], down[row - 1] + 1, out=down[row])
    for row in range(len(down) - 2, -1, -1):
        np.minimum(down[row], down[row + 1] + 1, out=down[row])
    square = down**2
    best = square.copy()
    for dx in range(1, min(limit, region.shape[1] - 1) + 1):
        np.minimum(best[:, dx:], square[:, :-dx] + dx * dx, out=best[:, dx:])
        np.minimum(best[:, :-dx], square[:, dx:] + dx * dx, out=best[:, :-dx])
    return np.minimum(np.sqrt(best), np.float32(limit))


def regions(mask: Bools) -> tuple[NDArray[np.int32], int]:
    """8-connected regions: (H, W) of 0 for False and 1..n, and n.

    Runs of True per row are the nodes; runs that touch between rows are joined by union-find.
    """
    height, width = mask.shape
    edge = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    rows, starts = np.nonzero(edge == 1)
    ends = np.nonzero(edge == -1)[1]
    parent = list(range(len(rows)))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    first = np.searchsorted(rows, np.arange(height + 1)).tolist()
    begin, end = starts.tolist(), ends.tolist()
    for row in range(1, height):
        a, b = first[row - 1], first[row]
        while a < first[row] and b < first[row + 1]:
            if begin[a] <= end[b] and begin[b] <= end[a]:
                parent[root(a)] = root(b)
            if end[a] < end[b]:
                a += 1
            else:
                b += 1
    roots = np.array([root(node) for node in range(len(parent))], dtype=np.int64)
    names, numbers = np.unique(roots, return_inverse=True)
    steps = np.zeros((height, width + 1), dtype=np.int32)
    np.add.at(steps, (rows, starts), numbers.astype(np.int32) + 1)
    np.add.at(steps, (rows, ends), -numbers.astype(np.int32) - 1)
    return np.cumsum(steps, axis=1, dtype=np.int32)[:, :width], len(names)


def pull_outward(image: Array, known: Array) -> Array:
    """Push-pull: (H, W, C) with the colours of known pixels spread smoothly into the unknown ones.

    ``known``: (H, W) weights in 0..1. Pull averages into ever coarser levels, push fills from the coarser level where a
    level knows too little (Gortler et al., The Lumigraph, 1996).
    """
    weight = np.clip(known, 0, 1)[..., None].astype(np.float32)
    levels: list[tuple[Array, Array]] = [(image * weight, weight)]
    while min(levels[-1][0].shape[:2]) > 1:
        levels.append((_halve(levels[-1][0]), _halve(levels[-1][1])))
    coarse = levels[-1][0] / np.maximum(levels[-1][1], 1e-6)
    for colour, weight in reversed(levels[:-1]):
        filled = resize(coarse, *colour.shape[:2])
        sure = np.minimum(weight, 1.0)
        coarse = colour / np.maximum(weight, 1e-6) * sure + filled * (1 - sure)
    return coarse


def _halve(image: Array) -> Array:
    height, width = image.shape[:2]
    return shrink(np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge"), 2)
