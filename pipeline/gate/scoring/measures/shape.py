# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does the picture's outline follow the known one? Displacement along the normals, and what of the outline is gone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..pixels.arrays import Array, Bools, dilate, distance_to, regions, sample, steepness
from ..pixels.backdrop import Backdrop, look_behind
from ..pixels.placement import Lines, Matched, Similarity, fit, look_inside, outline_on
from ..pixels.silhouette import Silhouette
from ..pixels.walk import CLEAR, COARSE_STEP, FAINTEST, Walk, best_path, prepare, walk
from ..reference import Reference

REACH = 24.0  # px at 1024 that the outline is looked for
OFF = 3.5  # px at 1024 from which a point of the outline is off
STRETCH = 24.0  # px at 1024 of outline over which the worst place is looked for
FOOT = 0.06  # of the product's height
IN_PLACE = 2.0  # px at 1024
AT_FOOT = 0.2  # of a point's say in the placement, where the product stands in its shadow
FAINT_RUN = 40.0  # px at 1024 along the outline over which an edge too faint for one point is looked for
FAINTLY = 2.0  # times the strength beside it, there
BORDERED = 0.75  # of the border of a part that is gone is an edge
BURNT = 0.93  # of white
AS_CLEAR = 0.5  # of the strength of the edge that was followed
FAR = 12.0  # px at 1024: a point further off is as bad as a missing one
RUN = 12.0  # px at 1024 of outline below which a bad run is noise
BRIDGE = 60.0  # px at 1024 of outline that nothing is asked of, over which a stretch without an edge goes on
SEARCH_NOISE = 1.5  # px at 1024, weight of a point's say in the last fit
GOOD, OFF_STATE, MISSING, UNSEEN = range(4)


@dataclass(frozen=True)
class Shape:
    """``p50_px``, ``p95_px``: displacement of what was found, px at 1024, after placement. Shares are of the outline.

    ``coverage``: share that could be verified, found or known to be missing. ``off_share``, ``missing_share``: of the
    verified part. ``hollow_share``: of the product's area where the picture shows backdrop behind a sharp inner border;
    ``faded_share``: … behind no border, such as white on white; ``hollow``, ``faded``: (H, W) where that is, on the
    picture's grid. ``state``: (N,) one of GOOD, OFF_STATE, MISSING, UNSEEN. ``worst_at``: the point of the outline in the
    middle of the worst stretch. ``as_backdrop``: (H, W), hollow or faded, also where that says nothing. ``unseen_run``: share of
    the outline that the longest stretch has along which there is no edge, as where a part is gone whose surface mirrors, or
    that stood before a horizon; ``unseen_at``: (M,) its points.
    """

    p50_px: float
    p95_px: float
    off_share: float
    missing_share: float
    coverage: float
    hollow_share: float
    faded_share: float
    displacement: Array
    state: NDArray[np.int8]
    hollow: Bools | None = None
    faded: Bools | None = None
    worst_px: float = 0.0
    worst_at: int | None = None
    as_backdrop: Bools | None = None
    unseen_run: float = 0.0
    unseen_at: NDArray[np.int_] | None = None

    @property
    def bad_share(self) -> float:
        return self.off_share + self.missing_share


def measure(
    picture: Array,
    reference: Reference,
    pose: Similarity,
    behind: Backdrop,
    trusted: Bools | None = None,
    never_hollow: Bools | None = None,
    inner: Lines | None = None,
) -> tuple[Shape, Similarity]:
    """The outline of ``picture`` against ``reference`` where ``pose`` puts it, and the pose refined by what was found.

    ``trusted``: (N,) of trust(); None: every point. ``never_hollow``: (H, W) on the render's grid, where the render itself
    has its backdrop's colour, so that nothing can be told to be missing there. ``inner``: as of placement.place().
    """
    outline, unit = reference.silhouette, reference.unit
    if not len(outline):
        nothing = np.zeros(0, dtype=np.float32)
        return Shape(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, nothing, nothing.astype(np.int8)), pose
    points, normals = outline_on(pose, outline)
    prepared, room = prepare(picture, unit), (outline.room_in, outline.room_out)
    walked = walk(prepared, points, normals, REACH * unit, COARSE_STEP * unit, room, outline.chains)
    moved, strength = best_path(walked, outline.chains, unit, float(outline.length[0]))
    seen = strength >= walked.threshold
    if trusted is not None:
        seen &= trusted
    found = np.where(seen, np.minimum(strength, 4 * walked.threshold), 0.0) * outline.length
    standing = standing_on(reference)
    found = np.where(standing, found * AT_FOOT, found)
    known = Matched(points, normals, moved, found)
    if inner is not None:
        known = known.beside(look_inside(prepared, pose, inner, unit, 6.0, 2.0, walked.threshold))
    refined = fit(pose, known.points, known.normals, known.displacement, known.weight, SEARCH_NOISE * unit, outline)
    shifted = ((outline_on(refined, outline)[0] - points) * normals).sum(axis=1)
    # Of what remains under one pixel, the share that is the picture's own noise is not the product's shape.
    left = _smooth(moved - shifted, outline.chains) / unit
    # Where an edge lies in its place, too, the one that was followed is a highlight's or a shadow's along the rim.
    there = np.abs(walked.steps[None, :] - shifted[:, None]) <= IN_PLACE * unit
    also = np.where(there, walked.strength, 0.0).max(axis=1) >= np.maximum(
        walked.threshold, np.minimum(AS_CLEAR * strength, CLEAR * walked.threshold)
    )
    left = np.where((np.abs(left) > OFF) & also, 0.0, left)
    # Glass shows what is behind it and metal mirrors it: only a matt surface of the backdrop's colour says something.
    clear = np.zeros(reference.mask.shape, dtype=bool)
    if reference.surface is not None:
        clear = warped((reference.inside & ~reference.matt).astype(np.float32), pose) > 0.5
    silent = clear if never_hollow is None else clear | (warped(never_hollow.astype(np.float32), pose) > 0.5)
    everywhere = _hollow(reference, behind)
    hollow, faded = (part & ~silent for part in everywhere)
    gone = _on_outline(hollow, points, normals, unit) & (~seen | (moved / unit < -OFF))
    gone &= ~_faintly_there(walked, shifted, outline.chains, unit, float(outline.length[0]))
    state = np.where(seen, np.where(np.abs(left) > OFF, OFF_STATE, GOOD), UNSEEN).astype(np.int8)
    # At its foot shadow and mirror image begin, and their edge is as good as the product's.
    state[(state == OFF_STATE) & standing] = UNSEEN
    # An edge further in, with the backdrop's colour up to the rim, is a reflection's or a refraction's there.
    like = _as_backdrop(behind, points, normals, left, unit)
    state[
        (state == OFF_STATE)
        & (left < 0)
        & like
        & (_on_outline(clear, points, normals, unit) | _burnt(walked, left, unit))
    ] = UNSEEN
    # Where the product fades into the backdrop the edge that was found is another one, further in.
    state[_on_outline(faded, points, normals, unit)] = UNSEEN
    state[gone] = MISSING
    stretch, worst_at = _worst_stretch(left, state, outline.chains, outline.length, STRETCH * unit)
    state = _without_specks(state, outline.chains, outline.length, RUN * unit)
    asked = ~standing if trusted is None else trusted & ~standing
    run, run_at = _longest((state == UNSEEN) | (state == MISSING), asked, outline, unit)
    area = max(1, int(reference.inside.sum()))
    result = _summary(left, state, outline.length)
    result = replace(result, hollow_share=float(hollow.sum() / area), faded_share=float(faded.sum() / area))
    result = replace(result, hollow=hollow, faded=faded, as_backdrop=everywhere[0] | everywhere[1])
    result = replace(result, unseen_run=run, unseen_at=run_at)
    return replace(result, worst_px=stretch, worst_at=worst_at), refined


def _faintly_there(
    walked: Walk, place: Array, chains: tuple[tuple[int, int, bool], ...], unit: float, spacing: float
) -> Bools:
    """(N,): points where an edge too faint for a single point runs along the outline in its place, over FAINT_RUN px."""
    near = np.abs(walked.steps[None, :] - place[:, None]) <= IN_PLACE * unit
    here = np.where(near, walked.strength, 0.0).max(axis=1)
    beside = np.median(walked.strength, axis=1)
    count = max(3, round(FAINT_RUN * unit / max(spacing, 1e-6)))
    out = np.zeros(len(place), dtype=bool)
    for first, last, closed in chains:
        if last - first >= count:
            at, around = (_along(part[first:last], count, closed) for part in (here, beside))
            out[first:last] = (at > FAINTLY * around) & (at > FAINTEST / 3)
    return out


def _along(values: Array, count: int, closed: bool) -> Array:
    """Running mean over ``count`` points of a chain."""
    half = count // 2
    padded = np.pad(values, half, mode="wrap" if closed else "edge")
    return np.convolve(padded, np.full(count, 1 / count), mode="same")[half : half + len(values)].astype(np.float32)


def _as_backdrop(behind: Backdrop, points: Array, normals: Array, left: Array, unit: float) -> Bools:
    """(N,): points between which and the edge that was found further in the picture has the backdrop's colour."""
    depth = np.clip(np.abs(left) / 2, 1.5, 8.0) * unit
    at = points - normals * depth[:, None]
    there = _pixels(at / behind.factor, behind.inside.shape)
    return np.asarray(np.abs(behind.small - behind.colour).max(axis=-1)[there] < 1.5 * behind.tolerance)


def _pixels(at: Array, shape: tuple[int, ...]) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Rows and columns of the pixels of ``shape`` that are nearest to the points ``at`` (N, 2)."""
    column, row = np.rint(at).astype(int).T
    return np.clip(row, 0, shape[0] - 1), np.clip(column, 0, shape[1] - 1)


def _burnt(walked: Walk, left: Array, unit: float) -> Bools:
    """(N,): points whose rim, down to the edge that was found, is white without any drawing, as the backdrop beside it."""
    strip = (walked.steps[None, :] >= left[:, None] * unit / 2 - unit) & (walked.steps[None, :] <= 0)
    whitest = walked.colour.min(axis=-1)
    known = np.maximum(strip.sum(axis=1), 1)
    return np.asarray((np.where(strip, whitest, 0.0).sum(axis=1) / known) > BURNT)


def standing_on(reference: Reference) -> Bools:
    """(N,): points of the outline where the product stands on its ground, FOOT of its height or less above; none without
    positions."""
    outline = reference.silhouette
    if reference.position is None:
        return np.zeros(len(outline), dtype=bool)
    height = np.where(reference.inside, reference.position[..., 2], np.inf)
    seen = height[reference.inside]
    low, high = np.percentile(seen, [0.5, 99.5])
    inner = outline.points - outline.normals * 2.0
    at = height[_pixels(inner, height.shape)]
    facing_down = outline.normals[:, 1] > 0.3  # the outline's lower side
    return np.asarray(facing_down & np.isfinite(at) & (at < low + FOOT * (high - low)))


def trust(reference: Reference, picture: Array) -> tuple[Bools, Bools]:
    """What the render itself keeps, in the form ``picture`` of it.

    (N,): points of the outline that are found where they belong. The render's outline is right by definition. Where even
    there another edge is taken for it, such as a stripe printed along the rim, what is found in a picture says nothing,
    unless it is gone. (H, W): where it has its backdrop's colour, and a little around.
    """
    behind = look_behind(picture, reference.mask, reference.unit)
    itself, _ = measure(picture, reference, Similarity(pivot=reference.silhouette.centre), behind)
    nowhere = np.zeros(reference.mask.shape, dtype=bool)
    hollow = nowhere if itself.as_backdrop is None else dilate(itself.as_backdrop, 4.0 * reference.unit)
    wrong = (np.abs(itself.displacement) > OFF / 2) & (itself.state != UNSEEN)
    around = np.convolve(wrong.astype(np.float32), np.ones(5), mode="same") > 0 if len(wrong) >= 5 else wrong
    return ~around, hollow


def _summary(left: Array, state: NDArray[np.int8], length: Array) -> Shape:
    total = float(length.sum())
    share = [float(length[state == kind].sum()) / total for kind in range(4)]
    checked = 1.0 - share[UNSEEN]
    size = np.abs(left[(state == GOOD) | (state == OFF_STATE)])
    p50, p95 = np.percentile(size, [50, 95]) if len(size) else (0.0, 0.0)
    part = max(checked, 1e-6)
    off, missing = share[OFF_STATE] / part, share[MISSING] / part
    return Shape(float(p50), float(p95), off, missing, checked, 0.0, 0.0, left.astype(np.float32), state)


def _worst_stretch(
    left: Array, state: NDArray[np.int8], chains: tuple[tuple[int, int, bool], ...], length: Array, stretch: float
) -> tuple[float, int | None]:
    """Of all stretches of outline of which most is seen, the largest mean displacement, px at 1024, and the point in its
    middle. What is gone is no displacement: hollow_share says it."""
    state = np.where(state == MISSING, UNSEEN, state)
    away = np.minimum(np.abs(left), FAR) * (state != UNSEEN)
    worst, middle = 0.0, None
    for first, last, closed in chains:
        count = max(3, round(stretch / max(float(length[first]), 1e-6)))
        if last - first < count:
            continue
        part, seen = away[first:last], (state[first:last] != UNSEEN).astype(np.float64)
        if closed:
            part, seen = (np.concatenate([each, each[:count]]) for each in (part, seen))
        sums, known = (np.convolve(each, np.ones(count), mode="valid") for each in (part, seen))
        means = np.where(known >= 0.6 * count, sums / np.maximum(known, 1), 0.0)
        begin = int(means.argmax())
        if means[begin] > worst:
            worst, middle = float(means[begin]), first + (begin + count // 2) % (last - first)
    return worst, middle


def _longest(gone: Bools, asked: Bools, outline: Silhouette, unit: float) -> tuple[float, NDArray[np.int_] | None]:
    """Share of the outline in the longest stretch of ``gone`` points, (N,), and which these are. Up to BRIDGE px of points that
    aren't ``asked`` for neither end a stretch nor count."""
    longest, found, count, here = 0.0, [], 0, asked & ~gone
    for first, last, closed in outline.chains:
        order = np.arange(first, last)
        apart = float(np.hypot(*(outline.points[first] - outline.points[last - 1]))) if last > first else 0.0
        if (closed or apart <= BRIDGE * unit) and here[order].any():
            order = np.roll(order, -int(np.argmax(here[order])))
        run, skipped, points = 0.0, 0.0, []
        for at in order:
            if gone[at] and asked[at]:
                run, skipped = run + float(outline.length[at]), 0.0
                points.append(int(at))
            else:
                skipped += float(outline.length[at])
            if here[at] or skipped > BRIDGE * unit:
                run, points = 0.0, []
            elif run > longest:
                longest, found, count = run, points, len(points)
    return longest / max(float(outline.length.sum()), 1e-6), np.array(found[:count]) if count else None


def _smooth(values: Array, chains: tuple[tuple[int, int, bool], ...]) -> Array:
    """Median of five along each chain: a single point's leap is noise."""
    out = values.copy()
    for first, last, closed in chains:
        if last - first >= 5:
            padded = np.pad(values[first:last], 2, mode="wrap" if closed else "edge")
            out[first:last] = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    return out


def _without_specks(
    state: NDArray[np.int8], chains: tuple[tuple[int, int, bool], ...], length: Array, shortest: float
) -> NDArray[np.int8]:
    """Runs of bad points shorter than ``shortest`` pixels can't be told from noise and become unseen."""
    out = state.copy()
    for first, last, _ in chains:
        part = state[first:last]
        bad = (part == OFF_STATE) | (part == MISSING)
        edge = np.diff(np.pad(bad.astype(np.int8), 1))
        for a, b in zip(np.nonzero(edge == 1)[0], np.nonzero(edge == -1)[0], strict=True):
            if length[first + a : first + b].sum() < shortest:
                out[first + a : first + b] = UNSEEN
    return out


def _hollow(reference: Reference, behind: Backdrop) -> tuple[Bools, Bools]:
    """Where the picture shows backdrop inside the product, on the picture's own grid: sharply bordered, and faded.

    A missing part bares the outline of what it was attached to, so its region ends at an edge; an overexposed rim fades.
    """
    factor = behind.factor
    shape = reference.mask.shape
    nothing = np.zeros(shape, dtype=bool)
    small, inside = behind.small, behind.inside
    like = (np.abs(small - behind.colour).max(axis=-1) < behind.tolerance) & inside
    names, count = regions(like)
    if not count:
        return nothing, nothing
    pixel = factor / reference.unit  # px at 1024 of one small pixel
    rim = inside & (distance_to(~inside, 3) <= 2)
    edge = steepness(small) > 2.0 * behind.faintest
    sharp, faded = np.zeros_like(like), np.zeros_like(like)
    touching = np.bincount(names[rim & like], minlength=count + 1)
    sizes = np.bincount(names.ravel(), minlength=count + 1)
    depth = distance_to(~inside, 12)
    for name in range(1, count + 1):
        if touching[name] * pixel < RUN / 2 or sizes[name] * pixel**2 < RUN * RUN / 2:
            continue
        region = names == name
        if depth[region].max() * pixel < 5.0:
            continue  # no deeper than the rim's own blur
        border = dilate(region, 1.5) & ~region & inside & (depth > 2)
        bordered = border.sum() > 0 and (dilate(edge, 1.5) & border).sum() >= BORDERED * border.sum()
        whole = border.sum() == 0
        (sharp if bordered or whole else faded)[region] = True
    grown = [np.repeat(np.repeat(part, factor, axis=0), factor, axis=1) for part in (sharp, faded)]
    fitted = [np.zeros(shape, dtype=bool) for _ in grown]
    for part, into in zip(grown, fitted, strict=True):
        height, width = min(shape[0], part.shape[0]), min(shape[1], part.shape[1])
        into[:height, :width] = part[:height, :width]
    return fitted[0], fitted[1]


def warped(mask: Array, pose: Similarity) -> Array:
    """``mask`` (H, W) where ``pose`` puts it: the picture's grid looked up in the render's."""
    height, width = mask.shape
    matrix = np.linalg.inv(np.vstack([pose.matrix(), [0, 0, 1]]))
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    from_x = (matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2]).astype(np.float32)
    from_y = (matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2]).astype(np.float32)
    return sample(mask, from_x, from_y)


def _on_outline(region: Bools, points: Array, normals: Array, unit: float) -> Bools:
    """Points of the outline whose inner side lies in ``region``."""
    field = region.astype(np.float32)
    deep = [points - normals * depth * unit for depth in (3.0, 5.0)]
    return np.maximum(*(sample(field, at[:, 0], at[:, 1]) for at in deep)) > 0.5
