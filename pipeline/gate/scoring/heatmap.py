# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where it is wrong, as a picture: the outline in green, amber or red over the dimmed still."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...verdicts import Cause, Outcome
from .gate import Prepared, Score
from .measures.shape import GOOD, MISSING, OFF_STATE, UNSEEN
from .pixels.arrays import Array, Bools, dilate, luma, resize
from .pixels.placement import outline_on
from .reference import as_picture

# Colours that people with a colour vision deficiency tell apart, too (Okabe & Ito 2008).
FINE = (0.0, 0.62, 0.45)
OFF = (0.90, 0.62, 0.0)
WRONG = (0.84, 0.37, 0.0)
UNKNOWN = (0.55, 0.55, 0.60)
NEW = (0.80, 0.47, 0.65)


def heatmap(still: NDArray[np.generic], prepared: Prepared, score: Score) -> Array:
    """(H, W, 4) sRGB with alpha 1, at the working size: the still in grey, and on it, each thick enough for a thumbnail,

    the known outline: green in place, amber displaced (paler = nearer), red missing, grey not to be seen; displacement as
    whiskers from where the outline belongs to where it was found; inner edges that were not found, print that changed, and
    product that is gone in red, product that is lost in the backdrop in grey; parts that don't belong in purple, and paler
    what may be one. Of a product that sits beside its place: in red its place, and the way from there.
    """
    work = prepared.work
    picture = as_picture(np.asarray(still), *work.mask.shape)
    canvas = np.repeat(luma(picture)[..., None] * 0.55 + 0.15, 3, axis=-1)
    _draw_regions(canvas, prepared, score)
    width = max(1.0, 1.6 * work.unit)
    pose = score.pose.at_size(max(work.mask.shape) / max(prepared.reference.mask.shape))
    if score.inner.points and not score.inner.found.all():
        _dots(canvas, pose.apply(score.inner.at[~score.inner.found]), WRONG, 0.7 * width)
    points, normals = outline_on(pose, work.silhouette)
    displacement = score.shape.displacement * work.unit
    for state, colour in ((UNSEEN, UNKNOWN), (GOOD, FINE), (OFF_STATE, OFF), (MISSING, WRONG)):
        chosen = score.shape.state == state
        if not chosen.any():
            continue
        _dots(canvas, points[chosen], colour, width)
        if state == OFF_STATE:
            for share in np.linspace(0, 1, 16):
                _dots(canvas, points[chosen] + normals[chosen] * (displacement[chosen] * share)[:, None], colour, 0.8)
    if score.verdict.cause == Cause.PLACEMENT:
        _draw_place(canvas, work.silhouette.points, points, width)
    return np.concatenate([np.clip(canvas, 0, 1), np.ones((*work.mask.shape, 1))], axis=-1).astype(np.float32)


def _draw_regions(canvas: Array, prepared: Prepared, score: Score) -> None:
    if score.label.changed is not None:
        _tint(canvas, score.label.changed, WRONG, 0.45)
    elif score.verdict.cause == Cause.LABEL:
        _tint(canvas, prepared.label, WRONG, 0.45)
    if score.verdict.outcome != Outcome.PASS:
        for region, colour, strength in ((score.shape.hollow, WRONG, 0.5), (score.shape.faded, UNKNOWN, 0.6)):
            if region is not None:
                _tint(canvas, region, colour, strength)
    for small, strength in ((score.added.maybe, 0.4), (score.added.where, 0.65)):
        if small.any():
            _tint(canvas, resize(small.astype(np.float32), *canvas.shape[:2]) > 0.5, NEW, strength)


def _draw_place(canvas: Array, place: Array, there: Array, width: float) -> None:
    """The outline where the render has it, and the way from there to where the picture has it."""
    _dots(canvas, place, WRONG, 0.7 * width)
    step = max(1, len(place) // 48)
    for point, found in zip(place[::step], there[::step], strict=True):
        _dots(canvas, point + (found - point) * np.linspace(0, 1, 24)[:, None], WRONG, 0.5 * width)


def _tint(canvas: Array, where: Bools, colour: tuple[float, float, float], strength: float) -> None:
    canvas[where] = canvas[where] * (1 - strength) + np.array(colour, dtype=np.float32) * strength


def _dots(canvas: Array, points: Array, colour: tuple[float, float, float], radius: float) -> None:
    height, width = canvas.shape[:2]
    x, y = np.rint(points).astype(int).T
    marks = np.zeros((height, width), dtype=bool)
    keep = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    marks[y[keep], x[keep]] = True
    canvas[dilate(marks, radius)] = colour
