# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where in the picture a verdict's fault is: what the sentence says with it, and what the heat map puts a ring round.

What a verdict rests on is asked of the verdict itself: the number without which it would be another. Where that number is
worst is in the maps that the measures keep, and in the sentence a ninth of the product's box says it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ...verdicts import Cause, Outcome
from .measures.added import Added
from .measures.edges import InnerEdges
from .measures.inside import WINDOW, Inside
from .measures.label import LETTER, Label
from .measures.recolour import Recolour
from .measures.shape import MISSING, OFF_STATE, STRETCH, Shape
from .pixels.arrays import Array, Bools, regions
from .pixels.backdrop import Backdrop
from .pixels.placement import Similarity, outline_on
from .reference import Reference
from .verdict import Numbers, Verdict

NINTHS = (
    ("at the upper left", "at the top", "at the upper right"),
    ("at the left", "in the middle", "at the right"),
    ("at the lower left", "at the bottom", "at the lower right"),
)
EVERYWHERE = (Cause.NONE, Cause.BLANK, Cause.PRODUCT, Cause.PLACEMENT, Cause.VIEW, Cause.TINT)
# Shares of the whole product, which are worst somewhere; then what has one place alone. The last three also decide whether the
# backdrop is plain, or what inner edges tell, and so what else is said: they are asked last.
SHARES = ("p95_px", "bad_share", "inner_centred", "label_changed")
LOCAL = (
    "worst_px", "label_worst", "label_patch", "label_shift_px", "recoloured", "new", "lost", "moved_px", "added_share",
    "shadow_share", "unseen_run",
)  # fmt: skip
LAST = ("inner_recall", "hollow_share", "faded_share")
FEWEST = 600  # points of an outline, beyond which the densest place is looked for among some of them
COARSE = 256  # pixels of the longer side at which a region's middle is looked for


class Found(NamedTuple):
    """What was found in one picture, place by place, at the working size; see each measure."""

    shape: Shape
    inner: InnerEdges
    label: Label
    added: Added
    behind: Backdrop
    within: Inside
    other: Recolour


@dataclass(frozen=True)
class Place:
    """``x``, ``y``, ``radius``: px of the picture at the working size. ``words``: "at the upper left", by ninths of the
    product's box. ``number``: the name in Numbers of what is worst there."""

    x: float
    y: float
    radius: float
    words: str
    number: str

    @property
    def is_most(self) -> bool:
        """The number is a share of the whole product, and here is most of what it counts."""
        return self.number in (*SHARES, "inner_recall", "faded_share")


def rests_on(verdict: Verdict, numbers: Numbers, judged: Callable[[Numbers], Verdict]) -> str:
    """The name of the number that ``verdict`` says is wrong in some place: were it right, another thing would be said.

    ``judged``: the rules that made ``verdict`` of ``numbers``. "" where the fault is the whole picture's, or none.
    """
    if verdict.outcome == Outcome.PASS or verdict.cause in EVERYWHERE:
        return ""
    right = Numbers()
    for name in (*LOCAL, *SHARES, *LAST):
        other = judged(replace(numbers, **{name: getattr(right, name)}))
        if (other.outcome, other.reason) != (verdict.outcome, verdict.reason):
            return name
    return ""


def find(number: str, work: Reference, pose: Similarity, found: Found) -> Place | None:
    """Where ``number`` is worst. ``pose``: render grid -> picture, at the working size. None where nothing tells."""
    spot = _spot(number, work, pose, found)
    if spot is None:
        return None
    x, y, radius = spot
    return Place(x, y, radius, _in_words(x, y, work, pose), number)


def located(verdict: Verdict, place: Place | None) -> Verdict:
    """``verdict``, with the place in its sentence: first, since a narrow panel folds what comes last; of a share of the whole,
    where that is only where most of it is, last."""
    if place is None:
        return verdict
    if place.is_most:
        return replace(verdict, reason=f"{verdict.reason} (most {place.words})")
    return replace(verdict, reason=f"{place.words}, {verdict.reason}")


Spot = tuple[float, float, float]


def _spot(number: str, work: Reference, pose: Similarity, found: Found) -> Spot | None:
    unit = work.unit
    if number in ("worst_px", "p95_px", "bad_share", "unseen_run"):
        return _on_outline(number, work, pose, found.shape)
    if number in ("inner_centred", "inner_recall"):
        inner = found.inner
        missed = ~inner.found if number == "inner_recall" else inner.found & ~inner.in_place
        return _densest(pose.apply(inner.at[missed]), np.ones(int(missed.sum()), np.float32), WINDOW * unit)
    if number in ("new", "lost", "moved_px"):
        values = {"new": found.within.new_at, "lost": found.within.lost_at, "moved_px": found.within.moved_at}[number]
        return _moved(_peak(np.where(work.inside, values, 0.0), WINDOW * unit), pose)
    if number == "label_patch" and found.label.likeness is not None:
        return _moved(_peak(1.0 - found.label.likeness, 2 * LETTER * unit), pose)
    if number in ("added_share", "shadow_share"):
        where, factor = found.added.where if number == "added_share" else found.added.maybe, found.behind.factor
        spot = _middle(where)
        return None if spot is None else ((spot[0] + 0.5) * factor - 0.5, (spot[1] + 0.5) * factor - 0.5, spot[2] * factor)  # fmt: skip
    if number in ("hollow_share", "faded_share"):  # on the picture's own grid
        region = found.shape.hollow if number == "hollow_share" else found.shape.faded
        return None if region is None else _middle(region)
    return _of_region(number, pose, found)


def _of_region(number: str, pose: Similarity, found: Found) -> Spot | None:
    """Of what a measure keeps as a region on the render's grid."""
    label = found.label
    region = {
        "recoloured": found.other.where,
        "label_worst": label.worst_at,
        "label_changed": label.changed,
        "label_shift_px": label.where,
    }.get(number)
    return None if region is None else _moved(_middle(region), pose)


def _on_outline(number: str, work: Reference, pose: Similarity, shape: Shape) -> Spot | None:
    points, _ = outline_on(pose, work.silhouette)
    if number in ("worst_px", "unseen_run"):
        gone = shape.unseen_at
        at = shape.worst_at if number == "worst_px" else None if gone is None else int(gone[len(gone) // 2])
        return None if at is None else (float(points[at][0]), float(points[at][1]), STRETCH * work.unit)
    bad = (shape.state == OFF_STATE) | (shape.state == MISSING)
    weight = np.abs(shape.displacement) if number == "p95_px" else np.ones(len(points), np.float32)
    return _densest(points[bad], weight[bad], WINDOW * work.unit)


def _densest(points: Array, weight: Array, sigma: float) -> Spot | None:
    """Of ``points`` (N, 2), the one with most of the others' ``weight`` (N,) around it."""
    if not len(points):
        return None
    some = slice(None, None, -(-len(points) // FEWEST))
    points, weight = points[some], weight[some]
    apart = ((points[:, None] - points[None]) ** 2).sum(axis=-1)
    at = int((np.exp(-apart / (2 * sigma**2)) * weight).sum(axis=1).argmax())
    return float(points[at, 0]), float(points[at, 1]), sigma


def _peak(values: Array, window: float) -> Spot | None:
    """Of a map (H, W), the middle of its highest place."""
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    top = float(values[row, column])
    if top <= 0.0:
        return None
    rows, columns = np.nonzero(values >= 0.95 * top)
    near = np.hypot(rows - row, columns - column) <= 2 * window
    return float(columns[near].mean()), float(rows[near].mean()), window


def _middle(region: Bools) -> Spot | None:
    """A place in the middle of the largest piece of a region (H, W)."""
    step = max(1, max(region.shape) // COARSE)
    height, width = (side // step * step for side in region.shape)
    coarse = region[:height, :width].reshape(height // step, step, width // step, step).any(axis=(1, 3))
    names, count = regions(coarse)
    if not count:
        return None
    sizes = np.bincount(names.ravel())
    sizes[0] = 0
    rows, columns = np.nonzero(names == int(sizes.argmax()))
    # The mean of a ring, or of a bow, lies beside it.
    at = int(np.hypot(rows - rows.mean(), columns - columns.mean()).argmin())
    radius = float(np.sqrt(len(rows) / np.pi)) * step
    return (float(columns[at]) + 0.5) * step - 0.5, (float(rows[at]) + 0.5) * step - 0.5, radius


def _moved(spot: Spot | None, pose: Similarity) -> Spot | None:
    if spot is None:
        return None
    x, y = pose.apply(np.array([spot[:2]], dtype=np.float32))[0]
    return float(x), float(y), spot[2] * pose.scale


def _in_words(x: float, y: float, work: Reference, pose: Similarity) -> str:
    rows, columns = np.nonzero(work.inside.any(axis=1))[0], np.nonzero(work.inside.any(axis=0))[0]
    corners = np.array([[columns[0], rows[0]], [columns[-1], rows[-1]]], dtype=np.float32)
    (left, top), (right, low) = pose.apply(corners)
    across, down = ((at - low_end) / max(high_end - low_end, 1.0) for at, low_end, high_end in ((x, left, right), (y, top, low)))  # fmt: skip
    return NINTHS[min(2, max(0, int(3 * down)))][min(2, max(0, int(3 * across)))]
