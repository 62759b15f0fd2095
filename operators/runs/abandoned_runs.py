# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that a window left before their end: it was closed, another file was loaded, or Blender crashed.

A small file in the user's state folder stands for each run of each Blender while it is active, so that the next window
can say where it lies, whatever file it opens.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path

from ...pipeline.errors import RunFolderError
from ...pipeline.money.spending import state_folder
from ...pipeline.system.disk import write_json
from ...pipeline.system.processes import birth, is_alive


def _folder() -> Path:
    return state_folder() / "active-runs"


def _name(root: Path) -> str:
    return hashlib.sha256(str(root).encode()).hexdigest()[:16]


def _file(root: Path) -> Path:
    # Each Blender has its own: one that is refused a run must not take away what stands for another's.
    return _folder() / f"{_name(root)}-{os.getpid()}.json"


def _us() -> tuple[int, str]:
    return os.getpid(), birth(os.getpid())


def remember(root: Path) -> None:
    """A run begins. A state folder that can't be written to keeps nobody from working."""
    pid, born = _us()
    with contextlib.suppress(RunFolderError):
        _collect(f"{_name(root)}-*.json")  # who left it before need not be told of: here it goes on
        write_json(_file(root), {"root": str(root), "pid": pid, "birth": born})


def forget(root: Path) -> None:
    """It ended, well or not, and its window said so."""
    with contextlib.suppress(OSError, RunFolderError):
        _file(root).unlink(missing_ok=True)


def take() -> list[tuple[Path, bool]]:
    """Folders of the runs that were left, each told once, with whether it was this very Blender that left it.

    To be asked while no run is active here.
    """
    with contextlib.suppress(RunFolderError):
        return list(_collect("*.json").items())
    return []


def _collect(pattern: str) -> dict[Path, bool]:
    found: dict[Path, bool] = {}
    for file in sorted(_folder().glob(pattern)):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            said = json.loads(file.read_text(encoding="utf-8"))
            holder, root = (said["pid"], said["birth"]), Path(said["root"])
            if holder != _us() and is_alive(holder[0]) and birth(holder[0]) == holder[1]:
                continue
            if root.is_dir():
                found[root] = found.get(root, False) or holder == _us()
            elif not root.parent.is_dir():
                continue  # on a drive that is not here at the moment
            file.unlink()
    return found
