"""The studio as the window uses it: the product that stands in the scene stays, with what the artist did to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.handlers import persistent

from ..pipeline.errors import Cancelled, ConsistencyError
from ..studio import BlenderStudio, model, names
from . import staleness

if TYPE_CHECKING:
    from ..pipeline.ports import Product, Shot
    from ..pipeline.rig import Angle
    from ..pipeline.run_folder import RunFolder
    from ..pipeline.settings import RunSettings
    from ..pipeline.stages import Steps

ADOPTED = "objects of this scene"  # what the product's root names as its source when it was adopted
LOADED = "consistency_loaded"  # on the product's root: which state of its file was loaded


class SceneStudio(BlenderStudio):
    """Keeps a standing product instead of importing it anew, and writes down what each reference shows."""

    def __init__(self, folder: RunFolder) -> None:
        super().__init__(folder.settings)
        self._folder = folder

    def load_product(self, path: Path) -> Steps[Product]:
        root = _standing()
        if root is not None and (root.get(names.SOURCE) == ADOPTED or root.get(LOADED) == _state(path)):
            return model.stand_on_ground(root, [])
        product = yield from super().load_product(path)
        root = _standing()
        if root is not None:
            root[LOADED] = _state(path)
        return product

    def render_reference(self, angle: Angle, settings: RunSettings, folder: Path) -> Steps[Shot]:
        render = super().render_reference
        shot = yield from self._through_undo(settings, lambda: render(angle, settings, folder))
        staleness.record(self._folder, settings, angle)
        return shot

    def render_finish(self, angle: Angle, settings: RunSettings, out: Path) -> Steps[None]:
        render = super().render_finish
        yield from self._through_undo(settings, lambda: render(angle, settings, out))

    def render_turntable(self, angle: Angle, settings: RunSettings, out: Path) -> Steps[None]:
        render = super().render_turntable
        yield from self._through_undo(settings, lambda: render(angle, settings, out))

    def _through_undo(self, settings: RunSettings, make: Callable[[], Steps[Any]]) -> Steps[Any]:
        """Blender stops its render when the artist undoes something, and every reference to its data is void.

        Then the product and the rig are put back where they are missing, and the picture is begun again.
        """
        while True:
            before = undo_steps
            try:
                return (yield from make())
            except (Cancelled, ConsistencyError, ReferenceError, RuntimeError):
                if undo_steps == before:
                    raise
            yield from self.load_product(self._folder.product_source)
            yield from self.place_rig(settings)


undo_steps = 0  # how often something was undone or redone in this session


@persistent
def _undone(*_arguments: Any) -> None:
    global undo_steps
    undo_steps += 1


HANDLERS = (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post)


def watch_undo(*, on: bool) -> None:
    """Count undo steps while a run is active."""
    for handlers in HANDLERS:
        if on and _undone not in handlers:
            handlers.append(_undone)
        elif not on and _undone in handlers:
            handlers.remove(_undone)


def _standing() -> bpy.types.Object | None:
    try:
        return model.product_root()
    except ConsistencyError:
        return None


def _state(path: Path) -> str:
    facts = path.stat()
    return f"{path}|{facts.st_size}|{facts.st_mtime_ns}"
