# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A second witness for stills of which the measures can't tell anything, where the user asked for one.

That it will be asked stands in run.json before it is; what it said is kept with the still, in the still's reason, so that it
is read wherever the verdict is. What follows from it is decided in scoring.ladder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .. import plan
from ..backend.open_requests import OpenRequests
from ..backend.ports import Task
from ..backend.requests import OpinionRequest
from ..errors import STOPS, Cancelled, ConsistencyError, TryAgainLater
from ..run.record import Entry, SecondOpinion
from ..run.run_folder import RunFolder
from ..settings.groups import RunSettings
from ..stages import Progress, Stage, Steps
from ..verdicts import Cause, MadeBy, Outcome, Says, Witness
from .by_hand import BY_HAND
from .inspections import facts_of
from .record import GateRecord
from .witness import LONGEST, QUESTION, Testimony, in_one_line, in_words, worth_of

if TYPE_CHECKING:
    from pathlib import Path

    from ..backend.ports import Shot, Studio
    from ..rig import Angle
    from .retakes import Retakes

READER = "the print, read on this machine"
NOT_ASKED = (Cause.TINT,)  # render and still side by side can't show how the other views look


def is_wanted(settings: RunSettings) -> bool:
    """Somebody else shall be asked about unsure stills of this run."""
    return settings.is_measured and settings.gate.second_opinion != Witness.NONE


def may_be_asked(settings: RunSettings, entry: Entry | None) -> bool:
    """A measured still is of the kind that a second witness is asked about: unsure, and bought or made from one. What a person
    makes by hand that person looks at, and may make anew under the same number.
    """
    if entry is None or not is_wanted(settings) or entry.outcome != Outcome.UNSURE:
        return False
    return entry.made_by != MadeBy.LOCAL and entry.cause not in NOT_ASKED and entry.why != BY_HAND


def take_asked(entry: Entry) -> int:
    """The take that a witness is asked about, or was: a picture that was made here has that of the one it was made from."""
    return entry.take if entry.second is None or entry.second.take is None else entry.second.take


def unasked(folder: RunFolder, settings: RunSettings) -> list[str]:
    """The angles that show an unsure still of which nobody has said anything yet: neither a witness nor a person."""
    record = GateRecord(folder, settings)
    names = [angle.name for angle in settings.studio.angles]
    return [name for name in names if _is_unheard(settings, record, name)]


def _is_unheard(settings: RunSettings, record: GateRecord, angle: str) -> bool:
    shown = record.shown(angle)
    if not may_be_asked(settings, shown) or record.opinion(angle) is not None or record.person_chose(angle):
        return False
    assert shown is not None
    return shown.second is None or shown.second.says is None


@dataclass
class SecondOpinions:
    """The witness of one run. ``is_known``: the product is, so that there is something to compare with."""

    record: GateRecord
    studio: Studio
    open_requests: OpenRequests
    retakes: Retakes
    is_known: bool
    _without: dict[tuple[str, int], str] = field(default_factory=dict)  # stills that go on without one, and why

    @property
    def folder(self) -> RunFolder:
        return self.record.folder

    @property
    def settings(self) -> RunSettings:
        return self.record.settings

    def is_due(self, angle: str, entry: Entry | None) -> bool:
        """A witness is to be asked about this still, or its answer is still to come."""
        if entry is None or not self.is_known or (angle, entry.take) in self._without:
            return False
        return may_be_asked(self.settings, entry) and (entry.second is None or entry.second.says is None)

    def is_due_for_shown(self, angle: str) -> bool:
        """The same of the take that is shown already, unless a person spoke of it or chose it."""
        return self.is_due(angle, self.record.shown(angle)) and _is_unheard(self.settings, self.record, angle)

    def why_none(self, angle: str, entry: Entry) -> str:
        """Why this still goes on without a witness that was wanted; empty where one was heard, or none is wanted."""
        return self._without.get((angle, entry.take), "")

    def hear(self, angle: Angle, shot: Shot, entry: Entry) -> Steps[Entry | None]:
        """The entry with what the witness said, or as it was where there is none to be had; None while it is waited for."""
        if self.settings.gate.second_opinion == Witness.OCR:
            return (yield from self._read(angle, shot, entry))
        witness = self.settings.gate.second_opinion
        key = plan.opinion_key(angle.name, take_asked(entry), witness)
        if key not in self.open_requests.requests:
            asked = yield from self._ask(angle, shot, entry)
            return None if asked else entry
        if key not in self.open_requests.ended:
            return None
        event = self.open_requests.ended[key]
        if witness == Witness.MATTE and event.error is None and event.path is not None:
            return (yield from self._weigh(angle, shot, entry, event.path))
        return self._take_in(angle.name, entry, key)

    # reading the print here

    def _read(self, angle: Angle, shot: Shot, entry: Entry) -> Steps[Entry]:
        reading = Progress(Stage.PHOTOREAL, "reading the print", None, angle.name)
        still = str(self.folder.take(angle.name, entry.take))
        pose = entry.pose.model_dump(mode="json")
        try:
            said = yield from self.studio.inspect(Task.READ, reading, still=still, shot=_files_of(shot), pose=pose)
            found = Testimony(Says(said["says"]), in_one_line(str(said["reason"])))
        except STOPS:
            raise
        except (ConsistencyError, ValueError, LookupError, TypeError) as error:
            found = Testimony(Says.NOTHING, in_one_line(str(error)))
        return self._kept(angle.name, entry, SecondOpinion(witness=Witness.OCR, take=entry.take, name=READER), found)

    # a matte, held against the render's

    def _weigh(self, angle: Angle, shot: Shot, entry: Entry, matte: Path) -> Steps[Entry]:
        assert entry.second is not None
        weighing = Progress(Stage.PHOTOREAL, "holding the matte against the render's", None, angle.name)
        options = {"matte": str(matte), "shot": _files_of(shot), "pose": entry.pose.model_dump(mode="json")}
        try:
            said = yield from self.studio.inspect(Task.MATTE, weighing, **options)
            found = Testimony(Says(said["says"]), in_one_line(str(said["reason"])))
        except STOPS:
            raise
        except (ConsistencyError, ValueError, LookupError, TypeError) as error:
            found = Testimony(Says.NOTHING, in_one_line(str(error)))
        return self._kept(angle.name, entry, entry.second, found)

    # asking a model

    def _ask(self, angle: Angle, shot: Shot, entry: Entry) -> Steps[bool]:
        """Whether the witness is asked now. What an earlier life of the run asked is not asked, or paid, again."""
        settings, take = self.settings, take_asked(entry)
        request = plan.witness_request(self.folder, settings, angle, take, QUESTION)
        purchases = self.folder.read_journal().purchases
        if not purchases.is_open(request.key):
            price, left = self.open_requests.backend.quote(request), self.retakes.unspent()
            if left is not None and (price is None or price > left + 1e-9):
                why = "the limits allow none" if price is not None else "its price is not known, and there is a limit"
                self._go_on_without(angle.name, entry, why)
                return False
        if isinstance(request, OpinionRequest) and not request.pair.is_file():
            laying = Progress(Stage.PHOTOREAL, "laying render and still side by side", None, angle.name)
            still, out = str(self.folder.take(angle.name, take)), str(request.pair)
            try:
                yield from self.studio.inspect(Task.PAIR, laying, still=still, shot=_files_of(shot), out=out)
            except STOPS:
                raise
            except ConsistencyError as error:
                self._go_on_without(angle.name, entry, in_one_line(str(error)))
                return False
        name = self.open_requests.backend.name_of(request.endpoint)
        second = SecondOpinion(witness=settings.gate.second_opinion, take=take, key=request.key, name=name)
        self.record.keep(angle.name, entry.completed(second=second.model_dump()))
        self.open_requests.start(request)
        return True

    def _take_in(self, angle: str, entry: Entry, key: str) -> Entry:
        """What came of a question. Whatever went wrong with it, the run is whole without an answer; one that is paid for, or
        may be, is waited for again by the next resume."""
        event = self.open_requests.ended[key]
        assert entry.second is not None
        if event.error is None and event.path is not None:
            try:
                with event.path.open(encoding="utf-8", errors="replace") as file:
                    found = worth_of(file.read(LONGEST + 1))
            except OSError as error:
                found = Testimony(Says.NOTHING, f"its answer can't be read ({error.strerror or error})")
            return self._kept(angle, entry, entry.second, found)
        purchases = self.folder.read_journal().purchases
        is_open, last = purchases.is_open(key), purchases.last(key)
        has_failed = last is not None and last.failure is not None
        why = in_one_line(event.text)
        if isinstance(event.error, (TryAgainLater, Cancelled)) or (is_open and not has_failed):
            self._without[angle, entry.take] = why  # the run's end says so, and resume asks for it again
            return entry
        self.open_requests.forgive(key)
        if is_open:  # no usable answer for minutes; the next resume reads it again, for nothing
            self._without[angle, entry.take] = why
            return entry
        return self._go_on_without(angle, entry, why)  # nothing was paid

    def _go_on_without(self, angle: str, entry: Entry, why: str) -> Entry:
        """No witness is asked in this life of the run; the next one may."""
        self._without[angle, entry.take] = why
        self.open_requests.backend.note(
            plan.opinion_key(angle, take_asked(entry), self.settings.gate.second_opinion),
            {
                "angle": angle,
                "take": entry.take,
                "action": "no second opinion",
                "outcome": entry.outcome,
                "reason": why,
            },
        )
        return entry

    def _kept(self, angle: str, entry: Entry, second: SecondOpinion, found: Testimony) -> Entry:
        """Write down what was said, with the still's verdict and in the journal."""
        second = second.model_copy(update={"says": found.says, "reason": found.reason})
        said = entry.completed(second=second.model_dump(), reason=f"{entry.reason} ({in_words(second)})")
        self.record.keep(angle, said)
        decision = {"action": "second opinion", "says": found.says, "outcome": entry.outcome, "reason": found.reason}
        key = second.key or plan.still_key(angle, entry.take)
        self.open_requests.backend.note(key, {"angle": angle, "take": entry.take, **decision})
        return said


def _files_of(shot: Shot) -> dict[str, object]:
    return facts_of(shot, sent=False)
