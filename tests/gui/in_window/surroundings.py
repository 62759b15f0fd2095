# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environments by mouse: Blender's own in their list, and files that are chosen or dropped."""

from __future__ import annotations

from pathlib import Path

import bpy
from light_board import board, is_drawn, on_board, overlay, settled, undo
from places import HOME, open_panels
from playing import (
    OPTIONS,
    click,
    in_view,
    key,
    move,
    open_sidebar,
    screenshot,
    settings,
    small,
    status,
)
from pointing import choose_file, find, middle, press, set_number, sidebar, under_mouse


def surroundings():
    """What lights the product: the picture's name, its strength and its turn in degrees."""
    nodes = bpy.data.worlds["Consistency World"].node_tree.nodes
    picture = nodes.get("Picture")
    if picture is None:
        return ["", 0.0, 0.0]
    turn = nodes["Rotation"].inputs["Rotation"].default_value[2]
    strength = nodes["Surrounding"].inputs["Strength"].default_value
    return [Path(picture.image.filepath).name, round(strength, 3), round(-turn * 57.29578, 1)]


def begin():
    """A product in the studio view, the sidebar at its light."""
    open_panels("rig", "lighting", "mix")
    yield from open_sidebar()
    small()
    own = settings()
    own.source, own.file, own.motion, own.backend, own.samples = "FILE", OPTIONS["model"], "none", "local", 4
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT", until="rig")
    yield lambda: status().running
    yield lambda: not status().running
    own.angle_index = -1  # its fields take room


def open_list():
    """Press what shows the environment, above the file's field; returns where it is."""
    x, y = yield from find("consistency.environment", 0.7)
    place = x - 40, y + 20 * bpy.context.preferences.system.ui_scale
    yield from click(*place)
    yield 3.0  # Blender paints one after the other
    return place


def choose(name, shot=""):
    """Open the list of Blender's environments and press one, "" the preset's own; it closes with Esc."""
    x, y = yield from open_list()
    wanted = f'bpy.ops.consistency.studio_environment(name="{name}")'
    for up in range(0, 320, 12):
        for aside in (-130, -60, 10, 80):
            move(x + aside, y + up)
            yield 0.02
            if under_mouse(*sidebar()) == wanted:
                yield 0.2
                yield from click(x + aside, y + up + 4)
                yield 1.0
                if shot:
                    screenshot(shot)
                yield from key("ESC", at=(x, y + up))
                yield 0.5
                return
    raise AssertionError(f"no {wanted} in the list")


def browse(name):
    """The folder icon of the file's field, and the file in the browser."""
    _, y = yield from find("consistency.environment", 0.7)
    side = sidebar()[2]
    yield from click(side.x + side.width - 45, y)
    yield from choose_file((HOME / name).parent)  # it is the first there
    yield 1.0


def needs():
    with in_view():
        return overlay().stale(bpy.context, "front")


def drafts():
    """Until every angle is on the board as it is lit."""
    yield from click(*on_board("button:drafts"))
    yield lambda: status().drafting
    yield lambda: is_drawn() and not any(needs for needs in board().needs.values())
    yield from click(*on_board("button:drafts"))
    yield lambda: not status().drafting
    yield lambda: settled() and not bpy.app.is_job_running("RENDER")
    yield 0.5


def surroundings_by_mouse():
    """One of Blender's own with drafts, turned and dimmed; the preset's own again; undo; a file that is none."""
    seen = {}
    yield from begin()
    for _ in range(2):
        yield from press("consistency.shadow", 0.7)
        yield 0.5
    yield from choose("Forest", "surroundings-list")
    seen["chosen"] = surroundings()
    for name, value in (("rotation", 90), ("strength", 40)):
        yield from set_number(f"consistency.environment_{name}", value)
    seen["turned"] = surroundings()
    yield from press("bpy.ops.consistency.board")
    yield lambda: board() is not None
    yield 0.5
    yield from drafts()
    screenshot("surroundings-drafts")
    seen["drafted"] = needs()
    yield from choose("", "surroundings-none")
    seen["none"] = settings().environment, surroundings(), needs()
    yield from undo()
    seen["undone"] = surroundings(), needs(), len(settings().mix)
    yield from browse("wrong/text.hdr")
    seen["refused"] = Path(settings().environment).name, surroundings(), status().error, status().error_at
    screenshot("surroundings-refused")
    yield from key("Z", at=middle(), ctrl=True)
    yield lambda: not status().error
    yield 0.5
    seen["refusal_undone"] = Path(settings().environment).name, surroundings(), status().error
    bpy.ops.wm.save_as_mainfile(filepath=str(HOME / "saved.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(HOME / "saved.blend"))
    yield 2.0
    seen["reopened"] = board() is None, status().board, surroundings(), len(settings().mix)
    screenshot("surroundings-reopened")
    return seen
