# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The anchored turntable, which a video model fills between the stills: a purchase for each piece, each followed, exact frames for
what fails.

A piece that is not there has a reason, which the run says: its stills are too far apart, one of them is not on model, a limit
of money left none for it, the service refused it, it drifts, or one of its stills has been replaced since it was bought.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from . import plan
from .backend.ports import Shot
from .backend.requests import ClipRequest, Piece
from .errors import Cancelled, ConsistencyError, TryAgainLater
from .gate.acceptance import Acceptance
from .gate.cross_checks import follow_clip
from .ring import WIDEST, Span
from .run.run_folder import RunFolder
from .settings.choices import BackendName
from .stages import JobState, Progress, Stage, StageState, Steps
from .verdicts import Outcome


def pieces(gate: Acceptance, shots: Mapping[str, Shot]) -> Steps[tuple[Piece, ...] | None]:
    """The pieces of the turn, once all stills are settled: buys those that can be bought, and follows each that has come.

    None while some are still to come, or where they have to wait for better times.
    """
    folder, settings, asked = gate.folder, gate.settings, gate.open_requests
    wanted: dict[str, ClipRequest] = {}
    if settings.service.backend != BackendName.LOCAL:
        wanted = {span.name: piece for span, piece in plan.piece_requests(folder, settings, gate.product)}
    spans = plan.clip_spans(settings)
    why = {span.name: _why_not(gate, span) for span in spans}
    due = [span for span in spans if span.name in wanted and not why[span.name]]
    started = [span for span in due if wanted[span.name].key not in asked.requests]
    if started:
        folder.mark(Stage.VIDEO, StageState.RUNNING)
        text = f"{len(started)} of the turn's {len(spans)} pieces are a video model's"
        yield Progress(Stage.VIDEO, text, 0.0, settings.clip_angle.name)
    for span in started:
        _note_stills(folder, wanted[span.name])
        asked.start(wanted[span.name])
    ended = {span.name: asked.ended.get(wanted[span.name].key) for span in due}
    if any(event is None for event in ended.values()):
        return None
    found = []
    for span in spans:
        event = ended.get(span.name)
        if event is not None and event.kind == JobState.DONE:
            request = wanted[span.name]
            yield from follow_clip(gate, request, shots)
            found.append(_come(folder, span, request))
            continue
        if event is not None:
            if not _is_final(gate, event.key, event.error):
                return None
            why[span.name] = event.text
        found.append(Piece(span.one.name, span.other.name, span.degrees, why=why[span.name]))
    for piece in found:
        if piece.why:
            text = f"exact frames from {piece.one} to {piece.other}: {piece.why}"
            yield Progress(Stage.VIDEO, text, None, piece.one, warning=True)
    return tuple(found)


def _why_not(gate: Acceptance, span: Span) -> str:
    """Why no piece is bought between two stills; "" where one may be, or nothing is bought at all."""
    if gate.settings.service.backend == BackendName.LOCAL:
        return ""
    if not span.can_be_bought:
        return f"its stills are {span.degrees:.0f}° apart, and a video model fills {WIDEST:.0f}° at most"
    for name in (span.one.name, span.other.name):
        if gate.record.chosen(name) is None:
            return f"there is no still of {name}"
        if gate.record.refused(name):
            return f"{name} is not on model"
    return ""


def _is_final(gate: Acceptance, key: str, error: Exception | None) -> bool:
    """Whether the turn is put together without a piece that failed, rather than waiting for better times.

    A piece that the service can't make, and that isn't paid for, doesn't make the run fail; all else does, in the end.
    """
    if isinstance(error, (TryAgainLater, Cancelled)):
        return False
    is_its_own = isinstance(error, ConsistencyError) and error.is_of_the_request
    if is_its_own and not gate.folder.read_journal().purchases.is_open(key):
        gate.open_requests.forgive(key)
    return True


def _come(folder: RunFolder, span: Span, request: ClipRequest) -> Piece:
    """A piece that has come: its clip, or exact frames in its place."""
    at_both_ends = span.one.name, span.other.name
    bought_with = folder.anchors.get(request.key, [])
    now = _names_of_stills(request)
    for name, then, there in zip(at_both_ends, bought_with, now, strict=False):
        if then != there:
            why = f"it was bought with an earlier still of {name}; have the clip made again to buy it anew"
            return Piece(*at_both_ends, span.degrees, why=why)
    track = folder.track(request.key)
    if track is not None and track.outcome == Outcome.FAIL:
        return Piece(*at_both_ends, span.degrees, why=track.reason)
    return Piece(*at_both_ends, span.degrees, request.out, _name_of(request.out))


def _note_stills(folder: RunFolder, request: ClipRequest) -> None:
    """Write down which stills a piece is bought with, unless it is bought already."""
    if not folder.read_journal().purchases.is_open(request.key):
        folder.note(anchors={**folder.anchors, request.key: _names_of_stills(request)})


def _names_of_stills(request: ClipRequest) -> list[str]:
    return [_name_of(path) for path in (request.start, request.end) if path is not None]


def _name_of(path: Path) -> str:
    """Names the bytes of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
