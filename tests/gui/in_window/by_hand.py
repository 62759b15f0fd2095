# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an artist does to lamps by hand while the board is shown: moved by G, copied, hidden, deleted, and taken back."""

from __future__ import annotations

import bpy
from light_board import apart, begin, board, is_drawn, on_board, overlay, pixels, settled
from places import HOME
from playing import click, in_view, key, move, screenshot, settings, status, view
from pointing import middle


def drafts():
    """Anew, until all are shown; then stopped."""
    before = {name: source.stamp for name, source in board().shown.items()}
    yield from click(*on_board("button:drafts"))
    yield lambda: status().drafting
    yield lambda: is_drawn() and all(source.stamp != before.get(name) for name, source in board().shown.items())
    yield from click(*on_board("button:drafts"))
    yield lambda: not status().drafting
    yield lambda: is_drawn() and not bpy.app.is_job_running("RENDER")
    yield 0.7


def stale(angle="front"):
    with in_view():
        return overlay().stale(bpy.context, angle)


def choose(thing):
    for each in bpy.context.view_layer.objects:
        each.select_set(each == thing)
    bpy.context.view_layer.objects.active = thing


def grab(thing, by=(400, -150)):
    """G, move the mouse, click."""
    choose(thing)
    x, y = middle()
    yield from key("G", at=(x, y))
    for number in range(1, 6):
        move(x + by[0] * number / 5, y + by[1] * number / 5)
        yield 0.1
    end = x + by[0], y + by[1]
    window = view()[0]
    window.event_simulate(type="LEFTMOUSE", value="PRESS", x=int(end[0]), y=int(end[1]))
    window.event_simulate(type="LEFTMOUSE", value="RELEASE", x=int(end[0]), y=int(end[1]))
    yield 1.2
    yield settled


def undo():
    yield from key("Z", at=middle(), ctrl=True)
    yield 1.5
    yield settled


def lamp(name):
    return bpy.data.objects[name]


def where(name):
    return [round(value, 3) for value in lamp(name).matrix_world.translation]


def there():
    return sorted(thing.name for thing in bpy.data.collections["Consistency Lighting"].objects)


def lamps_by_hand():
    """A lamp is moved with G, seen by drafts, a slider and a run, put back; others are hidden, copied and deleted."""
    seen = {}
    yield from begin()
    yield from drafts()
    first, place = pixels("front"), where("Light key")
    seen["fresh"] = stale()
    yield from grab(lamp("Light key"))
    moved = where("Light key")
    seen["moved"], seen["stale_by_moving"] = moved != place, stale()
    screenshot("lamp-moved")
    yield from undo()
    seen["undone"] = where("Light key") == place, stale()
    yield from grab(lamp("Light key"))
    moved = where("Light key")
    yield from drafts()
    drawn = pixels("front")
    seen["stale_after_drafts"], seen["changed"] = stale(), apart(drawn, first)
    settings().light.fill = 150.0
    yield 0.7
    yield settled
    seen["after_slider"] = where("Light key") == moved, stale()
    settings().light.fill = 100.0
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT", until="references")
    yield lambda: status().running
    yield lambda: not status().running
    yield lambda: {source.kind for source in board().shown.values()} == {"rendered"}
    yield lambda: is_drawn() and settled()
    yield 1.0
    seen["after_run"], seen["run_as_drafts"] = (where("Light key") == moved, stale()), apart(pixels("front"), drawn)
    with in_view("UI"):
        bpy.ops.consistency.reset_light()
    yield 0.7
    yield settled
    seen["put_back"] = where("Light key") == place, stale()
    lamp("Light rim").hide_render = True
    yield 1.0
    yield settled
    seen["hidden"] = [float(value) for value in board()._wanted["front"][0]["rim"]]
    lamp("Light rim").hide_render = False
    choose(lamp("Light fill"))
    yield from key("D", at=middle(), shift=True)
    yield 0.3
    yield from key("RET", at=middle())
    yield 1.2
    yield settled
    seen["copied"] = there(), stale()
    yield from key("X", at=middle())
    yield 0.5
    yield from key("RET", at=middle())
    yield 1.2
    yield settled
    seen["copy_deleted"] = there(), stale()
    settings().backdrop_file = str(HOME / "gone.png")
    settings().backdrop = "picture"
    yield lambda: status().board_note
    yield 2.0
    seen["no_backdrop"] = status().board_note
    settings().backdrop = "white"
    yield 1.5
    seen["backdrop_again"] = status().board_note
    seen["said"] = status().error
    return seen
