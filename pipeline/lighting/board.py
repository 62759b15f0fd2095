# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a GPU needs to draw an angle in any mix of its lights, as plain arrays, and the same arithmetic here.

Everything is made once for a render. A mix is then one number for each light and channel: the GPU adds up the ``shares``,
turns light into displayed colours by the ``Table`` and lays them over the backdrop with its shadow. ``shown`` is what the
shaders compute, step by step; lighting.mix computes the same for files.

Arrays have their lowest row first, as a GPU has, and hold half floats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import references
from .files import Ground, Lights
from .mix import ground_light, shadow_parts
from .view import CELLS, View, grey_at, shaped

Half = NDArray[np.float16]
Plane = NDArray[np.float32]
MOST = 1024  # pixels of a picture's longer side on a board; a larger one is made smaller by a whole number
GREYS, COLOURS = 1024, 48  # entries of a Table
PALE = 1e-4  # coverage below which nothing is seen of the product


@dataclass(frozen=True)
class Plates:
    """One angle. ``shares``: by light, (h, w, 3) linear, not premultiplied, for the ``window`` (left, bottom, width, height) of
    the picture that holds the product; (H, W, 4) ``ground``: what is left of the light of each channel, and by how much that
    ground shows no shadow; (H, W, 4) ``place``: where on the ground's square (u, v), how much of a shadow shows, coverage."""

    shares: dict[str, Half]
    window: tuple[int, int, int, int]
    ground: Half
    place: Half


@dataclass(frozen=True)
class Floor:
    """Light on the ground's square by name, (N, N, 3), with the product and without it; ``before``: (N, N, 1), the factor in the render."""

    lit: dict[str, Half]
    open: dict[str, Half]
    before: Half


@dataclass(frozen=True)
class Table:
    """A view transform. ``greys``: (GREYS, 1), displayed 0..1 by ``view.shaped`` light; ``corrections``: (COLOURS³, 3) by that
    of blue, green and red, what has to be added for colours."""

    greys: Half
    corrections: Half


def plates(lights: Lights, ground: Ground | None, most: int = MOST) -> Plates:
    """``ground``: None where the product stands on none."""
    lights = _smaller(lights, -(-max(lights.coverage.shape) // most))
    coverage = lights.coverage
    seen = np.argwhere(coverage > PALE)
    (top, left), (end, right) = (seen.min(axis=0), seen.max(axis=0) + 1) if seen.size else ((0, 0), (1, 1))
    cut = (slice(top, end), slice(left, right))
    alpha = np.maximum(coverage[cut], PALE)[..., None]
    clear = (coverage[cut] <= PALE)[..., None]
    shares = {name: _half(np.where(clear, 0.0, share[cut] / alpha)) for name, share in lights.shares.items()}
    below, place = np.zeros((*coverage.shape, 4), np.float32), np.zeros((*coverage.shape, 4), np.float32)
    place[..., 3] = coverage
    if ground is not None:
        parts = shadow_parts(lights, ground, np.ones_like(coverage, dtype=bool))
        flat, at = below.reshape(-1, 4), place.reshape(-1, 4)
        flat[parts.pixels] = np.c_[parts.rest.T, parts.base]
        at[parts.pixels, :3] = np.c_[parts.u, parts.v, parts.fade]
    height = coverage.shape[0]
    window = (int(left), int(height - end), int(right - left), int(end - top))
    return Plates(shares, window, _half(below), _half(place))


def floor(ground: Ground) -> Floor:
    before = ground_light(ground, dict.fromkeys(ground.lit, np.ones(3, np.float32))).mean(axis=-1, keepdims=True)
    lit, free = ({name: _half(plane) for name, plane in planes.items()} for planes in (ground.lit, ground.open))
    return Floor(lit, free, _half(np.maximum(before, 1e-3)))


def table(view: View) -> Table:
    """``view`` at fewer places, between which a GPU interpolates."""
    greys = grey_at(view, np.arange(GREYS) / (GREYS - 1))
    alone = grey_at(view, (np.arange(CELLS) + 0.5) / CELLS)
    red, green, blue = np.meshgrid(alone, alone, alone, indexing="ij")
    corrections = view.cube - np.stack([red, green, blue], axis=-1)
    for axis in range(3):
        corrections = _resampled(corrections, axis)
    return Table(greys[:, None].astype(np.float16), corrections.transpose(2, 1, 0, 3).astype(np.float16))


def shown(
    angle: Plates, ground: Floor | None, view: Table, factors: Mapping[str, Plane], backdrop: Plane | float = 255.0
) -> Plane:
    """(H, W, 3) 0..255, lowest row first: the picture with ``factors`` on its lights over ``backdrop``, as the shaders draw it."""
    height, width = angle.place.shape[:2]
    u, v, fade, cover = np.moveaxis(angle.place.astype(np.float32), -1, 0)
    rest, base = angle.ground[..., :3].astype(np.float32), angle.ground[..., 3:].astype(np.float32)
    change = np.ones((height, width), np.float32) if ground is None else _bilinear(_change(ground, factors), u, v)
    left = np.minimum(rest * change[..., None] + base, 1.0).mean(axis=-1)
    lost = np.clip((1.0 - left - references.SHADOW_NOISE) / (1.0 - references.SHADOW_NOISE), 0.0, 1.0) * fade
    behind = np.broadcast_to(np.asarray(backdrop, np.uint8), (height, width, 3))
    picture = references.darkened(behind, lost)
    x, y, wide, high = angle.window
    cut = (slice(y, y + high), slice(x, x + wide))
    total = np.zeros((high, wide, 3), np.float32)
    for name, share in angle.shares.items():
        total += share.astype(np.float32) * factors.get(name, np.ones(3, np.float32))
    product = 255.0 * _displayed(view, total)
    picture[cut] += (product - picture[cut]) * cover[cut][..., None]
    return picture


def _change(ground: Floor, factors: Mapping[str, Plane]) -> Plane:
    lit, free = (
        sum(
            (plane.astype(np.float32) * factors.get(name, np.ones(3, np.float32)) for name, plane in planes.items()),
            np.zeros((*ground.before.shape[:2], 3), np.float32),
        )
        for planes in (ground.lit, ground.open)
    )
    left = np.where(free > 1e-6, np.maximum(lit, 0.0) / np.maximum(free, 1e-6), 1.0).mean(axis=-1)
    return np.clip(left / ground.before[..., 0].astype(np.float32), 0.0, 100.0)


def _displayed(view: Table, light: Plane) -> Plane:
    level = shaped(light)
    at = level * (GREYS - 1)
    low = np.minimum(at.astype(np.int32), GREYS - 2)
    greys = view.greys[:, 0].astype(np.float32)
    curve = greys[low] + (greys[low + 1] - greys[low]) * (at - low)
    places = [_between(level[..., axis], COLOURS) for axis in range(3)]
    added = np.zeros_like(light)
    for corner in range(8):
        steps = [corner >> axis & 1 for axis in range(3)]
        weight = np.ones(light.shape[:-1], np.float32)
        for (_, part), step in zip(places, steps, strict=True):
            weight *= part if step else 1.0 - part
        r, g, b = (index + step for (index, _), step in zip(places, steps, strict=True))
        added += weight[..., None] * view.corrections[b, g, r].astype(np.float32)
    return np.clip(curve + added, 0.0, 1.0)


def _bilinear(plane: Plane, u: Plane, v: Plane) -> Plane:
    (x, right), (y, up) = _between(u, plane.shape[1]), _between(v, plane.shape[0])
    low = plane[y, x] + (plane[y, x + 1] - plane[y, x]) * right
    high = plane[y + 1, x] + (plane[y + 1, x + 1] - plane[y + 1, x]) * right
    return low + (high - low) * up


def _between(share: Plane, count: int) -> tuple[NDArray[np.int32], Plane]:
    """Which of ``count`` pixels in a row ends before ``share`` 0..1 of it, by their middles, and how far it is to the next one."""
    at = np.clip(share * count - 0.5, 0.0, count - 1.0)
    low = np.minimum(at.astype(np.int32), count - 2)
    return low, at - low


def _resampled(cube: Plane, axis: int) -> Plane:
    at = np.clip((np.arange(COLOURS) + 0.5) / COLOURS * CELLS - 0.5, 0.0, CELLS - 1.0)
    low = np.minimum(at.astype(int), CELLS - 2)
    part = (at - low).reshape([-1 if each == axis else 1 for each in range(cube.ndim)])
    below, above = np.take(cube, low, axis), np.take(cube, low + 1, axis)
    return np.asarray(below + (above - below) * part, np.float32)


def _smaller(lights: Lights, factor: int) -> Lights:
    if factor <= 1:
        return lights
    height, width = (side // factor for side in lights.coverage.shape)

    def mean(plane: Plane) -> Plane:
        cut = plane[: height * factor, : width * factor]
        return np.asarray(cut.reshape(height, factor, width, factor, *plane.shape[2:]).mean(axis=(1, 3)), np.float32)

    shares = {name: mean(share) for name, share in lights.shares.items()}
    return Lights(lights.view, shares, mean(lights.coverage), mean(lights.shadow))


def _half(plane: NDArray[np.floating]) -> Half:
    """The lowest row first."""
    return np.ascontiguousarray(np.clip(plane, -65504.0, 65504.0)[::-1]).astype(np.float16)
