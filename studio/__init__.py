# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blender data: import, rig, lights, render, passes, load back. No network, no interface.

``BlenderStudio`` is what the chain sees of it. Its modules are imported when they are first needed.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..pipeline.backend.ports import Task
from ..pipeline.stages import Stage

if TYPE_CHECKING:
    from ..pipeline.backend.ports import Product, Results, Shot
    from ..pipeline.backend.requests import ClipRequest
    from ..pipeline.rig import Angle
    from ..pipeline.run.run_folder import RunFolder
    from ..pipeline.settings.groups import RunSettings
    from ..pipeline.stages import Progress, Stage, Steps
    from .rendering.devices import Device


class BlenderStudio:
    """``pipeline.ports.Studio`` in the open scene. ``own_file``: nobody's work is in it, so it is emptied first."""

    def __init__(self, settings: RunSettings, *, own_file: bool = False) -> None:
        from .image_worker import ImageWorker

        self._image_worker = ImageWorker()
        self._ground: Path | None = None  # the file with the light on it, of this studio's lighting
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._settings = settings
        self._own_file = own_file
        if own_file:
            from . import compat

            compat.empty_file()

    @cached_property
    def device(self) -> Device:
        """Raises ConsistencyError where a GPU is demanded and there is none."""
        from .rendering import devices

        return devices.find(self._settings.studio.device)

    def load_product(self, model: Path) -> Steps[Product]:
        from .model import load_product, product_root, stand_on_ground
        from .orientation import turn_product

        yield from self._until_nothing_renders(Stage.MODEL)
        settings = self._settings
        missing = settings.inputs.allow_missing_textures
        product = yield from load_product(
            model, settings.inputs.leave_out, own_file=self._own_file, allow_missing=missing
        )
        if any(settings.inputs.turn):
            turn_product(product_root(), settings.inputs.turn)
            product = replace(product, size=stand_on_ground(product_root(), []).size)
        return product

    def check_standing(self, product: Product, model: Path) -> Steps[Product]:
        """What loading says of a product that stands already. Raises BadInput where something of it can't be shown, unless
        the settings allow that."""
        from .files.textures import with_textures_checked
        from .model import product_root
        from .scene.coincident import lift_coincident

        product = replace(product, notes=(*product.notes, *lift_coincident(product_root(), only_say=True)))
        allow = self._settings.inputs.allow_missing_textures
        return (yield from with_textures_checked(product, product_root(), model, allow))

    def take_blend(self, source: Path, out: Path) -> Steps[None]:
        from ..pipeline.stages import Progress
        from .files.model_files import take_blend

        yield Progress(Stage.MODEL, f"reading {source.name}")
        variant = self._settings.inputs.variant
        if not variant:
            take_blend(source, out)
            return
        from .files.variants import show_variant

        take_blend(source, out, lambda brought: show_variant(brought, source, variant))

    def export_product(self, out: Path) -> Steps[None]:
        from .export import export_product

        yield from self._until_nothing_renders(Stage.MODEL)
        yield from export_product(out)

    def place_rig(self, settings: RunSettings) -> Steps[None]:
        from .rendering.framing_check import verify_framing
        from .rig import place_rig, show_rig

        yield from place_rig(settings)
        yield from self._until_nothing_renders(Stage.RIG)
        yield from verify_framing(settings, self.device)
        if self._own_file:  # an artist's scene keeps its own camera and world
            show_rig(settings)

    def render_reference(self, angle: Angle, settings: RunSettings, folder: Path) -> Steps[Shot]:
        from .ground_light import render_ground
        from .references import render_reference

        yield from self._until_nothing_renders(Stage.REFERENCES, angle)
        if self._ground is None:
            self._ground = yield from render_ground(settings, folder, self.device, self._image_worker)
        return (yield from render_reference(angle, settings, folder, self.device, self._image_worker, self._ground))

    def finish_reference(self, angle: Angle, references: Path, out: Path) -> Steps[None]:
        from .photoreal import finish_reference

        return finish_reference(angle, references, out, self._image_worker)

    def render_turntable(
        self, angle: Angle, settings: RunSettings, out: Path, kind: str = "render", frames: int | None = None
    ) -> Steps[None]:
        from .video import render_turntable

        yield from self._until_nothing_renders(Stage.VIDEO, angle)
        yield from render_turntable(angle, settings, out, self.device, self._image_worker, kind, frames)

    def render_exact_clip(self, clip: ClipRequest, settings: RunSettings) -> Steps[None]:
        from .exact_turntable import render_exact_turntable

        yield from self._until_nothing_renders(Stage.VIDEO, clip.angle)
        yield from render_exact_turntable(clip, settings, self.device, self._image_worker)

    def _until_nothing_renders(self, stage: Stage, angle: Angle | None = None) -> Steps[None]:
        from .scene.render_job import until_over

        return until_over(stage, angle.name if angle is not None else None)

    def convert_picture(self, source: Path, out: Path) -> Steps[None]:
        from ..pipeline.stages import Progress

        writing = Progress(Stage.PHOTOREAL, f"writing {out.name}")
        yield from self._image_worker.do(Task.CONVERT, writing, source=str(source), out=str(out))

    def inspect(self, task: Task, meanwhile: Progress, **job: Any) -> Steps[dict[str, Any]]:
        if task.needs_product:
            job["mesh"] = self._mesh_file()
        return (yield from self._image_worker.do(task, meanwhile, **job))

    def _mesh_file(self) -> str:
        """The product's triangles, written once for the image worker, gone with ``close``."""
        import numpy as np

        from .model import product_triangles

        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="consistency-")
        path = Path(self._scratch.name) / "mesh.npz"
        if not path.is_file():
            vertices, triangles = product_triangles()
            np.savez(path, vertices=vertices, triangles=triangles)
        return str(path)

    def save_results(self, results: Results, settings: RunSettings, folder: Path) -> Steps[None]:
        from .rendering.render_scene import remove_render_scene
        from .results import save_results

        remove_render_scene()
        return save_results(results, settings, folder, self._image_worker)

    def redraw_contact_sheet(self, folder: RunFolder) -> Steps[None]:
        """Of what report.json says by now."""
        from .results import redraw_contact_sheet

        return redraw_contact_sheet(folder, self._image_worker)

    def close(self) -> None:
        """Leave nothing of ours in the file but what was placed to stay."""
        from .rendering.render_scene import remove_render_scene

        remove_render_scene()
        self._image_worker.close()
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None
