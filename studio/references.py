# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One reference: the picture, and mask, depth, normal, position and surface colour of the same samples."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

from ..pipeline.backend.ports import Shot, Task
from ..pipeline.references import reference_files
from ..pipeline.rig import Angle
from ..pipeline.settings.groups import RunSettings
from ..pipeline.stages import Progress, Stage, Steps
from ..pipeline.wording.program import PROGRAM
from .image_worker import ImageWorker
from .rendering import devices
from .rendering.render_scene import render, render_scene, scratch_file
from .rig import camera_for, camera_matrices
from .scene.light_groups import group_lights, sent_by_added_lamps


def render_reference(
    angle: Angle,
    settings: RunSettings,
    folder: Path,
    device: devices.Device,
    worker: ImageWorker,
    ground: Path | None,
) -> Steps[Shot]:
    """Render ``angle`` into ``folder``; ``ground`` has the light on the ground there, where one was rendered: it is what the shadow
    is made of. Raises BadRender for a picture that is empty, cut off, black or blown out."""
    camera = camera_for(angle.name)
    lights, added = group_lights(settings), sent_by_added_lamps()  # as they are now: an artist may go on meanwhile
    scene = render_scene(settings, device, lights, catches_shadow=False)
    began = time.monotonic()
    matrix_world, projection = camera_matrices(camera, settings.resolution)
    files = reference_files(folder, angle.name)
    facts = {
        "Software": PROGRAM,
        "Angle": json.dumps(asdict(angle)),
        "Device": device.label,
        "Camera matrix": json.dumps(matrix_world),
        "Projection matrix": json.dumps(projection),
        "Samples": str(scene.cycles.samples),
    }
    with devices.chosen(device), scratch_file() as file:
        yield from render(scene, camera, file, Stage.REFERENCES, "rendering", angle.name)
        seconds = time.monotonic() - began
        developed = yield from worker.do(
            Task.REFERENCE,
            Progress(Stage.REFERENCES, f"writing {files['image'].name}", None, angle.name),
            render=str(file),
            settings=settings.model_dump(mode="json"),
            angle=asdict(angle),
            folder=str(folder),
            facts=facts,
            lights=lights,
            matrix_world=matrix_world,
            projection=projection,
            added=added,
            ground=str(ground) if ground is not None else None,
        )
    if ground is not None:
        files["ground"] = ground
    if developed["sent"]:
        files["sent"] = Path(developed["sent"])
    yield Progress(Stage.REFERENCES, f"{files['image'].name} rendered", 1.0, angle.name)
    return Shot(
        angle=angle.name,
        files=files,
        matrix_world=matrix_world,
        projection=projection,
        focal_length=angle.focal_length,
        device=device.label,
        samples=scene.cycles.samples,
        seconds=seconds,
        coverage=developed["coverage"],
    )
