# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the cameras show what Cycles draws, not only what the vertices say: a small, wide render of each angle.

Hair, points, volumes and displacement reach beyond any vertex, and what is transparent lets a product look smaller than it
is. Where such a render differs from the vertices, cameras, lamps and ground are placed by what it shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import bpy
import numpy as np
from bpy.types import Object, Scene
from numpy.typing import NDArray

from ...pipeline import names
from ...pipeline.geometry import framing
from ...pipeline.geometry.framing import Frame
from ...pipeline.rig import Angle
from ...pipeline.settings.groups import RunSettings
from ...pipeline.stages import Progress, Stage, Steps
from ..lighting import place_lighting
from ..model import product_points, product_root
from ..rig import aspect_of, place_cameras, set_lens
from ..scene.backdrop import place_backdrop
from ..scene.doubts import shows_more_than_faces
from ..scene.geometry import as_rendered
from . import devices, passes
from .render_scene import render, render_scene, scratch_file

LOOK = "Consistency Look"  # the camera that it looks through
SIDE = 128  # pixels of the longer side
SAMPLES = 16
FILL = 0.45  # share of the frame that the product is given
WIDER = 3.0  # times as wide, where that is not enough
LOOKS = 4  # at most at each angle
SEEN = 0.03  # coverage from which a pixel shows something
COARSE = 0.2  # share of the frame below which a look is too coarse
FEWEST = 12  # pixels that say anything
BEYOND = 2.0  # pixels outside of the vertices' box: the filter's reach and a pixel's own side are less
SMALLER = 0.1  # share of that box by which less may be seen

Points = NDArray[np.float64]


class Look(NamedTuple):
    """What a wide render shows: (N, 3) metres, the ``corners`` of its pixels and their ``centres``; (M, 3) those ``beyond``
    the vertices' box. ``smaller``: much less than that box was seen. ``share``: of the frame's limiting side that is
    filled. ``cut``: it goes on beyond the frame."""

    corners: Points
    centres: Points
    beyond: Points
    smaller: bool
    share: float
    cut: bool


def verify_framing(settings: RunSettings, device: devices.Device) -> Steps[None]:
    """Look at each angle; where renders show something else than the vertices say, place cameras, lamps and ground by that.

    Of a product of opaque meshes alone, a look from one side is enough.
    """
    vertices = product_points()
    root = product_root()
    with as_rendered(root) as depsgraph:
        angles = settings.studio.angles if shows_more_than_faces(root, depsgraph) else settings.studio.angles[:1]
    by_angle: dict[str, Points] = {}
    more, only = [], []
    for angle in angles:
        yield Progress(Stage.RIG, "checking the frame", None, angle.name)
        guess, fill = np.concatenate([vertices, *more]), FILL
        for _ in range(LOOKS):
            look = yield from _look(guess, vertices, angle, fill, settings, device)
            if look is None:
                break
            if look.cut:
                fill /= WIDER
            elif look.share < COARSE:
                guess, fill = look.corners, FILL
            else:
                break
        if look is None:
            continue
        if look.cut:
            yield Progress(
                Stage.RIG,
                f"renders show something of the product all around {angle.name}; leave out what is not the product",
                warning=True,
            )
        if len(look.beyond):
            more.append(look.beyond)
            by_angle[angle.name] = np.concatenate([vertices, look.corners])
        elif look.smaller:
            only.append(look.centres)
            by_angle[angle.name] = look.corners
    root = product_root()  # anew: an undo makes it another
    if not by_angle:
        root.pop(names.REACH, None)
        return
    whole = np.concatenate([*(only or [vertices]), *more])
    root[names.REACH] = [*whole.min(axis=0).tolist(), *whole.max(axis=0).tolist()]
    place_cameras(vertices, settings, by_angle)
    place_lighting(settings, whole)
    place_backdrop(settings, whole)
    bpy.context.view_layer.update()


def _look(
    guess: Points, vertices: Points, angle: Angle, fill: float, settings: RunSettings, device: devices.Device
) -> Steps[Look | None]:
    """What a render of ``angle`` shows where ``guess`` would fill ``fill`` of the frame; None where it shows nothing."""
    small = settings.model_copy(update={"size": SIDE, "samples": SAMPLES})
    wide = replace(angle, fill=fill)
    frame = framing.place_camera(guess, wide, aspect_of(small.resolution))
    with _camera(frame, wide, small) as camera, devices.chosen(device), scratch_file() as file:
        scene = _quick(render_scene(small, device, catches_shadow=False))
        yield from render(scene, camera, file, Stage.RIG, "checking the frame", angle.name)
        found = passes.read(file)
    return _compare(found, vertices, wide, frame)


def _quick(scene: Scene) -> Scene:
    """Only what is where counts, also below the ground, which is placed by it."""
    ground = scene.collection.children.get(names.BACKDROP)
    if ground is not None:
        scene.collection.children.unlink(ground)
    scene.cycles.use_denoising = scene.cycles.use_adaptive_sampling = False
    scene.cycles.max_bounces = 0
    return scene


@contextmanager
def _camera(frame: Frame, angle: Angle, settings: RunSettings) -> Iterator[Object]:
    camera = bpy.data.objects.new(LOOK, bpy.data.cameras.new(LOOK))
    name, data = camera.name, camera.data.name
    try:
        set_lens(camera, angle, frame, settings.resolution)
        yield camera
    finally:  # by name: an undo meanwhile may have taken them away
        if name in bpy.data.objects:
            bpy.data.objects.remove(bpy.data.objects[name])
        if data in bpy.data.cameras:
            bpy.data.cameras.remove(bpy.data.cameras[data])


def _compare(found: passes.Passes, vertices: Points, angle: Angle, frame: Frame) -> Look | None:
    height, width = found.mask.shape
    rows, columns = np.nonzero(found.mask >= SEEN)
    if len(rows) < FEWEST:
        return None
    aspect = width / height
    picture = framing.project(vertices, frame.matrix_world, angle.focal_length, aspect)
    across, down = picture[:, 0] * width, (1.0 - picture[:, 1]) * height
    outside = (
        (columns < across.min() - BEYOND)
        | (columns + 1 > across.max() + BEYOND)
        | (rows < down.min() - BEYOND)
        | (rows + 1 > down.max() + BEYOND)
    )
    seen = max(np.ptp(columns), np.ptp(rows)) + 1.0
    smaller = not outside.any() and seen + 2.0 * BEYOND < (1.0 - SMALLER) * max(np.ptp(across), np.ptp(down))
    depth = found.depth[rows, columns]
    depth = np.where(depth > 0.0, depth, frame.distance)  # a volume has none

    def places(right: float, below: float) -> Points:
        x, y = (columns + right) / width * 2.0 - 1.0, 1.0 - (rows + below) / height * 2.0
        tangents = framing.half_tangents(angle.focal_length, aspect)
        local = np.stack([x * tangents[0] * depth, y * tangents[1] * depth, -depth], axis=-1)
        return local @ frame.matrix_world[:3, :3].T + frame.matrix_world[:3, 3]

    centres = places(0.5, 0.5)
    cut = bool(rows.min() == 0 or columns.min() == 0 or rows.max() == height - 1 or columns.max() == width - 1)
    corners = np.concatenate([places(right, below) for right in (0.0, 1.0) for below in (0.0, 1.0)])
    share = max((np.ptp(columns) + 1) / width, (np.ptp(rows) + 1) / height)
    return Look(corners, centres, centres[outside], bool(smaller), float(share), cut)
