"""The six stages of a run, in order. The same word names the file, the sub-panel, the folder and the progress line."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal, TypeVar

Stage = Literal["model", "rig", "references", "photoreal", "video", "results"]
STAGES: tuple[Stage, ...] = ("model", "rig", "references", "photoreal", "video", "results")
LABELS: dict[Stage, str] = {
    "model": "Model",
    "rig": "Rig",
    "references": "References",
    "photoreal": "Photoreal",
    "video": "Video",
    "results": "Results",
}
DOES: dict[Stage, str] = {
    "model": "Make or take the product's model",
    "rig": "Place cameras and lights",
    "references": "Render the product from each angle",
    "photoreal": "Turn each reference into a photoreal still",
    "video": "Make the clip",
    "results": "Load everything where an artist looks for it",
}

T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """One thing worth telling the user. ``fraction`` is 0..1 within the stage, None where it can't be known."""

    stage: Stage
    text: str
    fraction: float | None = None
    angle: str | None = None
    warning: bool = False


# A piece of work that says where it stands each time it has to wait, and returns its result at the end.
# The command line loops over it; the window advances it from a modal timer.
Steps = Generator[Progress, None, T]
