# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which files the board's pictures come from, and getting them ready for the GPU in the second Blender."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ....pipeline.errors import ConsistencyError
from ....pipeline.json_object import JsonObject
from ....pipeline.stages import Progress, Stage
from ...runs import run_request

if TYPE_CHECKING:
    from ....pipeline.backend.ports import Shot
    from ....pipeline.settings.groups import RunSettings
    from ....pipeline.stages import Steps
    from ....studio.image_worker import ImageWorker

DRAFT, REFINED, RENDERED = "draft", "refined", "rendered"


@dataclass(frozen=True)
class Source:
    """``stamp``: which state of the file it is; ``kind``: DRAFT, REFINED where one was rendered on in
    the quality that is set, or RENDERED by the run."""

    angle: str
    lights: Path
    ground: Path | None
    stamp: int
    kind: str


_drafts: dict[int, dict[str, Source]] = {}  # by the scene's session_uid


def source_of(shot: Shot, kind: str) -> Source | None:
    """None where the shot's lights were not kept: it was rendered by an earlier version."""
    lights, ground = shot.files.get("lights"), shot.files.get("ground")
    if lights is None or not lights.is_file():
        return None
    there = ground if ground is not None and ground.is_file() else None
    return Source(shot.angle, lights, there, lights.stat().st_mtime_ns, kind)


def keep_draft(scene: bpy.types.Scene, shot: Shot, kind: str = DRAFT) -> None:
    """Show ``shot`` in place of what the run has, until that is newer."""
    source = source_of(shot, kind)
    if source is not None:
        _drafts.setdefault(scene.session_uid, {})[shot.angle] = source


def found(scene: bpy.types.Scene) -> dict[str, Source]:
    """By angle, whichever was rendered last. Reads the run's folder: not while drawing."""
    newest: dict[str, Source] = {}
    shots, drafts = _shots(scene), _drafts.get(scene.session_uid, {})
    for name in [angle.name for angle in scene.consistency.angles]:
        own = source_of(shots[name], RENDERED) if name in shots else None
        both = [source for source in (own, drafts.get(name)) if source is not None and source.lights.is_file()]
        if both:
            newest[name] = max(both, key=lambda source: source.stamp)
    return newest


_read: tuple[tuple[Any, ...], dict[str, Shot]] = ((), {})  # a state of a run's record, and its shots


def _shots(scene: bpy.types.Scene) -> dict[str, Shot]:
    """Those of the scene's run, by angle; its record is read only when it has changed."""
    global _read
    root = run_request.root_of(scene)
    try:
        names = tuple(angle.name for angle in scene.consistency.angles)
        key = () if root is None else (root, (root / "run.json").stat().st_mtime_ns, names)
        if key != _read[0]:
            folder = run_request.folder_of(scene) if key else None
            shots = {name: folder.shot(name) for name in names} if folder is not None else {}
            _read = key, {name: shot for name, shot in shots.items() if shot is not None}
    except (ConsistencyError, OSError):
        _read = (), {}
    return _read[1]


def kept() -> set[Path]:
    """The folders of drafts that are shown."""
    return {source.lights.parent for drafts in _drafts.values() for source in drafts.values()}


class Preparing:
    """Tasks of the second Blender, one after another, each with what is done with its answer."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="consistency-board-"))
        self._worker: ImageWorker | None = None
        self._waiting: list[tuple[str, Callable[[], Steps[JsonObject]], Callable[[JsonObject], None]]] = []
        self._steps: Steps[JsonObject] | None = None
        self._count = 0

    @property
    def is_busy(self) -> bool:
        return self._steps is not None or bool(self._waiting)

    def plates(self, source: Source, then: Callable[[JsonObject, Path], None]) -> None:
        """Have ``then`` called with what was told of the arrays, and the folder that they are in."""
        self._count += 1
        folder = self.folder / f"{self._count:04d}"
        job = {
            "lights": str(source.lights),
            "ground": str(source.ground) if source.ground is not None else None,
            "view": str(self.folder),
            "out": str(folder),
        }
        self._ask(f"plates {source.angle}", "PLATES", job, lambda told: then(told, folder))

    def behind(self, settings: RunSettings, then: Callable[[Path], None]) -> None:
        """Have ``then`` called with the file of the backdrop's pixels."""
        self._count += 1
        out = self.folder / f"behind-{self._count:04d}.npy"
        job = {"settings": settings.model_dump(mode="json"), "out": str(out)}
        self._ask("behind", "BEHIND", job, lambda _: then(out))

    def _ask(self, about: str, task: str, job: dict[str, Any], then: Callable[[JsonObject], None]) -> None:
        """What was asked about the same before, and has not begun, is not asked any more."""

        def begin() -> Steps[JsonObject]:
            from ....pipeline.backend.ports import Task
            from ....studio.image_worker import ImageWorker

            self._worker = self._worker or ImageWorker()
            return self._worker.do(Task[task], Progress(Stage.REFERENCES, "getting the board ready"), **job)

        self._waiting = [each for each in self._waiting if each[0] != about]
        self._waiting.append((about, begin, then))

    def step(self) -> None:
        """A look at the task at hand. Raises ConsistencyError where it failed; the next one goes on."""
        if self._steps is None:
            if not self._waiting:
                return
            _, begin, self._then = self._waiting.pop(0)
            self._steps = begin()
        try:
            next(self._steps)
        except StopIteration as done:
            self._steps = None
            self._then(done.value)
        except BaseException:
            self._steps = None
            raise

    def close(self) -> None:
        if self._steps is not None:
            self._steps.close()
        if self._worker is not None:
            self._worker.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def forget() -> None:
    global _read
    _drafts.clear()
    _read = (), {}
