# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in for everything that renders, and a look at what the panels draw."""

from __future__ import annotations

import bpy

from consistency_pipeline.pipeline.backend.ports import Product, Shot
from consistency_pipeline.pipeline.stages import Progress

UNIT = [[float(row == column) for column in range(4)] for row in range(4)]


def shot_of(angle, path):
    """What a render of an angle would tell, with the picture at ``path``."""
    return Shot(
        angle=angle,
        files={"image": path},
        matrix_world=UNIT,
        projection=UNIT,
        focal_length=85.0,
        device="cpu",
        samples=1,
        seconds=0.1,
        coverage=0.5,
    )


class Studio:
    """Writes small files where Blender would render."""

    def __init__(self, folder=None):
        self.rendered = []

    def load_product(self, path):
        yield Progress("rig", "loading")
        return Product("box", (0.3, 0.2, 0.5), 8)

    def export_product(self, out):
        yield Progress("rig", "exporting")

    def place_rig(self, settings):
        yield Progress("rig", "placing")

    def render_reference(self, angle, settings, folder):
        yield Progress("references", "rendering", None, angle.name)
        self.rendered.append(angle.name)
        path = folder / f"{angle.name}.png"
        path.parent.mkdir(exist_ok=True)
        save_picture(path)
        return shot_of(angle.name, path)

    def finish_reference(self, angle, references, out):
        yield Progress("photoreal", "finishing", 0.5, angle.name)
        out.parent.mkdir(exist_ok=True)
        save_picture(out)

    def render_turntable(self, angle, settings, out, kind="render", frames=None):
        yield Progress("video", "turning", 0.5, angle.name)
        out.parent.mkdir(exist_ok=True)
        out.write_bytes(b"clip")

    def render_exact_clip(self, clip, settings):
        yield from self.render_turntable(clip.angle, settings, clip.out)

    def close(self):
        pass

    def save_results(self, results, settings, folder):
        yield Progress("results", "saving")
        for name in ("scene.blend", "contact_sheet.png"):
            (folder / name).write_bytes(b"x")


def save_picture(path):
    image = bpy.data.images.new("stand-in", 4, 4)
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    bpy.data.images.remove(image)


def status():
    return bpy.context.window_manager.consistency


def stages():
    return {stage.name: stage.state for stage in status().stages}
