# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One turn of the run's product, rendered view by view as cut-outs. The product turns; lights and camera stand."""

from __future__ import annotations

from pathlib import Path

from ...pipeline.backend.ports import Task
from ...pipeline.rig import Angle
from ...pipeline.run.run_folder import RunFolder
from ...pipeline.sentences import no_model_yet
from ...pipeline.settings.backdrop import TRANSPARENT, cut_out_of
from ...pipeline.stages import Progress, Stage, Steps
from .. import BlenderStudio
from ..image_worker import ImageWorker
from ..rendering import devices
from ..rendering.render_scene import render, render_scene, scratch_file
from ..rig import camera_for
from ..scene.light_groups import groups_for_glow
from ..video import turning

ELEVATION = 15.0  # degrees: within Amazon's 10 to 30
ANGLE = Angle(name="spin", azimuth=0.0, elevation=ELEVATION, fill=0.9)


def turn(folder: RunFolder, worker: ImageWorker, size: int, views: int, out: Path) -> Steps[list[Path]]:
    """``views`` cut-out pictures of ``size`` pixels in ``out``, in their order. The open file is replaced."""
    if not folder.product_source.is_file():
        raise no_model_yet(folder.root)
    settings = folder.settings.model_copy(
        update={
            "angles": [ANGLE],
            "size": size,
            "aspect": 1.0,
            "backdrop": TRANSPARENT,
            "shadow": False,
            "motion": "none",
        }
    )
    studio = BlenderStudio(settings, own_file=True)
    device: devices.Device = studio.device
    out.mkdir(parents=True, exist_ok=True)
    made = []
    try:
        yield from studio.load_product(folder.product_source)
        yield from studio.place_rig(settings)
        lights = groups_for_glow(settings)
        scene = render_scene(settings, device, lights)
        camera = camera_for(ANGLE.name)
        with devices.chosen(device), turning(camera) as pose, scratch_file() as file:
            for number in range(views):
                pose(1.0 - number / views)  # the other way round than a clip's: counter-clockwise seen from above
                text = f"view {number + 1} of {views}"
                for step in render(scene, camera, file, Stage.RESULTS, text):
                    yield Progress(Stage.RESULTS, step.text, number / views)
                picture = out / f"{number:03d}.png"
                yield from worker.do(
                    Task.PICTURE,
                    Progress(Stage.RESULTS, text, number / views),
                    render=str(file),
                    settings=settings.model_dump(mode="json"),
                    out=str(picture),
                    facts={},
                    lights=lights,
                )
                picture.unlink()
                made.append(cut_out_of(picture))
                file.unlink()
    finally:
        studio.close()
    return made
