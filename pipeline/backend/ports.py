# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two things the chain needs from outside: a studio (Blender) and a backend (fal.ai, or this machine).

They are handed in, so that the chain runs under pytest with small in-memory stand-ins.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from pydantic import field_serializer

from ..facts import Facts
from ..json_object import JsonObject
from ..rig import Angle
from ..settings.groups import RunSettings
from ..stages import Progress, Steps
from .requests import ClipRequest, Event, Request


class Task(StrEnum):
    """A piece of work on finished pictures, which a second Blender may do; see studio.image_worker.tasks."""

    MEASURE = "measure"
    UNWARP = "unwarp"
    EXACT = "exact"
    FAITHFUL = "faithful"
    PAIR = "pair"
    READ = "read"
    MATTE = "matte"
    TINT = "tint"
    GAIN = "gain"
    TRACK = "track"
    LOOK = "look"
    CARRY = "carry"
    FRAMES = "frames"
    COVERAGE = "coverage"
    TEXTURE = "texture"
    REFERENCE = "reference"
    GROUND = "ground"
    PICTURE = "picture"
    PLATES = "plates"
    BEHIND = "behind"
    DEPTH = "depth"
    DEPTH_FRAMES = "depth_frames"
    FINISH = "finish"
    CONVERT = "convert"
    CONTACT_SHEET = "contact_sheet"
    COMPARISON = "comparison"
    TRY_IMPORT = "try_import"
    DELIVER = "deliver"
    VIEW_BOX = "view_box"
    DELIVER_VIEW = "deliver_view"

    @property
    def needs_product(self) -> bool:
        """The product's mesh goes with it."""
        return self in (Task.MEASURE, Task.TRACK, Task.COVERAGE)


@dataclass(frozen=True)
class Product:
    """What is known of the product once it stands on the ground.

    ``size`` is the bounding box in metres (x, y, z) after normalising. ``materials`` are hints found in its own
    materials, from {"metal", "glass", "gem"}; ``reflective`` says that mirror-like surfaces dominate.
    """

    name: str
    size: tuple[float, float, float]
    vertices: int
    materials: tuple[str, ...] = ()
    reflective: bool = False
    notes: tuple[str, ...] = ()  # what normalising changed, for the user
    missing: tuple[str, ...] = ()  # textures and parts that it is shown without, one clause each


class Shot(Facts):
    """Facts of one rendered reference. In run.json ``files`` are relative to the run.

    ``matrix_world`` is the camera's 4×4, row-major, metres. ``projection`` is the 4×4 from camera space to clip space.
    """

    angle: str
    files: dict[
        str, Path
    ]  # "image", "mask", "depth", "normal", "position", "surface", "scatter", "depth_map", "lights", "ground"
    matrix_world: list[list[float]]
    projection: list[list[float]]
    focal_length: float
    device: str
    samples: int
    seconds: float
    coverage: float  # share of the frame inside the mask

    @field_serializer("files")
    def _with_slashes(self, files: dict[str, Path]) -> dict[str, str]:
        return {name: path.as_posix() for name, path in files.items()}


@dataclass(frozen=True)
class Results:
    """What the results stage shows: per angle the chosen still, and the clips."""

    shots: dict[str, Shot]
    stills: dict[str, Path]
    clips: dict[str, Path]
    backend: str
    report: JsonObject = field(default_factory=dict)


class Studio(Protocol):
    """Blender, as the chain sees it. Each method is a generator that yields Progress and returns its result."""

    def load_product(self, model: Path) -> Steps[Product]: ...

    def take_blend(self, source: Path, out: Path) -> Steps[None]: ...

    def export_product(self, out: Path) -> Steps[None]: ...

    def place_rig(self, settings: RunSettings) -> Steps[None]: ...

    def render_reference(self, angle: Angle, settings: RunSettings, folder: Path) -> Steps[Shot]: ...

    def finish_reference(self, angle: Angle, references: Path, out: Path) -> Steps[None]:
        """The still ``out`` that ``angle``'s reference in the folder ``references`` becomes without any model."""
        ...

    def render_turntable(
        self, angle: Angle, settings: RunSettings, out: Path, kind: str = "render", frames: int | None = None
    ) -> Steps[None]:
        """The clip's motion. ``kind``: "render", or "depth", near = white. ``frames``: at least so many of 24 a second, in
        place of the clip's duration."""
        ...

    def render_exact_clip(self, clip: ClipRequest, settings: RunSettings) -> Steps[None]:
        """A clip of the true model with the look of ``clip.lends``, to ``clip.out``; where ``clip.pieces`` have bought clips, their
        frames in between."""
        ...

    def convert_picture(self, source: Path, out: Path) -> Steps[None]:
        """``source``, of whatever kind came, as the PNG ``out``."""
        ...

    def inspect(self, task: Task, meanwhile: Progress, **job: Any) -> Steps[JsonObject]:
        """One task of the geometry gate on finished pictures: measure, unwarp, exact, tint, gain or track.

        Paths are strings. The studio adds what only it has, the product's mesh. Raises ConsistencyError.
        """
        ...

    def save_results(self, results: Results, settings: RunSettings, folder: Path) -> Steps[None]: ...

    def close(self) -> None:
        """Take away what was only needed while working."""
        ...


class Backend(Protocol):
    """Makes models, stills and clips. ``start`` never waits; ``poll`` says what has happened since."""

    name: str
    renders: bool  # it works in Blender itself, so that nothing else can render while it does

    @property
    def in_flight(self) -> int:
        """Requests that have not ended."""
        ...

    def start(self, request: Request) -> None: ...

    def poll(self, wait: float = 0.0) -> list[Event]:
        """What happened since the last call. ``wait``: seconds to block for something to happen, 0 in a window."""
        ...

    def quote(self, request: Request) -> float | None:
        """What a request would cost in USD, None where that is not known. Nothing is sent."""
        ...

    def follows(self, endpoint: str) -> str:
        """Which clip of this machine's own an endpoint for clips is sent: "render", "depth", or none, empty."""
        ...

    def name_of(self, endpoint: str) -> str:
        """What people call an endpoint; its id where nobody knows it."""
        ...

    def note(self, key: str, decision: JsonObject) -> None:
        """Keep what was decided about a purchase, and why, where its other events are kept."""
        ...

    def cancel(self, key: str | None = None) -> None: ...

    def close(self) -> None: ...
