# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A further finished still from any place: the product as it stands, with the look of the run's stills. Nothing is bought."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from bpy.types import Object
from mathutils import Matrix

from ..pipeline import names
from ..pipeline.backend.ports import Task
from ..pipeline.errors import BadInput
from ..pipeline.json_object import JsonObject
from ..pipeline.look.lenders import of_run, plain
from ..pipeline.rig import FULL_FRAME_MM
from ..pipeline.run.run_folder import RunFolder
from ..pipeline.stages import Progress, Stage, Steps
from ..pipeline.wording.program import PROGRAM
from .image_worker import ImageWorker
from .model import product_points
from .rendering import devices
from .rendering.render_scene import remove_render_scene, render, render_scene, scratch_file
from .rig import camera_matrices
from .scene.collections import collection, remove_objects
from .scene.light_groups import groups_for_glow

FOLDER = "views"


@dataclass(frozen=True)
class View:
    """Where from, and how much of it. ``matrix_world``: 4×4, camera to world, metres. ``half``: width and height that are seen
    either side of the middle, per metre ahead, or in metres of a view without perspective."""

    matrix_world: Matrix
    half: tuple[float, float]
    is_flat: bool = False


@dataclass(frozen=True)
class Taken:
    """``seen``: share of the product in the picture that the stills see, 0..1. ``look_of``: the angles that had a say."""

    picture: Path
    seen: float
    look_of: tuple[str, ...]


def take_picture(folder: RunFolder, view: View, device: devices.Device, worker: ImageWorker) -> Steps[Taken]:
    """The largest picture of the run's shape within ``view``, as RUN/views/view-001.png and so on.

    Raises BadInput where the product is not in it, or nothing lights it.
    """
    if bpy.data.worlds.get(names.WORLD) is None:
        raise BadInput("the product has no light yet, and would be black; run Rig, then take the picture")
    settings = folder.settings
    lend = [plain(lender) for lender in of_run(folder)]
    out = _free(folder.root / FOLDER)
    lights = groups_for_glow(settings)
    scene = render_scene(settings, device, lights)
    try:
        with _camera(view, settings.resolution) as camera, devices.chosen(device), scratch_file() as file:
            bpy.context.view_layer.update()
            matrix_world, projection = camera_matrices(camera, settings.resolution)
            _check_shown(np.array(projection) @ np.linalg.inv(np.array(matrix_world)))
            text = f"rendering {out.name}"
            yield from render(scene, camera, file, Stage.RESULTS, text)
            facts = {"Software": PROGRAM, "Camera matrix": json.dumps(matrix_world), "Projection matrix": json.dumps(projection)}  # fmt: skip
            out.parent.mkdir(exist_ok=True)
            told: JsonObject = yield from worker.do(
                Task.CARRY,
                Progress(Stage.RESULTS, text, 0.9),
                render=str(file),
                settings=settings.model_dump(mode="json"),
                out=str(out),
                cut_out="",
                facts=facts,
                lights=lights,
                lenders=lend,
                spin=np.eye(4).tolist(),
                matrix_world=matrix_world,
                projection=projection,
            )
    finally:
        remove_render_scene()
    image = bpy.data.images.load(str(out))
    image.name, image.use_fake_user = f"Still {out.stem}", True
    return Taken(out, told["seen"], tuple(told["asked"]))


def _free(folder: Path) -> Path:
    number = 1
    while (folder / f"view-{number:03d}.png").exists():
        number += 1
    return folder / f"view-{number:03d}.png"


@contextmanager
def _camera(view: View, resolution: tuple[int, int]) -> Iterator[Object]:
    """A camera for as long as it takes, which shows the largest frame of the picture's shape within the view."""
    width, height = resolution
    half = min(view.half[0], view.half[1] * width / height)
    longer = half if width >= height else half * height / width
    camera = bpy.data.objects.new("Consistency View", bpy.data.cameras.new("Consistency View"))
    try:
        data = camera.data
        points = product_points()
        far = float(np.linalg.norm(points - np.array(view.matrix_world.translation), axis=1).max())
        back = 2.0 * far if view.is_flat else 0.0  # without perspective a viewport shows what lies behind its eye, too
        camera.matrix_world = view.matrix_world @ Matrix.Translation((0.0, 0.0, back))
        data.sensor_fit = "HORIZONTAL" if width >= height else "VERTICAL"
        data.sensor_width = data.sensor_height = FULL_FRAME_MM
        if view.is_flat:
            data.type, data.ortho_scale = "ORTHO", 2.0 * longer
        else:
            data.lens = FULL_FRAME_MM / (2.0 * longer)
        data.clip_start, data.clip_end = far / 1e4, far * 10.0
        collection(names.RIG).objects.link(camera)
        yield camera
    finally:
        remove_objects([camera])


def _check_shown(world_to_clip: np.ndarray) -> None:
    points = product_points()
    clip = points @ world_to_clip[:, :3].T + world_to_clip[:, 3]
    inside = (np.abs(clip[:, :2]) <= clip[:, 3:]).all(axis=1) & (clip[:, 3] > 0.0)
    if not inside.any():
        raise BadInput("the product is not in this view; turn the view to it, then take the picture")
