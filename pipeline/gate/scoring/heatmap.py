# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where it is wrong, as a picture: what the verdict rests on, in one colour for each kind, and a ring round the worst.

Each local measure is drawn where it is beyond what the view's limits leave alone, and nowhere else: a heat map of a still
that passes is a green outline on grey. KEY has the colours and what they say.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...verdicts import Cause, Outcome
from .gate import Prepared, Score
from .measures.label import LETTER
from .measures.shape import GOOD, MISSING, OFF_STATE, UNSEEN, warped
from .pixels.arrays import Array, Bools, dilate, erode, luma, resize
from .pixels.placement import Similarity, outline_on
from .reference import as_picture
from .verdict import Thresholds, fitted, for_view

# Colours that people with a colour vision deficiency tell apart, too (Okabe & Ito 2008).
FINE = (0.0, 0.62, 0.45)
OFF = (0.95, 0.66, 0.0)
WRONG = (0.84, 0.37, 0.0)
UNKNOWN = (0.55, 0.55, 0.60)
NEW = (0.80, 0.47, 0.65)
OTHER = (0.34, 0.71, 0.91)
RING = (1.0, 1.0, 1.0)
KEY = {
    FINE: "in place",
    OFF: "beside its place",
    WRONG: "gone or changed",
    NEW: "doesn't belong",
    OTHER: "another colour",
    UNKNOWN: "can't be seen",
    RING: "what the verdict names",
}
Colour = tuple[float, float, float]
SMALLEST_RING = 0.05  # of the picture's longer side: a thumbnail shows it
LARGEST_RING = 0.3
LINE = 0.008  # of the longer side, the ring's


def heatmap(still: NDArray[np.generic], prepared: Prepared, score: Score) -> Array:
    """(H, W, 4) sRGB with alpha 1, at the working size: the still in grey, and on it, each thick enough for a thumbnail,

    the known outline: green in place, amber displaced, with whiskers from where it belongs to where it was found, red
    missing, grey not to be seen. Inside it: red where edges are gone, print is another or the backdrop shows, amber where
    edges lie beside their place, purple what doesn't belong (paler what may be a shadow), blue a part in another colour,
    grey what is lost in the backdrop. Round what the verdict names, a white ring. Of a product that sits beside its place:
    in red its place, and the way from there.
    """
    work = prepared.work
    picture = as_picture(np.asarray(still), *work.mask.shape)
    canvas = np.repeat(luma(picture)[..., None] * 0.5 + 0.15, 3, axis=-1)
    pose = score.pose.at_size(max(work.mask.shape) / max(prepared.reference.mask.shape))
    _draw_regions(canvas, prepared, score, pose)
    width = max(1.0, 1.6 * work.unit)
    if score.place is not None and score.place.number in ("inner_centred", "inner_recall"):
        missed = ~score.inner.in_place if score.place.number == "inner_centred" else ~score.inner.found
        _dots(canvas, pose.apply(score.inner.at[missed]), WRONG, 0.7 * width)
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
    if score.shape.unseen_at is not None and score.place is not None and score.place.number == "unseen_run":
        _dots(canvas, points[score.shape.unseen_at], WRONG, width)
    if score.verdict.cause == Cause.PLACEMENT:
        _draw_place(canvas, work.silhouette.points, points, width)
    if score.place is not None:
        _draw_ring(canvas, score.place.x, score.place.y, score.place.radius)
    return np.concatenate([np.clip(canvas, 0, 1), np.ones((*work.mask.shape, 1))], axis=-1).astype(np.float32)


def key_of(drawn: Array) -> list[tuple[Colour, str]]:
    """What the colours say that a heat map (H, W, 3 or 4) shows."""
    shown = {c for c in KEY if (np.abs(drawn[..., :3] - np.array(c, np.float32)).max(axis=-1) < 0.004).any()}
    return [(colour, words) for colour, words in KEY.items() if colour in shown]


def _draw_regions(canvas: Array, prepared: Prepared, score: Score, pose: Similarity) -> None:
    if score.verdict.outcome == Outcome.PASS:
        return
    for region, colour in _on_render(prepared, score, for_view(fitted(), prepared.own)):
        if region.any():
            _tint(canvas, warped(region.astype(np.float32), pose) > 0.5, colour)
    for on_picture, colour in ((score.shape.hollow, WRONG), (score.shape.faded, UNKNOWN)):
        if on_picture is not None:
            _tint(canvas, on_picture, colour)
    for small, strength in ((score.added.maybe, 0.4), (score.added.where, 0.65)):
        if small.any():
            _tint(canvas, resize(small.astype(np.float32), *canvas.shape[:2]) > 0.5, NEW, strength)


def _on_render(prepared: Prepared, score: Score, t: Thresholds) -> list[tuple[Bools, Colour]]:
    """(H, W) on the render's grid, and its colour: what each local measure doesn't leave alone by the view's limits."""
    inside, label, named = prepared.work.inside, score.label, score.place.number if score.place else ""
    found: list[tuple[Bools, Colour]] = []
    if label.changed is not None and score.verdict.cause == Cause.LABEL:
        found.append((dilate(label.changed, 2 * LETTER * prepared.work.unit), WRONG))
    if label.likeness is not None and label.where is not None:
        letters = label.where & (label.likeness < t.label_patch_doubt)
        found.append((dilate(letters, 2 * LETTER * prepared.work.unit), WRONG))
    if label.worst_at is not None and score.numbers.label_worst < t.label_worst:
        found.append((label.worst_at, WRONG))
    if label.where is not None and named == "label_shift_px":
        found.append((label.where, OFF))
    if score.numbers.recoloured > t.recoloured_doubt:
        found.append((score.other.where, OTHER))
    within = score.within
    maps = (
        (within.moved_at, t.moved_px_doubt, OFF),
        (within.lost_at, t.lost_doubt, WRONG),
        (within.new_at, t.new_doubt, NEW),
    )
    return found + [(inside & (values > limit), colour) for values, limit, colour in maps]


def _draw_place(canvas: Array, place: Array, there: Array, width: float) -> None:
    """The outline where the render has it, and the way from there to where the picture has it."""
    _dots(canvas, place, WRONG, 0.7 * width)
    step = max(1, len(place) // 48)
    for point, found in zip(place[::step], there[::step], strict=True):
        _dots(canvas, point + (found - point) * np.linspace(0, 1, 24)[:, None], WRONG, 0.5 * width)


def _draw_ring(canvas: Array, x: float, y: float, radius: float) -> None:
    """White between two black ones, so that it shows on anything; kept within the picture."""
    height, width = canvas.shape[:2]
    side = max(height, width)
    line = max(1.0, LINE * side)
    radius = float(np.clip(1.3 * radius, SMALLEST_RING * side, LARGEST_RING * side))
    rows, columns = np.mgrid[:height, :width]
    away = np.abs(np.hypot(rows - np.clip(y, 0, height - 1), columns - np.clip(x, 0, width - 1)) - radius)
    canvas[away < 1.5 * line] = 0.0
    canvas[away < 0.75 * line] = RING


def _tint(canvas: Array, where: Bools, colour: Colour, strength: float = 0.45) -> None:
    """A region, its own picture still to be seen, and a border in the full colour."""
    canvas[where] = canvas[where] * (1 - strength) + np.array(colour, dtype=np.float32) * strength
    canvas[where & ~erode(where, max(1.0, 0.002 * max(where.shape)))] = colour


def _dots(canvas: Array, points: Array, colour: Colour, radius: float) -> None:
    height, width = canvas.shape[:2]
    x, y = np.rint(points).astype(int).T
    marks = np.zeros((height, width), dtype=bool)
    keep = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    marks[y[keep], x[keep]] = True
    canvas[dilate(marks, radius)] = colour
