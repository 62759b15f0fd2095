# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The product alone: its alpha, its own colours out to the last rim pixel, and the ground beside it.

A pixel of the rim is a mix, C = alpha·F + (1 − alpha)·B (Porter & Duff, 1984). F is pulled out from inside the product, B in
from beside it, so that nothing of the old ground shines through on a new one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..gate.scoring.pixels.arrays import Array, Bools, dilate, erode, pull_outward
from ..gate.scoring.pixels.thin import SEEN, thin_parts, unmixed

BAND = 5.0  # pixels at 1024 to either side of the render's outline in which a generated still's own is looked for
TELLS = 0.06  # distance of the product's colour from the ground's, 0..1, under which a still can't tell them apart
SOLID = 0.98  # alpha from which a pixel is the product's alone
HALF = 0.5  # alpha at which an edge lies
BESIDE = 2.3  # pixels within which a rim's colour is known from inside the product
RIM = 2.5  # pixels at 1024 of a generated still's rim that its ground may have bled into, as recomposite has it


@dataclass(frozen=True)
class Matte:
    """``alpha`` (H, W), ``colour`` (H, W, 3) sRGB 0..1: the product's own wherever alpha is above 0; and ``ground`` (H, W, 3): what
    stands beside it, wherever alpha is below 1."""

    alpha: Array
    colour: Array
    ground: Array


def matte(picture: Array, mask: Array, *, exact: bool, ground: bool = True) -> Matte:
    """Of a still (H, W, 3) sRGB 0..1 and its render's alpha ``mask`` (H, W).

    ``exact``: the still has the render's own outline. One that a model drew has it nearly: there the still decides within BAND
    of it, as far as its product and ground differ, and the render where they don't. Without ``ground``, that of the result is the
    still as it is where that is quicker.
    """
    unit = max(mask.shape) / 1024.0
    if exact:
        alpha = np.where(mask < SEEN, 0.0, mask).astype(np.float32)
        rim = (alpha > 0.0) & (alpha <= SOLID)
        thin = thin_parts(alpha, alpha > SOLID, BESIDE)
        beside_it = _filled(picture, rim if ground else thin, alpha == 0.0)
        colour = _filled(picture, rim & ~thin, alpha > SOLID)
        return Matte(alpha, _with_thin(colour, thin, picture, alpha, beside_it), beside_it)
    solid = mask > 0.5
    band = max(1.5, BAND * unit)
    core = erode(solid, band)
    thin = solid & ~dilate(core, band + 1.0)  # parts with no core: all that is known of them is the render's
    known = core | (thin & (mask > SOLID))
    thin |= thin_parts(mask, known, band + 1.0)
    free = ~dilate(solid, band) & ~thin
    colour = _outward(picture, known, mask)
    beside_it = _outward(picture, free, 1.0 - mask)
    apart = colour - beside_it
    contrast = (apart**2).sum(axis=-1)
    keyed = np.clip(((picture - beside_it) * apart).sum(axis=-1) / np.maximum(contrast, 1e-6), 0.0, 1.0)
    trust = np.clip((np.sqrt(contrast / 3.0) - TELLS) / TELLS, 0.0, 1.0)
    between = ~core & ~free & ~thin
    alpha = np.where(between, keyed * trust + mask * (1.0 - trust), mask)
    alpha = np.where(free | (alpha < SEEN), 0.0, np.where(alpha > SOLID, 1.0, alpha)).astype(np.float32)
    near = erode(alpha > SOLID, RIM * unit) | (thin & (alpha > SOLID))
    lone = thin_parts(alpha, near, RIM * unit + BESIDE)
    colour = _filled(picture, (alpha > 0.0) & ~near & ~lone, near)
    return Matte(alpha, _with_thin(colour, lone, picture, alpha, beside_it), beside_it)


def _with_thin(colour: Array, thin: Bools, picture: Array, alpha: Array, ground: Array) -> Array:
    """``colour`` with that of ``thin`` parts, which no pixel shows alone."""
    return np.where(thin[..., None], unmixed(picture, alpha, ground), colour) if thin.any() else colour


def _filled(picture: Array, where: Bools, known: Bools) -> Array:
    """``picture`` with the pixels ``where`` replaced by the mean of the nearest that are ``known``."""
    out = picture.copy()
    rows, columns = np.nonzero(where)
    height, width = where.shape
    for reach in (1, 2, 3, 5, 8):
        if not len(rows):
            return out
        total, count = np.zeros((len(rows), 3), np.float32), np.zeros(len(rows), np.float32)
        for dy in range(-reach, reach + 1):
            for dx in range(-reach, reach + 1):
                if max(abs(dy), abs(dx)) < reach - 1:
                    continue
                y, x = np.clip(rows + dy, 0, height - 1), np.clip(columns + dx, 0, width - 1)
                there = known[y, x]
                count += there
                total += picture[y, x] * there[:, None]
        found = count > 0
        out[rows[found], columns[found]] = total[found] / count[found, None]
        rows, columns = rows[~found], columns[~found]
    left = np.zeros_like(where)
    left[rows, columns] = True  # thin parts, with nothing known near them
    return np.where(left[..., None], _outward(picture, known, where), out).astype(np.float32) if len(rows) else out


def _outward(picture: Array, known: Bools, else_by: np.ndarray) -> Array:
    """``picture`` where it is ``known``, what is nearest of that elsewhere; weighted ``else_by`` where nothing is."""
    if known.all():
        return picture
    weight = known.astype(np.float32) if known.any() else np.clip(else_by, 0.0, 1.0).astype(np.float32)
    return np.where(known[..., None], picture, np.clip(pull_outward(picture, weight), 0.0, 1.0)).astype(np.float32)


def box_of(alpha: Array, least: float = HALF) -> tuple[int, int, int, int] | None:
    """(left, top, right, bottom) in pixels, the last two just outside, of alpha from ``least`` on; None where nothing is seen.

    At one half an edge stays where it is however large the picture is made. What is nowhere that dense is taken as it is seen.
    """
    seen = alpha >= (least if (alpha >= least).any() else SEEN)
    rows, columns = np.nonzero(seen.any(axis=1))[0], np.nonzero(seen.any(axis=0))[0]
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def cut_off(alpha: Array) -> list[str]:
    """At which sides of a picture its product goes on beyond it."""
    sides = {"top": alpha[0], "bottom": alpha[-1], "left": alpha[:, 0], "right": alpha[:, -1]}
    return [name for name, edge in sides.items() if (edge >= HALF).any()]
