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
                yield (number - 1) / rate, (number - 1) / count, passes.load(path)
    finally:
        bpy.data.scenes.remove(scene)
