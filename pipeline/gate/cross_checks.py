# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is checked once the single pictures are there: the views' colours against each other, the clip against the model."""

from __future__ import annotations

from collections.abc import Mapping

from .. import plan
from ..backend.ports import Shot, Task
from ..backend.requests import ClipRequest
from ..errors import STOPS, BadInput, ConsistencyError
from ..rig import Angle
from ..run.record import Entry, TintCheck, Track
from ..settings.choices import MotionName
from ..stages import Progress, Stage, Steps
from ..verdicts import Cause, MadeBy, Outcome, Ruling, TintAnswer
from ..video import degrees_of_turn
from .acceptance import Acceptance
from .record import subject
from .scoring.crossview import Tint
from .scoring.ladder import Action, next_for_tint


def compare_tints(gate: Acceptance, shots: dict[str, Shot]) -> Steps[None]:
    """Once all stills are settled: the one view whose tint disagrees is corrected, taken again, or flagged.

    A set of takes is compared once. The clip's own still is never taken again: the clip shows it already.
    """
    folder, record, settings = gate.folder, gate.record, gate.settings
    takes, known = record.takes(), record.comparison()
    if not gate.measures or len(takes) < 2 or (known is not None and known.did is not None):
        return
    if known is None:
        known = yield from _look_at_tints(gate, shots, takes)
        folder.put_tint_check(known)
    name = known.outlier
    entry = record.shown(name) if name else None
    if entry is None or entry.made_by in (MadeBy.LOCAL, MadeBy.GAIN):
        folder.put_tint_check(known.answered(TintAnswer.NOTHING))
        folder.save()
        return
    angle, shot = settings.angle(name), shots[name]
    waits = settings.clip.motion.needs_all_stills
    in_clip = settings.clip.is_bought and not waits and name in plan.clip_stills(settings)
    rerolls = sum(check.did == TintAnswer.REROLL for check in folder.tint_checks)
    may_be_bought = not in_clip and not record.person_chose(name) and gate.retakes.affordable(angle, shot)
    action = next_for_tint(Tint((), {}, {}, name, known.action, known.reason), rerolls, gate.ladder, may_be_bought)
    made = None
    if action.kind == MadeBy.GAIN and not record.person_chose(name):
        made = yield from _corrected(gate, angle, shot, entry, list(known.gains[name]))
    if made is not None:
        folder.put_tint_check(known.answered(TintAnswer.GAIN))
        record.keep(name, made)
        record.settle(name, made, action, instead_of=takes[name])
    elif action.kind == MadeBy.REROLL and record.chosen(name) == takes[name]:
        folder.put_tint_check(known.answered(TintAnswer.REROLL))
        folder.withdraw(subject(name))
        gate.retakes.buy(angle, shot, action, instead_of=takes[name])
    else:
        if record.chosen(name) == takes[name] and not record.person_chose(name):
            entry = _tinted(entry, known.reason)
            record.keep(name, entry)
            record.settle(name, entry, Action(Ruling.FLAG, entry.reason), instead_of=takes[name])
        folder.put_tint_check(known.answered(TintAnswer.FLAG))
        folder.save()
    gate.note(name, entry, action)


def _tinted(entry: Entry, reason: str) -> Entry:
    """A person should look at it; what was wrong or doubted before still is."""
    if entry.outcome == Outcome.PASS:
        return entry.completed(outcome=Outcome.UNSURE, reason=reason, cause=Cause.TINT)
    return entry if reason in entry.reason else entry.completed(reason=f"{entry.reason}, and {reason}")


def _look_at_tints(gate: Acceptance, shots: dict[str, Shot], takes: dict[str, int | None]) -> Steps[TintCheck]:
    try:
        found = yield from gate.studio.inspect(
            Task.TINT,
            Progress(Stage.PHOTOREAL, "comparing the views' colours"),
            stills={name: str(gate.folder.still(name)) for name in takes},
            shots={name: gate.facts(shots[name]) for name in takes},
        )
        return TintCheck(takes=takes, **found)
    except ConsistencyError as error:  # a still of another aspect: it is flagged already
        if isinstance(error, STOPS):
            raise
        return TintCheck(takes=takes, outlier="", action="", reason=str(error), gains={})


def _corrected(gate: Acceptance, angle: Angle, shot: Shot, entry: Entry, factors: list[float]) -> Steps[Entry | None]:
    """A still with its colour cast taken away; None where that failed, and the still is flagged as it is."""
    try:
        made = yield from gate.mend(MadeBy.GAIN, angle, shot, entry, factors=factors)
    except ConsistencyError as error:
        if isinstance(error, STOPS):
            raise
        return None
    return entry.inherited_by(made)


def follow_clip(gate: Acceptance, clip: ClipRequest, shots: Mapping[str, Shot]) -> Steps[None]:
    """Follow the product through a bought clip, a piece of one, or one that was made here, once: how long it stays the product.

    It is said, and kept; a clip is never bought again unasked.
    """
    folder, shot = gate.folder, shots[clip.angle.name]
    is_followed = gate.measures or (clip.is_made_here and gate.settings.gate.enabled)
    if not is_followed or folder.track(clip.key) is not None or not clip.out.is_file():
        return
    if MotionName(clip.motion).moves == MotionName.DETAIL_REVEAL:
        track = Track(outcome=Outcome.UNSURE, reason="a camera that moves in is not followed")
    else:
        drifted = clip.out.with_name(f"{clip.out.stem.replace('.take-', '.drift-')}.png")
        following = Progress(Stage.VIDEO, "following the product through the clip", None, clip.angle.name)
        options: dict[str, object] = {"clip": str(clip.out), "shot": gate.facts(shot)}
        options["turn"] = degrees_of_turn(clip.motion, gate.product)
        options["way"] = [gate.facts(shots[name]) for name in _stations(clip)]
        try:
            found = yield from gate.studio.inspect(Task.TRACK, following, drifted=str(drifted), **options)
            frame = {"frame": drifted.relative_to(folder.root).as_posix()} if found["outcome"] == Outcome.FAIL else {}
            track = Track(**found, **frame)
        except ConsistencyError as error:
            if isinstance(error, STOPS):
                raise
            is_no_piece = clip.to is not None and isinstance(error, BadInput)
            track = Track(outcome=Outcome.FAIL if is_no_piece else Outcome.UNSURE, reason=str(error))
    folder.keep_track(clip.key, track)
    text = f"{clip.out.name}: {track.outcome}, {track.reason}"
    yield Progress(Stage.VIDEO, text, None, clip.angle.name, warning=track.outcome == Outcome.FAIL)


def _stations(clip: ClipRequest) -> list[str]:
    """The angles whose cameras a clip's camera passes, first and last among them; none where the camera stands."""
    if clip.to is not None:
        return [clip.angle.name, clip.to.name]
    return [piece.one for piece in clip.pieces] + [piece.other for piece in clip.pieces[-1:]]
