# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A view with the change that stills made to their own renders, warped through the known cameras.

Each pixel's place on the product is looked up in every source. It counts there where the depth agrees, so that nothing is
taken through what stands before it, and the more the surface faces the source and the source stands near the wanted view; the
last makes the change from frame to frame smooth. What departs from the others' mean loses. Surface that no source sees takes
its change from its surroundings: there the render shows, tinted as they are.

Weights are slow where the surface is: in a large picture they are found for four pixels together that show one surface, and
for each alone beside a step in depth. What is carried is looked up for every pixel. Pieces of the picture are worked at side
by side.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..gate.scoring.faithful import smooth
from ..gate.scoring.pixels.arrays import Array, Bools, pull_outward, shrink
from .lookup import SAYS, Eyes, Said, mixed, radius, said
from .views import LARGE, Render, Source, brightened, gain_of

SHOWN = 0.5  # coverage from which a pixel is looked up where its centre shows the product
ENOUGH = 0.004  # sum of weights at which what is carried counts half, against what the surroundings say
PIECE = 192  # px of a piece's side: what bounds the memory, whatever the picture's size; even, and a multiple of COARSE
FLAT = 0.012  # of the product's radius by which the depth of pixels that are weighed together may differ
AROUND = 0.015  # of the picture's side: standard deviation of what is asked of the surroundings
JUMP = 0.04  # of the product's radius: a step in depth from which what lies beyond it is other surface
APART = 1e4  # px that such a step counts as
COARSE = 4  # what is filled is slow, and is filled in a picture so many times smaller
THREADS = min(4, os.cpu_count() or 1)

Box = tuple[slice, slice]
Piece = TypeVar("Piece")
Found = TypeVar("Found")


@dataclass(frozen=True)
class Carried:
    """``rgb``: (H, W, 3) sRGB 0..1, as the render's, not multiplied by the mask. ``seen``: (H, W) 0..1, how much of what a pixel shows
    the sources see; 0 outside the outline. ``gain``: (H, W, 3), by what the light grew. ``asked``: by source, whether it had a say
    at all.
    """

    rgb: Array
    seen: Array
    gain: Array
    asked: tuple[bool, ...]

    @property
    def change(self) -> Array:
        """(H, W, 3) log light."""
        return np.log(self.gain)


def carry(render: Render, sources: Sequence[Source], light: NDArray[np.float32]) -> Carried:
    """``render`` with the look of ``sources``; ``light`` (3,): what the mirrored light changed by, of views.light_change.

    Where every source changed nothing, the picture is the render's to the last bit. Without sources it is, too.
    """
    seen = np.zeros(render.mask.shape, np.float32)
    gain = np.ones((*seen.shape, 3), np.float32)
    if not sources or not render.solid.any():
        return Carried(render.rgb, seen, gain, (False,) * len(sources))
    box = _around(render.mask > 0.0)
    rgb = render.rgb.copy()
    rgb[box], seen[box], gain[box], asked = _carried(_cut(render, box), sources, light, max(render.mask.shape))
    return Carried(rgb, seen, gain, tuple(asked.tolist()))


def _carried(render: Render, sources: Sequence[Source], light: Array, side: int) -> tuple[Array, Array, Array, Bools]:
    height, width = render.mask.shape
    own, seen = np.zeros((3, height, width), np.float32), np.zeros((height, width), np.float32)
    points = render.position[render.solid]
    size, far = radius(points), float(render.depth[render.solid].max())
    for source in sources:
        _ = source.coarse  # made once, and not by every thread
    eyes = Eyes.of(sources, points[:: max(1, len(points) // 1000)].mean(axis=0, dtype=np.float64))
    pieces = [
        (slice(top, min(top + PIECE, height)), slice(left, min(left + PIECE, width)))
        for top in range(0, height, PIECE)
        for left in range(0, width, PIECE)
    ]

    def look(piece: Box) -> Bools:
        return _looked_up(_cut(render, piece), sources, eyes, size, far, side, own[:, *piece], seen[piece])

    asked = np.logical_or.reduce(list(_side_by_side(look, pieces)))
    around = _surroundings(own, seen, render, size, side)
    rgb, gain = (np.empty((height, width, 3), np.float32) for _ in range(2))
    bands = [slice(top, min(top + PIECE, height)) for top in range(0, height, PIECE)]

    def apply(band: slice) -> None:
        known = seen[band][..., None]
        whole = _enlarged(around, band, width)
        whole += (own[:, band].transpose(1, 2, 0) - whole) * known
        grown = gain_of(whole, np.clip(render.diffuse[band], 0.0, 1.0), light)
        grown[render.mask[band] <= 0.0] = 1.0
        gain[band], rgb[band] = grown, brightened(render.rgb[band], grown)

    list(_side_by_side(apply, bands))
    return rgb, seen, gain, asked


def _side_by_side(work: Callable[[Piece], Found], pieces: Sequence[Piece]) -> Iterable[Found]:
    if len(pieces) == 1 or THREADS == 1:
        return map(work, pieces)
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, pieces))


def _around(shown: Bools) -> Box:
    """The box of what is shown, larger by a few pixels, its corner on a coarse pixel."""
    box = []
    for axis in (1, 0):
        where = np.flatnonzero(shown.any(axis=axis))
        box.append(slice(max(0, (int(where[0]) - 1) // COARSE * COARSE), int(where[-1]) + 2))
    return box[0], box[1]


def _cut(render: Render, box: Box) -> Render:
    planes = {name: getattr(render, name)[box] for name in ("rgb", "mask", "depth", "position", "normal", "diffuse")}
    return replace(render, **planes)


def _looked_up(
    render: Render,
    sources: Sequence[Source],
    eyes: Eyes,
    size: float,
    far: float,
    side: int,
    own: Array,
    seen: Array,
) -> Bools:
    """Write into ``own`` (3, H, W) the surface's own change and into ``seen`` (H, W) how well it is known, 0..1; by source, whether
    it said anything. ``far``: metres to the farthest of the product."""
    asked = np.zeros(len(sources), bool)
    shown = render.mask > SHOWN
    shown &= render.depth <= far  # elsewhere the pixel's centre misses the product, and it has no place on it
    where = np.flatnonzero(shown)
    if not len(where):
        return asked
    centre = eyes.centre.astype(np.float32)[:, None]
    points = np.ascontiguousarray(render.position.reshape(-1, 3)[where].T) - centre
    normals = unit_planes(np.ascontiguousarray(render.normal.reshape(-1, 3)[where].T))
    group, count = _groups(shown, render.depth, FLAT * size if side >= LARGE else 0.0)
    eye = (render.camera.position - eyes.centre).astype(np.float32)
    if count < len(where):
        each = 1.0 / np.bincount(group, minlength=count).astype(np.float32)
        meant = [np.bincount(group, plane, count).astype(np.float32) * each for plane in (*points, *normals)]
        middle, upright = np.stack(meant[:3]), unit_planes(np.stack(meant[3:]))
    else:
        middle, upright = points, normals
    found: Said = said(middle, upright, eye, sources, eyes, size)
    for number, weights in zip(found.numbers, found.weights, strict=True):
        asked[number] = bool(weights.max(initial=0.0) > SAYS)
    total = found.total.take(group)
    for plane, values in zip(own, mixed(points, group, found, sources, eyes), strict=True):
        plane[shown] = values
    seen[shown] = total / (total + np.float32(ENOUGH))
    return asked


def unit_planes(vectors: Array) -> Array:
    """(3, N), each of length 1."""
    length = np.sqrt(np.einsum("ij,ij->j", vectors, vectors))
    made: Array = vectors / np.maximum(length, np.float32(1e-9))
    return made


def _groups(shown: Bools, depth: Array, flat: float) -> tuple[NDArray[np.intp], int]:
    """For each pixel that is shown, in order, the number of those that it is weighed with, and how many such numbers there are: blocks of
    two by two whose depth differs by no more than ``flat`` metres, each other pixel by itself; for 0 all by themselves."""
    where = np.flatnonzero(shown)
    height, width = (side // 2 * 2 for side in shown.shape)
    if not flat or not height or not width:
        return np.arange(len(where)), len(where)
    corners = [(slice(down, height, 2), slice(across, width, 2)) for down in (0, 1) for across in (0, 1)]
    far, near = (_of_all(which, [depth[corner] for corner in corners]) for which in (np.maximum, np.minimum))
    level = _of_all(np.logical_and, [shown[corner] for corner in corners]) & (far - near <= flat)
    names = np.full(shown.shape, -1, np.intp)
    numbers = np.where(level, np.cumsum(level).reshape(level.shape) - 1, -1)
    names[:height, :width] = numbers.repeat(2, axis=0).repeat(2, axis=1)
    found = names.ravel()[where]
    alone = found < 0
    count = int(level.sum())
    found[alone] = count + np.arange(int(alone.sum()))
    return found, count + int(alone.sum())


def _of_all(which: np.ufunc, parts: list[NDArray[Any]]) -> NDArray[Any]:
    first, second, third, fourth = parts
    found: NDArray[Any] = which(which(first, second), which(third, fourth))
    return found


def _surroundings(own: Array, seen: Array, render: Render, size: float, side: int) -> Array:
    """(h, w, 3), ``COARSE`` times smaller: for each place what its surroundings on the same surface know of ``own`` (3, H, W)."""
    height, width = seen.shape
    factor = COARSE if min(height, width) >= 16 * COARSE and side >= 64 * COARSE else 1
    rest = [(0, -height % factor), (0, -width % factor)]
    weight = shrink(np.pad(seen, rest), factor)[..., None]
    sums = np.stack([shrink(np.pad(plane * seen, rest), factor) for plane in own], axis=-1)
    solid = np.pad(render.solid, rest)[factor // 2 :: factor, factor // 2 :: factor]
    depth = np.pad(np.nan_to_num(render.depth), rest)[factor // 2 :: factor, factor // 2 :: factor]
    across, down = (_way(depth, solid, size, axis) for axis in (1, 0))
    near = smooth(np.concatenate([sums, weight], axis=-1), across, down, AROUND * side / factor)
    trust = near[..., 3:] / (near[..., 3:] + np.float32(0.05))
    anywhere = pull_outward(sums / np.maximum(weight, 1e-6), np.clip(weight[..., 0], 0.0, 1.0))
    around: Array = near[..., :3] / np.maximum(near[..., 3:], 1e-9) * trust + anywhere * (1.0 - trust)
    return around


def _enlarged(small: Array, band: slice, width: int) -> Array:
    """The rows ``band`` of ``small`` as much larger as its picture is, bilinear."""
    factor = COARSE if small.shape[1] < width else 1
    if factor == 1:
        return small[band, :width].copy()
    made = small
    for axis, at in enumerate((np.arange(band.start, band.stop), np.arange(width))):
        place = np.clip((at.astype(np.float32) + 0.5) / factor - 0.5, 0, small.shape[axis] - 1)
        low = place.astype(np.intp)
        share: Array = (place - low.astype(np.float32)).reshape([-1 if each == axis else 1 for each in range(3)])
        first, second = made.take(low, axis), made.take(np.minimum(low + 1, small.shape[axis] - 1), axis)
        second -= first
        second *= share
        first += second
        made = first
    return made


def _way(depth: Array, solid: Bools, size: float, axis: int) -> Array:
    """(H, W) px from each pixel to the one before it along ``axis``, as faithful.smooth wants it: far across a step in depth."""
    before = [(1, 0) if each == axis else (0, 0) for each in range(2)]
    step = np.pad(np.abs(np.diff(depth, axis=axis)), before) / np.float32(JUMP * size)
    border = np.pad(np.diff(solid.astype(np.int8), axis=axis) != 0, before)
    return (1.0 + APART * np.clip(step - 1.0, 0.0, 1.0) + APART * border).astype(np.float32)
