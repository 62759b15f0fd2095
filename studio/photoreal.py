# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The local backend's still: the Cycles render of the same camera, finished, named local wherever it shows."""

from __future__ import annotations

from pathlib import Path

from ..pipeline.backend.ports import Task
from ..pipeline.references import reference_files
from ..pipeline.rig import Angle
from ..pipeline.stages import Progress, Stage, Steps
from ..pipeline.wording.program import PROGRAM
from .image_worker import ImageWorker


def finish_reference(angle: Angle, references: Path, out: Path, worker: ImageWorker) -> Steps[None]:
    """Finish the reference of ``angle`` in ``references`` as ``out``. The outline stays the reference's.

    Raises BadInput where a file of it can't be read.
    """
    files = reference_files(references, angle.name)
    yield from worker.do(
        Task.FINISH,
        Progress(Stage.PHOTOREAL, "finishing", None, angle.name),
        image=str(files["image"]),
        mask=str(files["mask"]),
        depth=str(files["depth"]),
        out=str(out),
        facts={"Software": PROGRAM, "Backend": "local: Cycles render, no AI"},
    )
