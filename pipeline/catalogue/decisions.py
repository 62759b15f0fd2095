# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person decided on the page: approve a still, reject it, or show another take.

{"consistency_decisions": 1, "decisions": [{"folder", "angle", "take", "word": "approve"|"reject"|"show", "reason"}]}: the take
is the one that the person saw. A file may be applied any number of times: what has been done is not done again, and what was
said of a take that is not shown any more buys nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from .. import opinions, results
from ..errors import ConsistencyError, UsageError
from ..run.run_folder import RunFolder
from ..sentences import unreadable
from ..settings.choices import BackendName
from ..stages import Stage, StageState
from ..verdicts import Said
from .state import NOTE, read_json

FORMAT = 1
MARK = "consistency_decisions"
LARGEST = 64 << 20  # bytes


class Word(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    SHOW = "show"  # another take


@dataclass(frozen=True)
class Decided:
    """One decision. ``take``: None for the one that is shown."""

    folder: str
    angle: str
    take: int | None
    word: Word
    reason: str = ""


def read_decisions(path: Path) -> list[Decided]:
    """Raises UsageError, one sentence, for what is no file of decisions."""
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError("too long")
        found = json.loads(path.read_text(encoding="utf-8-sig"))
        version, listed = found[MARK], list(found["decisions"])
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, LookupError, TypeError) as error:
        raise UsageError(f"{path.name} holds no decisions; save them on the catalogue's page") from error
    if version != FORMAT:
        raise UsageError(
            f"{path.name} has decisions of format {version}, and this version reads {FORMAT}; update the extension"
        )
    return [_decided(each, number, path.name) for number, each in enumerate(listed, start=1)]


def _decided(each: Any, number: int, name: str) -> Decided:
    try:
        take = each.get("take")
        word, reason = Word(each["word"]), str(each.get("reason") or "")[:600]
        decided = Decided(str(each["folder"]), str(each["angle"]), None if take is None else int(take), word, reason)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"{name}: decision {number} is none ({error}); save them on the catalogue's page again"
        ) from error
    if decided.word is Word.SHOW and decided.take is None:
        raise UsageError(
            f"{name}: decision {number} shows a take and names none; save them on the catalogue's page again"
        )
    return decided


def apply_decisions(out: Path, folders: set[str], decided: list[Decided]) -> tuple[int, list[str]]:
    """Carry out decisions about the runs ``folders`` in ``out``: how many changed something, and what could not be done."""
    changed, problems = 0, []
    for each in decided:
        if each.folder not in folders:
            problems.append(f"{each.folder}: it is no row of this table")
            continue
        try:
            changed += _apply(out / each.folder, each)
        except ConsistencyError as error:
            problems.append(f"{each.folder}, {each.angle}: {error}")
    return changed, problems


def _apply(root: Path, decided: Decided) -> bool:
    folder = RunFolder.open(root)
    subject = f"photoreal/{decided.angle}"
    folder.lease.acquire()
    try:
        folder = RunFolder.open(root)  # as whoever held it left it
        shown = folder.chosen(subject)
        take = shown if decided.take is None else decided.take
        if take is None:
            raise UsageError("it has no still yet; run the catalogue first")
        if decided.word is Word.SHOW:
            return _show(folder, subject, decided.angle, take, shown)
        said = Said.RIGHT if decided.word is Word.APPROVE else Said.WRONG
        before = folder.opinion(subject, take)
        if before is not None and before.said == said:
            return False
        if decided.word is Word.REJECT and take != shown:
            return False  # another has taken its place since the person looked
        if decided.word is Word.REJECT:
            _reject(folder, subject, decided)
        opinions.say(folder, decided.angle, said, take)
        return True
    finally:
        folder.lease.release()


def _show(folder: RunFolder, subject: str, angle: str, take: int, shown: int | None) -> bool:
    if take == shown:
        return False
    if not folder.take(angle, take).is_file():
        raise UsageError(f"there is no take {take}")
    folder.choose(subject, take)
    results.tell_again(folder)
    return True


def _reject(folder: RunFolder, subject: str, decided: Decided) -> None:
    """Have it bought again when the row is run next. The rejected take stays beside."""
    if folder.settings.service.backend == BackendName.LOCAL:
        raise UsageError("this machine's own render would come out the same; change the row, or its model")
    note = read_json(folder.root / "run.json").get(NOTE)
    known = note if isinstance(note, dict) else {}
    before = known.get("rejected")
    rejected = [
        *(before if isinstance(before, list) else ()),
        {"subject": subject, "take": decided.take, "reason": decided.reason},
    ]
    folder.note(**{NOTE: {**known, "ended": "rejected", "why": "", "rejected": rejected}})
    folder.mark(Stage.PHOTOREAL, StageState.WAITING)
    folder.mark(Stage.RESULTS, StageState.WAITING)
    folder.new_round(subject)
