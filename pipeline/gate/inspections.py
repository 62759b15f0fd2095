# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the gate asks of the image worker, in its words: alike where the run decides and where a person asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..backend.ports import Task
from ..json_object import JsonObject
from ..run.record import Entry, Pose
from ..run.run_folder import RunFolder
from ..settings.groups import RunSettings
from ..stages import Progress, Stage, Steps

if TYPE_CHECKING:
    from ..backend.ports import Shot, Studio

# Of a picture on its render's own grid; each part is said, since what is not set is not written.
AS_IT_IS = Pose(dx=0.0, dy=0.0, scale=1.0, rotation=0.0, pivot=(0.0, 0.0))


def facts_of(shot: Shot, *, sent: bool) -> dict[str, object]:
    """A reference as the image worker takes it; ``sent``: with the picture of exact mode."""
    files = {name: str(path) for name, path in shot.files.items() if name != "sent" or sent}
    return {"files": files, "matrix_world": shot.matrix_world, "projection": shot.projection}


def cut_out_options(settings: RunSettings, angle: str, pose: Pose) -> dict[str, Any]:
    """How a still of ``angle`` is cut out exactly; ``pose``: how its product lies in it."""
    gate = settings.gate
    return {
        "pose": pose.model_dump(mode="json"),
        "backdrop": settings.studio.backdrop,
        "restore": gate.restore,
        "region": gate.regions.get(angle, ""),
        "photo": gate.details.get(angle, ""),
    }


def make(
    folder: RunFolder, studio: Studio, angle: str, made: Entry, facts: dict[str, object], text: str, **options: Any
) -> Steps[None]:
    """Make the picture of ``made`` from the one that it is ``of``, without a purchase. ``text``: what is said meanwhile."""
    assert made.of is not None
    yield from studio.inspect(
        Task(made.made_by),
        Progress(Stage.PHOTOREAL, text, None, angle),
        still=str(folder.take(angle, made.of)),
        shot=facts,
        out=str(folder.take(angle, made.take)),
        **options,
    )


def measure(folder: RunFolder, studio: Studio, angle: str, take: int, facts: dict[str, object]) -> Steps[JsonObject]:
    """What a take is like, as an Entry keeps it, with its heat map."""
    heatmap = folder.heatmap(angle, take)
    measuring = Progress(Stage.PHOTOREAL, "measuring against the render", None, angle)
    still = str(folder.take(angle, take))
    found = yield from studio.inspect(Task.MEASURE, measuring, still=still, shot=facts, heatmap=str(heatmap))
    return {**found, "heatmap": heatmap.relative_to(folder.root).as_posix()}
