"""Does the clip keep turning the same product? Sampled frames against masks over the known turntable."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from ...verdicts import Outcome
from .arrays import Array, shrink
from .drift import MaskFor, find_drift, fit_of

P95_PX = 6.0  # px at 1024 from which a frame's outline is off
UNSEEN = 0.5  # share of the outline that must be seen for a frame to be judged
WORSE_PX = 2.5  # px at 1024 by which a frame's outline may fit worse, both ways, than the first frame's
LOST = 0.08  # share of the outline that may be seen less of than in the first frame
GROWTH = 0.12  # change of size against the first frame that is a fault
SUSTAINED = 2  # frames in a row before it counts: one frame may be a flash
SLACK = 1.5  # degrees that a turntable may seem to turn back


@dataclass(frozen=True)
class Frame:
    """``time``: seconds. ``yaw``: degrees. ``p95_px``: px at 1024. ``scale``: size against the mask. ``seen``: share 0..1.

    ``residual_px``: mean distance from the outline to the picture's edges and back, px at 1024.
    """

    time: float
    yaw: float
    p95_px: float
    scale: float
    seen: float
    residual_px: float


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
) -> Track:
    """``frames``: (seconds, (H, W, 3) 0..1), in order, every sixth frame is plenty. ``mask_for``: as of drift.fan_of_mesh.

    ``expected``: seconds -> degrees of yaw where the motion is known; None: the angle is followed from 0° by its own speed.
    ``widest``: degrees searched around it. About a second per frame at 512 px.
    """
    seen: list[Frame] = []
    for time, picture in frames:
        around = round(expected(time) if expected else _predicted(seen, time), 3)
        found = find_drift(picture, mask_for, widest, (around, 0.0), pitch_too=False)
        mask = mask_for(found.yaw, 0.0)
        factor = max(1, round(picture.shape[0] / mask.shape[0]))
        p95, share, pose = fit_of(shrink(picture, factor)[: mask.shape[0], : mask.shape[1]], mask)
        seen.append(Frame(float(time), float(found.yaw), p95, pose.scale, share, found.residual_px))
    return _judge(tuple(seen))


def _predicted(seen: list[Frame], time: float) -> float:
    if len(seen) < 2:
        return seen[-1].yaw if seen else 0.0
    before, last = seen[-2:]
    speed = (last.yaw - before.yaw) / max(last.time - before.time, 1e-6)
    return last.yaw + speed * (time - last.time)


def _judge(frames: tuple[Frame, ...]) -> Track:
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
    }
    starts = {reason: _first(flags) for reason, flags in faults.items()}
    found = {reason: index for reason, index in starts.items() if index is not None}
    if found:
        reason = min(found, key=lambda name: found[name])
        at = frames[found[reason]]
        return Track(frames, at.time, Outcome.FAIL, f"drift after {at.time:.1f} s: {reason} ({at.p95_px:.1f} px off)")
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


def _backwards(frames: tuple[Frame, ...]) -> np.ndarray:
    yaw = np.array([frame.yaw for frame in frames])
    way = np.sign(yaw[-1] - yaw[0]) or 1.0
    furthest = np.maximum.accumulate(yaw * way)
    return furthest - yaw * way > SLACK


def _first(flags: np.ndarray) -> int | None:
    """Index of the first of SUSTAINED flags in a row; of any flag in a clip too short for that."""
    need = min(SUSTAINED, len(flags))
    for index in range(len(flags) - need + 1):
        if flags[index : index + need].all():
            return index
    return None
