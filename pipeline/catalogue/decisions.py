# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was decided on the page: approve a still or a clip, reject it, or show another take.

{"consistency_decisions": 1, "decisions": [{"folder", "angle", "take", "word": "approve"|"reject"|"show", "reason"}]}, with "motion"
in place of "angle" for a clip: the take is the one that was seen. A file may be applied any number of times: what has been done
is not done again, and what was said of a take that is not shown any more buys nothing.

A person's word on a still stands above the check's verdict. A clip has no verdict, and an agent is no person: what they get is
kept beside, in run.json, and changes no verdict.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from .. import opinions, plan, results
from ..errors import ConsistencyError, UsageError
from ..run.run_folder import RunFolder
from ..sentences import unreadable
from ..settings.choices import BackendName, MotionName
from ..stages import Stage, StageState
from ..verdicts import Said
from .state import NOTE, WORDS, keep_note, read_json

FORMAT = 1
MARK = "consistency_decisions"
LARGEST = 64 << 20  # bytes


class Word(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    SHOW = "show"  # another take


class By(StrEnum):
    """Who decided."""

    PERSON = "person"
    AGENT = "agent"


@dataclass(frozen=True)
class Decided:
    """One decision. ``subject``: "photoreal/front", "video/turntable". ``take``: None for the one that is shown."""

    folder: str
    subject: str
    take: int | None
    word: Word
    reason: str = ""
    by: By = By.PERSON

    @property
    def name(self) -> str:
        """The angle's, or the motion's."""
        return self.subject.partition("/")[2]

    @property
    def is_still(self) -> bool:
        return self.subject.startswith(f"{Stage.PHOTOREAL}/")


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
        subject = f"{Stage.VIDEO}/{each['motion']}" if "motion" in each else f"{Stage.PHOTOREAL}/{each['angle']}"
        decided = Decided(str(each["folder"]), subject, None if take is None else int(take), word, reason)
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
            problems.append(f"{each.folder}, {each.name}: {error}")
    return changed, problems


def _apply(root: Path, decided: Decided) -> bool:
    if not (root / "run.json").is_file():
        raise UsageError("it was not begun yet; run it first")
    lease = RunFolder.open(root).lease
    lease.acquire()
    try:
        folder = RunFolder.open(root)  # as whoever held it left it
        names = [angle.name for angle in folder.settings.studio.angles] if decided.is_still else MotionName
        if decided.name not in list(names):
            raise UsageError(f"it has no such {'angle' if decided.is_still else 'clip'}")
        shown = folder.chosen(decided.subject)
        take = shown if decided.take is None else decided.take
        if take is None:
            raise UsageError(f"it has no {_kind(decided)} yet; run the catalogue first")
        if decided.word is Word.SHOW:
            return _show(folder, decided, take, shown)
        if decided.is_still and decided.by is By.PERSON:
            return _say(folder, decided, take, shown)
        return _keep(folder, decided, take, shown)
    finally:
        lease.release()


def _kind(decided: Decided) -> str:
    return "still" if decided.is_still else "clip"


def _show(folder: RunFolder, decided: Decided, take: int, shown: int | None) -> bool:
    if take == shown:
        return False
    name = decided.name
    if not (folder.take(name, take) if decided.is_still else folder.clip_take(name, take)).is_file():
        raise UsageError(f"there is no take {take}")
    folder.choose(decided.subject, take)
    results.tell_again(folder)
    return True


def _say(folder: RunFolder, decided: Decided, take: int, shown: int | None) -> bool:
    """A person's word on a still."""
    said = Said.RIGHT if decided.word is Word.APPROVE else Said.WRONG
    before = folder.opinion(decided.subject, take)
    if before is not None and before.said == said:
        return False
    if decided.word is Word.REJECT:
        if take != shown:
            return False  # another has taken its place since the person looked
        _reject(folder, decided)
        _keep_word(folder, decided, take)
    opinions.say(folder, decided.name, said, take)
    return True


def _keep(folder: RunFolder, decided: Decided, take: int, shown: int | None) -> bool:
    """A word on a clip, or an agent's."""
    last = next((each for each in reversed(kept_words(folder.root)) if _is_of(each, decided, take)), None)
    if last is not None and last.get("word") == decided.word:
        return False
    if not (folder.take(decided.name, take) if decided.is_still else folder.clip_take(decided.name, take)).is_file():
        raise UsageError(f"there is no take {take}")
    if decided.word is Word.REJECT:
        if take != shown:
            return False
        _reject(folder, decided)
    _keep_word(folder, decided, take)
    return True


def _is_of(kept: dict[str, Any], decided: Decided, take: int) -> bool:
    return (kept.get("subject"), kept.get("take"), kept.get("by")) == (decided.subject, take, decided.by)


def kept_words(root: Path) -> list[dict[str, Any]]:
    """What was decided about pictures of the run in ``root`` and is no person's word on a still, oldest first; and what was
    rejected, with the reason: {"subject", "take", "word", "reason", "by"} each."""
    note = read_json(root / "run.json").get(NOTE)
    found = note.get(WORDS) if isinstance(note, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _keep_word(folder: RunFolder, decided: Decided, take: int) -> None:
    word = {"subject": decided.subject, "take": take, "word": decided.word, "reason": decided.reason, "by": decided.by}
    keep_note(folder, **{WORDS: [*kept_words(folder.root), word]})


def _reject(folder: RunFolder, decided: Decided) -> None:
    """Have it bought again when the row is run next. The rejected take stays beside."""
    if folder.settings.service.backend == BackendName.LOCAL or (
        not decided.is_still and MotionName(decided.name).is_exact
    ):
        raise UsageError("this machine's own render would come out the same; change the row, or its model")
    if not decided.is_still and decided.name != folder.settings.clip.motion:
        raise UsageError("the row asks for another clip by now")
    keep_note(folder, ended="rejected", why="")
    folder.mark(Stage.PHOTOREAL if decided.is_still else Stage.VIDEO, StageState.WAITING)
    folder.mark(Stage.RESULTS, StageState.WAITING)
    for subject in [decided.subject] if decided.is_still else plan.clip_subjects(folder.settings):
        folder.new_round(subject)
