# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether what a row asks for was changed since its run began: its cells, the template, or what is in its files.

A file is told by what it holds, and by its name without its folder, so that a catalogue may be moved with its models.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..json_object import JsonObject
from ..sentences import not_written
from ..settings.options import OPTIONS

if TYPE_CHECKING:
    from ..settings.groups import RunSettings
    from .rows import Row
    from .state import Standing

BEFORE = ".before"  # in a row's folder
_OF_FILES = [option for option in OPTIONS if option.unit == "file"]
_LIMITS = {
    option.name for option in OPTIONS if option.resume and option.unit == "USD"
}  # that a run takes anew as it goes on


def as_asked(row: Row) -> JsonObject:
    """What to keep of a row when its run begins, so that ``change_of`` can tell later."""
    kept = [
        [facts.st_size, facts.st_mtime_ns, _digest(path)] for path in _files(row.settings) if (facts := _facts(path))
    ]
    return {"asked": digest_of(row), "files": kept}


def change_of(row: Row, now: Standing) -> str:
    """What of ``row`` was changed since its run began, in words; empty where nothing is known to be."""
    if now.digest and now.digest != digest_of(row):
        return "its row was changed since"
    files = [path for path in _files(row.settings) if _facts(path)]
    if len(files) != len(now.files):
        return ""  # one is gone, or nothing was kept
    changed = [path.name for path, kept in zip(files, now.files, strict=True) if _is_other(path, kept)]
    return f"{changed[0]} was changed since" if changed else ""


def set_before_aside(root: Path) -> None:
    """Make room in a row's folder for a run in place of the one there, which stays in its .before until the next one does so.
    Raises RunFolderError."""
    kept = root / BEFORE
    try:
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir()
        for each in sorted(
            root.iterdir(), key=lambda each: each.name != "run.json"
        ):  # first, so that half of it is no run
            if not each.name.startswith("."):
                each.rename(kept / each.name)
    except OSError as error:
        raise not_written(kept, error) from error


def digest_of(row: Row) -> str:
    """Of all that table and template ask for but the limits, and what is in files."""
    inputs = row.settings.inputs
    asked = {**row.alike.asked, "inputs": inputs.files, "name": inputs.name}
    for name in _LIMITS:
        asked.pop(name, None)
    for option in _OF_FILES:
        if len(option.path) == 1 and option.path[0] in asked:
            asked[option.path[0]] = _names(asked[option.path[0]])
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _names(value: object) -> object:
    if isinstance(value, dict):
        return {key: _names(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_names(each) for each in value]
    return Path(value).name if isinstance(value, str) else value


def _files(settings: RunSettings) -> list[Path]:
    found: list[Path] = []
    for option in _OF_FILES:
        value = option.value_in(settings)
        several = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else [value]
        found += [Path(each) for each in several if isinstance(each, str) and each]
    return found


def _facts(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)  # noqa: PTH116 - of each of thousands of rows
    except OSError:
        return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _is_other(path: Path, kept: object) -> bool:
    facts = _facts(path)
    if facts is None or not isinstance(kept, list) or len(kept) != 3 or facts.st_size != kept[0]:
        return facts is not None and isinstance(kept, list)
    try:
        return facts.st_mtime_ns != kept[1] and _digest(path) != kept[2]
    except OSError:
        return False
