# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pass, fail or unsure, with a sentence a person understands and the number behind it.

The thresholds are data, fitted by benchmarks/calibration.py into thresholds.json. *Unsure* is an answer: a white product
on white, or a backdrop full of edges, can't be verified, and says so instead of guessing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ...verdicts import Cause, Outcome
from . import together

RIM_GONE = 0.8  # of the outline per share of area: a part that is gone takes at least as much of the outline along
PLACED = 0.006  # share of the product from which a print's place can be told: a dial's marks fit one further, too
ALL = 0.8  # share of the product that looks like backdrop, above which it is not a part that is missing
BROAD = 0.12  # share of the outline that is off, above which the whole shape is


@dataclass(frozen=True)
class Thresholds:
    """Lengths in px at a longer side of 1024, shares in 0..1. Above, or below for recall and correlation, is a fault.

    ``…_hard``: the same on a backdrop with edges of its own; between the two the answer is unsure. ``label_worst``,
    ``label_patch``: times what the view's own render keeps. ``gone_inside``, ``gone_along``: of ``lost`` and ``unseen_run``,
    beyond which both together are doubted.
    """

    shift_px: float = 3.0
    scale: float = 0.01
    rotation_deg: float = 0.6
    p95_px: float = 4.0
    p95_px_hard: float = 12.0
    bad_share: float = 0.025
    bad_share_hard: float = 0.20
    hollow_share: float = 0.004
    hollow_share_hard: float = 0.05
    inner_centred: float = 0.35
    inner_centred_hard: float = 0.25
    inner_recall: float = 0.50
    label_shift_px: float = 4.0
    label_changed: float = 0.20
    label_changed_hard: float = 0.30
    added_share: float = 0.003
    added_share_hard: float = 0.02
    coverage: float = 0.60
    faded_share: float = 0.05
    clutter: float = 0.25
    wrong_bad_share: float = 0.60
    worst_px: float = 8.0
    worst_px_hard: float = 30.0
    unseen_run: float = 0.15
    unseen_run_doubt: float = 0.12
    gone_inside: float = 0.90
    gone_along: float = 0.03
    label_worst: float = 0.50
    label_patch: float = 0.35
    label_patch_doubt: float = 0.50
    recoloured: float = 16.0
    recoloured_doubt: float = 12.0
    new: float = 9.0
    new_doubt: float = 6.0
    lost: float = 0.90
    lost_doubt: float = 0.75
    moved_px: float = 7.5
    moved_px_doubt: float = 5.5
    verifiable: float = 0.35
    tint: float = 6.0
    tint_reroll: float = 20.0
    blank_contrast: float = 0.015
    unlike: float = math.inf
    unlike_doubt: float = math.inf
    together: tuple[tuple[float, float], ...] = ()  # of together.unlike


@lru_cache(maxsize=1)
def fitted() -> Thresholds:
    """The thresholds fitted by the calibration; unknown names in the file are ignored, missing ones keep their default."""
    stored = json.loads(Path(__file__).with_name("thresholds.json").read_text(encoding="utf-8"))
    known = {part.name for part in fields(Thresholds)}
    values = {name: value for name, value in stored["thresholds"].items() if name in known}
    values["together"] = tuple((weight, centre) for weight, centre in values.get("together", ()))
    return Thresholds(**values)


@dataclass(frozen=True)
class Verdict:
    """``reason``: one sentence. ``cause``: what a repair has to act on. ``numbers``: what report.json keeps."""

    outcome: Outcome
    reason: str
    cause: Cause = Cause.NONE
    numbers: dict[str, int | float] = field(default_factory=dict)

    @property
    def repairable(self) -> bool:
        """Un-warping mends it, without another purchase."""
        return self.outcome == Outcome.FAIL and self.cause == Cause.PLACEMENT


@dataclass(frozen=True)
class Numbers:
    """What was measured of one picture, flat: report.json, the panel and the thresholds read these.

    Lengths in px at 1024; ``shift_px`` is the length of (dx_px, dy_px) at the product's centre; ``scale`` 1.0 = right.
    """

    dx_px: float = 0.0
    dy_px: float = 0.0
    shift_px: float = 0.0
    scale: float = 1.0
    rotation_deg: float = 0.0
    p50_px: float = 0.0
    p95_px: float = 0.0
    off_share: float = 0.0
    missing_share: float = 0.0
    bad_share: float = 0.0
    hollow_share: float = 0.0
    faded_share: float = 0.0
    coverage: float = 1.0
    inner_recall: float = 1.0
    inner_centred: float = 1.0
    inner_points: int = 0
    label_area: float = 0.0
    label_correlation: float = 1.0
    label_changed: float = 0.0
    label_shift_px: float = 0.0
    added_share: float = 0.0
    shadow_share: float = 0.0
    clutter: float = 0.0
    contrast: float = 1.0
    worst_px: float = 0.0
    unseen_run: float = 0.0
    label_worst: float = 1.0
    label_patch: float = 1.0
    lost: float = 0.0
    moved_px: float = 0.0
    new: float = 0.0
    recoloured: float = 0.0
    delta_e: float = 0.0
    tint: float = 0.0
    verifiable: float = 1.0

    def as_dict(self) -> dict[str, int | float]:
        return {part.name: round(getattr(self, part.name), 4) for part in fields(self)}


LOWEST = (
    "inner_recall", "inner_centred", "label_correlation", "label_worst", "label_patch", "coverage", "contrast", "verifiable",
)  # fmt: skip  # the worst of these is the least
LOOSENED = (
    "p95_px", "worst_px", "bad_share", "hollow_share", "label_shift_px", "label_changed", "added_share", "faded_share", "new", "lost",
    "moved_px", "unseen_run",
)  # fmt: skip
HARD = ("p95_px", "worst_px", "bad_share", "hollow_share", "label_changed", "added_share")
DOUBTED = ("new", "lost", "moved_px", "unseen_run")
TIGHTENED = ("inner_centred", "inner_recall", "coverage")
MARGIN = 1.25  # times what the render itself, mildly degraded, measures is no fault yet


def worst(measured: Iterable[Numbers]) -> Numbers:
    """Of each number the worst; of signed ones the furthest from none."""
    rows = [each.as_dict() for each in measured]

    def of(name: str) -> float:
        values = [row[name] for row in rows]
        if name in LOWEST:
            return min(values)
        return max(values, key=lambda value: abs(value - (1.0 if name == "scale" else 0.0)))

    found: dict[str, Any] = {part.name: of(part.name) for part in fields(Numbers)}
    return Numbers(**found)


def for_view(t: Thresholds, own: Numbers) -> Thresholds:
    """``t``, nowhere tighter than a view's own render keeps. ``own``: of gate.Prepared."""
    least, most = _kept_by(own)
    return replace(
        t,
        # On top, not the larger of both: what one coloured glass measures would loosen the limit for all else.
        recoloured=t.recoloured + own.recoloured,
        recoloured_doubt=t.recoloured_doubt + own.recoloured,
        label_worst=t.label_worst * own.label_worst,
        label_patch=t.label_patch * own.label_patch,
        label_patch_doubt=t.label_patch_doubt * own.label_patch,
        **{name: max(getattr(t, name), value) for name, value in least.items()},
        **{name: min(getattr(t, name), value) for name, value in most.items()},
    )


@lru_cache(maxsize=256)
def _kept_by(own: Numbers) -> tuple[dict[str, float], dict[str, float]]:
    """Threshold -> value that it may not go below, and above."""
    loose = {
        "shift_px": max(abs(own.dx_px), abs(own.dy_px)),
        "scale": abs(own.scale - 1),
        "rotation_deg": abs(own.rotation_deg),
        **{name: getattr(own, name) for name in LOOSENED},
    }  # fmt: skip
    loose |= {f"{name}_hard": loose[name] for name in HARD}
    loose |= {f"{name}_doubt": loose[name] for name in DOUBTED}
    loose |= {"gone_inside": loose["lost"], "gone_along": loose["unseen_run"]}
    tight = {name: getattr(own, name) / MARGIN for name in TIGHTENED}
    tight |= {"inner_centred_hard": tight["inner_centred"], "blank_contrast": own.contrast / (4 * MARGIN)}
    return {**{name: MARGIN * value for name, value in loose.items()}, "clutter": own.clutter + 0.02}, tight


def judge(numbers: Numbers, thresholds: Thresholds | None = None, own: Numbers | None = None) -> Verdict:
    """The first fault in the order in which it explains the others; unsure only where nothing is surely wrong.

    ``own``: the worst that the view's own render, mildly degraded, measures.
    """
    t = thresholds or fitted()
    t = t if own is None else for_view(t, own)
    # Where product and backdrop share a colour the walk goes astray as it does among a backdrop's own edges.
    plain = numbers.clutter <= t.clutter and _drowned(numbers) <= t.faded_share
    faults = _blank(numbers, t)
    if not _hidden(numbers):
        faults += [*_placement(numbers, t), *_shape(numbers, t, plain), *_print(numbers, t, plain)]
        faults += [*_colour(numbers, t), *_inside(numbers, t, plain)]
        faults = faults or _together(numbers, t, own, t.unlike)
    doubts = [*_doubts(numbers, t, plain), *_together(numbers, t, own, t.unlike_doubt)]
    kept = numbers.as_dict()
    if faults:
        cause, reason = faults[0]
        # A picture that needs more than a shift is not repaired by one.
        if cause == Cause.PLACEMENT and len(faults) > 1:
            cause, reason = faults[1]
        return Verdict(Outcome.FAIL, reason, cause, kept)
    if doubts:
        cause, reason = doubts[0]
        return Verdict(Outcome.UNSURE, reason, cause, kept)
    return Verdict(
        Outcome.PASS, f"the outline lies within {max(numbers.p95_px, 0.1):.1f} px of the render", numbers=kept
    )


Fault = tuple[Cause, str]


def _blank(n: Numbers, t: Thresholds) -> list[Fault]:
    if n.contrast < t.blank_contrast or (n.hollow_share > ALL and not _hidden(n)):
        return [(Cause.BLANK, "the picture is blank: it shows a backdrop and no product")]
    return []


def _hidden(n: Numbers) -> bool:
    """The whole product has the backdrop's colour, and yet its inner edges are there: white on white, not nothing."""
    return n.hollow_share > ALL and n.inner_points > 0 and n.inner_recall > 0.4


def _drowned(n: Numbers) -> float:
    """Share of the product that has the backdrop's colour without being gone: its outline is still there, or it fades."""
    rim_is_there = n.missing_share < RIM_GONE * n.hollow_share
    return n.faded_share + (n.hollow_share if rim_is_there or _hidden(n) else 0.0)


def _placement(n: Numbers, t: Thresholds) -> list[Fault]:
    parts = []
    if max(abs(n.dx_px), abs(n.dy_px)) > t.shift_px:
        across = f"{abs(n.dx_px):.1f} px to the {'right' if n.dx_px > 0 else 'left'}"
        down = f"{abs(n.dy_px):.1f} px too {'low' if n.dy_px > 0 else 'high'}"
        parts.append(" and ".join([across] * (abs(n.dx_px) > t.shift_px) + [down] * (abs(n.dy_px) > t.shift_px)))
    if abs(n.scale - 1) > t.scale:
        parts.append(f"{abs(n.scale - 1) * 100:.1f} % too {'large' if n.scale > 1 else 'small'}")
    if abs(n.rotation_deg) > t.rotation_deg:
        parts.append(f"turned by {n.rotation_deg:.1f}°")
    return [(Cause.PLACEMENT, f"the product sits {', '.join(parts)}")] if parts else []


def _shape(n: Numbers, t: Thresholds, plain: bool) -> list[Fault]:
    p95, bad, hollow, centred = (
        (t.p95_px, t.bad_share, t.hollow_share, t.inner_centred)
        if plain
        else (t.p95_px_hard, t.bad_share_hard, t.hollow_share_hard, t.inner_centred_hard)
    )
    parts: list[Fault] = []
    if n.clutter <= t.clutter and n.added_share > t.added_share:
        parts.append(
            (Cause.PART, f"there is a part that the product doesn't have, {n.added_share * 100:.1f} % of its area")
        )
    if n.hollow_share > hollow and n.missing_share >= RIM_GONE * n.hollow_share:
        parts.append((Cause.PART, f"a part is missing: {n.hollow_share * 100:.1f} % of the product shows the backdrop"))
    if plain and n.coverage + n.unseen_run >= t.coverage and n.unseen_run > t.unseen_run:
        parts.append(
            (Cause.PART, f"a part is missing: along {n.unseen_run * 100:.0f} % of the outline there is no edge")
        )
    outline: list[Fault] = []
    if n.bad_share > bad:
        outline.append((Cause.SHAPE, f"{n.bad_share * 100:.1f} % of the outline is off by more than 3 px or missing"))
    if n.worst_px > (t.worst_px if plain else t.worst_px_hard):
        outline.append((Cause.SHAPE, f"one stretch of the outline is off by {n.worst_px:.1f} px"))
    if n.p95_px > p95:
        outline.append((Cause.SHAPE, f"the outline is off by up to {n.p95_px:.1f} px"))
    if n.inner_centred < centred and n.inner_recall >= t.inner_recall:
        outline.append(
            (Cause.SHAPE, f"only {n.inner_centred * 100:.0f} % of the edges inside the product are in their place")
        )
    if plain and n.bad_share > t.wrong_bad_share:
        outline.insert(
            0, (Cause.PRODUCT, f"{n.bad_share * 100:.0f} % of the outline is elsewhere: this may be another product")
        )
    # A displaced outline bares and covers slivers everywhere; they aren't parts.
    return [*outline, *parts] if n.off_share > BROAD else [*parts, *outline]


def _print(n: Numbers, t: Thresholds, plain: bool) -> list[Fault]:
    if n.label_area > PLACED and n.label_shift_px > t.label_shift_px:
        return [
            (
                Cause.LABEL,
                f"the print sits {n.label_shift_px:.0f} px beside its place: the product is turned or the print moved",
            )
        ]
    limit = t.label_changed if plain else t.label_changed_hard
    if n.label_area > 0 and n.label_changed > limit:
        return [(Cause.LABEL, f"{n.label_changed * 100:.0f} % of the print on the product shows something else")]
    if n.label_area > 0 and n.label_worst < t.label_worst:
        return [(Cause.LABEL, "one of the prints on the product shows something else")]
    if n.label_area > 0 and n.label_patch < t.label_patch and plain:
        return [(Cause.LABEL, "in one place the print on the product shows something else")]
    return []


def _colour(n: Numbers, t: Thresholds) -> list[Fault]:
    if n.recoloured > t.recoloured:
        return [(Cause.COLOUR, f"a part has another colour, by {n.recoloured:.0f} ΔE beyond what the light explains")]
    return []


def _inside(n: Numbers, t: Thresholds, plain: bool) -> list[Fault]:
    if not plain:
        return []
    parts: list[Fault] = []
    if n.new > t.new:
        parts.append((Cause.DETAIL, "the surface shows something that the product doesn't have"))
    if n.lost > t.lost:
        parts.append((Cause.DETAIL, "in one place inside the outline the product's edges are gone"))
    if n.moved_px > t.moved_px:
        parts.append((Cause.DETAIL, f"in one place inside the outline the edges lie {n.moved_px:.0f} px beside theirs"))
    return parts


def _together(n: Numbers, t: Thresholds, own: Numbers | None, limit: float) -> list[Fault]:
    if own is None or not t.together:
        return []
    value, cause, what = together.unlike(n.as_dict(), own.as_dict(), t.together)
    if value <= limit:
        return []
    return [(cause, f"taken together, what was measured is unlike a true picture, most of all {what}")]


def _local_doubts(n: Numbers, t: Thresholds) -> list[Fault]:
    doubts: list[Fault] = []
    if n.unseen_run > t.unseen_run_doubt:
        doubts.append(
            (Cause.PART, f"a part may be missing: along {n.unseen_run * 100:.0f} % of the outline no edge can be found")
        )
    elif n.lost > t.gone_inside and n.unseen_run > t.gone_along:
        doubts.append(
            (Cause.PART, "a part may be missing: edges inside it are gone, and so is a stretch of the outline")
        )
    if n.label_area > 0 and n.label_patch < t.label_patch_doubt:
        doubts.append((Cause.LABEL, "in one place the print may show something else"))
    if n.recoloured > t.recoloured_doubt:
        doubts.append((Cause.COLOUR, f"a part may have another colour, by {n.recoloured:.0f} ΔE"))
    if n.new > t.new_doubt:
        doubts.append((Cause.DETAIL, "the surface may show something that the product doesn't have"))
    if n.lost > t.lost_doubt:
        doubts.append((Cause.DETAIL, "in one place inside the outline edges of the product can't be found"))
    if n.moved_px > t.moved_px_doubt:
        doubts.append(
            (Cause.DETAIL, f"in one place inside the outline the edges seem to lie {n.moved_px:.0f} px beside theirs")
        )
    return doubts


def _doubts(n: Numbers, t: Thresholds, plain: bool) -> list[Fault]:
    doubts: list[Fault] = []
    if n.coverage < t.coverage:
        doubts.append(
            (Cause.COVERAGE, f"only {n.coverage * 100:.0f} % of the outline can be seen against the backdrop")
        )
    drowned = _drowned(n)
    if drowned > t.faded_share:
        doubts.append(
            (Cause.COVERAGE, f"{drowned * 100:.0f} % of the product has the backdrop's colour and is lost in it")
        )
    if n.verifiable < t.verifiable:
        doubts.append(
            (
                Cause.COVERAGE,
                f"only {n.verifiable * 100:.0f} % of what this view's render shows can be told in a picture",
            )
        )
    doubts += _local_doubts(n, t)
    if n.inner_recall < t.inner_recall:
        doubts.append((Cause.SHAPE, f"only {n.inner_recall * 100:.0f} % of the edges inside the product can be found"))
    if n.clutter > t.clutter and n.added_share > t.added_share_hard:
        doubts.append((Cause.PART, "something beside the product is either its backdrop's or a part it doesn't have"))
    if not plain:
        for words, value, limit in (
            (f"the outline seems off by up to {n.p95_px:.1f} px", n.p95_px, t.p95_px),
            (f"{n.bad_share * 100:.1f} % of the outline seems off or missing", n.bad_share, t.bad_share),
            (f"{n.hollow_share * 100:.1f} % of the product seems to show the backdrop", n.hollow_share, t.hollow_share),
            (f"{n.label_changed * 100:.0f} % of the print seems changed", n.label_changed, t.label_changed),
            (f"only {n.inner_centred * 100:.0f} % of the inner edges are in place", -n.inner_centred, -t.inner_centred),
        ):
            if value > limit:
                doubts.append((Cause.BACKDROP, f"{words}, but the backdrop's own edges or colour may be why"))
    elif n.shadow_share > 3 * t.added_share:
        doubts.append((Cause.PART, "a dark shape beside the product is a hard shadow or a part it doesn't have"))
    return doubts
