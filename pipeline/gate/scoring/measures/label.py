# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is the print still the same print? Local structure where the render shows detail that its geometry doesn't explain.

Normalised cross-correlation in small windows, blind to light and contrast; the best of a few small offsets, so that a
pixel of rest displacement is no fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..pixels.arrays import Array, Bools, blur, dilate, erode, luma, regions, shrink
from ..reference import Reference
from .edges import thin_edges

WINDOW = 9.0  # px at 1024, sigma of a window
FINE = 2.0  # px at 1024, sigma of the finest structure compared
PRINT = 0.05  # luma change per px at 1024 of a print's edge
DARK = 0.25  # luma of a black surface in a render, at most: some 4 % of the light is mirrored by any
REACH = 6.0  # px at 1024 that a print reaches beside its edges
CLEAR = 3.0  # px at 1024 kept from the geometry's own edges
SMALLEST = 0.003  # of the product's area: a smaller print can't be judged
LARGE = 0.006  # … from which one of several prints is judged by itself
LETTER = 5.0  # px at 1024, sigma of a window of a letter's size
WANDER = 24.0  # px at 1024 that a print is looked for beside its place
SURELY = 0.5  # correlation from which a print found elsewhere is this one
CLEARLY = 0.04  # by which that place must beat its own
DIFFERENT = 0.35  # correlation below which a window shows something else
OFFSETS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))


@dataclass(frozen=True)
class Label:
    """``area``: share of the product that carries a print, 0: none to judge. ``correlation``: mean over it, −1..1.

    ``changed_share``: share of the print that shows something else. ``shift_px``: px at 1024 that the whole print lies beside
    its place, as after a turn that the outline of a bottle can't show. ``changed``: (H, W) on the render grid. ``worst``: the
    correlation of the worst print of several, ``patch``: of the worst place of the size of a few letters. ``where``,
    ``worst_at``: (H, W), all print, and the worst of several. ``likeness``: (H, W), what ``patch`` is the least of, 1 beside.
    """

    area: float
    correlation: float
    changed_share: float
    shift_px: float = 0.0
    changed: Bools | None = None
    worst: float = 1.0
    patch: float = 1.0
    where: Bools | None = None
    worst_at: Bools | None = None
    likeness: Array | None = None


def find(reference: Reference, geometry: tuple[Array, Array]) -> Bools:
    """(H, W): where the render carries a print. ``geometry``: its geometry's edges, as of edges.geometry_edges."""
    unit = reference.unit
    if reference.label is not None:
        return (reference.label > 0.5) & reference.inside
    where = erode(reference.inside, 6.0 * unit)
    points, _ = geometry
    own = np.zeros(reference.mask.shape, dtype=bool)
    own[points[:, 1].astype(int), points[:, 0].astype(int)] = True
    where &= ~dilate(own, CLEAR * unit + 1.5)
    # The surface's own colour, where that pass is there: in the render a reflection can't be told from print.
    # Where it is black, glass, metal or a black surface: the last of these is dark in the render, too, and can be printed on.
    if reference.surface is not None:
        known = reference.matt | (reference.inside & (luma(reference.rgb) < DARK))
        where &= erode(dilate(known, REACH * unit), (REACH + CLEAR) * unit)
        where &= dilate(luma(reference.surface) > DARK, REACH * unit)  # two dark tones are one in many lights
    picture = blur(reference.rgb if reference.surface is None else reference.surface, max(0.6, unit))
    at, _ = thin_edges(picture, where, PRINT / unit, 1)
    marks = np.zeros(reference.mask.shape, dtype=np.float32)
    marks[at[:, 1].astype(int), at[:, 0].astype(int)] = 1.0
    # A print is many edges together; one line alone is a seam or a reflection.
    dense = blur(marks, WINDOW * unit) * WINDOW * unit
    return _without_spots((dense > 0.35) & where & dilate(marks > 0, REACH * unit), reference)


def _without_spots(label: Bools, reference: Reference) -> Bools:
    """Neighbouring marks count as one print; what stays small on its own is a highlight."""
    names, count = regions(dilate(label, 8.0 * reference.unit))
    sizes = np.bincount(names[label], minlength=count + 1)
    return label & (sizes >= SMALLEST * reference.inside.sum())[names]


def measure(straight: Array, reference: Reference, label: Bools) -> Label:
    """``straight``: (H, W, 3) un-warped onto the render's grid; ``label``: of find(). On half the pixels where there are plenty."""
    area = float(label.sum()) / max(1, int(reference.inside.sum()))
    if area < SMALLEST:
        return Label(0.0, 1.0, 0.0)
    factor = 2 if reference.unit >= 1.0 else 1
    rows, cols = np.nonzero(label)
    pad = int(4 * WINDOW * reference.unit)
    box = (
        slice(max(0, rows.min() - pad), rows.max() + pad + 1),
        slice(max(0, cols.min() - pad), cols.max() + pad + 1),
    )
    mine = shrink(luma(straight[box]), factor)
    source = reference.rgb if reference.surface is None else reference.surface
    known = shrink(luma(source)[box], factor)
    where = shrink(label[box].astype(np.float32), factor) > 0.5
    window, fine = WINDOW * reference.unit / factor, max(0.6, FINE * reference.unit / factor)
    mine, known = blur(mine, fine), blur(known, fine)
    best = _best_correlation(mine, known, window)
    if not where.any():
        return Label(0.0, 1.0, 0.0)
    shift = _wandered(mine, known, where, WANDER * reference.unit / factor) * factor / reference.unit
    close = _best_correlation(mine, known, LETTER * reference.unit / factor)
    near = LETTER * reference.unit / factor
    some = where.astype(np.float32)
    patch = blur(np.maximum(close, 0) * some, near) / np.maximum(blur(some, near), 1e-3)
    names, count = regions(dilate(where, 6.0 * reference.unit / factor))
    sizes = np.bincount(names[where], minlength=count + 1)
    sums = np.bincount(names[where], weights=best[where], minlength=count + 1)
    large = sizes >= max(1, LARGE * reference.inside.sum() / factor**2)
    means = np.where(large, sums / np.maximum(sizes, 1), np.inf)
    worst = float(means.min()) if large.any() else float(best[where].mean())
    worst_at = where & (names == int(means.argmin())) if large.any() else where
    core = blur(some, near) > 0.5
    lowest = float(np.percentile(patch[where & core], 1)) if (where & core).any() else 1.0
    likeness = np.where(where & core, patch, 1.0).astype(np.float32)
    changed, worst_at, likeness = (
        _at_full_size(part, factor, box, label.shape, beside)
        for part, beside in (((best < DIFFERENT) & where, 0), (worst_at, 0), (likeness, 1))
    )
    return Label(
        area, float(best[where].mean()), float((best[where] < DIFFERENT).mean()), shift, changed, worst, lowest,
        where=label, worst_at=worst_at, likeness=likeness,
    )  # fmt: skip


def _at_full_size(
    small: NDArray[Any], factor: int, box: tuple[slice, slice], shape: tuple[int, ...], beside: int
) -> NDArray[Any]:
    """A map of the ``box`` shrunk by ``factor``, on the whole grid; ``beside``: its value elsewhere."""
    whole = np.full(shape, beside, dtype=small.dtype)
    large = np.repeat(np.repeat(small, factor, axis=0), factor, axis=1)
    target = whole[box]
    target[: large.shape[0], : large.shape[1]] = large[: target.shape[0], : target.shape[1]]
    return whole


def _best_correlation(one: Array, other: Array, window: float) -> Array:
    """Per pixel the best normalised cross-correlation over OFFSETS, in Gaussian windows."""
    mean_1, mean_2 = blur(one, window), blur(other, window)
    var_1 = np.maximum(blur(one * one, window) - mean_1**2, 0) + 4e-5
    var_2 = np.maximum(blur(other * other, window) - mean_2**2, 0) + 4e-5
    best = np.full(one.shape, -1.0, dtype=np.float32)
    for dx, dy in OFFSETS:
        moved, mean, var = (np.roll(part, (dy, dx), axis=(0, 1)) for part in (one, mean_1, var_1))
        both = blur(moved * other, window) - mean * mean_2
        best = np.maximum(best, both / np.sqrt(var * var_2))
    return best


def _wandered(one: Array, other: Array, where: Bools, reach: float) -> float:
    """Pixels that the print of ``other`` lies away in ``one``, 0 where no other place is clearly better than its own.

    Along x and along y by themselves, on the derivative that moves: the top edge of a turning bottle's label stays where it
    is, and would outvote its letters.
    """
    along = []
    for axis in (0, 1):
        known, mine = np.gradient(other, axis=axis) * where, np.gradient(one, axis=axis)
        along.append(_offset(mine.astype(np.float32), known.astype(np.float32), where, axis, int(reach)))
    return float(np.hypot(along[0], along[1]))


def _offset(mine: Array, known: Array, where: Bools, axis: int, reach: int) -> float:
    """Offset along ``axis`` of the peak of the normalised cross-correlation."""
    energy = float((known**2).sum())
    if energy < 1e-4 * where.sum():
        return 0.0
    match = []
    for shift in range(-reach, reach + 1):
        moved = np.roll(mine, -shift, axis=axis)
        match.append(float((moved * known).sum()) / np.sqrt(max(float((moved[where] ** 2).sum()) * energy, 1e-12)))
    peak = int(np.argmax(match))
    return float(abs(peak - reach)) if match[peak] >= max(SURELY, match[reach] + CLEARLY) else 0.0
