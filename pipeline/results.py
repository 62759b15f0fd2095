# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""report.json: per picture what was sent, what came back, what it cost and how it was seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from .backend.ports import Product, Shot
from .backend.requests import ClipRequest, DerivedRequest, Event, OpinionRequest, Piece, Request, StillRequest
from .errors import RunFolderError
from .gate.record import GateRecord, in_force, subject
from .gate.second_opinions import take_asked
from .json_object import JsonObject
from .run.journal import Purchases
from .run.run_folder import RunFolder
from .settings.choices import BackendName
from .settings.groups import RunSettings
from .stages import JobState
from .system.disk import write_json
from .verdicts import MENDED, MadeBy, Outcome, Witness

Report = JsonObject  # what is in report.json
LOCAL = "local (Cycles, no AI)"


def build_report(
    folder: RunFolder,
    settings: RunSettings,
    product: Product,
    requests: dict[str, Request],
    ended: dict[str, Event],
    shots: dict[str, Shot],
    name_of: Callable[[str], str],
) -> Report:
    """Write RUN/report.json and return it. All money in USD, all matrices row-major, all paths relative to the run.

    ``name_of``: what people call the endpoint of an id.
    """
    purchases = folder.read_journal().purchases
    pictures = []
    for key, request in requests.items():
        if isinstance(request, (OpinionRequest, DerivedRequest)):
            continue
        event = ended.get(key)
        attempt = purchases.last(key)
        is_fal = settings.service.backend == BackendName.FAL and not is_made_here(request)
        angle = getattr(request, "angle", None)
        shot = shots.get(angle.name) if angle else None
        pictures.append(
            {
                "key": key,
                "stage": request.stage,
                "angle": angle.name if angle else None,
                "take": request.take if isinstance(request, StillRequest) else None,
                "file": relative(folder, request.out) if request.out.is_file() else None,
                "backend": settings.service.backend if not is_made_here(request) else BackendName.LOCAL,
                "endpoint": request.endpoint if is_fal else LOCAL,
                "endpoint_name": name_of(request.endpoint) if is_fal else LOCAL,
                "arguments": attempt.arguments if attempt else None,
                "prompt": getattr(request, "prompt", None) if is_fal else None,
                "seed": event.seed if event and event.seed is not None else getattr(request, "seed", None),
                "request_id": attempt.request_id if attempt else None,
                "quoted_usd": attempt.quoted_usd if attempt else 0.0,
                "billed_usd": attempt.billed_usd if attempt else 0.0,
                "attempts": len(purchases.by_key.get(key, [])),
                "state": event.kind if event else JobState.WAITING,
                "error": event.text if event and event.kind == JobState.FAILED else None,
                "scores": scores(folder, request),
                "camera": camera_facts(folder, shot) if shot else None,
            }
        )
    report: Report = {
        "product": {
            "name": product.name,
            "size_m": list(product.size),
            "vertices": product.vertices,
            "materials": list(product.materials),
        },
        "backend": settings.service.backend,
        "backend_label": "fal.ai" if settings.service.backend == BackendName.FAL else "local: Cycles renders, no AI",
        "versions": folder.versions,
        "device": folder.device,
        "references": {name: camera_facts(folder, shot) for name, shot in shots.items()},
        "pictures": pictures,
        "headline": folder.headline,
        "verdicts": _verdicts(folder),
        "tint": folder.tint_checks[-1].reason if folder.tint_checks else "",
        "mended": _mended(folder),
        "second_opinions": _second_opinions(folder, purchases),
        "quoted_usd": round(purchases.quoted_usd, 6),
        "billed_usd": round(purchases.billed_usd, 6),
        "uncertain_usd": round(purchases.uncertain_usd, 6),
    }
    write_json(folder.report, report)
    return report


def is_made_here(request: Request) -> bool:
    """It is rendered here whatever the run's backend is."""
    return isinstance(request, ClipRequest) and request.is_made_here


def tell_again(folder: RunFolder) -> None:
    """Have the run's headline, and RUN/report.json where there is one, say what holds of the stills that are shown by now: a
    person chose another, made one, or said something of it. Raises RunFolderError."""
    record = GateRecord(folder, folder.settings)
    folder.note(headline=record.headline([each.name for each in folder.settings.studio.angles]) or folder.headline)
    try:
        report = json.loads(folder.report.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise RunFolderError(
            f"{folder.report} can't be read ({error}); resume the run to have it written anew"
        ) from error
    report |= {"headline": folder.headline, "verdicts": _verdicts(folder), "mended": _mended(folder)}
    for picture in report.get("pictures", ()):
        if picture.get("stage") == "photoreal" and isinstance(picture.get("scores"), dict):
            said = _said(folder, subject(picture["angle"]), picture["take"])
            picture["scores"] = {**{k: v for k, v in picture["scores"].items() if k != "said"}, **said}
    write_json(folder.report, report)


def _said(folder: RunFolder, of: str, take: int | None) -> Report:
    """What a person says of a take; empty where nothing was said."""
    opinion = folder.opinion(of, take)
    return {} if opinion is None else {"said": opinion.said}


def _verdicts(folder: RunFolder) -> Report:
    """By subject, of the take that is shown: the check's verdict, or a person's word in its place and the check's beside."""
    found = {}
    for of, decision in folder.decisions.items():
        take = folder.chosen(of) or decision.take
        told = decision.model_dump(mode="json")
        entry = next((each for each in folder.entries(of) if each.take == take and each.outcome is not None), None)
        if take != decision.take and entry is not None:  # a person chose another than the gate did
            told.pop("faithful", None)
            told |= entry.model_dump(
                mode="json", include={"take", "outcome", "heatmap", "made_by", "reason", "faithful"}
            )
        opinion = folder.opinion(of, take)
        if opinion is not None and told["outcome"] is not None:
            outcome, reason = in_force(Outcome(told["outcome"]), told["reason"], opinion)
            told |= {"outcome": outcome, "reason": reason, "said": opinion.said, "checked": told["outcome"]}
        found[of] = told
    return found


def _mended(folder: RunFolder) -> list[Report]:
    """Pictures that were made here from bought ones, or in place of them: un-warped, made faithful, cut out, corrected, or local."""
    found = []
    for of, entries in folder.all_entries.items():
        for entry in entries:
            if entry.made_by in (*MENDED, MadeBy.LOCAL):
                place = {"angle": of.partition("/")[2], "file": f"{of}.take-{entry.take:02d}.png"}
                found.append({**place, **entry.model_dump(mode="json")})
    return found


def _second_opinions(folder: RunFolder, purchases: Purchases) -> list[Report]:
    """What second witnesses said of unsure stills, and what that cost."""
    found: dict[tuple[str, int], Report] = {}
    for of, entries in folder.all_entries.items():
        angle = of.partition("/")[2]
        for entry in entries:
            if entry.second is None:
                continue
            take = take_asked(entry)
            attempt, is_matte = purchases.last(entry.second.key), entry.second.witness == Witness.MATTE
            answer = folder.matte(angle, take) if is_matte else folder.answer(angle, take)
            found[angle, take] = {  # a picture that was made from another one has that one's, and may know it answered
                "angle": angle,
                **entry.second.model_dump(mode="json"),
                "take": take,
                "answer": relative(folder, answer) if answer.is_file() else None,
                "endpoint": attempt.endpoint if attempt else None,
                "request_id": attempt.request_id if attempt else None,
                "quoted_usd": attempt.quoted_usd if attempt else 0.0,
                "billed_usd": attempt.billed_usd if attempt else 0.0,
            }
    return list(found.values())


def scores(folder: RunFolder, request: Request) -> Report:
    """What the gate measured of a still or a clip; empty where it saw none."""
    if isinstance(request, StillRequest):
        entries = folder.entries(f"photoreal/{request.angle.name}")
        entry = next((each for each in entries if each.take == request.take and each.outcome is not None), None)
        told = {"outcome", "reason", "made_by", "of", "faithful", "heatmap", "numbers", "second"}
        found = {} if entry is None else entry.model_dump(mode="json", include=told)
        return {**found, **_said(folder, subject(request.angle.name), request.take)}
    track = folder.track(request.key) if isinstance(request, ClipRequest) else None
    found = {} if track is None else track.model_dump(mode="json")
    if is_made_here(request) and isinstance(request, ClipRequest):
        found["look_of"] = [each.angle for each in request.lends]  # empty: the frames are the render's own
        found["surface"] = folder.surface
        found |= {"pieces": [_piece(each) for each in request.pieces]} if request.pieces else {}
    return found


def _piece(piece: Piece) -> Report:
    """Of a stitched clip: who made this piece of it, and why nobody else did."""
    made = "exact frames" if piece.clip is None else "video model"
    return {"from": piece.one, "to": piece.other, "degrees": round(piece.degrees, 1), "made_by": made, "why": piece.why}


def camera_facts(folder: RunFolder, shot: Shot) -> Report:
    return {
        "files": {name: relative(folder, path) for name, path in shot.files.items()},
        "matrix_world": shot.matrix_world,
        "projection": shot.projection,
        "focal_length_mm": shot.focal_length,
        "device": shot.device,
        "samples": shot.samples,
        "seconds": round(shot.seconds, 3),
        "coverage": shot.coverage,
    }


def relative(folder: RunFolder, path: Path) -> str:
    """``path`` as written in the run's files: relative, with forward slashes."""
    return path.relative_to(folder.root).as_posix()
