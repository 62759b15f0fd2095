# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person asks for of a still that is there, without a purchase: another share of its render's detail."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import BadInput
from ..run.record import Entry
from ..run.run_folder import RunFolder
from ..settings.choices import BackendName
from ..stages import Steps
from ..verdicts import MadeBy, Outcome, Ruling
from .inspections import AS_IT_IS, cut_out_options, facts_of, make, measure
from .record import GateRecord, subject
from .scoring.ladder import Action

if TYPE_CHECKING:
    from ..backend.ports import Studio

BY_HAND = "by hand"
TAKING = "taking detail from the render"


def source_of(folder: RunFolder, angle: str) -> Entry | None:
    """The picture as it came that the shown take was made from, or is; None where none is shown.

    One that the gate has not seen is an entry without an outcome.
    """
    take = folder.chosen(subject(angle))
    if take is None:
        return None
    known = {entry.take: entry for entry in folder.entries(subject(angle))}
    entry = known.get(take, Entry(take=take, made_by=MadeBy.FIRST))
    while entry.made_by in (MadeBy.FAITHFUL, MadeBy.EXACT) and entry.of in known:
        entry = known[entry.of]
    return entry


def share_of(folder: RunFolder, angle: str) -> float:
    """How much of its render's detail the shown take has, 0..1."""
    take = folder.chosen(subject(angle))
    shown = next((entry for entry in folder.entries(subject(angle)) if entry.take == take), None)
    return (shown.faithful or 0.0) if shown is not None else 0.0


def why_not(folder: RunFolder, angle: str) -> str | None:
    """Why an angle's still can't be made faithful, in a sentence; None where it can."""
    source, shot = source_of(folder, angle), folder.shot(angle)
    if source is None or not folder.take(angle, source.take).is_file():
        return f"{angle} has no still yet; run Photoreal first"
    if folder.settings.service.backend == BackendName.LOCAL or source.made_by == MadeBy.LOCAL:
        return f"{angle} shows this machine's own render: it is faithful to itself"
    if shot is None or not shot.files["mask"].is_file():
        return f"{angle} has no reference any more; run References first"
    return None


def make_faithful(
    folder: RunFolder, studio: Studio, angle: str, share: float, latest: Callable[[], RunFolder]
) -> Steps[Entry]:
    """Show ``angle``'s still with ``share`` of its render's detail, 0..1, as a take of its own; 0: as it came.

    Once it is shown, what a person made of the same picture before is removed, so that trying leaves one file; what was said
    of that one isn't said of this. ``latest``: the run to write down to, once all is made. Raises ConsistencyError, and nothing
    has changed then.
    """
    reason = why_not(folder, angle)
    if reason is not None:
        raise BadInput(reason)
    source, shot = source_of(folder, angle), folder.shot(angle)
    assert source is not None
    assert shot is not None
    settings = folder.settings
    facts = facts_of(shot, sent=settings.is_cut_out)
    if source.outcome is None:
        source = source.completed(**(yield from measure(folder, studio, angle, source.take, facts)))
    if share <= 0:
        return _shown(latest(), angle, _cut_out_of(folder, angle, source) or source, source)
    made = Entry(
        take=GateRecord(folder, settings).next_take(angle),
        made_by=MadeBy.FAITHFUL,
        of=source.take,
        why=BY_HAND,
        faithful=share,
    )
    cut = Entry(take=made.take + 1, made_by=MadeBy.EXACT, of=made.take, why=BY_HAND)
    try:
        options = {
            "pose": source.pose.model_dump(mode="json"),
            "dial": share,
            "has_print": settings.gate.faithful_print,
        }
        yield from make(folder, studio, angle, made, facts, TAKING, **options)
        if source.heatmap is not None:
            made = made.completed(**(yield from measure(folder, studio, angle, made.take, facts)))
        else:  # what can't be told of the still, such as of a product without its textures, can't be told of this
            made = made.completed(outcome=source.outcome, reason=source.reason, cause=source.cause)
        kept = [made]
        if settings.is_cut_out and made.outcome != Outcome.FAIL:
            options = cut_out_options(settings, angle, AS_IT_IS)
            yield from make(folder, studio, angle, cut, facts, TAKING, **options)
            kept.append(made.inherited_by(cut))
        folder = latest()
    except BaseException:
        for entry in (made, cut):
            _remove(folder, angle, entry)
        raise
    shown = _shown(folder, angle, kept[-1], *kept)
    _remove_earlier(folder, angle, source, {each.take for each in kept})
    return shown


def _shown(folder: RunFolder, angle: str, entry: Entry, *kept: Entry) -> Entry:
    record = GateRecord(folder, folder.settings)
    for each in kept:
        record.keep(angle, each)
    folder.withdraw(subject(angle))
    ruling = Ruling.ACCEPT if entry.outcome == Outcome.PASS else Ruling.FLAG
    record.settle(angle, entry, Action(ruling, entry.reason))
    return entry


def _remove_earlier(folder: RunFolder, angle: str, source: Entry, kept: set[int]) -> None:
    """Takes that a person made of ``source`` before."""
    by_hand = [each for each in folder.entries(subject(angle)) if each.why == BY_HAND and each.take not in kept]
    made = [each for each in by_hand if (each.made_by, each.of) == (MadeBy.FAITHFUL, source.take)]
    of = {each.take for each in made}
    for entry in [*made, *(each for each in by_hand if each.made_by == MadeBy.EXACT and each.of in of)]:
        folder.drop_entry(subject(angle), entry)
        _remove(folder, angle, entry)


def _remove(folder: RunFolder, angle: str, entry: Entry) -> None:
    for file in (folder.take(angle, entry.take), folder.heatmap(angle, entry.take)):
        with contextlib.suppress(OSError):  # open in another program: it stays, a take of which nothing is known
            file.unlink(missing_ok=True)


def _cut_out_of(folder: RunFolder, angle: str, source: Entry) -> Entry | None:
    cuts = [each for each in folder.entries(subject(angle)) if (each.made_by, each.of) == (MadeBy.EXACT, source.take)]
    return cuts[-1] if cuts else None
