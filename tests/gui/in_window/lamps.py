# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lamp by pointing, with the mouse."""

from __future__ import annotations

import bpy
from playing import in_view, key, move, open_sidebar, preferences, screenshot, settings, small, view
from pointing import drag, middle, press

from studio import artists_scene


def added():
    lamps = bpy.data.collections.get("Consistency Lighting")
    return {
        thing.name: [round(value, 3) for value in thing.matrix_world.translation]
        for thing in (lamps.objects if lamps else ())
        if "consistency_role" not in thing
    }


def begin():
    with in_view():
        bpy.ops.consistency.point_lamp("INVOKE_DEFAULT")


def lamp_by_pointing():
    """Click and drag on the product, Esc while dragging, undo."""
    seen = {}
    yield from open_sidebar()
    small()
    preferences().backend, settings().source = "local", "OBJECTS"
    artists_scene()
    yield from press("bpy.ops.consistency.use_selected")
    yield lambda: settings().studio_view
    yield 2.0
    _, _, main, _ = view()
    spot = main.x + main.width // 2, main.y + main.height // 2
    begin()
    yield 0.3
    yield from drag((spot[0] - 10, spot[1]), (spot[0] + 10, spot[1] + 6))
    seen["placed"] = added()
    yield 1.0
    screenshot("lamp-by-pointing")
    begin()
    yield 0.3
    window = bpy.context.window_manager.windows[0]
    move(*spot)
    window.event_simulate(type="LEFTMOUSE", value="PRESS", x=int(spot[0]), y=int(spot[1]))
    yield 0.3
    seen["held"] = len(added())
    yield from key("ESC", at=middle())
    seen["after_esc"] = added()
    window.event_simulate(type="LEFTMOUSE", value="RELEASE", x=int(spot[0]), y=int(spot[1]))
    yield 0.3
    with in_view():
        bpy.ops.ed.undo()
    yield 0.5
    seen["undone"] = added()
    return seen
