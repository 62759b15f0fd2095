# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A model is imported in a second Blender first where importing it could cost more than this one can bear.

Counts are checked before (``pipeline.gltf_bounds``), so a small model is known to stay small, and goes straight in. What is
large, or compressed and therefore only claims a size, may need more memory than there is, never end, or crash the
importer: the second Blender has a limit of memory and time, can be killed when the user cancels, and takes nobody's work
along. What it has imported is thrown away: the importer then makes the same here.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

from ...pipeline.backend.ports import Task
from ...pipeline.child.connection import TICK
from ...pipeline.errors import BadInput, TryAgainLater
from ...pipeline.formats.gltf_file import check_glb
from ...pipeline.stages import Progress, Stage, Steps
from .. import second_blender
from ..task_messages import TaskRequest, answers

SMALL = 128 << 20  # bytes unpacked; such a model is imported in a few seconds
LONGEST = 300.0  # seconds


def try_import(path: Path) -> Steps[None]:
    """Raises BadInput where a second Blender can't import the GLB at ``path``. Yields until it has; ends at once where
    that is not needed, or no second Blender can be started."""
    facts = check_glb(path)
    if facts.unpacked < SMALL and not facts.is_compressed:
        return
    try:
        child = second_blender.start()
    except TryAgainLater:
        return
    try:
        job = {"source": str(path), "memory": _half_of_the_memory()}
        child.send(TaskRequest(1, Task.TRY_IMPORT, job).to_json())
        deadline = time.monotonic() + LONGEST
        while True:
            answer = next(answers(child.read(TICK)), None)
            if answer is not None:
                break
            if child.ended:
                raise BadInput(
                    f"importing {path.name} needs more memory than there is, or breaks Blender's importer; "
                    "reduce its meshes and textures, or export it again as GLB"
                )
            if time.monotonic() > deadline:
                raise BadInput(f"importing {path.name} takes longer than {LONGEST:g} s; reduce its meshes and textures")
            yield Progress(Stage.MODEL, f"trying to import {path.name}")
    finally:
        child.kill()
    if (problem := answer.error) is not None:
        raise BadInput(str(problem))


def _half_of_the_memory() -> int:
    """Bytes; 0 where it is not known."""
    with contextlib.suppress(AttributeError, ValueError, OSError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    return 0


def limit_memory(more: int) -> None:
    """Let this process take ``more`` bytes than it has now, and fail then. Only Linux keeps such a limit."""
    if more <= 0 or sys.platform != "linux":
        return
    import resource

    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = now + more
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))
