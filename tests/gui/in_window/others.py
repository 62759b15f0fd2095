# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several models tried on one angle before one is chosen for all."""

from __future__ import annotations

from importlib import import_module

import bpy
from places import enter_key
from playing import OPTIONS, PACKAGE, in_view, key, open_sidebar, screenshot, settings, small, status
from pointing import press


def tries_others():
    """A run up to its references with the fake, then *Try Others* by mouse, and what an artist sees of it."""
    import_module(f"{PACKAGE}.panels.photoreal").CONSISTENCY_PT_photoreal.bl_options = set()
    panel = bpy.types.CONSISTENCY_PT_photoreal
    bpy.utils.unregister_class(panel)
    bpy.utils.register_class(panel)
    yield from open_sidebar()
    small()
    own = settings()
    own.samples, own.size, own.source, own.file, own.motion = 16, 256, "FILE", OPTIONS["model"], "none"
    while len(own.angles) > 1:
        own.angles.remove(len(own.angles) - 1)
    bpy.ops.consistency.show_preferences()
    yield 1.0
    yield from enter_key()
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[-1]):
        bpy.ops.wm.window_close()
    yield 0.5
    own.backend = "fal"
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT", until="references", agreed_usd=5.0)
    yield lambda: status().running
    yield lambda: not status().running
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
