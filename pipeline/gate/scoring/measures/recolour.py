# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is each part of the product still of its colour? After one fit of the whole still's light to its render.

A generator may light the product anew: warmer, darker, with a blue sky on one side. Such a light changes with the direction in
which a surface looks, in few and smooth terms (Ramamoorthi and Hanrahan, 2001). What most of the product agrees on is taken for
the light; where colours differ from what it makes of the render's, a part has been painted. It is looked at place by place, since a lid
has the pot's colour, and surface colour by surface colour, since print is finer than a place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..pixels.arrays import Array, Bools, blur, erode, shrink
from ..pixels.colour import to_lab, to_linear, to_srgb
from ..reference import Reference

SIDE = 512  # pixels of the longer side from which on colours are looked at in a smaller picture
LEAST = 0.025  # of the product's area: a smaller part isn't judged
SMALLEST = 0.012  # … and a smaller share of it that has one surface colour
MOSTLY = 0.9  # share of a place from which that shows a surface colour by itself
STEPS = 6  # levels a channel of the surface's colour is told apart by
AVERAGED = 20.0  # px at 1024, standard deviation: highlights and grain are smaller
RIM = 4.0  # px at 1024 of the outline, where the backdrop shines in
FLOOR = 0.01  # linear light below which a colour can't be told
DARK = 0.05  # linear light below which a pixel says less of the light's colour, the less it has
FITTED = 4000  # pixels that the light is fitted to
ROUNDS = 8  # of the robust fit
AGREES = 0.005  # of a log ratio: what is nearer to the light than this, or than half of the median, counts alike
STIFF = 2e-5  # keeps terms of the light that no surface of the product tells at none
CAST = 0.5  # length of the log ratios to their mean, on average, that a light may have; of true pictures it was 0.33 at most


@dataclass(frozen=True)
class Colours:
    """What a render's colours tell beforehand, of N pixels at ``factor`` times fewer a side: ``judged`` (h, w) says which,
    ``known`` (N, 3) is their linear colour, ``terms`` (N, 9) by the direction in which their surface looks, ``fitted`` some of their
    indices, ``weight`` how much each of these says. ``surfaces``: (N,) number of a matt surface colour that is finer than a place, such as
    print, 0 elsewhere. ``area``: pixels of the whole product."""

    factor: int
    judged: Bools
    known: Array
    terms: Array
    fitted: NDArray[np.intp]
    weight: NDArray[np.float64]
    surfaces: NDArray[np.intp]
    area: int


@dataclass(frozen=True)
class Recolour:
    """``delta``: by how far colours are off over LEAST of the product, where they are off most, or of one surface colour: the length of
    (Δa*, Δb*) in units of CIELAB. ``where``: (H, W), there, on the render's grid."""

    delta: float
    where: Bools


def expect(reference: Reference) -> Colours:
    """What can be told before a picture is there."""
    factor = max(1, max(reference.mask.shape) // SIDE)
    inside = shrink(reference.mask, factor) > 0.5
    judged = erode(inside, RIM * reference.unit / factor)
    known = np.maximum(to_linear(shrink(reference.rgb, factor)[judged]), FLOOR)
    terms = np.ones((len(known), 1), np.float32)
    if reference.normal is not None:
        terms = _harmonics(_picked(reference.normal, factor, judged.shape)[judged])
    fitted = np.arange(0, len(known), max(1, len(known) // FITTED))
    weight = np.clip(known[fitted].mean(axis=1) / DARK, DARK, 1.0).astype(np.float64)
    area = int(inside.sum())
    return Colours(factor, judged, known, terms, fitted, weight, _surfaces(reference, factor, judged, area), area)


def _surfaces(reference: Reference, factor: int, judged: Bools, area: int) -> NDArray[np.intp]:
    """Of Colours."""
    if reference.surface is None:
        return np.zeros(int(judged.sum()), np.intp)
    levels = np.rint(shrink(reference.surface, factor)[judged] * (STEPS - 1)).astype(np.intp)
    names = 1 + (levels[:, 0] * STEPS + levels[:, 1]) * STEPS + levels[:, 2]
    names[~(shrink(reference.matt.astype(np.float32), factor)[judged] > 0.5)] = 0
    large = np.flatnonzero(np.bincount(names) >= SMALLEST * area)
    sigma = AVERAGED * reference.unit / factor
    covered = np.maximum(blur(judged.astype(np.float32), sigma), 1e-3)
    found = np.zeros_like(names)
    for name in large[large > 0]:
        region = np.zeros(judged.shape, np.float32)
        region[judged] = names == name
        if (blur(region, sigma) / covered)[judged].max() < MOSTLY:
            found[names == name] = name
    return found


def measure(straight: Array, reference: Reference, colours: Colours) -> Recolour:
    """``straight``: (H, W, 3) un-warped onto the render's grid. ``colours``: of expect()."""
    share = LEAST * colours.area / max(1, len(colours.known))
    if share >= 0.5:  # a product of lines: nothing of it is a part
        return Recolour(0.0, np.zeros(reference.mask.shape, dtype=bool))
    mine = np.maximum(to_linear(shrink(straight, colours.factor)[colours.judged]), FLOOR)
    ratio = np.log(mine / colours.known)
    brighter = ratio.mean(axis=1, keepdims=True)
    expected = colours.known * np.exp(_light(ratio - brighter, colours) + brighter)
    each = (_lab(mine) - _lab(expected))[:, 1:]
    off = np.zeros((*colours.judged.shape, 2), np.float32)
    off[colours.judged] = each
    sigma = AVERAGED * reference.unit / colours.factor
    covered = np.maximum(blur(colours.judged.astype(np.float32), sigma), 1e-3)
    length = np.hypot(*np.moveaxis(blur(off, sigma) / covered[..., None], -1, 0))
    delta = float(np.quantile(length[colours.judged], 1.0 - share))
    where = colours.judged & (length >= delta)
    for name in np.unique(colours.surfaces[colours.surfaces > 0]):
        of_it = colours.surfaces == name
        shown = float(np.linalg.norm(np.median(each[of_it], axis=0)))
        if shown > delta:
            delta, where = shown, np.zeros_like(colours.judged)
            where[colours.judged] = of_it
    return Recolour(delta, _spread(where, colours.factor, reference.mask.shape))


def _light(chroma: Array, colours: Colours) -> Array:
    """(N, 3): what of ``chroma`` (N, 3), log ratios without their mean, most of the product agrees on: a least sum of distances, not
    of their squares, since a part that was painted is far away."""
    terms, wanted = colours.terms[colours.fitted].astype(np.float64), chroma[colours.fitted].astype(np.float64)
    ridge = np.diag([1e-9, *[STIFF * len(terms)] * (terms.shape[1] - 1)])
    weight = colours.weight
    found = np.zeros((terms.shape[1], 3))
    for _ in range(ROUNDS):
        weighted = weight[:, None] * terms
        found = np.linalg.solve(terms.T @ weighted + ridge, weighted.T @ wanted)
        distance = np.linalg.norm(wanted - terms @ found, axis=1)
        weight = colours.weight / np.maximum(distance, max(AGREES, 0.5 * float(np.median(distance))))
    # A product of one colour that has another one is the same to a fit as a light of that colour.
    cast = np.average(terms @ found, axis=0, weights=colours.weight)
    found[0] -= cast * (1.0 - min(1.0, CAST / max(float(np.linalg.norm(cast)), 1e-9)))
    return colours.terms @ found.astype(np.float32)


def _harmonics(normals: Array) -> Array:
    """(N, 9): spherical harmonics up to the second order, not normalised, of unit vectors (N, 3)."""
    x, y, z = normals.T
    terms = [np.ones_like(x), x, y, z, x * y, y * z, x * z, x * x - y * y, 3.0 * z * z - 1.0]
    return np.stack(terms, axis=1).astype(np.float32)


def _lab(linear: Array) -> Array:
    return np.asarray(to_lab(np.clip(to_srgb(linear), 0.0, 1.0)), dtype=np.float32)


def _picked(values: Array, factor: int, shape: tuple[int, ...]) -> Array:
    """One pixel of each block, since a mean over an edge is no direction."""
    return values[::factor, ::factor][: shape[0], : shape[1]]


def _spread(region: Bools, factor: int, shape: tuple[int, ...]) -> Bools:
    """``region`` on a grid of ``shape``, ``factor`` times as fine."""
    whole = np.zeros(shape, dtype=bool)
    fine = region.repeat(factor, axis=0).repeat(factor, axis=1)[: shape[0], : shape[1]]
    whole[: fine.shape[0], : fine.shape[1]] = fine
    return whole
