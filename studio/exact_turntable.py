# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A clip of the true model with the look of the stills: rendered frame by frame, so that it can't drift.

Of a turn that is stitched, frames of bought pieces stand between. A run without a service has its clips made here, too: the same
frames, without any stills' look.

Frames lie in a folder beside the clip, with a list of what each was made of. A frame that would come out the same is not made
again: not when a run is resumed, and not when a still is replaced that the frame shows nothing of.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import bpy
import numpy as np

from ..pipeline.backend.ports import Task
from ..pipeline.backend.requests import ClipRequest
from ..pipeline.errors import BadInput
from ..pipeline.formats import marks
from ..pipeline.formats.picture_marks import mark_clip
from ..pipeline.formats.webm import mark_webm
from ..pipeline.json_object import JsonObject
from ..pipeline.look.lenders import plain
from ..pipeline.sentences import no_video
from ..pipeline.settings.choices import ClipAlpha, MotionName
from ..pipeline.settings.groups import RunSettings
from ..pipeline.stages import Progress, Stage, Steps
from ..pipeline.system.disk import write_json
from ..pipeline.wording.program import PROGRAM
from .image_worker import ImageWorker
from .model import product_root
from .orbiting import orbiting, place_of
from .rendering import devices
from .rendering.render_scene import quality, render, render_scene, scratch_file
from .rig import camera_for, camera_matrices
from .scene.light_groups import groups_for_glow
from .video import ON_CPU, RATE, encode, motion

MOST_SAMPLES = 64  # a pixel, as the references' standard: a clip has many frames, and is seen in motion
FACTS = {"Software": PROGRAM, "Backend": "local: Cycles render, no AI"}


def render_exact_turntable(
    clip: ClipRequest, settings: RunSettings, device: devices.Device, worker: ImageWorker
) -> Steps[None]:
    """Render ``clip`` to ``clip.out``, an MP4. Everything is put back afterwards. Without lenders its frames are the render's.

    Raises ConsistencyError where this Blender can't encode video.
    """
    if not bpy.app.build_options.codec_ffmpeg:
        raise no_video()
    is_preview = not clip.is_made_here and not device.is_gpu
    settings, rate, hold = _preview(settings) if is_preview else _whole(settings)
    count = max(2, round(clip.duration * rate / hold))
    bought = {
        n: at for n in range(count) if clip.pieces and clip.pieces[(at := place_of(clip.pieces, n / count))[0]].clip
    }
    folder = clip.out.parent / f"{clip.motion}.frames"
    folder.mkdir(parents=True, exist_ok=True)
    lenders = [plain(lender) for lender in clip.lends]
    keys: dict[str, str] = {}
    if lenders:
        text = f"taking over the look of {len(lenders)} stills"
        found = yield from worker.do(Task.LOOK, Progress(Stage.VIDEO, text, 0.0, clip.angle.name), lenders=lenders)
        keys = found["keys"]
    has_alpha = settings.clip.clip_alpha != ClipAlpha.NONE and not clip.pieces  # a bought piece is its backdrop's, too
    frames = _Frames(folder, _fingerprint(clip, settings, count), keys, has_alpha=has_alpha)
    yield from _take_bought(clip, settings, frames, bought, worker)
    lights = groups_for_glow(settings)
    scene = render_scene(settings, device, lights)
    camera = camera_for(clip.angle.name)
    standing = np.array(product_root().matrix_world)
    moves = (
        orbiting(clip.angle.name, clip.pieces, settings.resolution)
        if clip.pieces
        else motion(MotionName(clip.motion).moves, camera, crops=clip.angle.crops)
    )
    with (
        devices.chosen(device),
        moves as pose,
        scratch_file() as file,
    ):
        for number in range(count):
            done = number / count
            if number in bought or frames.is_made(number):
                continue
            text = f"frame {number + 1} of {count}"
            pose(done)
            bpy.context.view_layer.update()
            matrix_world, projection = camera_matrices(camera, settings.resolution)
            spin = np.array(product_root().matrix_world) @ np.linalg.inv(standing)
            for _ in render(scene, camera, file, Stage.VIDEO, text, clip.angle.name):
                yield Progress(Stage.VIDEO, text, done, clip.angle.name)
            told = yield from worker.do(
                Task.CARRY,
                Progress(Stage.VIDEO, text, done, clip.angle.name),
                render=str(file),
                settings=settings.model_dump(mode="json"),
                out=str(frames.picture(number)),
                cut_out=str(frames.cut_out(number)) if frames.has_alpha else "",
                facts=FACTS,
                lights=lights,
                lenders=lenders,
                spin=spin.tolist(),
                matrix_world=matrix_world,
                projection=projection,
            )
            file.unlink()
            frames.keep(number, told["asked"], told["seen"])
    words = marks.STITCHED_WORDS if bought else marks.LOOK_WORDS
    made = (marks.COMPOSITE, words) if lenders or bought else marks.of_render(own_model=settings.has_own_model)
    numbers = range(count)
    if has_alpha and settings.clip.clip_alpha == ClipAlpha.WEBM:
        without = clip.out.with_suffix(".webm")
        yield from encode([frames.cut_out(number) for number in numbers], 1, settings.resolution, without, rate)
        mark_webm(without, *made)
    unmarked = clip.out.with_name(f".{clip.out.name}")  # what lies under its own name is whole, and marked
    yield from encode([frames.picture(number) for number in numbers], hold, settings.resolution, unmarked, rate)
    mark_clip(unmarked, marks.packet(*made))
    unmarked.replace(clip.out)


def _whole(settings: RunSettings) -> tuple[RunSettings, int, int]:
    """Settings of the frames, frames a second, and how many of them each picture is shown."""
    samples = min(settings.studio.samples or quality(settings).samples, MOST_SAMPLES)
    return settings.model_copy(update={"samples": samples}), settings.clip.frame_rate, 1


def _preview(settings: RunSettings) -> tuple[RunSettings, int, int]:
    """As ``_whole``, of the clip that a processor renders where no exact one was asked for: smaller, coarser, and over soon."""
    size = min(settings.studio.size, ON_CPU["side"])
    samples = min(settings.studio.samples or ON_CPU["samples"], ON_CPU["samples"])
    return settings.model_copy(update={"size": size, "samples": samples}), RATE, ON_CPU["hold"]


def _take_bought(
    clip: ClipRequest, settings: RunSettings, frames: _Frames, bought: dict[int, tuple[int, float]], worker: ImageWorker
) -> Steps[None]:
    """Have the frames that bought pieces show. ``bought``: by number of the frame, that of the piece, and how much of it is over
    then, 0..1; those of a clip that can't be read are taken out of it."""
    for number, piece in enumerate(clip.pieces):
        wanted = [n for n, (of, _) in bought.items() if of == number and not frames.is_taken(n, piece.fingerprint)]
        if piece.clip is None or not wanted:
            continue
        text = f"frames of the bought piece from {piece.one} to {piece.other}"
        try:
            yield from worker.do(
                Task.FRAMES,
                Progress(Stage.VIDEO, text, 0.0, clip.angle.name),
                clip=str(piece.clip),
                shares=[bought[n][1] for n in wanted],
                outs=[str(frames.picture(n)) for n in wanted],
                size=list(settings.resolution),
            )
        except BadInput as error:
            text = f"exact frames from {piece.one} to {piece.other}: {error}"
            yield Progress(Stage.VIDEO, text, 0.0, clip.angle.name, warning=True)
            for n in wanted:
                del bought[n]
            continue
        frames.keep_taken(wanted, piece.fingerprint)


class _Frames:
    """The frames that are made already. ``scene``: names all that they depend on beside ``keys``, the looks by angle."""

    def __init__(self, folder: Path, scene: str, keys: dict[str, str], *, has_alpha: bool) -> None:
        self._folder, self._scene, self._keys, self.has_alpha = folder, scene, keys, has_alpha
        self._list = folder / "frames.json"
        self._made: dict[str, JsonObject] = {}
        try:
            kept = json.loads(self._list.read_text(encoding="utf-8"))
            self._made = dict(kept["frames"]) if kept["scene"] == scene else {}
        except (OSError, ValueError, LookupError, TypeError):  # none yet, or it can't be told what they are of
            self._made = {}

    def picture(self, number: int) -> Path:
        return self._folder / f"{number:05d}.png"

    def cut_out(self, number: int) -> Path:
        return self._folder / f"{number:05d}.cut.png"

    def is_made(self, number: int) -> bool:
        """Nothing of it would come out different."""
        made = self._made.get(str(number))
        if made is None or "taken" in made or not self.picture(number).is_file():
            return False
        if self.has_alpha and not self.cut_out(number).is_file():
            return False
        known, asked = set(made["lenders"]), made["asked"]
        return set(self._keys) <= known and all(self._keys.get(angle) == key for angle, key in asked.items())

    def is_taken(self, number: int, of: str) -> bool:
        """It is of the bought piece that ``of`` names."""
        return self._made.get(str(number)) == {"taken": of} and self.picture(number).is_file()

    def keep_taken(self, numbers: list[int], of: str) -> None:
        self._made |= {str(number): {"taken": of} for number in numbers}
        write_json(self._list, {"scene": self._scene, "frames": self._made})

    def keep(self, number: int, asked: list[str], seen: float) -> None:
        said = {angle: self._keys[angle] for angle in asked}
        self._made[str(number)] = {"asked": said, "lenders": sorted(self._keys), "seen": seen}
        write_json(self._list, {"scene": self._scene, "frames": self._made})


def _fingerprint(clip: ClipRequest, settings: RunSettings, count: int) -> str:
    dumped = settings.model_dump(mode="json")
    studio = {option.name: dumped.get(option.name) for option in settings.studio.options}
    of = [clip.scene, asdict(clip.angle), count, studio]
    return hashlib.sha256(json.dumps(of, sort_keys=True, default=str).encode()).hexdigest()
