# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cameras: one per angle, each framing the product exactly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

import bpy
import numpy as np
from bpy.types import Object
from mathutils import Matrix
from numpy.typing import NDArray

from ..pipeline import names
from ..pipeline.errors import BadInput
from ..pipeline.geometry import framing
from ..pipeline.rig import FULL_FRAME_MM, Angle
from ..pipeline.settings.groups import RunSettings
from ..pipeline.stages import Progress, Stage, Steps
from .lighting import missing_hdri, place_lighting
from .model import product_points, product_root
from .scene.backdrop import place_backdrop
from .scene.collections import collection, existing_objects, remove_objects


def place_rig(settings: RunSettings) -> Steps[None]:
    """Cameras, lights and backdrop around the product, in place of earlier ones.

    Raises BadInput where there is no product.
    """
    points = product_points()
    product_root()[names.FRAME] = max(0, bpy.context.scene.frame_current)  # Blender renders none before 0
    wanted = {names.camera(angle.name) for angle in settings.studio.angles}
    remove_objects(thing for thing in existing_objects(names.RIG) if thing.name not in wanted)
    yield Progress(Stage.RIG, "framing the product", 0.0)
    cameras = place_cameras(points, settings)
    place_lighting(settings, points)
    if missing_hdri(settings):
        yield Progress(
            Stage.RIG, "this Blender has no studio HDRI; an even white surrounding stands in for it", warning=True
        )
    place_backdrop(settings, points)
    bpy.context.view_layer.update()
    counted = "1 camera" if len(cameras) == 1 else f"{len(cameras)} cameras"
    yield Progress(Stage.RIG, f"{counted}, {settings.studio.lighting} lighting", 1.0)


def show_rig(settings: RunSettings) -> None:
    """Make the first angle's camera and the lighting's surroundings those of the open scene."""
    scene = bpy.context.scene
    scene.camera = camera_for(settings.studio.angles[0].name)
    scene.world = bpy.data.worlds.get(names.WORLD)


def place_cameras(
    points: NDArray[np.float64], settings: RunSettings, seen: Mapping[str, NDArray[np.float64]] | None = None
) -> list[Object]:
    """Make or move one camera per angle of the settings. ``points``: (N, 3) world-space metres; ``seen``: by the name of
    an angle, those that count there in their place."""
    aspect = aspect_of(settings.resolution)
    seen = seen or {}
    if settings.studio.one_scale and seen:
        points = np.concatenate([points, *seen.values()])
    frames = framing.place_cameras(points, settings.studio.angles, aspect, settings.studio.one_scale)
    if not settings.studio.one_scale:
        for angle in settings.studio.angles:
            if angle.name in seen:
                frames[angle.name] = framing.place_camera(seen[angle.name], angle, aspect)
    return [_set_camera(angle, frames[angle.name], settings.resolution) for angle in settings.studio.angles]


def camera_for(angle_name: str) -> Object:
    """The camera of an angle. Raises BadInput where it isn't placed."""
    for thing in existing_objects(names.RIG):
        if thing.type == "CAMERA" and thing.get(names.ANGLE) == angle_name:
            return thing
    raise BadInput(f"there is no camera for the angle {angle_name!r}; place the rig again")


def camera_matrices(camera: Object, resolution: tuple[int, int]) -> tuple[list[list[float]], list[list[float]]]:
    """(matrix_world, projection), each 4×4 row-major: camera to world in metres, camera to clip space (OpenGL's, −1..1).

    ``resolution``: width and height in pixels.
    """
    projection = camera.calc_matrix_camera(
        bpy.context.evaluated_depsgraph_get(), x=resolution[0], y=resolution[1], scale_x=1.0, scale_y=1.0
    )
    return [list(row) for row in camera.matrix_world], [list(row) for row in projection]


def aspect_of(resolution: tuple[int, int]) -> float:
    """Width over height."""
    return resolution[0] / resolution[1]


def _set_camera(angle: Angle, frame: framing.Frame, resolution: tuple[int, int]) -> Object:
    name = names.camera(angle.name)
    camera = next((thing for thing in existing_objects(names.RIG) if thing.get(names.ANGLE) == angle.name), None)
    if camera is None:
        camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
        collection(names.RIG).objects.link(camera)
    camera.name = name
    camera[names.ANGLE] = camera.data[names.ANGLE] = angle.name
    camera[names.ANGLE_DATA] = json.dumps(asdict(angle))
    set_lens(camera, angle, frame, resolution)
    return camera


def set_lens(camera: Object, angle: Angle, frame: framing.Frame, resolution: tuple[int, int]) -> None:
    """Put a camera where ``frame`` says, with the lens of ``angle``. ``resolution``: of the picture, in pixels."""
    camera.matrix_world = Matrix(frame.matrix_world.tolist())
    data = camera.data
    data.lens = angle.focal_length
    # Said outright instead of AUTO, so that a picture of another shape loaded behind the camera changes nothing.
    data.sensor_fit = "HORIZONTAL" if resolution[0] >= resolution[1] else "VERTICAL"
    data.sensor_width = data.sensor_height = FULL_FRAME_MM
    data.clip_start, data.clip_end = frame.clip_start, frame.clip_end
    data.display_size = frame.distance / 20.0
