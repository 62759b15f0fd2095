# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The run of this Blender: the chain, advanced a few milliseconds at a time by whoever has a timer, or to its end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import bpy

from ...pipeline.driver import CancelRequest, cancellable
from ...pipeline.errors import ConsistencyError
from ...pipeline.stages import Progress, Stage
from .observed_backend import ObservedBackend

if TYPE_CHECKING:
    from ...pipeline.backend.ports import Backend, Product, Studio
    from ...pipeline.run.run_folder import RunFolder
    from ...pipeline.stages import Steps

TICK_BUDGET = 0.006  # seconds of work begun in one tick; what one step takes comes on top

current: ActiveRun | None = None


def is_active() -> bool:
    """A run is on its way."""
    return current is not None and not current.ended


def scene_of(uid: int) -> bpy.types.Scene | None:
    """The scene with this session_uid, which neither renaming nor undoing changes; None once it is deleted."""
    return next((scene for scene in bpy.data.scenes if scene.session_uid == uid), None)


class ActiveRun:
    """One chain on its way. ``error`` and ``report`` say how it ended."""

    def __init__(
        self, folder: RunFolder, studio: Studio, backend: Backend, until: Stage, scene: bpy.types.Scene
    ) -> None:
        from ...pipeline import chain
        from ...pipeline.run.outlook import Outlook

        self.folder = folder
        self.until = until
        self._scene = scene.session_uid
        self.backend = ObservedBackend(backend, folder.read_journal().purchases)
        self.progress: Progress | None = None
        self.error: Exception | None = None
        self.report: dict[str, Any] = {}
        self.product: Product | None = None  # where the run was to end with the model
        self.at_end: Callable[[], None] = lambda: None
        self.stale: list[str] = []  # what was made anew because the scene had changed
        self.ended = False
        self.was_left = False  # the window went before the run did
        self.holds: dict[str, float] = {}  # what was being done → the longest step of it, in seconds
        self.outlook = Outlook(folder, until)
        self._cancel = CancelRequest()
        whole = self._whole(chain.run(folder, studio, self.backend, wait=0.0, until=until), studio)
        self._steps = cancellable(whole, self.backend, self._cancel, "press Resume")

    def _whole(self, steps: Steps[dict[str, Any]], studio: Studio) -> Steps[dict[str, Any]]:
        """The chain; and where it ends with the model, the model in the scene, to be looked at."""
        report = yield from steps
        if self.until == Stage.MODEL:
            self.product = yield from studio.load_product(self.folder.product_source)
        return report

    @property
    def cancelling(self) -> bool:
        return self._cancel.is_made

    @property
    def waits(self) -> bool:
        """There is nothing to do but wait."""
        return self.progress is not None and self.progress.idle

    def advance(self, budget: float = TICK_BUDGET) -> bool:
        """Take steps until ``budget`` seconds are used up or there is nothing to do but wait. True once ended."""
        deadline = time.perf_counter() + budget
        while not self.ended:
            before = self.progress
            started = time.perf_counter()
            with self._in_its_scene():
                self._step()
            self._remember_hold(started)
            if time.perf_counter() >= deadline or self.progress == before:
                break
        return self.ended

    def _remember_hold(self, started: float) -> None:
        doing = f"{self.progress.stage}: {self.progress.text}" if self.progress else "starting"
        self.holds[doing] = max(self.holds.get(doing, 0.0), time.perf_counter() - started)

    @contextlib.contextmanager
    def _in_its_scene(self) -> Iterator[None]:
        """The scene the run started in, whichever one the artist looks at meanwhile."""
        scene = scene_of(self._scene)
        if scene is None or scene == bpy.context.scene:
            yield
            return
        with bpy.context.temp_override(scene=scene, view_layer=scene.view_layers[0]):
            yield

    def _step(self) -> None:
        try:
            said = next(self._steps)
            while said is not None and not isinstance(said, Progress):  # the backend has noted it for the panels
                said = next(self._steps)
            self.progress = said or self.progress
            self.outlook.look(self.progress)
        except StopIteration as done:
            self.report = done.value or {}
            self._end(None)
        except ConsistencyError as error:
            self._end(error)
        except Exception as error:
            self._end(error)
            raise

    def cancel(self) -> None:
        """Ask for the end. Takes effect once fal.ai has said what becomes of each request, or has no more time to."""
        if not self.cancelling:
            self._cancel.make()

    def close(self) -> None:
        """Let go, at whatever point: what was paid for is still fetched and saved by the process that bought it."""
        if not self.ended:
            self.was_left = True
            self._steps.close()
            self._end(None)

    def _end(self, error: Exception | None) -> None:
        self.ended = True
        self.error = error
        self.backend.close()
        self.at_end()
