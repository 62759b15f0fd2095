# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One Blender for several runs at once: each has it in turn, and finds its own file open whenever it has.

While one run waits for fal.ai, another renders. A run that has to give way is parked: its file is saved beside, and opened
again when its turn has come. A run that begins gets an empty file, so nothing of the last product is left.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..pipeline.backend.ports import Task
from ..pipeline.errors import RunFolderError
from ..pipeline.sentences import not_written
from ..pipeline.stages import Progress, Stage
from . import BlenderStudio, compat

if TYPE_CHECKING:
    from ..pipeline.backend.ports import Product, Results, Shot
    from ..pipeline.backend.requests import ClipRequest
    from ..pipeline.json_object import JsonObject
    from ..pipeline.rig import Angle
    from ..pipeline.settings.groups import RunSettings
    from ..pipeline.stages import Steps

T = TypeVar("T")
WAITING = Progress(Stage.RIG, "waiting for Blender", idle=True)


class SharedBlender:
    """Who has this Blender, and whose file is open. Nobody's work is in it."""

    def __init__(self) -> None:
        self.busy: TurnStudio | None = None
        self.open_for: TurnStudio | None = None

    def studio(self, settings: RunSettings) -> TurnStudio:
        return TurnStudio(settings, self)

    def change_to(self, studio: TurnStudio) -> None:
        """Have ``studio``'s file open. Raises RunFolderError where the one that gives way can't be saved."""
        if self.open_for is studio:
            return
        if self.open_for is not None:
            self.open_for.park()
        self.open_for = None
        studio.unpark()
        self.open_for = studio


class TurnStudio(BlenderStudio):
    """A studio that has Blender only from time to time."""

    def __init__(self, settings: RunSettings, blender: SharedBlender) -> None:
        super().__init__(settings)
        self._own_file = True
        self._blender = blender
        self._parked: Path | None = None
        self._has_mesh = False

    def park(self) -> None:
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="consistency-")
        self._parked = Path(self._scratch.name) / "parked.blend"
        try:
            compat.save_copy(self._parked)
        except (OSError, RuntimeError) as error:
            raise not_written(self._parked, error) from error

    def unpark(self) -> None:
        if self._parked is None:
            compat.empty_file()
        elif self._parked.is_file():
            compat.open_file(self._parked)
            self._parked.unlink()
        else:
            raise RunFolderError(f"{self._parked} is gone, where a product was kept meanwhile; run it again")

    def _in_turn(self, begin: Callable[[], Steps[T]]) -> Steps[T]:
        """What ``begin`` makes, from its first step to its last without anybody between."""
        while self._blender.busy not in (None, self):
            yield WAITING
        self._blender.busy = self
        try:
            self._blender.change_to(self)
            return (yield from begin())
        finally:
            self._blender.busy = None

    def load_product(self, model: Path) -> Steps[Product]:
        return self._in_turn(lambda: super(TurnStudio, self).load_product(model))

    def take_blend(self, source: Path, out: Path) -> Steps[None]:
        return self._in_turn(lambda: super(TurnStudio, self).take_blend(source, out))

    def export_product(self, out: Path) -> Steps[None]:
        return self._in_turn(lambda: super(TurnStudio, self).export_product(out))

    def place_rig(self, settings: RunSettings) -> Steps[None]:
        return self._in_turn(lambda: super(TurnStudio, self).place_rig(settings))

    def render_reference(self, angle: Angle, settings: RunSettings, folder: Path) -> Steps[Shot]:
        return self._in_turn(lambda: super(TurnStudio, self).render_reference(angle, settings, folder))

    def render_turntable(
        self, angle: Angle, settings: RunSettings, out: Path, kind: str = "render", frames: int | None = None
    ) -> Steps[None]:
        return self._in_turn(lambda: super(TurnStudio, self).render_turntable(angle, settings, out, kind, frames))

    def render_exact_clip(self, clip: ClipRequest, settings: RunSettings) -> Steps[None]:
        return self._in_turn(lambda: super(TurnStudio, self).render_exact_clip(clip, settings))

    def save_results(self, results: Results, settings: RunSettings, folder: Path) -> Steps[None]:
        return self._in_turn(lambda: super(TurnStudio, self).save_results(results, settings, folder))

    def inspect(self, task: Task, meanwhile: Progress, **job: Any) -> Steps[JsonObject]:
        steps = super().inspect
        if not task.needs_product or self._has_mesh:
            return steps(task, meanwhile, **job)
        return self._in_turn(lambda: self._first_inspection(steps, task, meanwhile, job))

    def _first_inspection(
        self, steps: Callable[..., Steps[JsonObject]], task: Task, meanwhile: Progress, job: JsonObject
    ) -> Steps[JsonObject]:
        """The product's mesh is written with it, so that later ones need no turn."""
        answer = yield from steps(task, meanwhile, **job)
        self._has_mesh = True
        return answer

    def close(self) -> None:
        is_open = self._blender.open_for is self
        if is_open:
            super().close()
            self._blender.open_for = None
            return
        self._image_worker.close()  # the open file is another's
        if self._scratch is not None:
            with contextlib.suppress(OSError):
                self._scratch.cleanup()
            self._scratch = None
