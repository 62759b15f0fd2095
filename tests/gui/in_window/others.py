# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several models tried on one angle before one is chosen for all."""

from __future__ import annotations

import bpy
from places import run_of_one_angle
from playing import key, screenshot, status
from pointing import press


def tries_others():
    """A run up to its references with the fake, then *Try Others* by mouse, and what an artist sees of it."""
    yield from run_of_one_angle("references")
    place = yield from press("bpy.ops.consistency.try_others")
    yield 1.0
    screenshot("others-asked")
    yield from key("RET", at=place)
    yield lambda: ": " in status().note and "$" in status().note
    yield 2.0
    screenshot("others-beside")
    shown = [
        area.spaces.active.image.filepath
        for window in bpy.context.window_manager.windows
        for area in window.screen.areas
        if area.type == "IMAGE_EDITOR" and area.spaces.active.image
    ]
    return {"note": status().note, "shown": shown, "said": status().error, "chosen": [s.chosen for s in status().shots]}
