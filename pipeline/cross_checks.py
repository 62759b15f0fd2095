"""What is checked once the single pictures are there: the views' colours against each other, the clip against the model."""

from __future__ import annotations

from typing import Any

from . import plan
from .acceptance import STOPS, Acceptance, shot_facts
from .errors import ConsistencyError
from .gate_record import subject
from .ports import Shot
from .requests import ClipRequest
from .scoring.crossview import Tint
from .scoring.ladder import next_for_tint
from .stages import Progress, Steps


def compare_tints(gate: Acceptance, shots: dict[str, Shot]) -> Steps[None]:
    """Once all stills are settled: the one view whose tint disagrees is corrected, taken again, or flagged.

    A set of takes is compared once. The clip's own still is never taken again: the clip shows it already.
    """
    folder, record, settings = gate.folder, gate.record, gate.settings
    takes = {name: record.chosen(name) for name in shots if folder.still(name).is_file()}
    checks: list[dict[str, Any]] = folder.record.setdefault("tints", [])
    if not gate.measures or len(takes) < 2 or any(check["takes"] == takes for check in checks):
        return
    try:
        found = yield from gate.studio.inspect(
            "tint",
            Progress("photoreal", "comparing the views' colours"),
            stills={name: str(folder.still(name)) for name in takes},
            shots={name: shot_facts(shots[name]) for name in takes},
        )
    except ConsistencyError as error:  # a still of another aspect: it is flagged already
        if isinstance(error, STOPS):
            raise
        found = {"outlier": "", "action": "", "reason": str(error), "gains": {}}
    checks.append({"takes": takes, **found})
    folder.save()
    name = found["outlier"]
    entry = record.shown(name) if name else None
    if entry is None or entry["made_by"] in ("local", "gain"):
        return
    angle, shot = settings.angle(name), shots[name]
    in_clip = settings.motion != "none" and name in plan.clip_stills(settings)
    rerolls = sum(check.get("did") == "reroll" for check in checks)
    tint = Tint((), {}, {}, name, found["action"], found["reason"])
    action = next_for_tint(tint, rerolls, gate.ladder, not in_clip and gate.retakes.affordable(angle, shot))
    checks[-1]["did"] = action.kind
    gate.note(name, entry, action)
    if action.kind == "gain":
        made = yield from gate.mend("gain", angle, shot, entry, factors=found["gains"][name])
        made = {**{fact: value for fact, value in entry.items() if fact != "key"}, **made}
        record.keep(name, made)
        record.settle(name, made, action)
    elif action.kind == "reroll":
        folder.record["chosen"].pop(subject(name), None)
        gate.retakes.buy(angle, shot, action, purpose="tint")
    else:
        entry |= {"outcome": "unsure", "reason": action.reason, "cause": "tint"}
        record.settle(name, entry, action)


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
        options = {"clip": str(clip.out), "shot": shot_facts(shot), "still_camera": clip.motion == "light_sweep"}
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
