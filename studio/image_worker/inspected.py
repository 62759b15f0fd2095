# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the second Blender is told of a render, and what it finds in pictures, as JSON holds it."""

from __future__ import annotations

from typing import TypedDict


class RenderFacts(TypedDict):
    """A reference as ``backend.ports.Shot`` has it. ``files`` by pass: "image", "mask", "depth" … and, of a cut-out, "sent"."""

    files: dict[str, str]
    matrix_world: list[list[float]]  # the camera's, 4×4, row-major, metres
    projection: list[list[float]]  # 4×4, camera space to clip space


class Pose(TypedDict):
    """Where a still shows the product: ``scoring.pixels.placement.Similarity``."""

    dx: float
    dy: float
    scale: float
    rotation: float
    pivot: list[float]


class Measured(TypedDict):
    """A still against its render: the verdict, its numbers, and the pose by which it can be laid back onto the render."""

    outcome: str
    reason: str
    cause: str
    repairable: bool
    numbers: dict[str, float]
    own: dict[str, float]  # the same of the render itself, mildly degraded
    pose: Pose


class Testified(TypedDict):
    """What the print says of a still: a word of verdicts.Says, and why."""

    says: str
    reason: str


class TintFound(TypedDict):
    """All views' colours against each other. ``gains``: factors of red, green and blue by view."""

    outlier: str
    action: str
    reason: str
    gains: dict[str, list[float]]


class FrameFacts(TypedDict):
    seconds: float
    yaw_deg: float
    p95_px: float
    scale: float


class Tracked(TypedDict):
    """A clip followed frame by frame. ``fails_at``: seconds, None where it doesn't."""

    outcome: str
    reason: str
    fails_at: float | None
    frames: list[FrameFacts]
