# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The slider from as it came to faithful, moved while a still is compared with its render."""

from __future__ import annotations

from importlib import import_module

import bpy
from places import enter_key
from playing import OPTIONS, PACKAGE, in_view, open_sidebar, screenshot, settings, small, status
from pointing import drag, find

MOVES = (10.0, 35.0, 60.0, 90.0)  # percent


def slides_to_faithful():
    """A run of one angle with the fake, compare, the slider moved in four steps, and what became of it."""
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
        bpy.ops.consistency.run("INVOKE_DEFAULT", until="photoreal", agreed_usd=5.0)
    yield lambda: status().running
    yield lambda: not status().running
    name = own.angles[0].name
    with in_view():
        bpy.ops.consistency.compare(angle=name)
    status().compare = 20.0
    yield 1.0
    screenshot("faithful-before")
    before = status().shots[0].chosen
    for percent in MOVES:
        own.angles[0].faithful = percent
        yield 0.2
    yield lambda: status().draft != ""
    screenshot("faithful-draft")
    yield lambda: status().shots[0].chosen != before and not status().making
    yield 1.0
    screenshot("faithful-kept")
    slider = "consistency.angles["
    place = yield from find(slider, 0.75)
    screenshot("faithful-slider")
    yield from drag(place, (place[0] - 60, place[1]))
    dragged = own.angles[0].faithful
    yield lambda: abs(100.0 * status().shots[0].faithful - dragged) < 0.5 and not status().making
    yield 0.5
    screenshot("faithful-dragged")
    shot = status().shots[0]
    return {
        "dragged": dragged,
        "chosen": shot.chosen,
        "share": shot.faithful,
        "verdict": shot.verdict,
        "draft": status().draft,
        "said": status().error,
        "takes": shot.takes,
    }
