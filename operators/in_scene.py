"""The studio as the window uses it: the product that stands in the scene stays, with what the artist did to it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..pipeline.errors import ConsistencyError
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
        shot = yield from super().render_reference(angle, settings, folder)
        staleness.record(self._folder, settings, angle)
        return shot


def _standing() -> object | None:
    try:
        return model.product_root()
    except ConsistencyError:
        return None


def _state(path: Path) -> str:
    facts = os.stat(path)
    return f"{path}|{facts.st_size}|{facts.st_mtime_ns}"
