"""One reference: the picture, and mask, depth, normal and position of the same samples."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np

from ..pipeline import exr, png
from ..pipeline.disk import whole_file
from ..pipeline.ports import Shot
from ..pipeline.references import check_frame, depth_map, reference_files
from ..pipeline.rig import Angle
from ..pipeline.settings import RunSettings
from ..pipeline.stages import Progress, Steps
from . import devices, passes
from .render_scene import render, render_scene, scratch_file
from .rig import camera_for, camera_matrices


def render_reference(angle: Angle, settings: RunSettings, folder: Path, device: devices.Device) -> Steps[Shot]:
    """Render ``angle`` into ``folder``. Raises BadRender for a picture that is empty, cut off, black or blown out."""
    camera = camera_for(angle.name)
    scene = render_scene(settings, device)
    began = time.monotonic()
    with devices.chosen(device), scratch_file() as file:
        yield from render(scene, camera, file, "references", "rendering", angle.name)
        seconds = time.monotonic() - began
        found = passes.read(file)
    picture = passes.compose(found, scene, settings)
    check_frame(picture, found.mask, angle.name, crops=angle.crops)
    matrix_world, projection = camera_matrices(camera, settings.resolution)
    files = reference_files(folder, angle.name)
    png.write(files["mask"], np.round(found.mask * 65535.0).astype(np.uint16))
    _write_exr(files["depth"], {"Y": found.depth})
    for name, values in (("normal", found.normal), ("position", found.position)):
        _write_exr(files[name], {letter: values[..., i].astype(np.float32) for i, letter in enumerate("RGB")})
    png.write(files["depth_map"], depth_map(found.depth, found.mask))
    facts = {
        "Software": "Consistency Pipeline",
        "Angle": angle.model_dump_json(),
        "Device": device.label,
        "Camera matrix": json.dumps(matrix_world),
        "Projection matrix": json.dumps(projection),
        "Samples": str(scene.cycles.samples),
    }
    png.write(files["image"], picture, facts)
    yield Progress("references", f"{files['image'].name} rendered", 1.0, angle.name)
    return Shot(
        angle=angle.name,
        files=files,
        matrix_world=matrix_world,
        projection=projection,
        focal_length=angle.focal_length,
        device=device.label,
        samples=scene.cycles.samples,
        seconds=seconds,
        coverage=float(found.mask.mean()),
    )


def _write_exr(path: Path, channels: dict[str, np.ndarray]) -> None:
    with whole_file(path) as file:
        exr.write(file, channels)
