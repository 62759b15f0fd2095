# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A person's word on a still: it shows the product, or it doesn't. It stands above the check's verdict.

It is kept in the run, and a copy of the numbers in this machine's own list, DECISIONS, from which benchmarks.calibration
tells how the limits would have to move. That list has no picture, and names a still by its run's id, its angle and its take.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from . import results
from .errors import RunFolderError, UsageError
from .gate.record import subject
from .gate.scoring.verdict import fitted
from .money.spending import state_folder
from .run.record import Entry, Opinion, now
from .run.run_folder import RunFolder
from .system.disk import append_line, locked, read_lines
from .verdicts import Said

DECISIONS = "decisions.jsonl"


def say(folder: RunFolder, angle: str, said: Said | None, take: int | None = None) -> int:
    """Keep what a person says of a still, or, where ``said`` is None, take it back. Returns the take's number.

    ``take``: None for the one that is shown. The run's headline and report.json tell it at once; nothing is bought, and
    no picture is touched. Raises UsageError where there is no such still, RunFolderError where it can't be written.
    """
    settings = folder.settings
    names = [each.name for each in settings.studio.angles]
    if angle not in names:
        raise UsageError(f"{folder.root} has no angle {angle!r}; choose from {', '.join(names)}")
    of = subject(angle)
    take = folder.chosen(of) if take is None else take
    if take is None:
        raise UsageError(f"{angle} has no still yet; resume the run first")
    if not folder.take(angle, take).is_file():
        raise UsageError(f"{angle} has no take {take}; choose from {', '.join(map(str, _takes(folder, angle)))}")
    entry = next((each for each in folder.entries(of) if each.take == take), None)
    opinion = _opinion(take, said, entry)
    folder.keep_opinion(of, take, opinion if said is not None else None)
    results.tell_again(folder)
    try:
        keep(folder.id, angle, opinion)
    except RunFolderError as error:
        raise RunFolderError(
            f"it is kept in the run, but not in this machine's list: {error}; "
            "CONSISTENCY_STATE_FOLDER can name another folder for it"
        ) from error
    return take


def _takes(folder: RunFolder, angle: str) -> list[int]:
    found = folder.take(angle, 1).parent.glob(f"{angle}.take-*.png")
    return sorted(int(path.stem.rpartition("-")[2]) for path in found)


def _opinion(take: int, said: Said | None, entry: Entry | None) -> Opinion:
    known: dict[str, Any] = {}
    if entry is not None and entry.outcome is not None:
        known = {"outcome": entry.outcome, "cause": entry.cause, "numbers": entry.numbers, "own": entry.own}
    return Opinion(take=take, said=said, time=now(), thresholds=version(), **known)


def version() -> str:
    """Names the limits that verdicts are made by now."""
    return hashlib.sha256(json.dumps(asdict(fitted()), sort_keys=True).encode()).hexdigest()[:12]


def keep(run: str, angle: str, opinion: Opinion, path: Path | None = None) -> None:
    """Append to this machine's list. Raises RunFolderError."""
    path = path or state_folder() / DECISIONS
    with locked(path.with_suffix(".lock"), patience=2.0):  # a window waits for this
        append_line(path, {"run": run, "angle": angle, **opinion.model_dump(mode="json")})


def kept(places: Iterable[Path]) -> list[tuple[str, str, Opinion]]:
    """(run, angle, opinion) of the lists in ``places``, files or folders that hold some: of each still the latest word,
    and none that was taken back. Lines that can't be read are passed over.
    """
    latest: dict[tuple[str, str, int], Opinion] = {}
    files = [file for place in places for file in (sorted(place.rglob("*.jsonl")) if place.is_dir() else [place])]
    for line in (line for file in files for line in read_lines(file)):
        try:
            opinion = Opinion.model_validate(line)
            known = (str(line["run"]), str(line["angle"]), opinion.take)
        except (KeyError, ValueError):
            continue
        if known not in latest or opinion.time >= latest[known].time:
            latest[known] = opinion
    return [(run, angle, opinion) for (run, angle, _), opinion in latest.items() if opinion.said is not None]
