# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which stills of a run may lend their look, and a clip that takes it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..backend.ports import Shot
from ..backend.requests import ClipRequest, Lender
from ..gate.inspections import AS_IT_IS, facts_of
from ..gate.record import GateRecord, in_force
from ..json_object import JsonObject
from ..run.run_folder import RunFolder
from ..settings.choices import BackendName
from ..settings.groups import RunSettings
from ..verdicts import MadeBy, Outcome, Said


def lenders(record: GateRecord, shots: Mapping[str, Shot]) -> tuple[tuple[Lender, ...], dict[str, str]]:
    """The stills that lend their look, in the angles' order; and by angle, why a still that is there doesn't.

    A picture that is not on model, or that nobody can tell of, lends nothing: its fault would be in every frame. Finished
    renders lend nothing either: they have no look that a render doesn't.
    """
    lend, why = [], {}
    if record.settings.service.backend == BackendName.LOCAL:
        return (), {}
    for name, shot in shots.items():
        still = record.folder.still(name)
        if not still.is_file():
            continue
        reason = _refusal(record, name)
        if reason:
            why[name] = reason
        else:
            lend.append(_lender(record, name, shot, still))
    return tuple(lend), why


def _refusal(record: GateRecord, angle: str) -> str:
    """Why a still lends nothing; "" where it does."""
    entry, opinion = record.shown(angle), record.opinion(angle)
    if opinion is not None and opinion.said is not None:
        return "" if opinion.said == Said.RIGHT else "you said that it is wrong"
    if entry is not None and entry.made_by == MadeBy.LOCAL:
        return "it is a render of this machine"
    if not record.settings.is_measured:  # by the artist's own choice, or so small that nothing is at stake
        return ""
    if entry is None or entry.outcome is None:
        return "it was not measured"
    outcome, reason = in_force(entry.outcome, entry.reason, opinion)
    return "" if outcome == Outcome.PASS else reason or "it is not on model"


def _lender(record: GateRecord, angle: str, shot: Shot, still: Path) -> Lender:
    entry = record.shown(angle)
    pose = AS_IT_IS if entry is None or entry.made_by == MadeBy.FAITHFUL else entry.pose
    known = pose.model_dump(mode="json")
    digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode())
    for path in (still, shot.files["image"]):
        digest.update(path.read_bytes())
    return Lender(angle, still, dict(facts_of(shot, sent=record.settings.is_cut_out)), known, digest.hexdigest())


def with_look(clip: ClipRequest, lend: tuple[Lender, ...], shots: Mapping[str, Shot]) -> ClipRequest:
    """``clip`` with the look of ``lend``; its ``scene`` names what the references show: model, light, cameras and size."""
    digest = hashlib.sha256()
    for name in sorted(shots):
        digest.update(name.encode() + shots[name].files["image"].read_bytes())
    return replace(clip, lends=lend, scene=digest.hexdigest())


def fingerprint(clip: ClipRequest, settings: RunSettings) -> str:
    """Names all that an exact clip is made of: another one is made anew."""
    of = [
        clip.scene,
        clip.angle.name,
        clip.duration,
        settings.clip.frame_rate,
        settings.clip.clip_alpha,
        *sorted(f"{each.angle} {each.fingerprint}" for each in clip.lends),
        *(f"{piece.one} {piece.other} {piece.fingerprint}" for piece in clip.pieces),
    ]
    return hashlib.sha256(json.dumps(of).encode()).hexdigest()


def of_run(folder: RunFolder) -> tuple[Lender, ...]:
    """The stills of a run that lend their look to a view that is asked for later; none of a run without generated ones."""
    shots = {angle.name: folder.shot(angle.name) for angle in folder.settings.studio.angles}
    lend, _ = lenders(GateRecord(folder, folder.settings), {name: shot for name, shot in shots.items() if shot})
    return lend


def surface_in_words(found: JsonObject) -> str:
    """What share of the surface stills see, and which further ones would see the rest; "" where nobody looked."""
    if not found:
        return ""
    text = f"the stills see {found['seen']:.0%} of the surface"
    further = found.get("further") or []
    if further:
        places = "; ".join(f"azimuth {each['azimuth']:g}°, elevation {each['elevation']:g}°" for each in further)
        text += f"; stills from {places} would make that {further[-1]['seen']:.0%}"
    return text


def plain(lender: Lender) -> JsonObject:
    """As JSON, which a task takes."""
    return {**vars(lender), "still": str(lender.still)}
