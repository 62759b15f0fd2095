# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a row stands, told by its own run folder alone: nothing else is believed, so nothing else can be out of step.

run.json and report.json are read as they are, without a check of the settings in them: ten thousand rows take seconds.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConsistencyError, Kind, RunInUse
from ..run.lease import Lease
from ..stages import STAGES, StageState

if TYPE_CHECKING:
    from ..run.run_folder import RunFolder

NOTE = "catalogue"  # in run.json: what the catalogue has to say of the run
WORDS = "words"  # in that: what was decided about its pictures
RESULTS = ("scene.blend", "contact_sheet.png", "report.json")


class RowState(StrEnum):
    """How far a product is."""

    NOT_BEGUN = "not begun"
    WORKING = "working"  # a process is at it
    UNFINISHED = "unfinished"  # begun, and free to go on
    STOPPED = "stopped by the budget"
    FAILED = "failed"
    DONE = "done"


@dataclass(frozen=True)
class Standing:
    """``why``: the sentence of what failed or stopped it. ``usd``: billed, and what may have been billed besides."""

    state: RowState
    why: str = ""
    usd: float = 0.0
    uncertain_usd: float = 0.0
    seconds: float | None = None  # that it took, all tries together
    headline: str = ""
    run: str = ""  # the id of the run in its folder
    digest: str = ""  # of what was asked for when it began; empty where a catalogue did not make it
    files: tuple[Any, ...] = ()  # likewise, of what was in its files
    shown: str = ""  # names the stills that are shown, and what is said of each
    delivered: str = ""  # what was delivered of which stills
    record: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    report: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)


def read_json(path: Path) -> dict[str, Any]:
    """An object in a file; empty where there is none that can be read."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def standing(root: Path) -> Standing:
    """How the run in ``root`` stands."""
    record = read_json(root / "run.json")
    if not record:
        return Standing(RowState.WORKING if is_in_use(root) else RowState.NOT_BEGUN)
    report = read_json(root / "report.json")
    said = record.get(NOTE) if isinstance(record.get(NOTE), dict) else {}
    state, why = _state(root, record, said or {})
    return Standing(
        state=state,
        why=why,
        usd=_number(report.get("billed_usd")),
        uncertain_usd=_number(report.get("uncertain_usd")),
        seconds=_number((said or {}).get("seconds")) or None,
        headline=str(record.get("headline") or ""),
        run=str(record.get("id") or ""),
        digest=str((said or {}).get("asked") or ""),
        files=tuple(files) if isinstance(files := (said or {}).get("files"), list) else (),
        shown=hashlib.sha256(
            repr((record.get("chosen"), report.get("verdicts"))).encode("utf-8", "replace")
        ).hexdigest(),
        delivered=str((said or {}).get("delivered") or ""),
        record=record,
        report=report,
    )


def _state(root: Path, record: dict[str, Any], said: dict[str, Any]) -> tuple[RowState, str]:
    stages = record.get("stages") if isinstance(record.get("stages"), dict) else {}
    found = [stage if isinstance(stage := (stages or {}).get(name), dict) else {} for name in STAGES]
    states = [stage.get("state") for stage in found]
    over = all(state in (StageState.DONE, StageState.SKIPPED) for state in states)
    if over and all((root / name).is_file() for name in RESULTS):
        return RowState.DONE, ""
    if is_in_use(root):
        return RowState.WORKING, ""
    why = str(said.get("why") or next((stage["error"] for stage in found if stage.get("error")), "") or "")
    ended = said.get("ended")
    if ended == Kind.BUDGET:
        return RowState.STOPPED, why
    if ended in (Kind.FAILED, Kind.USAGE):
        return RowState.FAILED, why
    return RowState.UNFINISHED, why


def is_in_use(root: Path) -> bool:
    """Whether another process works on the run in ``root``, or may."""
    if not (root / ".run.lease").exists():
        return False
    try:
        Lease(root / ".run.lease", "catalogue").check()
    except RunInUse:
        return True
    except ConsistencyError:
        return False
    return False


def note_end(folder: RunFolder, error: ConsistencyError | None, seconds: float, *, is_open: bool = False) -> None:
    """Keep in a row's run how this try ended. ``is_open``: its error is no end, since it may be cleared up by looking again.
    Raises RunFolderError."""
    now = standing(folder.root)
    before = now.seconds or 0.0
    ended = "done" if error is None else "open" if is_open else error.kind
    why = str(error) if error is not None else ""
    keep_note(folder, ended=ended, why=why, seconds=round(before + seconds, 1))


def keep_note(folder: RunFolder, **facts: Any) -> None:
    """Keep facts in what the catalogue has to say of a run, beside those that are there. Raises RunFolderError."""
    known = read_json(folder.root / "run.json").get(NOTE)
    folder.note(**{NOTE: {**(known if isinstance(known, dict) else {}), **facts}})


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0
