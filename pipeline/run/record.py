# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""run.json as types. RunFolder alone reads and writes it; everybody else asks RunFolder."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_serializer

from ..backend.ports import Shot
from ..facts import Facts
from ..json_object import JsonObject
from ..settings.groups import RunSettings
from ..stages import STAGES, StageState
from ..verdicts import Cause, MadeBy, Outcome, Ruling, Said, Says, TintAnswer, Witness
from .migrations import FORMAT


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class StageRecord(Facts):
    """A stage: its state, when it began and ended (UTC), and what it found. ``error``: the sentence that was shown."""

    state: StageState = StageState.WAITING
    started: str | None = None
    ended: str | None = None
    error: str | None = None
    # model
    source: str = ""
    # rig
    product: str = "product"
    size_m: tuple[float, float, float] | None = None
    materials: tuple[str, ...] = ()
    reflective: bool = False
    notes: tuple[str, ...] = ()
    # references, by angle
    shots: dict[str, Shot] = Field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Nothing of it is left to do: it is done, or was not wanted."""
        return self.state in (StageState.DONE, StageState.SKIPPED)

    def marked(self, state: StageState, facts: dict[str, object]) -> Self:
        """As it is once it has got to ``state``."""
        begins = state == StageState.RUNNING
        changed = {**facts, "state": state}
        if begins:
            changed["started"] = self.started or now()
        elif state in (StageState.DONE, StageState.SKIPPED, StageState.FAILED):
            changed["ended"] = now()
        kept = self.model_dump(exclude={"error"} if begins else None)
        return type(self).model_validate({**kept, **changed})


class Pose(Facts):
    """How a still's product lies in its frame, as un-warping takes it: pixels of the still, 1.0 = right, degrees."""

    dx: float = 0.0
    dy: float = 0.0
    scale: float = 1.0
    rotation: float = 0.0
    pivot: tuple[float, float] = (0.0, 0.0)


class SecondOpinion(Facts):
    """What a second witness was asked of an unsure picture. It is written before the answer is asked for; ``says``: None
    until it has come. ``name``: what people call the witness.
    """

    witness: Witness
    take: int | None = None  # that it is about: this picture, or the one that it was made from
    key: str = ""  # of the purchase
    name: str = ""
    says: Says | None = None
    reason: str = ""  # the witness's own words, or why it has no opinion


class Entry(Facts):
    """What the gate knows of one picture of an angle. It is written before the picture is asked for, and completed when it
    has been measured, so that a resumed run goes on where it was.
    """

    take: int
    made_by: MadeBy
    # of a purchase
    key: str = ""
    why: str = ""
    instead_of: int | None = None  # the take that is kept where this one is no better
    passed_over: bool = False  # it came to nothing
    # of a picture made from another one: that one's take
    of: int | None = None
    faithful: float | None = None  # how much of its detail is the render's, 0..1
    # once it has been measured
    outcome: Outcome | None = None
    reason: str = ""
    cause: Cause = Cause.NONE
    numbers: dict[str, int | float] = Field(default_factory=dict)
    own: dict[str, int | float] = Field(default_factory=dict)  # the same of the view's own render, mildly degraded
    pose: Pose = Pose()
    heatmap: str | None = None  # relative to the run
    second: SecondOpinion | None = None

    def completed(self, **facts: object) -> Entry:
        return Entry.model_validate({**self.model_dump(), **facts})

    def inherited_by(self, made: Entry) -> Entry:
        """``made``, and all else that is known of this picture it was made from; the purchase stays this one's alone."""
        return Entry.model_validate({**self.model_dump(exclude={"key"}), **made.model_dump()})


class Decision(Facts):
    """What the gate decided about the still that is shown. ``action``: what was done last."""

    take: int
    outcome: Outcome | None = None
    heatmap: str | None = None
    made_by: MadeBy
    reason: str
    action: MadeBy | Ruling
    faithful: float | None = None  # of the entry
    second: SecondOpinion | None = None  # of the entry


class Opinion(Facts):
    """What a person says of a take, and what was known of it then. ``said``: None where the word was taken back.

    ``own``: the numbers of the view's own render. ``thresholds``: names the limits that the verdict was made by.
    """

    take: int
    said: Said | None
    time: str  # UTC
    outcome: Outcome | None = None
    cause: Cause = Cause.NONE
    numbers: dict[str, int | float] = Field(default_factory=dict)
    own: dict[str, int | float] = Field(default_factory=dict)
    thresholds: str = ""


class TintCheck(Facts):
    """The colours of just these ``takes`` (by angle) against each other. ``outlier``: the view that disagrees, or ""."""

    takes: dict[str, int | None]
    outlier: str = ""
    action: str = ""
    reason: str = ""
    gains: dict[str, tuple[float, float, float]] = Field(default_factory=dict)  # red, green, blue
    did: TintAnswer | None = None  # None: not acted on yet

    def answered(self, did: TintAnswer) -> TintCheck:
        return self.model_copy(update={"did": did})


class Track(Facts):
    """How long a clip shows the product. Further fields are as the tracking gave them."""

    outcome: Outcome
    reason: str
    frame: str | None = None  # where it is off first, relative to the run


class RunRecord(BaseModel):
    """All of run.json. A ``subject`` is what takes are made of: "photoreal/front", "video/turntable"."""

    model_config = ConfigDict(extra="allow", validate_assignment=True, populate_by_name=True)

    format: int = Field(FORMAT, alias="schema")
    id: str  # names the run in this machine's book, wherever the folder is moved
    created: str  # UTC
    settings: RunSettings
    versions: dict[str, JsonValue]
    device: str | None = None  # what the references are rendered on
    stages: dict[str, StageRecord]
    prices: JsonObject  # by endpoint, as they were agreed to
    rounds: dict[str, int]  # by subject: the number of the first take of the current round
    chosen: dict[str, int]  # by subject: the take that is shown
    gate: dict[str, list[Entry]]  # by subject, of all rounds, oldest first
    verdicts: dict[str, Decision]  # by subject
    tints: list[TintCheck]
    tracks: dict[str, Track]  # by the clip's key
    headline: str
    rendered_from: dict[str, dict[str, str]]  # by angle: hashes of what its reference shows
    product_state: dict[str, str]  # the same hashes of model/product.glb
    opinions: dict[str, list[Opinion]] = Field(default_factory=dict)  # by subject: a person's word, one a take

    @classmethod
    def new(cls, settings: RunSettings, versions: dict[str, JsonValue], prices: JsonObject | None = None) -> RunRecord:
        """Of a run that has not begun."""
        return cls(
            id=uuid.uuid4().hex,
            created=now(),
            settings=settings,
            versions=versions,
            stages={stage: StageRecord(state=StageState.WAITING) for stage in STAGES},
            prices=prices or {},
            rounds={},
            chosen={},
            gate={},
            verdicts={},
            tints=[],
            tracks={},
            headline="",
            rendered_from={},
            product_state={},
        )

    @field_serializer("settings")
    def _whole_settings(self, settings: RunSettings) -> JsonValue:
        return settings.model_dump(mode="json")

    def to_json(self) -> dict[str, JsonValue]:
        return self.model_dump(mode="json", by_alias=True)
