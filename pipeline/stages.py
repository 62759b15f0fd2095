# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The six stages of a run, in order, and the states that stages, requests and references can be in.

A stage's word names the file, the sub-panel, the folder and the progress line.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar


class Stage(StrEnum):
    """The six stages, in order."""

    MODEL = "model"
    RIG = "rig"
    REFERENCES = "references"
    PHOTOREAL = "photoreal"
    VIDEO = "video"
    RESULTS = "results"


STAGES = tuple(Stage)
LABELS = {stage: stage.capitalize() for stage in STAGES}
DOES = {
    Stage.MODEL: "Make or take the product's model",
    Stage.RIG: "Place cameras and lights",
    Stage.REFERENCES: "Render the product from each angle",
    Stage.PHOTOREAL: "Turn each reference into a photoreal still",
    Stage.VIDEO: "Make the clip",
    Stage.RESULTS: "Load everything where an artist looks for it",
}

T = TypeVar("T")


class StageState(StrEnum):
    """How far a stage is; run.json, report.json and the panel have the same words."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"  # there was nothing to do
    FAILED = "failed"
    CANCELLED = "cancelled"
    STOPPED = "stopped"  # by a limit on money


class JobState(StrEnum):
    """How far a request is, as the run and the panel see it. The last four end it."""

    WAITING = "waiting"
    QUEUED = "queued"
    RUNNING = "running"
    SAVING = "saving"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNCERTAIN = "uncertain"  # it may or may not have been accepted


class ReferenceState(StrEnum):
    """What the panel says of an angle's reference beside the scene as it stands; and of a stage, that it is stale."""

    MISSING = "missing"
    RENDERED = "rendered"
    STALE = "stale"  # something that it shows has changed since


@dataclass(frozen=True)
class Progress:
    """One thing worth telling the user. ``fraction`` is 0..1 within the stage, None where it can't be known.

    ``idle``: nothing has happened, the chain waits for others; there is nothing to tell, and time to sleep.
    """

    stage: Stage
    text: str
    fraction: float | None = None
    angle: str | None = None
    warning: bool = False
    idle: bool = False


# A piece of work that says where it stands each time it has to wait, and returns its result at the end.
# The command line loops over it; the window advances it from a modal timer.
Steps = Generator[Progress, None, T]
