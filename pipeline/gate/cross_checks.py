"""What is checked once the single pictures are there: the views' colours against each other, the clip against the model."""

from __future__ import annotations

from typing import Any

from .. import plan
from ..backend.ports import Shot
from ..backend.requests import ClipRequest
from ..errors import ConsistencyError
from ..rig import Angle
from ..stages import Progress, Steps
from ..video import degrees_of_turn
from .acceptance import STOPS, Acceptance
from .record import Entry, inherited, subject
from .scoring.crossview import Tint
from .scoring.ladder import Action, next_for_tint


def compare_tints(gate: Acceptance, shots: dict[str, Shot]) -> Steps[None]:
    """Once all stills are settled: the one view whose tint disagrees is corrected, taken again, or flagged.

    A set of takes is compared once. The clip's own still is never taken again: the clip shows it already.
    """
    folder, record, settings = gate.folder, gate.record, gate.settings
    takes, known = record.takes(), record.comparison()
    checks: list[dict[str, Any]] = folder.record.setdefault("tints", [])
    if not gate.measures or len(takes) < 2 or (known is not None and "did" in known):
        return
    if known is None:
        known = {"takes": takes, **(yield from _look_at_tints(gate, shots, takes))}
        checks.append(known)
    name = known["outlier"]
    entry = record.shown(name) if name else None
    if entry is None or entry["made_by"] in ("local", "gain"):
        known["did"] = "nothing"
        folder.save()
        return
    angle, shot = settings.angle(name), shots[name]
    in_clip = settings.clip.motion != "none" and name in plan.clip_stills(settings)
    rerolls = sum(check.get("did") == "reroll" for check in checks)
    may_be_bought = not in_clip and not record.person_chose(name) and gate.retakes.affordable(angle, shot)
    tint = Tint((), {}, {}, name, known["action"], known["reason"])
    action = next_for_tint(tint, rerolls, gate.ladder, may_be_bought)
    if action.kind == "gain" and not record.person_chose(name):
        made = yield from _corrected(gate, angle, shot, entry, known["gains"][name])
        if made is not None:
            known["did"] = "gain"
            record.keep(name, made)
            record.settle(name, made, action, instead_of=takes[name])
    if "did" not in known and record.chosen(name) == takes[name]:
        if action.kind == "reroll":
            known["did"] = "reroll"
            del folder.record["chosen"][subject(name)]
            gate.retakes.buy(angle, shot, action, instead_of=takes[name])
        elif not record.person_chose(name):
            entry |= {"outcome": "unsure", "reason": known["reason"], "cause": "tint"}
            record.settle(name, entry, Action("flag", known["reason"]), instead_of=takes[name])
    known.setdefault("did", "flag")
    folder.save()
    gate.note(name, entry, action)


def _look_at_tints(gate: Acceptance, shots: dict[str, Shot], takes: dict[str, int | None]) -> Steps[dict[str, Any]]:
    try:
        return (
            yield from gate.studio.inspect(
                "tint",
                Progress("photoreal", "comparing the views' colours"),
                stills={name: str(gate.folder.still(name)) for name in takes},
                shots={name: gate.facts(shots[name]) for name in takes},
            )
        )
    except ConsistencyError as error:  # a still of another aspect: it is flagged already
        if isinstance(error, STOPS):
            raise
        return {"outlier": "", "action": "", "reason": str(error), "gains": {}}


def _corrected(gate: Acceptance, angle: Angle, shot: Shot, entry: Entry, factors: list[float]) -> Steps[Entry | None]:
    """A still with its colour cast taken away; None where that failed, and the still is flagged as it is."""
    try:
        made = yield from gate.mend("gain", angle, shot, entry, factors=factors)
    except ConsistencyError as error:
        if isinstance(error, STOPS):
            raise
        return None
    return inherited(entry, made)


def follow_clip(gate: Acceptance, clip: ClipRequest, shot: Shot) -> Steps[None]:
    """Follow the product through a bought clip, once: how long it stays the product.

    It is said, and kept in ``record["tracks"]``; a clip is never bought again unasked.
    """
    tracks: dict[str, Any] = gate.folder.record.setdefault("tracks", {})
    if not gate.measures or clip.key in tracks or not clip.out.is_file():
        return
    if clip.motion == "detail_reveal":
        found: dict[str, Any] = {"outcome": "unsure", "reason": "a camera that moves in is not followed"}
    else:
        drifted = clip.out.with_name(f"{clip.out.stem.replace('.take-', '.drift-')}.png")
        following = Progress("video", "following the product through the clip", None, clip.angle.name)
        options = {"clip": str(clip.out), "shot": gate.facts(shot), "turn": degrees_of_turn(clip.motion, gate.product)}
        try:
            found = yield from gate.studio.inspect("track", following, drifted=str(drifted), **options)
            if found["outcome"] == "fail":
                found["frame"] = drifted.relative_to(gate.folder.root).as_posix()
        except ConsistencyError as error:
            if isinstance(error, STOPS):
                raise
            found = {"outcome": "unsure", "reason": str(error)}
    tracks[clip.key] = found
    gate.folder.save()
    text = f"{clip.out.name}: {found['outcome']}, {found['reason']}"
    yield Progress("video", text, None, clip.angle.name, warning=found["outcome"] == "fail")
