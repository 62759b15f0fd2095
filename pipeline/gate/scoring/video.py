# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does the clip keep turning the same product? Sampled frames against masks over the known turntable."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ...verdicts import Outcome
from .drift import Drift, MaskFor, find_drift, fit_of
from .pixels.arrays import Array, shrink

P95_PX = 6.0  # px at 1024 from which a frame's outline is off
UNSEEN = 0.5  # share of the outline that must be seen for a frame to be judged
WORSE_PX = 2.5  # px at 1024 by which a frame's outline may fit worse, both ways, than the first frame's
LOST = 0.08  # share of the outline that may be seen less of than in the first frame
GROWTH = 0.12  # change of size against the first frame that is a fault
SUSTAINED = 2  # frames in a row before it counts: one frame may be a flash
SLACK = 1.5  # degrees that a turntable may seem to turn back
ASTRAY = 6.0  # degrees beside those that are due by then, and …
UNEVEN = 0.17  # … this share of them: a motion eases in and out
SURE_WAY = 4.0  # degrees of yaw from which the direction of the turn is known
GOOD_PX = 1.0  # px at 1024 more than in the first frame that an outline may be off and still be taken as found
ALIKE_PX = 0.4  # px at 1024 by which another angle must fit better to be told from the one that is due


@dataclass(frozen=True)
class Frame:
    """``time``: seconds. ``yaw``: degrees. ``p95_px``: px at 1024. ``scale``: size against the mask. ``seen``: share 0..1.

    ``residual_px``: mean distance from the outline to the picture's edges and back, px at 1024. ``due``: degrees of yaw that
    the motion asks for by then, in the direction that the clip turns; None where the motion asks for none.
    """

    time: float
    yaw: float
    p95_px: float
    scale: float
    seen: float
    residual_px: float
    due: float | None = None


@dataclass(frozen=True)
class Track:
    """``fails_at``: seconds of the first frame of a sustained fault, None where there is none. ``reason``: one sentence."""

    frames: tuple[Frame, ...]
    fails_at: float | None
    outcome: Outcome
    reason: str


def track(
    frames: Iterable[tuple[float, Array]],
    mask_for: MaskFor,
    expected: Callable[[float], float] | None = None,
    widest: float = 6.0,
    *,
    either_way: bool = True,
) -> Track:
    """``frames``: (seconds, (H, W, 3) 0..1), in order, every sixth frame is plenty. ``mask_for``: as of drift.fan_of_mesh.

    ``expected``: seconds -> degrees of yaw that the motion asks for, to whichever side the clip begins to turn, or without
    ``either_way`` to one alone; None: the
    angle is followed from 0° by its own speed, and any is right. ``widest``: degrees searched around where the product may
    be: where its own speed takes it, and where the motion asks it to be. One to three seconds per frame at 512 px,
    one where the product turns as asked.
    """
    seen: list[Frame] = []
    ways: tuple[float, ...] = (1.0, -1.0) if either_way else (1.0,)  # the directions that are still possible
    for time, picture in frames:
        due = expected(time) if expected else None
        places = [*(way * due for way in ways if due is not None), _predicted(seen, time)]
        good = seen[0].residual_px + GOOD_PX if seen else 0.0
        found = _best(picture, mask_for, widest, places, good)
        if due is not None and len(ways) > 1 and abs(found.yaw) > SURE_WAY:
            ways = (float(np.sign(found.yaw)),)
        mask = mask_for(found.yaw, 0.0)
        factor = max(1, round(picture.shape[0] / mask.shape[0]))
        small = shrink(picture, factor)[: mask.shape[0], : mask.shape[1]]
        p95, share, pose = fit_of(small, mask)
        yaw, meant = float(found.yaw), None
        if due is not None:
            meant = min((way * due for way in ways), key=lambda angle: abs(angle - yaw))
            if abs(yaw - meant) > SLACK and _looks_alike(picture, mask_for, meant, found):
                yaw = meant
        seen.append(Frame(float(time), yaw, p95, pose.scale, share, found.residual_px, meant))
    return judge(tuple(seen))


def _best(picture: Array, mask_for: MaskFor, widest: float, places: list[float], good: float) -> Drift:
    """The drift that fits best, searched around ``places`` in turn until one leaves no more than ``good`` px."""
    tried: list[Drift] = []
    asked: list[float] = []
    for place in places:
        if any(abs(place - other) <= SLACK for other in asked):
            continue
        asked.append(place)
        tried.append(find_drift(picture, mask_for, widest, (round(place, 3), 0.0), pitch_too=False))
        if tried[-1].residual_px <= good:
            break
    return min(tried, key=lambda each: each.residual_px)


def _looks_alike(picture: Array, mask_for: MaskFor, yaw: float, found: Drift) -> bool:
    """A bottle looks alike from all sides: its degrees say nothing against the ones that are due."""
    there = find_drift(picture, mask_for, 1.0, (round(yaw, 3), 0.0), pitch_too=False)
    return there.residual_px - found.residual_px < ALIKE_PX


def _predicted(seen: list[Frame], time: float) -> float:
    if len(seen) < 2:
        return seen[-1].yaw if seen else 0.0
    before, last = seen[-2:]
    speed = (last.yaw - before.yaw) / max(last.time - before.time, 1e-6)
    return last.yaw + speed * (time - last.time)


def judge(frames: tuple[Frame, ...]) -> Track:
    """What the frames of a clip say together: the first sustained fault, or none."""
    if not frames:
        return Track((), None, Outcome.UNSURE, "the clip has no frames to look at")
    blind = np.array([frame.seen < UNSEEN for frame in frames])
    first = frames[0]
    off = (
        np.array([frame.p95_px > P95_PX or frame.residual_px > first.residual_px + WORSE_PX for frame in frames])
        & ~blind
    )
    lost = np.array([frame.seen < first.seen - LOST for frame in frames]) & ~blind
    grown = np.array([abs(frame.scale / max(first.scale, 1e-6) - 1) > GROWTH for frame in frames]) & ~blind
    faults = {
        "the outline no longer follows the product": off,
        "a part of the outline is gone": lost,
        "the product's size changes": grown,
        "the turn runs backwards": _backwards(frames) & ~blind,
        "the product does not turn as asked": _astray(frames) & ~blind,
    }
    starts = {reason: _first(flags) for reason, flags in faults.items()}
    found = {reason: index for reason, index in starts.items() if index is not None}
    if found:
        reason = min(found, key=lambda name: found[name])
        at = frames[found[reason]]
        return Track(
            frames, at.time, Outcome.FAIL, f"drift after {at.time:.1f} s: {reason} ({_by_how_much(at, reason)})"
        )
    if _first(blind) is not None:
        at = frames[int(_first(blind) or 0)]
        return Track(
            frames, None, Outcome.UNSURE, f"from {at.time:.1f} s on the product can't be told from its backdrop"
        )
    worst = max(frame.p95_px for frame in frames)
    return Track(
        frames,
        None,
        Outcome.PASS,
        f"the outline stays within {worst:.1f} px of the product over {frames[-1].time:.1f} s",
    )


def _by_how_much(at: Frame, reason: str) -> str:
    if at.due is not None and "turn" in reason:
        return f"it has turned by {abs(at.yaw):.0f}° where {abs(at.due):.0f}° are due"
    return f"{at.p95_px:.1f} px off"


def _backwards(frames: tuple[Frame, ...]) -> np.ndarray:
    yaw = np.array([frame.yaw for frame in frames])
    way = np.sign(yaw[-1] - yaw[0]) or 1.0
    furthest = np.maximum.accumulate(yaw * way)
    return furthest - yaw * way > SLACK


def _astray(frames: tuple[Frame, ...]) -> np.ndarray:
    """Too slow, too fast, or turning where nothing should."""
    due = np.array([frame.yaw if frame.due is None else frame.due for frame in frames])
    yaw = np.array([frame.yaw for frame in frames])
    return np.abs(yaw - due) > ASTRAY + UNEVEN * np.abs(due)


def _first(flags: np.ndarray) -> int | None:
    """Index of the first of SUSTAINED flags in a row; of any flag in a clip too short for that."""
    need = min(SUSTAINED, len(flags))
    for index in range(len(flags) - need + 1):
        if flags[index : index + need].all():
            return index
    return None
