# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the studio view changes in a scene and in a viewport, and what was there before it."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from bpy.types import Object, SpaceView3D, ViewLayer

from ...pipeline import names
from ...pipeline.backdrops import opaque
from ...pipeline.settings.groups import RunSettings
from .collections import existing_objects, remove_backgrounds
from .render_job import engine_of, set_engine

ENGINE = "render.engine"  # of a scene; another one has to wait where Blender renders

# path from the holder → [what was there before, what the studio view has set]; goes through JSON
Aside = dict[str, list[Any]]

SHOWN = (names.PRODUCT, names.LIGHTING, names.BACKDROP, names.RIG)  # not the results: planes would stand behind
PREVIEW_SAMPLES = 32  # it comes to rest in seconds, and then takes nothing from a run's renders


def of_scene(settings: RunSettings) -> dict[str, Any]:
    """The values by which a scene shows its viewport's frame and colours as the references have theirs.

    In the order in which they can be set: another view transform takes the look along.
    """
    width, height = settings.resolution
    return {
        ENGINE: "CYCLES",
        "render.resolution_x": width,
        "render.resolution_y": height,
        "render.resolution_percentage": 100,
        "render.pixel_aspect_x": 1.0,
        "render.pixel_aspect_y": 1.0,
        "render.use_border": False,
        "render.film_transparent": True,
        "render.use_simplify": False,
        "view_settings.view_transform": settings.studio.view_transform,
        "view_settings.look": "None",
        "view_settings.exposure": 0.0,
        "view_settings.gamma": 1.0,
        "view_settings.use_curve_mapping": False,
        "cycles.preview_samples": PREVIEW_SAMPLES,
        "cycles.film_transparent_glass": False,
        "cycles.max_bounces": 16,
        "cycles.transmission_bounces": 16,
        "cycles.transparent_max_bounces": 16,
    }


def of_viewport() -> dict[str, Any]:
    """The values by which a viewport shows its scene rendered, over the backdrop, and nothing that isn't rendered."""
    hidden = ("show_floor", "show_ortho_grid", "show_axis_x", "show_axis_y", "show_axis_z", "show_cursor", "show_text")
    hidden += (
        "show_extras",
        "show_relationship_lines",
        "show_motion_paths",
        "show_bones",
        "show_object_origins",
        "show_outline_selected",
    )
    return {
        "shading.type": "RENDERED",
        "shading.use_scene_lights_render": True,
        "shading.use_scene_world_render": True,
        "shading.render_pass": "COMBINED",
        "shading.use_compositor": "DISABLED",
        "overlay.show_overlays": True,  # the camera's frame and the backdrop are overlays
        **{f"overlay.{name}": False for name in hidden},
        "use_render_border": False,
        "use_local_camera": False,
        "lock_camera": False,
        "show_region_ui": True,
        "region_3d.view_perspective": "CAMERA",
    }


# Read before the view is changed, so that they can be put back, and not set.
PLACE = (
    "region_3d.view_location",
    "region_3d.view_rotation",
    "region_3d.view_distance",
    "region_3d.view_camera_zoom",
    "region_3d.view_camera_offset",
    "lens",
    "clip_start",
    "clip_end",
)


def put(holder: Any, wanted: dict[str, Any], aside: Aside) -> None:
    """Set the values of ``wanted``, and keep in ``aside`` what was there before.

    What was changed since an earlier call is the artist's own, and is what will be put back.
    """
    found = {path: read(holder, path) for path in wanted}  # all, before any: setting one may change another
    for path, value in wanted.items():
        before = found[path]
        if before is None:  # this Blender has no such setting
            continue
        if path not in aside or aside[path][1] != before:
            aside[path] = [before, before]
        write(holder, path, value)
    for path in wanted:
        if path in aside:
            aside[path][1] = read(holder, path)


def put_back(holder: Any, aside: Aside, *, also_changed: bool = False) -> None:
    """Set what was there before; what is not as ``put`` has left it is the artist's own, and stays unless ``also_changed``."""
    for path, (before, was_set) in aside.items():
        if also_changed or read(holder, path) == was_set:
            write(holder, path, before)


def read(holder: Any, path: str) -> Any:
    """The value at a dotted path as JSON has it; None where there is none."""
    if path == ENGINE:
        return engine_of(holder)
    *parents, name = path.split(".")
    for parent in parents:
        holder = getattr(holder, parent, None)
    value = getattr(holder, name, None)
    return value if value is None or isinstance(value, (bool, int, float, str)) else [float(part) for part in value]


def write(holder: Any, path: str, value: Any) -> None:
    *parents, name = path.split(".")
    owner = holder
    for parent in parents:
        owner = getattr(owner, parent, None)
    try:
        if path == ENGINE:
            set_engine(holder, value)
        elif owner is not None and getattr(owner, name, value) != value:
            setattr(owner, name, value)
    except TypeError:  # an engine or a view transform that is not there any more
        return


def shown_objects(layer: ViewLayer) -> list[Object]:
    """What the studio view shows: the product, its cameras, lights and ground, as far as the layer has them."""
    here = layer.objects
    return [thing for name in SHOWN for thing in existing_objects(name) if here.get(thing.name) == thing]


def isolate(layer: ViewLayer, space: SpaceView3D) -> None:
    """Show in a viewport that is in local view what belongs to the studio view, and nothing else."""
    show(layer, space, set(shown_objects(layer)))


def show(layer: ViewLayer, space: SpaceView3D, wanted: set[Object]) -> None:
    """Have a viewport that is in local view show just these."""
    for thing in layer.objects:
        if thing is None:  # removed a moment ago
            continue
        if thing.local_view_get(space) != (thing in wanted):
            thing.local_view_set(space, thing in wanted)


def show_backdrop(camera: Object, settings: RunSettings) -> None:
    """The exact colour of the backdrop behind what is rendered, within the camera's frame.

    A picture of that colour: behind a render without a world, Blender shows nothing else but its checkerboard.
    """
    shown = np.broadcast_to(np.asarray(opaque(settings.studio.backdrop), float) / 255.0, 3)
    image = bpy.data.images.get(names.BACKDROP_IMAGE)
    if image is None:
        image = bpy.data.images.new(names.BACKDROP_IMAGE, 16, 16)
        image[names.ROLE] = "backdrop"
    if not np.allclose(image.generated_color[:3], shown):
        image.generated_color = (*shown, 1.0)
    for still in _stills(camera.data):  # half transparent over the render; Compare shows the two side by side
        still.show_background_image = False
    if any(shown.image == image for shown in camera.data.background_images):
        return
    if not camera.data.background_images:
        camera.data.show_background_images = True
    shown = camera.data.background_images.new()
    shown.image, shown.display_depth, shown.frame_method, shown.alpha = image, "BACK", "STRETCH", 1.0


def _stills(camera: Any) -> list[bpy.types.CameraBackgroundImage]:
    """What Results has put before the camera."""
    shown = camera.background_images if names.ANGLE in camera else ()
    return [each for each in shown if each.image is not None and each.image.name.startswith("Still ")]


def remove_backdrop() -> None:
    image = bpy.data.images.get(names.BACKDROP_IMAGE)
    if image is None:
        return
    for camera in bpy.data.cameras:
        for still in _stills(camera):
            still.show_background_image = True
        remove_backgrounds(camera, image)
    bpy.data.images.remove(image)


def is_ours(camera: Object | None) -> bool:
    return camera is not None and names.ANGLE in camera


def studio_world() -> bpy.types.World | None:
    return bpy.data.worlds.get(names.WORLD)
