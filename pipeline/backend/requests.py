# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the chain asks a backend for, in the pipeline's own words.

A backend turns a request into an endpoint's fields (fal) or into renders (local). ``out`` is where the finished file
will lie; a backend writes it beside, syncs and renames, so that a file under this name is always whole. ``key`` names
the purchase: asking twice for the same key never pays twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..json_object import JsonObject
from ..rig import Angle
from ..settings.choices import MotionName
from ..stages import JobState, Stage


@dataclass(frozen=True)
class PictureRequest:
    """A picture from words, to make a model from (text → Flux → Meshy)."""

    key: str
    endpoint: str
    prompt: str
    out: Path  # PNG
    seed: int | None = None
    overrides: JsonObject = field(default_factory=dict)
    stage: Stage = Stage.MODEL


@dataclass(frozen=True)
class ModelRequest:
    """A GLB from one to four photos of one product, or from words."""

    key: str
    endpoint: str
    photos: tuple[Path, ...]
    text: str
    out: Path  # GLB
    seed: int | None = None
    overrides: JsonObject = field(default_factory=dict)
    stage: Stage = Stage.MODEL


@dataclass(frozen=True)
class TextureRequest:
    """A mesh that is there with a new texture, from photos of the same object or from words."""

    key: str
    endpoint: str
    model: Path  # GLB
    photos: tuple[Path, ...]
    text: str
    out: Path  # GLB
    seed: int | None = None
    overrides: JsonObject = field(default_factory=dict)
    stage: Stage = Stage.MODEL


@dataclass(frozen=True)
class StillRequest:
    """One photoreal still of one angle. ``avoid`` says what it must not show, for endpoints that have a field for them."""

    key: str
    endpoint: str
    angle: Angle
    take: int  # counts from 1
    reference: Path  # PNG, display-referred, backdrop composited
    depth: Path | None  # 8-bit PNG, near = white; for depth-conditioned endpoints
    prompt: str
    avoid: str
    seed: int | None
    size: tuple[int, int]  # pixels
    out: Path  # PNG
    overrides: JsonObject = field(default_factory=dict)
    stage: Stage = Stage.PHOTOREAL


@dataclass(frozen=True)
class OpinionRequest:
    """A second opinion on one still: a question about a picture that shows render and still side by side."""

    key: str
    endpoint: str
    angle: Angle
    take: int  # of the still
    pair: Path  # PNG
    question: str
    out: Path  # text, as it came
    overrides: JsonObject = field(default_factory=dict)
    stage: Stage = Stage.PHOTOREAL


@dataclass(frozen=True)
class DerivedRequest:
    """What is made of one finished picture or clip alone: the same larger ("upscale"), or where the product is in it
    ("matte"). ``subject``: what the product is, in words."""

    key: str
    endpoint: str
    makes: Literal["upscale", "matte"]
    angle: Angle
    take: int
    source: Path
    subject: str
    size: tuple[int, int]  # pixels of the source
    out: Path
    seed: int | None = None
    overrides: JsonObject = field(default_factory=dict)
    stage: Stage = Stage.PHOTOREAL


@dataclass(frozen=True)
class Lender:
    """A still that lends its look to a view. ``shot``: its reference's files and matrices, as the image worker takes them;
    ``pose``: how its product lies in it. ``fingerprint``: of the still, its reference and its pose.
    """

    angle: str
    still: Path
    shot: JsonObject
    pose: JsonObject
    fingerprint: str


@dataclass(frozen=True)
class Piece:
    """A piece of a turn between two stills, by the names of their angles. ``clip``: a bought one that shows it from its first
    frame to its last, None where exact frames do; ``fingerprint``: of its file. ``why``: why there is no bought one.
    """

    one: str
    other: str
    degrees: float
    clip: Path | None = None
    fingerprint: str = ""
    why: str = ""


@dataclass(frozen=True)
class ClipRequest:
    """One clip, from a start picture and, where the endpoint takes it, an end picture and further views.

    ``drawn``: where this machine's own render of the motion lies, or will, by kind: "render" and "depth". An endpoint that
    follows a clip is sent that one.
    Of one that is rendered here with the stills' look: ``lends``, and ``scene``, which is another where its frames are.
    Of a turn that is stitched: its ``pieces``. Of such a piece, while it is bought: ``to``, the angle of its end.
    """

    key: str
    endpoint: str
    angle: Angle
    motion: str  # a name of video.MOTIONS
    start: Path
    end: Path | None
    elements: tuple[Path, ...]  # first = frontal, the rest further views; empty: not sent
    prompt: str
    avoid: str
    duration: float  # seconds; rounded up to what the endpoint sells
    audio: bool
    seed: int | None
    size: tuple[int, int]  # pixels of the start picture
    out: Path  # MP4
    overrides: JsonObject = field(default_factory=dict)
    drawn: Mapping[str, Path] = field(default_factory=dict)
    stage: Stage = Stage.VIDEO
    lends: tuple[Lender, ...] = ()
    scene: str = ""
    pieces: tuple[Piece, ...] = ()
    to: Angle | None = None

    @property
    def is_made_here(self) -> bool:
        """It is rendered, or stitched, on this machine, whatever makes the stills."""
        return MotionName(self.motion).is_exact or bool(self.pieces)


Request = PictureRequest | ModelRequest | TextureRequest | StillRequest | OpinionRequest | DerivedRequest | ClipRequest


@dataclass(frozen=True)
class Event:
    """What a backend says about a request. DONE and FAILED end it; the failed one's ``error`` tells how.

    ``billed_usd`` is None where nothing is known yet. ``error`` is set with ``failed``; raising it is the chain's choice.
    """

    key: str
    kind: JobState
    text: str = ""
    fraction: float | None = None
    queue_position: int | None = None
    path: Path | None = None
    request_id: str | None = None
    seed: int | None = None
    quoted_usd: float | None = None
    billed_usd: float | None = None
    error: Exception | None = None

    @property
    def ends(self) -> bool:
        return self.kind in (JobState.DONE, JobState.FAILED)
