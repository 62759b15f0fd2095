# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The studio as the window uses it: the product that stands in the scene stays, with what the artist did to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.handlers import persistent

from ...pipeline import names
from ...pipeline.backend.ports import Task
from ...pipeline.driver import finish
from ...pipeline.errors import Cancelled, ConsistencyError
from ...pipeline.stages import Progress, Stage
from ...pipeline.system.disk import copy_file
from ...studio import BlenderStudio, export, model, orientation
from ...studio.scene.render_job import until_over
from ..editing import live
from ..editing.live import Change
from . import staleness

if TYPE_CHECKING:
    from ...pipeline.backend.ports import Product, Results, Shot
    from ...pipeline.backend.requests import ClipRequest
    from ...pipeline.rig import Angle
    from ...pipeline.run.run_folder import RunFolder
    from ...pipeline.settings.groups import RunSettings
    from ...pipeline.stages import Steps


class SceneStudio(BlenderStudio):
    """Keeps a standing product instead of importing it anew, and writes down what each reference shows."""

    def __init__(self, folder: RunFolder) -> None:
        super().__init__(folder.settings)
        self._folder = folder
        self._placed_at = undo_steps

    def load_product(self, path: Path) -> Steps[Product]:
        root = staleness.own_root(self._folder)
        if root is not None:
            orientation.turn_product(root, self._settings.inputs.turn)
            product = staleness.put_in_place(root)
            yield from self._keep_edits(root)
            return (yield from self.check_standing(product, path))
        product = yield from self._import(path)
        root = model.product_root()
        root[names.LOADED] = staleness.loaded_state(self._folder)
        staleness.put_in_place(root)
        self._folder.note(product_state=staleness.of_file(root))
        live.tell(Change.PRODUCT, bpy.context.scene)
        return product

    def _import(self, path: Path) -> Steps[Product]:
        while True:
            before = undo_steps
            try:
                return (yield from super().load_product(path))
            except (ConsistencyError, ReferenceError, RuntimeError):
                if undo_steps == before:
                    raise

    def _keep_edits(self, root: bpy.types.Object) -> Steps[None]:
        """Where the artist has changed the product since it was written, write it anew; what was made stays beside."""
        state = staleness.of_file(root)
        known = self._folder.product_state or json.loads(root.get(names.WRITTEN, "null"))
        product = self._folder.product
        if known is not None and known != state and product.is_file():
            first = product.with_name("product.as-made.glb")
            if not first.exists():
                copy_file(product, first)
            yield from until_over(Stage.MODEL)
            with orientation.unturned(root):  # what is imported again is turned again
                finish(export.export_product(product))
            yield Progress(Stage.RIG, f"{product.name} written")
            staleness.put_in_place(root)
            if names.LOADED in root:
                root[names.LOADED] = staleness.loaded_state(self._folder)
        if self._folder.product_state != state:
            self._folder.note(product_state=state)

    def place_rig(self, settings: RunSettings) -> Steps[None]:
        while True:
            self._placed_at = undo_steps
            try:
                yield from super().place_rig(settings)
                yield from until_over(Stage.RIG)  # the studio view may come now, with another engine
                live.tell(Change.RIG, bpy.context.scene, settings)
                return
            except (Cancelled, ConsistencyError, ReferenceError, RuntimeError):  # it renders, too
                if undo_steps == self._placed_at:
                    raise
                yield from self.load_product(self._folder.product_source)

    def render_reference(self, angle: Angle, settings: RunSettings, folder: Path) -> Steps[Shot]:
        render = super().render_reference
        shot = yield from self._through_undo(settings, lambda: render(angle, settings, folder))
        staleness.record(self._folder, settings, angle)
        return shot

    def render_turntable(
        self, angle: Angle, settings: RunSettings, out: Path, kind: str = "render", frames: int | None = None
    ) -> Steps[None]:
        render = super().render_turntable
        yield from self._through_undo(settings, lambda: render(angle, settings, out, kind, frames))

    def render_exact_clip(self, clip: ClipRequest, settings: RunSettings) -> Steps[None]:
        render = super().render_exact_clip
        yield from self._through_undo(settings, lambda: render(clip, settings))

    def inspect(self, task: Task, meanwhile: Progress, **job: Any) -> Steps[dict[str, Any]]:
        inspect = super().inspect
        if not task.needs_product:
            return inspect(task, meanwhile, **job)
        return self._through_undo(self._settings, lambda: inspect(task, meanwhile, **job))

    def save_results(self, results: Results, settings: RunSettings, folder: Path) -> Steps[None]:
        save = super().save_results
        yield from self._through_undo(settings, lambda: save(results, settings, folder))
        live.tell(Change.RIG, bpy.context.scene, settings)

    def _through_undo(self, settings: RunSettings, make: Callable[[], Steps[Any]]) -> Steps[Any]:
        """Blender stops its render when the artist undoes something, and every reference to its data is void.

        Then the product and the rig are put back where they are missing, and the picture is begun again.
        """
        while True:
            if self._placed_at != undo_steps:
                yield from self.load_product(self._folder.product_source)
                yield from self.place_rig(settings)
            before = undo_steps
            try:
                return (yield from make())
            except (Cancelled, ConsistencyError, ReferenceError, RuntimeError):
                if undo_steps == before:
                    raise


undo_steps = 0  # how often something was undone or redone in this session


@persistent
def _undone(*_arguments: Any) -> None:
    global undo_steps
    undo_steps += 1


HANDLERS = (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post)


def count_undo_steps(*, on: bool) -> None:
    """Count undo steps while a run is active."""
    for handlers in HANDLERS:
        if on and _undone not in handlers:
            handlers.append(_undone)
        elif not on and _undone in handlers:
            handlers.remove(_undone)
