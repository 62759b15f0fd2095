# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One picture against its reference: everything measured, in under a second at 1024 × 1024 on one core."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import own, places
from .measures import added, cast, edges, inside, label, recolour, shape
from .pixels import colour
from .pixels.arrays import Array, Bools, erode, luma
from .pixels.backdrop import Backdrop, clutter, look_behind
from .pixels.placement import Similarity, place
from .pixels.unwarp import unwarp
from .places import Found, Place
from .reference import Reference, as_picture
from .verdict import Numbers, Thresholds, Verdict, judge, worst

FEWEST_INSIDE = 40  # points of edges inside below which only the outline says where the product sits


@dataclass(frozen=True)
class Score:
    """``pose``: render grid -> picture, at the reference's own size. ``numbers``: for report.json and the thresholds.

    ``shape`` … ``other`` keep what a heat-map draws, at the working size. ``place``: of what the verdict rests on, where that
    has one; the verdict's sentence says it.
    """

    pose: Similarity
    numbers: Numbers
    verdict: Verdict
    shape: shape.Shape
    inner: edges.InnerEdges
    label: label.Label
    added: added.Added
    behind: Backdrop
    within: inside.Inside
    other: recolour.Recolour
    place: Place | None = None


class Prepared:
    """A reference with what is derived from it alone, for scoring several takes of one angle.

    ``verifiable``: share 0..1 that is left to be asked for, the outline twice as heavy as inner edges and print.
    ``geometry``, ``label``, ``trusted``: what the render itself shows of its inner edges, its print and its outline, also out
    of focus, in another tone, coarse and small; the rest isn't asked for. ``own``: the worst that was measured there of each
    number. About four seconds of one core at 1024 px.
    """

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        self.work = work = reference.at_working_size()
        self.geometry: tuple[Array, Array] = edges.geometry_edges(work)
        self.label: Bools = label.find(work, self.geometry)
        rendered = look_behind(work.rgb, work.mask, work.unit)
        self.trusted: Bools = np.ones(len(work.silhouette), dtype=bool)
        self.shadow: Array = added.own_shadow(rendered)
        self.caster = cast.casting(work, rendered.factor, (len(rendered.inside), len(rendered.inside[0])))
        self.expected = inside.expect(work)
        self.colours = recolour.expect(work)
        self.never_hollow: Bools = np.zeros(work.mask.shape, dtype=bool)
        self.verifiable = 1.0
        versions = list(own.degraded(work.rgb, work.unit))
        self._ask_only_what_shows(versions)
        own_numbers = worst(_measure(version, self)[1] for version in versions)
        burnt = label.measure(own.brighter(work.rgb), work, self.label)
        self.own: Numbers = replace(
            own_numbers,
            new=max(own_numbers.new, self.expected.reflected),
            label_worst=min(own_numbers.label_worst, burnt.worst),
            label_patch=min(own_numbers.label_patch, burnt.patch),
        )

    def _ask_only_what_shows(self, versions: list[Array]) -> None:
        still = Similarity(pivot=self.work.silhouette.centre)
        asked, printed_area = len(self.geometry[0]), int(self.label.sum())
        for version in versions:
            inner = edges.measure(version, self.work, still, self.geometry)
            self.geometry = (self.geometry[0][inner.in_place], self.geometry[1][inner.in_place])
            trusted, hollow = shape.trust(self.work, version)
            self.trusted = self.trusted & trusted
            self.never_hollow |= hollow
        for version in (*versions, own.brighter(self.work.rgb)):
            printed = label.measure(version, self.work, self.label)
            if printed.changed is not None:
                self.label = self.label & ~printed.changed
        shown = [(float(self.trusted.mean()) if len(self.trusted) else 0.0, 2.0)]
        shown += [(len(self.geometry[0]) / asked, 1.0)] if asked else []
        shown += [(float(self.label.sum()) / printed_area, 1.0)] if printed_area else []
        self.verifiable = sum(share * weight for share, weight in shown) / sum(weight for _, weight in shown)


def score(still: NDArray[Any], reference: Reference | Prepared, thresholds: Thresholds | None = None) -> Score:
    """``still``: (H, W, 3 or 4), float 0..1 or integers; another size of the same aspect is resampled.

    ``thresholds``: None reads the calibrated ones. Raises BadInput for a picture that can't be compared at all.
    """
    prepared = reference if isinstance(reference, Prepared) else Prepared(reference)
    work = prepared.work
    picture = as_picture(still, *work.mask.shape)
    pose, numbers, found = _measure(picture, prepared)
    full = pose.at_size(max(prepared.reference.mask.shape) / max(work.mask.shape))
    verdict = judge(numbers, thresholds, prepared.own)
    number = places.rests_on(verdict, numbers, lambda other: judge(other, thresholds, prepared.own))
    spot = places.find(number, work, pose, found) if number else None
    return Score(full, numbers, places.located(verdict, spot), *found, place=spot)


def _measure(picture: Array, prepared: Prepared) -> tuple[Similarity, Numbers, Found]:
    work, unit = prepared.work, prepared.work.unit
    lines = (prepared.expected.points, prepared.expected.normals)
    known = lines if len(lines[0]) >= FEWEST_INSIDE else None
    pose = place(picture, work.silhouette, unit, inner=known)
    behind = look_behind(picture, shape.warped(work.mask, pose), unit)
    outline, pose = shape.measure(picture, work, pose, behind, prepared.trusted, prepared.never_hollow, known)
    inner = edges.measure(picture, work, pose, prepared.geometry)
    straight = unwarp(picture, pose, sharp=False)
    printed = label.measure(straight, work, prepared.label)
    extra = added.measure(behind, unit, prepared.shadow, prepared.caster)
    within = inside.measure(straight, work, prepared.expected)
    other = recolour.measure(straight, work, prepared.colours)
    core = erode(work.inside, 4.0 * unit)
    shade = colour.compare(straight, work.rgb, core)
    numbers = Numbers(
        dx_px=pose.dx / unit,
        dy_px=pose.dy / unit,
        shift_px=float(np.hypot(pose.dx, pose.dy)) / unit,
        scale=pose.scale,
        rotation_deg=pose.rotation,
        p50_px=outline.p50_px,
        p95_px=outline.p95_px,
        off_share=outline.off_share,
        missing_share=outline.missing_share,
        bad_share=outline.bad_share,
        hollow_share=outline.hollow_share,
        faded_share=outline.faded_share,
        coverage=outline.coverage,
        inner_recall=inner.recall,
        inner_centred=inner.centred,
        inner_points=inner.points,
        label_area=printed.area,
        label_correlation=printed.correlation,
        label_changed=printed.changed_share,
        label_shift_px=printed.shift_px,
        added_share=extra.share,
        shadow_share=extra.shadowlike,
        clutter=clutter(behind, extra.where, unit),
        contrast=_contrast(picture),
        worst_px=outline.worst_px,
        unseen_run=outline.unseen_run,
        label_worst=printed.worst,
        label_patch=printed.patch,
        lost=within.lost,
        moved_px=within.moved_px,
        new=within.new,
        recoloured=other.delta,
        delta_e=shade.median,
        tint=shade.tint,
        verifiable=prepared.verifiable,
    )
    return pose, numbers, Found(outline, inner, printed, extra, behind, within, other)


def _contrast(picture: Array) -> float:
    """Spread of luma over the picture: what a blank one lacks. A smooth gradient is blank, too."""
    grey = luma(picture[::4, ::4])
    across, down = np.diff(grey, axis=1), np.diff(grey, axis=0)
    return float(np.percentile(np.abs(across), 99.5) + np.percentile(np.abs(down), 99.5))
