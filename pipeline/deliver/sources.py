# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pictures of a run that can be delivered: how each was made, what the gate says of it, what it shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadInput, UsageError
from ..formats import marks, picture_marks, png
from ..formats.as_saved import orientation_in, other_colours
from ..gate.record import CHECKED, GateRecord, in_force
from ..rig import Angle, describe
from ..run.record import Entry
from ..run.run_folder import RunFolder
from ..settings.choices import BackendName
from ..verdicts import MadeBy, Outcome
from .rules import Finding, Found

_COMPOSED = (MadeBy.EXACT, MadeBy.FAITHFUL)
_OUTLINED = (MadeBy.EXACT, MadeBy.LOCAL)  # with the render's own outline
_SHAPE = 0.01  # of the aspect that still and render may differ by, a pixel of rounding


@dataclass(frozen=True)
class Source:
    """A still that is shown, with its render's mask. ``mark``: its IPTC value; ``made``: that in words."""

    angle: Angle
    still: Path
    mask: Path
    take: int
    made_by: str
    mark: str
    made: str
    exact: bool
    signed: bool
    verdict: Finding
    is_render: bool = False  # so that a larger render shows the same
    colours: Finding | None = None  # of a still whose colours would be shown as others
    larger: tuple[Finding, ...] = ()  # what was found where it was to have more pixels


def sources(folder: RunFolder, angles: Iterable[str] | None = None) -> list[Source]:
    """Of the run's angles that have a still, in the run's order, or of those named, in that order.

    Raises UsageError for an angle that is none, BadInput where a picture or a mask is missing or they don't fit each other.
    """
    known = {angle.name: angle for angle in folder.settings.studio.angles}
    wanted = list(known) if angles is None else list(angles)
    for name in wanted:
        if name not in known:
            raise UsageError(f"the run has no angle {name!r}; its angles are {', '.join(known)}")
    there = [name for name in wanted if folder.still(name).is_file()]
    missing = [name for name in wanted if name not in there]
    if angles is not None and missing:
        raise BadInput(f"{folder.root.name} has no still of {missing[0]}; resume the run, or leave that angle out")
    if not there:
        raise BadInput(f"{folder.root.name} has no still yet; 'consistency resume {folder.root}' makes them")
    return [_source(folder, known[name]) for name in there]


def _source(folder: RunFolder, angle: Angle) -> Source:
    still, shot = folder.still(angle.name), folder.shot(angle.name)
    mask = shot.files.get("mask") if shot is not None else None
    mask = mask or folder.references / f"{angle.name}.mask.png"
    if not mask.is_file():
        raise BadInput(
            f"the mask of {angle.name} is missing ({mask.name}); 'consistency resume {folder.root}' renders it again"
        )
    try:
        size, of_mask = png.size_of(still), png.size_of(mask)
    except BadInput as error:
        raise BadInput(f"{angle.name}: {error}") from error
    if abs(size[0] * of_mask[1] / (size[1] * of_mask[0]) - 1.0) > _SHAPE:
        raise BadInput(
            f"{still.name} is {size[0]} × {size[1]} pixels and its render {of_mask[0]} × {of_mask[1]}, another shape; "
            "choose another take of it"
        )
    data = still.read_bytes()
    if (turned := orientation_in(data)) != 1:
        raise BadInput(
            f"{still.name} is saved sideways and marked to be turned (Exif orientation {turned}); save it upright, without that mark"
        )
    way = _way(folder, angle.name)
    mark, made = _mark(folder, still, way)
    local = folder.settings.service.backend == BackendName.LOCAL
    take = folder.chosen(f"photoreal/{angle.name}") or 1
    return Source(
        angle=angle,
        still=still,
        mask=mask,
        take=take,
        made_by=way[0] if way else (MadeBy.LOCAL if local else MadeBy.FIRST),
        mark=mark,
        made=made,
        exact=local or any(step in _OUTLINED for step in way),
        signed=picture_marks.is_signed(data),
        verdict=_verdict(folder, angle.name),
        colours=_colours(data),
        is_render=local or way[:1] == [MadeBy.LOCAL],
    )


def _colours(data: bytes) -> Finding | None:
    name = other_colours(picture_marks.profile_in(data))
    cure = "convert it to sRGB, and save it again"
    return Finding("the still's colours", "sRGB", f"a profile of others ({name})", Found.FAIL, cure) if name else None


def _way(folder: RunFolder, angle: str) -> list[MadeBy]:
    """How the still that is shown was made, its last step first."""
    entries = {entry.take: entry for entry in folder.entries(f"photoreal/{angle}")}
    take, way = folder.chosen(f"photoreal/{angle}"), []
    while take in entries:
        entry: Entry = entries.pop(take)
        way.append(entry.made_by)
        take = entry.of
    return way


def _mark(folder: RunFolder, still: Path, way: list[MadeBy]) -> tuple[str, str]:
    if folder.settings.service.backend == BackendName.LOCAL or MadeBy.LOCAL in way:
        return marks.of_render(own_model=folder.settings.has_own_model)
    if any(step in _COMPOSED for step in way) or marks.mark_of(still):
        return marks.COMPOSITE, "a generated still put together with a render"
    return marks.TRAINED, "a generated still"


def _verdict(folder: RunFolder, angle: str) -> Finding:
    """Whether it shows the product, by a person's word or the gate's."""
    record = GateRecord(folder, folder.settings)
    shown, wanted = record.shown(angle), "shows the product"
    if record.opinion(angle) is None and (shown is None or shown.outcome is None):
        return Finding(
            "on model", wanted, "not measured", Found.ADVICE, "look at it beside its render before it goes out"
        )
    outcome, reason = in_force(
        shown.outcome if shown is not None and shown.outcome is not None else Outcome.UNSURE,
        shown.reason if shown is not None else "",
        record.opinion(angle),
    )
    found = f"{CHECKED[outcome]}{f': {reason}' if reason else ''}"
    if outcome == Outcome.PASS or record.person_chose(angle):
        return Finding("on model", wanted, found, Found.PASS)
    cure = f"look at it; 'consistency say {folder.root} {angle} right' where it is right, or make another take"
    return Finding("on model", wanted, found, Found.FAIL if outcome == Outcome.FAIL else Found.ADVICE, cure)


def alt_text(product: str, angle: Angle, colour: str = "", variant: str = "") -> str:
    """What somebody who does not see the picture is told."""
    words = product.replace("-", " ").replace("_", " ").split()  # a cell of a table may hold several lines
    name = " ".join([*filter(None, [colour]), *(words or ["product"])])
    return f"{name[0].upper()}{name[1:]}{f' in {variant}' if variant else ''}, {describe(angle)}"
