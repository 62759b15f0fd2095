# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One product, one colour: views compared where they show the same surface, through the known cameras.

A pixel of view A lies at a known place on the product; that place is looked up in view B, kept where B sees it too;
what the pictures differ by more than their renders is the generator's. The median chroma difference is a tint, at one
lightness: how brightly a surface is lit says nothing, and a black one shows a cast that would spoil a white one by next to
nothing, so it is compared as a grey of L* 30 would show it. Glass and metal show their surroundings, which each picture has
its own of: of them nothing can be told.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ...verdicts import MadeBy
from .pixels.arrays import LUMA, Array, Bools, erode, sample
from .pixels.colour import to_lab, to_linear, to_srgb
from .reference import MATT, Reference
from .verdict import Thresholds, fitted

FACING = 0.35  # cosine between normal and both cameras below which a surface is too slanted to compare
SAME = 0.01  # of the depth: how far two depths of one point may differ
FEWEST = 400  # shared pixels below which a pair says nothing
MOST = 60_000  # pixels looked up per pair
STRONGEST = 1.35  # a factor on one channel's light that still is a colour cast, and not another colour
CLIPPED = 0.985  # coded values from which a highlight has lost its colour
DARK = 0.0623  # linear light of a grey of L* 30: what is darker is compared as if it were lit up to it
STEP = 1 / 255  # coded values by which a codec may be off over a whole dark surface
PALER = 0.08  # of a coloured surface's chroma that gloss and haze take from it or leave to it
MIRRORED = 0.10  # linear light that a surface without a colour of its own shows only where it mirrors something light
NO_SURFACE, MIRROR, TOO_DARK = (
    "no two views share enough surface to compare their colour",
    "the product mirrors its surroundings: nothing can be told of its tint",
    "the product is too dark in these pictures: nothing can be told of its tint",
)


@dataclass(frozen=True)
class Pair:
    """Two views. ``offset``: ΔE-like length of the median (Δa*, Δb*) at one lightness; ``residual``: what is left of chroma
    after it; ``noise``: how much of it a codec's steps can be, likewise.

    ``shift``: (3,) median Lab of the second minus the first. ``ratio``: (3,) median linear second / first.
    """

    first: str
    second: str
    pixels: int
    offset: float
    residual: float
    shift: tuple[float, float, float]
    ratio: tuple[float, float, float]
    noise: float = 0.0


@dataclass(frozen=True)
class Tint:
    """``offsets``: per view its own tint against the others' consensus, in Lab chroma. ``gains``: (3,) linear factors.

    ``outlier``: the view that disagrees beyond the first threshold, or "". ``action``: "" (fine), "gain" (multiply that
    view) or "reroll" (too far for a gain). ``reason``: one sentence.
    """

    pairs: tuple[Pair, ...]
    offsets: dict[str, float]
    gains: dict[str, tuple[float, float, float]]
    outlier: str
    action: str
    reason: str


def compare(
    first: Reference, picture_1: Array, second: Reference, picture_2: Array, names: tuple[str, str]
) -> Pair | str:
    """One pair of pictures on their renders' grids (un-warped); a sentence where nothing can be told, and why.

    Differences are those of the pictures less those of the renders.

    Both references need ``position``, ``normal``, ``depth`` and ``camera``.
    """
    x, y, rows, cols = shared(first, second)
    if len(rows) < FEWEST:
        return NO_SURFACE
    at_row, at_col = np.rint(y).astype(int), np.rint(x).astype(int)
    own = ~mirrors(first)[rows, cols] & ~mirrors(second)[at_row, at_col]
    if own.sum() < FEWEST:
        return MIRROR
    x, y, rows, cols = x[own], y[own], rows[own], cols[own]
    seen = [picture_1[rows, cols], sample(picture_2, x, y), first.rgb[rows, cols], sample(second.rgb, x, y)]
    usable = np.max([colours.max(axis=1) for colours in seen], axis=0) < CLIPPED
    if usable.sum() < FEWEST:
        return NO_SURFACE
    light = [np.maximum(to_linear(colours[usable]), 1e-3) for colours in seen]
    lab, noise = _at_one_lightness(light)
    difference = _without_gloss((lab[1] - lab[0]) - (lab[3] - lab[2]), (lab[2] + lab[3]) / 2)
    shift = np.median(difference, axis=0)
    residual = np.median(np.hypot(*(difference - shift)[:, 1:].T))
    ratio = np.median(light[1] / light[0] * light[2] / light[3], axis=0)
    offset = float(np.hypot(shift[1], shift[2]))
    return Pair(*names, int(usable.sum()), offset, float(residual), tuple(shift), tuple(ratio), noise)


def mirrors(reference: Reference) -> Bools:
    """(H, W): glass and metal, and highlights on black, as far as the surface's own colour is known: it has none there, and
    the render is light, or most of what has no colour of its own is."""
    if reference.surface is None:
        return np.zeros(reference.mask.shape, dtype=bool)
    colourless = reference.inside & (reference.surface.max(axis=-1) <= MATT)
    light = to_linear(reference.rgb) @ LUMA
    most = colourless.any() and np.median(light[colourless]) > MIRRORED
    return colourless if most else colourless & (light > MIRRORED)


def _without_gloss(difference: NDArray[np.float64], rendered: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3) Lab differences less what gloss, haze or a tone curve makes of a coloured surface: paler or stronger, no tint."""
    chroma = np.hypot(rendered[:, 1], rendered[:, 2])
    outward = rendered[:, 1:] / np.maximum(chroma, 1e-6)[:, None]
    along = (difference[:, 1:] * outward).sum(axis=1)
    own = np.clip(along, -PALER * chroma, PALER * chroma)
    return np.column_stack([difference[:, 0], difference[:, 1:] - own[:, None] * outward])


def _at_one_lightness(light: list[NDArray[np.floating]]) -> tuple[list[NDArray[np.float64]], float]:
    """Lab of the four (N, 3) linear colours of each place (two pictures, two renders), all as light as the two pictures are
    on average, or as DARK where that is darker; and the chroma by which a codec's steps may be off, in the median.
    """
    luminance = [colours @ LUMA for colours in light]
    shown = (luminance[0] + luminance[1]) / 2
    strongest = (light[0].max(axis=1) + light[1].max(axis=1)) / 2
    target = shown * np.maximum(1.0, DARK / strongest)
    lab = [to_lab(to_srgb(c * (target / y)[:, None])) for c, y in zip(light, luminance, strict=True)]
    # Of b*, the more sensitive of the two: 200 f(Z), f a cube root, so a relative error of light weighs 200 f / 3.
    darker = np.minimum(luminance[0], luminance[1])
    coded = to_srgb(darker)
    relative = (to_linear(coded + STEP) - to_linear(coded)) / darker
    return lab, float(np.median(200 / 3 * np.cbrt(target) * relative))


def shared(first: Reference, second: Reference) -> tuple[Array, Array, NDArray[np.intp], NDArray[np.intp]]:
    """Pixels (rows, cols) of ``first`` that ``second`` sees too, and where: x, y in its array coordinates."""
    for reference in (first, second):
        if (
            reference.position is None
            or reference.normal is None
            or reference.depth is None
            or reference.camera is None
        ):
            raise ValueError("cross-view comparison needs position, normal, depth and camera of both views")
    assert first.position is not None
    assert first.normal is not None
    assert first.camera is not None
    assert second.depth is not None
    assert second.camera is not None
    rows, cols = np.nonzero(erode(first.mask > 0.99, 3.0 * first.unit))
    step = max(1, len(rows) // MOST)
    rows, cols = rows[::step], cols[::step]
    place, normal = first.position[rows, cols].astype(np.float64), first.normal[rows, cols]
    height, width = second.mask.shape
    x, y, depth = second.camera.project(place, width, height)
    keep = (x > 1) & (x < width - 2) & (y > 1) & (y < height - 2) & (depth > 0)
    keep &= _facing(place, normal, first.camera.position) & _facing(place, normal, second.camera.position)
    at_row, at_col = np.clip(np.rint(y), 0, height - 1).astype(int), np.clip(np.rint(x), 0, width - 1).astype(int)
    keep &= np.abs(second.depth[at_row, at_col] - depth) < SAME * np.maximum(depth, 1e-6)
    keep &= erode(second.mask > 0.99, 3.0 * second.unit)[at_row, at_col]
    return x[keep], y[keep], rows[keep], cols[keep]


def _facing(place: NDArray[np.float64], normal: Array, eye: NDArray[np.float64]) -> NDArray[np.bool_]:
    ray = eye - place
    ray /= np.maximum(np.linalg.norm(ray, axis=1), 1e-9)[:, None]
    return (ray * normal).sum(axis=1) > FACING


def tint(pictures: dict[str, tuple[Reference, Array]], thresholds: Thresholds | None = None) -> Tint:
    """All views against each other. ``pictures``: name -> (reference, (H, W, 3) sRGB un-warped onto its grid).

    Each view's own tint is solved from all pairs at once, the views' tints adding up to that of their median view, so one
    outlier among several doesn't blame its neighbours. With two views, or two that share nothing with the others, nobody can
    say which one is wrong, so neither is named.
    """
    limits = thresholds or fitted()
    pairs, whys = [], {NO_SURFACE}
    for one, other in combinations(pictures, 2):
        found = compare(*pictures[one], *pictures[other], (one, other))
        if isinstance(found, str):
            whys.add(found)
        elif found.noise > limits.tint:
            whys.add(TOO_DARK)
        else:
            pairs.append(found)
    if not pairs:
        return Tint((), {}, {}, "", "", next(why for why in (MIRROR, TOO_DARK, NO_SURFACE) if why in whys))
    groups = [_solved(names, [pair for pair in pairs if pair.first in names]) for names in _connected(pictures, pairs)]
    offsets = {name: value for group in groups for name, value in group.offsets.items()}
    factors = {name: gain for group in groups for name, gain in group.gains.items()}

    def over(group: _Group) -> float:
        return group.value / math.hypot(limits.tint, group.noise)

    judged = [group for group in groups if len(group.offsets) > 2]
    group = max(judged, key=over, default=groups[0])
    if group not in judged or over(group) <= 1:
        group = max(groups, key=over)
        if over(group) > 1:  # of two views alone nobody can say which one is wrong
            first, second = group.offsets
            reason = f"{first} and {second} differ in tint by {group.value:.1f} ΔE, and no third says which is right"
        else:
            reason = f"the views agree in colour to within {max(each.value for each in groups):.1f} ΔE"
        return Tint(tuple(pairs), offsets, factors, "", "", reason)
    worst, value = group.worst, group.value
    mild = max(abs(math.log(factor)) for factor in factors[worst]) <= math.log(STRONGEST)
    action = MadeBy.GAIN if value <= limits.tint_reroll and mild else MadeBy.REROLL
    repair = "a gain brings it back" if action == MadeBy.GAIN else "too far for a gain"
    return Tint(
        tuple(pairs), offsets, factors, worst, action, f"{worst} is tinted by {value:.1f} ΔE against the other views; {repair}"
    )  # fmt: skip


@dataclass(frozen=True)
class _Group:
    """Views that are compared with each other, directly or by way of others. ``value``: the offset of the ``worst`` one; of
    two alone, what they differ by. ``noise``: what a codec's steps may be of it."""

    offsets: dict[str, float]
    gains: dict[str, tuple[float, float, float]]
    worst: str
    value: float
    noise: float


def _connected(names: Iterable[str], pairs: list[Pair]) -> list[list[str]]:
    """Names that pairs connect, group by group. Views of different groups share nothing, and say nothing of each other."""
    group = {name: {name} for name in names}
    for pair in pairs:
        both = group[pair.first] | group[pair.second]
        for name in both:
            group[name] = both
    found = {min(each): each for each in group.values() if len(each) > 1}
    return [[name for name in group if name in each] for each in found.values()]


def _solved(names: list[str], pairs: list[Pair]) -> _Group:
    chroma = _solve(names, pairs, [pair.shift[1:] for pair in pairs])
    logs = _solve(names, pairs, [tuple(_neutral(np.log(pair.ratio))) for pair in pairs])
    offsets = {name: float(np.hypot(*chroma[index])) for index, name in enumerate(names)}
    gains: dict[str, tuple[float, float, float]] = {}
    for name, log_gain in zip(names, logs, strict=True):
        red, green, blue = (float(g) for g in np.exp(-_neutral(log_gain)))
        gains[name] = (red, green, blue)
    worst = max(offsets, key=lambda name: offsets[name])
    value = offsets[worst] if len(names) > 2 else max(pair.offset for pair in pairs)
    noise = np.median([pair.noise for pair in pairs if worst in (pair.first, pair.second)])
    return _Group(offsets, gains, worst, value, float(noise))


def _neutral(log_gain: NDArray[np.float64]) -> NDArray[np.float64]:
    """Only the tint, not the brightness: lights may differ from view to view."""
    return log_gain - log_gain.mean()


def _solve(names: list[str], pairs: list[Pair], differences: list[tuple[float, ...]]) -> NDArray[np.float64]:
    """(views, k): each view's own value from pairwise differences, robust least squares, relative to the median view."""
    width = len(differences[0])
    system = np.zeros((len(pairs), len(names)))
    for row, pair in enumerate(pairs):
        system[row, names.index(pair.first)], system[row, names.index(pair.second)] = -1.0, 1.0
    target = np.array(differences, dtype=np.float64).reshape(len(pairs), width)
    weight = np.sqrt(np.array([min(pair.pixels, 5000) for pair in pairs], dtype=np.float64))[:, None]
    values = np.linalg.lstsq(system * weight, target * weight, rcond=None)[0]
    return values - np.median(values, axis=0)


def apply_gain(picture: Array, mask: Array, gain: tuple[float, float, float]) -> Array:
    """``picture`` (H, W, 3) sRGB with the product's linear light times ``gain``; the backdrop stays as it is."""
    corrected = to_srgb(to_linear(picture) * np.asarray(gain))
    soft = np.clip(mask, 0, 1)[..., None]
    return np.clip(picture * (1 - soft) + corrected * soft, 0, 1).astype(np.float32)
