# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pictures out of a clip, by Blender's own decoder: a strip in a sequencer of its own, rendered frame by frame."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import bpy

from ...pipeline.errors import BadInput
from ...pipeline.gate.scoring.pixels.arrays import Array
from .. import compat
from ..rendering import passes


def frames_of(clip: Path, every: float, side: int) -> Iterator[tuple[float, float, Array]]:
    """(seconds, share 0..1 of the clip that is over, (H, W, 3) sRGB 0..1) each ``every`` seconds, the longer side at most
    ``side`` pixels.

    Raises BadInput for what is no clip.
    """
    for index, count, rate, path in _decoded(clip, every, side):
        yield index / rate, index / count, passes.load(path)


def pick(clip: Path, shares: list[float], side: int) -> Iterator[tuple[int, Array]]:
    """(place in ``shares``, (H, W, 3) sRGB 0..1) of the frames that are nearest to ``shares``, 0 = the first, 1 = the last; the
    longer side at most ``side`` pixels. Raises BadInput for what is no clip.
    """
    for index, count, _, path in _decoded(clip, 0.0, side):
        wanted = [place for place, share in enumerate(shares) if round(share * (count - 1)) == index]
        if wanted:
            picture = passes.load(path)
            for place in wanted:
                yield place, picture


def _decoded(clip: Path, every: float, side: int) -> Iterator[tuple[int, int, float, Path]]:
    """(number from 0, frames in all, frames a second, PNG) each ``every`` seconds; of every frame where that is 0."""
    scene = bpy.data.scenes.new("Consistency Frames")
    try:
        try:
            strip = compat.strips(scene.sequence_editor_create()).new_movie("clip", str(clip), channel=1, frame_start=1)
        except RuntimeError as error:
            raise BadInput(f"{clip.name} is not a clip that Blender can read; fetch it again") from error
        count = compat.strip_length(strip)
        width, height = strip.elements[0].orig_width, strip.elements[0].orig_height
        if count < 1 or not width:
            raise BadInput(f"{clip.name} is not a clip that Blender can read; fetch it again")
        rate = strip.fps if getattr(strip, "fps", 0.0) else 24.0
        render = scene.render
        share = min(1.0, side / max(width, height))
        render.resolution_x, render.resolution_y = round(width * share), round(height * share)
        render.resolution_percentage, render.use_file_extension = 100, True
        render.use_sequencer, render.use_compositing = True, False
        strip.transform.scale_x = strip.transform.scale_y = share
        scene.display_settings.display_device = "sRGB"
        scene.view_settings.view_transform, scene.view_settings.look = "Standard", "None"
        compat.set_still_format(render.image_settings, "PNG")
        render.image_settings.color_mode, render.image_settings.color_depth = "RGB", "8"
        scene.frame_start, scene.frame_end, scene.frame_step = 1, count, max(1, round(rate * every))
        with tempfile.TemporaryDirectory(prefix="consistency-") as folder:
            render.filepath = str(Path(folder) / "frame-")
            bpy.ops.render.render(animation=True, scene=scene.name)
            for path in sorted(Path(folder).iterdir()):
                number = int(path.stem.rpartition("-")[2])
                yield number - 1, count, rate, path
    finally:
        bpy.data.scenes.remove(scene)
