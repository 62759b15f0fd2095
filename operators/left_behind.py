"""Runs that a window left before their end: it was closed, another file was loaded, or Blender crashed.

A small file in the user's state folder stands for each run of a window while it is active, so that the next window can
say where it lies, whatever file it opens.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path

from ..pipeline.disk import write_json
from ..pipeline.errors import RunFolderError
from ..pipeline.processes import birth, is_alive
from ..pipeline.spending import state_folder


def _folder() -> Path:
    return state_folder() / "active-runs"


def _file(root: Path) -> Path:
    return _folder() / f"{hashlib.sha256(str(root).encode()).hexdigest()[:16]}.json"


def remember(root: Path) -> None:
    """A run begins. A state folder that can't be written to keeps nobody from working."""
    with contextlib.suppress(RunFolderError):
        write_json(_file(root), {"root": str(root), "pid": os.getpid(), "birth": birth(os.getpid())})


def forget(root: Path) -> None:
    """It ended, well or not, and its window said so."""
    with contextlib.suppress(OSError):
        _file(root).unlink(missing_ok=True)


def take() -> list[tuple[Path, bool]]:
    """Folders of the runs that were left, each told once, with whether it was this very Blender that left it.

    To be asked while no run is active here.
    """
    found = []
    for file in sorted(_folder().glob("*.json")):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            said = json.loads(file.read_text(encoding="utf-8"))
            is_ours = said["pid"] == os.getpid()
            if not is_ours and is_alive(said["pid"]) and birth(said["pid"]) == said["birth"]:
                continue
            file.unlink()
            if Path(said["root"]).is_dir():
                found.append((Path(said["root"]), is_ours))
    return found
