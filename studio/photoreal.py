# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The local backend's still: a finished Cycles render of the same camera, named local wherever it shows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bpy.types import Object
from mathutils import Vector

from ..pipeline.backend.ports import Task
from ..pipeline.rig import Angle
from ..pipeline.settings.groups import RunSettings
from ..pipeline.stages import Progress, Stage, Steps
from ..pipeline.wording.program import PROGRAM
from .image_worker import ImageWorker
from .model import product_points
from .rendering import devices
from .rendering.render_scene import quality, render, render_scene, scratch_file
from .rig import camera_for

MORE_SAMPLES = 2  # times the reference's
BLUR = 0.004  # widest blur over the product, as a share of the frame: seen as depth, too small to move an edge


def render_finish(
    angle: Angle, settings: RunSettings, out: Path, device: devices.Device, worker: ImageWorker
) -> Steps[None]:
    """Render ``angle`` to ``out`` with more samples and a little depth of field. The outline stays the reference's."""
    camera = camera_for(angle.name)
    finish = settings.model_copy(
        update={"samples": (settings.studio.samples or quality(settings.studio.size).samples) * MORE_SAMPLES}
    )
    scene = render_scene(finish, device)
    with devices.chosen(device), scratch_file() as file, _depth_of_field(camera):
        yield from render(scene, camera, file, Stage.PHOTOREAL, "finishing", angle.name)
        facts = {"Software": PROGRAM, "Backend": "local: Cycles render, no AI", "Device": device.label}
        yield from worker.do(
            Task.PICTURE,
            Progress(Stage.PHOTOREAL, f"writing {out.name}", None, angle.name),
            render=str(file),
            settings=finish.model_dump(mode="json"),
            out=str(out),
            facts=facts,
        )


@contextmanager
def _depth_of_field(camera: Object) -> Iterator[None]:
    """Focus on the product's front third, the aperture so that the farthest vertex is blurred by ``BLUR``.

    Thin lens: the blur of depth d on the sensor is f²·|d − s| / (N·d·(s − f)), s the focus distance, N the f-number.
    """
    dof = camera.data.dof
    before = (dof.use_dof, dof.focus_distance, dof.aperture_fstop)
    towards = camera.matrix_world.to_quaternion() @ Vector((0.0, 0.0, -1.0))
    depths = (product_points() - camera.matrix_world.translation) @ towards
    near, far = max(float(depths.min()), 1e-6), float(depths.max())
    focus = near + (far - near) / 3.0
    focal = camera.data.lens / 1000.0
    worst = max(abs(depth - focus) / depth for depth in (near, far))
    dof.use_dof = True
    dof.focus_distance = focus
    dof.aperture_fstop = max(
        0.01, focal**2 * worst / (BLUR * camera.data.sensor_width / 1000.0 * max(focus - focal, 1e-6))
    )
    try:
        yield
    finally:
        dof.use_dof, dof.focus_distance, dof.aperture_fstop = before
