# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The local backend's clip: a real turntable (or sweep, or push-in) of the true model, encoded by Blender's FFmpeg."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import bpy
import numpy as np
from bpy.types import Object, Scene
from mathutils import Matrix, Vector

from ..pipeline import names
from ..pipeline.backend.ports import Task
from ..pipeline.errors import ConsistencyError
from ..pipeline.formats import marks
from ..pipeline.formats.picture_marks import mark_clip
from ..pipeline.rig import Angle
from ..pipeline.sentences import no_video
from ..pipeline.settings.choices import MotionName
from ..pipeline.settings.groups import RunSettings
from ..pipeline.stages import Progress, Stage, Steps
from ..pipeline.system.disk import sync_folder
from . import compat
from .image_worker import ImageWorker
from .lighting import surroundings_rotation, turn_surroundings
from .model import product_points, product_root, standing_place
from .rendering import devices
from .rendering.render_scene import remove_scene, render, render_scene, run_job, scratch_file
from .rig import camera_for
from .scene.collections import existing_objects
from .scene.light_groups import groups_for_glow

RATE = 24  # frames a second of the file
# On a processor each rendered picture is held for two frames, smaller and with fewer samples: a preview that ends.
ON_CPU = {"side": 320, "samples": 6, "hold": 2}
ON_GPU = {"side": 4096, "samples": 64, "hold": 1}

EDGE = 0.98  # share of the frame that a turning product may reach

Pose = Callable[[float], None]  # share of the clip, 0..1 → everything moved there


def render_turntable(
    angle: Angle,
    settings: RunSettings,
    out: Path,
    device: devices.Device,
    worker: ImageWorker,
    kind: str = "render",
    frames: int | None = None,
) -> Steps[None]:
    """Render ``settings.clip.motion`` from ``angle``'s camera to ``out``, an MP4. Everything is put back afterwards.

    ``kind`` "depth": how near the product is, near = white, on one scale over the whole clip. ``frames``: the motion takes
    that many, in place of the clip's duration; the file may hold one more. Raises ConsistencyError where this Blender can't encode video.
    """
    if not bpy.app.build_options.codec_ffmpeg:
        raise no_video()
    effort = ON_GPU if device.is_gpu else ON_CPU
    small = settings.model_copy(
        update={
            "size": min(settings.studio.size, effort["side"]),
            "samples": min(settings.studio.samples or 4096, effort["samples"]),
        }
    )
    lights = groups_for_glow(settings)
    scene = render_scene(small, device, lights)
    scene.cycles.denoising_quality = "FAST"
    camera = camera_for(angle.name)
    length = settings.clip.duration * RATE if frames is None else frames
    count = max(2, math.ceil(length / effort["hold"]) if frames else round(length / effort["hold"]))
    with tempfile.TemporaryDirectory(prefix="consistency-") as folder, devices.chosen(device):
        pictures = []
        with motion(settings.clip.motion, camera, crops=angle.crops) as pose, scratch_file() as file:
            for number in range(count):
                pose(number / count)
                for step in render(scene, camera, file, Stage.VIDEO, settings.clip.motion, angle.name):
                    yield Progress(Stage.VIDEO, step.text, number / count, angle.name)
                frame = Path(folder, f"{number:05d}.png")
                at = Progress(Stage.VIDEO, settings.clip.motion, number / count, angle.name)
                if kind == "depth":
                    depth = str(frame.with_suffix(".npz"))
                    yield from worker.do(Task.DEPTH, at, render=str(file), out=depth, lights=lights)
                else:
                    yield from worker.do(
                        Task.PICTURE,
                        at,
                        render=str(file),
                        settings=small.model_dump(mode="json"),
                        out=str(frame),
                        facts={},
                        lights=lights,
                    )
                pictures.append(frame)
                file.unlink()
        if kind == "depth":
            at = Progress(Stage.VIDEO, "one scale of depth for all frames", 1.0, angle.name)
            yield from worker.do(Task.DEPTH_FRAMES, at, frames=[str(frame) for frame in pictures])
        yield from encode(pictures, effort["hold"], small.resolution, out)
    if kind == "render":
        mark_clip(out, marks.packet(*marks.of_render(own_model=settings.has_own_model)))


def turning(camera: Object) -> AbstractContextManager[Pose]:
    """One turn of the product in front of ``camera``, which backs away where it needs to; put back afterwards."""
    return motion(MotionName.TURNTABLE, camera, crops=False)


@contextmanager
def motion(name: str, camera: Object, *, crops: bool) -> Iterator[Pose]:
    """How the scene moves over the clip; on leaving, everything moved stands where it stood."""
    root = product_root()
    foot = standing_place(root)
    # What stands where its file has it is not turned, since it may look different elsewhere: all else turns about it.
    around = names.IN_PLACE in root
    turned = [camera, *existing_objects(names.LIGHTING)] if around else [root]
    moved = {
        MotionName.TURNTABLE: turned if camera in turned else [*turned, camera],
        MotionName.LIGHT_SWEEP: existing_objects(names.LIGHTING),
        MotionName.DETAIL_REVEAL: [camera],
    }[MotionName(name)]
    before = {thing.name: thing.matrix_world.copy() for thing in moved}
    surroundings = surroundings_rotation()
    steady: dict[str, Matrix] = {}

    def turn(share: float) -> None:
        angle = -2.0 * math.pi * share  # a turntable seen from above turns clockwise: the right side comes to the front
        if name == MotionName.LIGHT_SWEEP:
            angle = math.radians(60.0) * math.sin(2.0 * math.pi * share)  # begins and ends as the still is lit
        elif around:
            angle = -angle
            turn_surroundings(surroundings, angle)
        spin = Matrix.Translation(foot) @ Matrix.Rotation(angle, 4, "Z") @ Matrix.Translation(-foot)
        for thing in moved if name == MotionName.LIGHT_SWEEP else turned:
            thing.matrix_world = spin @ steady.get(thing.name, before[thing.name])

    def approach(share: float) -> None:
        start = before[camera.name]
        eased = share * share * (3.0 - 2.0 * share)
        towards = start.to_quaternion() @ Vector((0.0, 0.0, -1.0))
        distance = (start.translation - foot).length
        camera.matrix_world = Matrix.Translation(towards * (distance * 0.35 * eased)) @ start

    try:
        if name == MotionName.TURNTABLE and not crops:
            steady[camera.name] = before[camera.name] @ Matrix.Translation((0.0, 0.0, room_to_turn(camera)))
            camera.matrix_world = steady[camera.name]
        yield approach if name == MotionName.DETAIL_REVEAL else turn
    finally:
        for thing_name, matrix in before.items():
            thing = bpy.data.objects.get(thing_name)
            if thing is not None:
                thing.matrix_world = matrix
        turn_surroundings(surroundings, 0.0)


def room_to_turn(camera: Object) -> float:
    """Metres the camera has to back away so that the product stays in the frame all the way round; mostly 0.

    A point x metres off the view axis and d metres ahead is in the frame while |x| ≤ d·tan(half the field of view).
    """
    foot = np.array(standing_place(product_root()))
    points = np.concatenate([product_points(), _reach(product_root())]) - foot
    inverse = np.array(camera.matrix_world.inverted())
    slopes = np.tan(np.array([camera.data.angle_x, camera.data.angle_y]) / 2.0) * EDGE
    furthest = 0.0
    for turn in np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False):
        c, s = np.cos(turn), np.sin(turn)
        turned = points @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
        seen = (turned + foot) @ inverse[:3, :3].T + inverse[:3, 3]
        furthest = max(furthest, float((np.abs(seen[:, :2]) / slopes + seen[:, 2:]).max()))
    return furthest


def _reach(root: Object) -> np.ndarray:
    """(8, 3) metres: corners of the box of what renders show beyond the vertices; (0, 3) where that is nothing."""
    if names.REACH not in root:
        return np.empty((0, 3))
    low, high = np.array(root[names.REACH]).reshape(2, 3)
    return np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])


def encode(frames: list[Path], hold: int, size: tuple[int, int], out: Path, rate: int = RATE) -> Steps[None]:
    """Encode pictures as an H.264 MP4 of ``rate`` frames a second, each shown ``hold`` frames; a WebM with transparency where
    ``out`` is called so."""
    yield Progress(Stage.VIDEO, "encoding", 1.0)
    scene = bpy.data.scenes.new("Consistency Encoder")
    name = scene.name
    beside = out.with_name(f".{out.stem}.part{out.suffix}")
    try:
        _set_encoder(scene, size, len(frames) * hold, rate, transparent=out.suffix == ".webm")
        editor = scene.sequence_editor_create()
        for number, frame in enumerate(frames):
            strip = compat.strips(editor).new_image(frame.stem, str(frame), 1, 1 + number * hold)
            compat.set_strip_length(strip, hold)
        out.parent.mkdir(parents=True, exist_ok=True)
        scene.render.filepath = str(beside)
        yield from run_job(name, Progress(Stage.VIDEO, "encoding", 1.0), animation=True)
        if not beside.is_file() or beside.stat().st_size == 0:
            raise ConsistencyError("Blender could not encode the clip; look at its console for the reason")
        beside.replace(out)
        sync_folder(out.parent)
    finally:
        beside.unlink(missing_ok=True)
        remove_scene(name)
        used = {str(frame) for frame in frames}
        bpy.data.batch_remove([image for image in bpy.data.images if image.filepath in used])


def _set_encoder(scene: Scene, size: tuple[int, int], length: int, rate: int, *, transparent: bool) -> None:
    render = scene.render
    render.resolution_x, render.resolution_y = (side - side % 2 for side in size)  # H.264 halves the colour's sides
    render.resolution_percentage = 100
    render.fps, render.fps_base = rate, 1.0
    render.use_sequencer, render.use_compositing, render.use_file_extension = True, False, False
    scene.frame_start, scene.frame_end = 1, length
    scene.view_settings.view_transform = "Standard"  # the frames are display-referred already
    scene.view_settings.look = "None"
    compat.set_video_format(render.image_settings)
    ffmpeg = render.ffmpeg
    if transparent:
        ffmpeg.format, ffmpeg.codec, ffmpeg.audio_codec = "WEBM", "WEBM", "NONE"
        render.image_settings.color_mode = "RGBA"  # only now is there such a choice
    else:
        ffmpeg.format, ffmpeg.codec, ffmpeg.audio_codec = "MPEG4", "H264", "NONE"
    ffmpeg.constant_rate_factor, ffmpeg.ffmpeg_preset, ffmpeg.gopsize = "HIGH", "GOOD", max(1, rate // 2)
