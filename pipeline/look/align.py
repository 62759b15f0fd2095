# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small, slowly varying shifts between stills, taken out before they are blended.

A print that sits a pixel beside the other stills' would be blended into a blur. Each still is laid onto what the others say of
its view, which has all the structure that they agree on; against its own render, detail that only the stills have would move
it. Window by window (Lucas and Kanade, 1981), wide windows, held towards no shift.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..gate.scoring.pixels.arrays import Array, blur, gradient, luma, resize, sample, shrink
from .carry import carry
from .views import Render, Source, log_light

WINDOW = 40.0  # px at 1024, standard deviation of a window
FINE, SLOW = 1.5, 16.0  # px at 1024: structure between these scales is compared, so that other light is not
HELD = 0.1  # of the picture's mean structure, added to each window's: what shows little structure doesn't move
FURTHEST = 6.0  # px at 1024
ROUNDS = 5
ODD = 0.4  # log light by which a pixel departs from the others' at which it counts half: what only one of them shows
LEAST = 0.08  # px of the still, root mean square, below which nothing is moved: to move is to blur, if only a little
WORKING = 384  # px of a side at which shifts are looked for, at most twice that: they are slow
FEWEST = 0.2  # share of a view that the others must see


def agreed(
    stills: Sequence[Array], renders: Sequence[Render], sources: Sequence[Source], light: NDArray[np.float32]
) -> list[Array]:
    """``stills`` (H, W, 3), sRGB 0..1 on their renders' grids, each laid onto what the other ``sources`` say of its view.

    A still that the others say too little of, or that sits right, is the same array.
    """
    laid = []
    for number, (still, render) in enumerate(zip(stills, renders, strict=True)):
        factor = max(1, max(render.mask.shape) // WORKING)
        small = render.reduced(factor)
        said = carry(small, [source for place, source in enumerate(sources) if place != number], light)
        seen = said.seen * small.solid
        enough = float(seen.sum()) >= FEWEST * max(1, int(small.solid.sum()))
        found = shift(shrink(still, factor), said.rgb, seen, small.unit) if enough else None
        laid.append(still if found is None else _moved(still, *found, factor))
    return laid


def _moved(still: Array, dx: Array, dy: Array, factor: int) -> Array:
    height, width = still.shape[:2]
    rows, columns = np.indices((height, width), dtype=np.float32)
    dx, dy = (resize(part, height, width) * factor for part in (dx, dy))
    return np.clip(_cubic(still, columns + dx, rows + dy), 0.0, 1.0)


def shift(still: Array, like: Array, where: Array, unit: float) -> tuple[Array, Array] | None:
    """By how many pixels (H, W) each, across and down, ``still`` (H, W, 3), sRGB 0..1, has to be looked up beside a place to
    show what ``like`` does there, as far as that is slow; None where it sits right.

    ``where``: (H, W) 0..1, how far each pixel may be compared. ``unit``: pixels per pixel at a longer side of 1024.
    """
    inside = (where > 0.5).astype(np.float32)
    if not inside.any():
        return None
    fine, slow, window = max(0.7, FINE * unit), max(2.5, SLOW * unit), max(6.0, WINDOW * unit)
    wanted = _structure(like, inside, fine, slow)
    across, down = (part * inside for part in gradient(wanted))
    sums = [blur(part, window) for part in (across * across, across * down, down * down)]
    scale = float((sums[0] + sums[2])[inside > 0].mean())
    if scale <= 0.0:
        return None
    xx, xy, yy = sums[0] + HELD * scale, sums[1], sums[2] + HELD * scale
    determinant = xx * yy - xy * xy
    rows, columns = np.indices(inside.shape, dtype=np.float32)
    dx, dy = np.zeros_like(rows), np.zeros_like(rows)
    for _ in range(ROUNDS):
        moved = sample(still, columns + dx, rows + dy) if dx.any() or dy.any() else still
        rest = (wanted - _structure(moved, inside, fine, slow)) * inside
        rest /= 1.0 + (rest / np.float32(ODD)) ** 2
        bx, by = blur(across * rest, window), blur(down * rest, window)
        dx += (yy * bx - xy * by) / determinant
        dy += (xx * by - xy * bx) / determinant
        length = np.maximum(np.sqrt(dx * dx + dy * dy) / np.float32(FURTHEST * unit), 1.0)
        dx, dy = dx / length, dy / length
    far = float(np.sqrt((dx * dx + dy * dy)[inside > 0].mean()))
    return (dx, dy) if far >= LEAST else None


def _structure(picture: Array, inside: Array, fine: float, slow: float) -> Array:
    """(H, W): log light between two scales, inside the outline only."""
    light = luma(log_light(picture)) * inside
    parts = [blur(light, sigma) / np.maximum(blur(inside, sigma), 1e-3) for sigma in (fine, slow)]
    return (parts[0] - parts[1]) * inside


def _cubic(picture: Array, x: Array, y: Array) -> Array:
    """(H, W, C) looked up at (H, W) array coordinates by Catmull and Rom's spline, which blurs less than lines do; the border
    is repeated."""
    height, width = picture.shape[:2]
    left, top = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    across, down = _spline(x - left), _spline(y - top)
    columns = [np.clip(left + tap - 1, 0, width - 1) for tap in range(4)]
    made = np.zeros_like(picture, dtype=np.float32)
    for tap in range(4):
        row = np.clip(top + tap - 1, 0, height - 1)
        line = sum(across[each][..., None] * picture[row, columns[each]] for each in range(4))
        made += down[tap][..., None] * line
    return made


def _spline(share: Array) -> list[Array]:
    t = share.astype(np.float32)
    return [
        ((2.0 - t) * t - 1.0) * t * 0.5,
        (t * t * (3.0 * t - 5.0) + 2.0) * 0.5,
        ((4.0 - 3.0 * t) * t + 1.0) * t * 0.5,
        (t - 1.0) * t * t * 0.5,
    ]
