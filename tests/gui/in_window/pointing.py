# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds buttons as an artist does, by pointing at them: Blender says what a button under the mouse does or edits.

Ctrl C over a button copies its Python command or the path of its property; that is asked for while the mouse sweeps
over the panels, so a test clicks what it names wherever the layout has put it. All functions are generators for ``play``.
"""

from __future__ import annotations

from importlib import import_module

import bpy
from playing import PACKAGE, click, key, move, view

STEP = 16  # pixels between two looks; a button is 20 high, times the interface's scale
HALF = 10  # of that height
LEFT, MIDDLE, RIGHT = 0.18, 0.45, 0.85  # of a sidebar's width: where to look for a button


def under_mouse(window, area, region):
    """What the button under the mouse does ("bpy.ops.…") or edits ("consistency.…"), "" where there is none."""
    bpy.context.window_manager.clipboard = ""
    with bpy.context.temp_override(window=window, area=area, region=region):
        for copy in (bpy.ops.ui.copy_python_command_button, bpy.ops.ui.copy_data_path_button):
            if copy.poll():
                copy()
                if bpy.context.window_manager.clipboard:
                    return bpy.context.window_manager.clipboard
    return ""


def sidebar():
    window, area, _, side = view()
    return window, area, side


def image_sidebar():
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "IMAGE_EDITOR")
    return window, area, next(region for region in area.regions if region.type == "UI")


def preferences_window():
    window = bpy.context.window_manager.windows[-1]
    area = next(area for area in window.screen.areas if area.type == "PREFERENCES")
    return window, area, next(region for region in area.regions if region.type == "WINDOW")


def look(wanted, column=MIDDLE, where=sidebar, below=None):
    """The middle of the first button whose words begin with ``wanted``, from above or from ``below`` a place; else None."""
    window, area, region = where()
    x = region.x + region.width * column
    y = region.y + region.height - 4 if below is None else below[1]
    move(x, y, window)
    yield 0.15  # what the mouse has left is still answered for a moment
    while y > region.y + 4:
        move(x, y, window)
        yield 0.005
        if under_mouse(window, area, region).startswith(wanted):
            for here in (y, y + STEP):  # a busy Blender answers for where the mouse was before
                move(x, here, window)
                yield 0.15
                if under_mouse(window, area, region).startswith(wanted):
                    edge = yield from upper_edge(wanted, x, here, where)
                    return x, edge - HALF * bpy.context.preferences.system.ui_scale
        y -= STEP
    return None


def upper_edge(wanted, x, y, where=sidebar):
    """Where a button that has been hit at a place begins."""
    window, area, region = where()
    while under_mouse(window, area, region).startswith(wanted):
        y += 4
        move(x, y, window)
        yield 0.02
    return y - 2


def find(wanted, column=MIDDLE, where=sidebar, below=None, screens=4):
    """``look``, and where it isn't in sight from the top down. Raises AssertionError where it is nowhere."""
    found = yield from look(wanted, column, where, below)
    if found is not None:
        return found
    yield from scroll(down=False, where=where, notches=60)
    for _ in range(screens):
        found = yield from look(wanted, column, where)
        if found is not None:
            return found
        yield from scroll(down=True, where=where)
    raise AssertionError(f"no button {wanted!r} in sight")


def pick(wanted, row):
    """Click the ``row``-th entry of a list; its rows answer with the property that says which one is active."""
    window = sidebar()[0]
    x, y = yield from find(wanted, LEFT)
    place = x, y - 20 * row * bpy.context.preferences.system.ui_scale
    yield from click(*place, window)
    return place


def scroll(*, down, where=sidebar, notches=12):
    window, _, region = where()
    x, y = int(region.x + region.width * 0.5), int(region.y + region.height * 0.5)
    move(x, y, window)
    for _ in range(notches):
        window.event_simulate(type="WHEELDOWNMOUSE" if down else "WHEELUPMOUSE", value="PRESS", x=x, y=y)
    yield 0.3


def press(wanted, column=MIDDLE, where=sidebar, below=None):
    """Click the button, and return where it is."""
    place = yield from find(wanted, column, where, below)
    yield from click(*place, where()[0])
    return place


def toggle_panel(below, index, column=MIDDLE):
    """Click the header of the ``index``-th closed panel below a panel whose last row holds the button ``below``."""
    scale = bpy.context.preferences.system.ui_scale
    window, _, side = sidebar()
    for _ in range(2):
        _, y = yield from find(below, column)
        place = side.x + side.width * 0.35, y - (30.5 + 25.0 * index) * scale
        if place[1] > side.y + 10:
            break
        yield from scroll(down=True)
    yield from click(*place, window)
    yield 0.5
    return place


def write(text, at, window=None, end="RET"):
    """Type ``text`` with the mouse at a place; the field there is being edited already."""
    window = window or bpy.context.window_manager.windows[0]
    x, y = map(int, at)
    for letter in text:
        window.event_simulate(type="A", value="PRESS", unicode=letter, x=x, y=y)
        window.event_simulate(type="A", value="RELEASE", x=x, y=y)
    yield 0.1
    yield from key(end, at=at, window=window)


def drag(start, end, window=None):
    window = window or bpy.context.window_manager.windows[0]
    move(*start, window)
    yield 0.1
    window.event_simulate(type="LEFTMOUSE", value="PRESS", x=int(start[0]), y=int(start[1]))
    for number in range(1, 6):
        yield 0.05
        move(*(a + (b - a) * number / 5 for a, b in zip(start, end, strict=True)), window)
    yield 0.1
    window.event_simulate(type="LEFTMOUSE", value="RELEASE", x=int(end[0]), y=int(end[1]))
    yield 0.2


def dividing_line():
    """A place on the line between the compared pictures in the viewport, and left edge and width of the pictures."""
    window, area, main, _ = view()
    compare = import_module(f"{PACKAGE}.operators.display.compare")
    with bpy.context.temp_override(window=window, area=area, region=main):
        (left, bottom), (right, _), *_ = compare.corners_here(bpy.context)
    share = bpy.context.window_manager.consistency.compare / 100.0
    return (main.x + left + (right - left) * share, main.y + bottom + 60), main.x + left, right - left


def middle():
    """The middle of the viewport."""
    _, _, main, _ = view()
    return main.x + main.width // 3, main.y + main.height // 2


def set_number(wanted, value, column=0.7, where=sidebar):
    """Return over a slider or number, and type."""
    x, y = yield from find(wanted, column, where)
    window = where()[0]
    move(x, y, window)
    yield 0.1
    yield from key("RET", at=(x, y), window=window)
    yield from write(str(value), (x, y), window)
    yield 0.3


def choose_file(folder, name=""):
    """In the file browser that has opened: go to ``folder``, write the file's ``name`` or click the first, and confirm."""
    yield lambda: browser() is not None
    yield 0.5
    window, _, regions = browser()
    top, main, bottom = regions["UI"], regions["WINDOW"], regions["EXECUTE"]
    scale = bpy.context.preferences.system.ui_scale
    field = top.x + 300, top.y + top.height / 2 - 2
    yield from click(*field, window)
    yield from write(f"{folder}/", field, window)
    yield 0.7
    if not name:
        for _ in range(2):  # the first only brings the mouse into the list
            yield from click(main.x + 60, main.y + main.height - 36 * scale, window)
            yield 0.5
    else:
        field = bottom.x + 200, bottom.y + bottom.height / 2
        yield from click(*field, window)
        yield from key("A", at=field, window=window, ctrl=True)
        yield from write(name, field, window)
    yield 0.3
    if browser() is not None:
        yield from click(bottom.x + bottom.width - 70, bottom.y + bottom.height / 2, window)
    yield lambda: browser() is None
    yield 0.5


def browser():
    """The window, area and regions by name of an open file browser, None while there is none."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "FILE_BROWSER":
                return window, area, {region.type: region for region in area.regions}
    return None


def open_tab(name="Consistency"):
    """N, and then the tabs from above until it is ours."""
    window = view()[0]
    yield from key("N", at=middle())
    yield 1.0
    _, _, side = sidebar()
    y = side.y + side.height - 20
    while side.active_panel_category != name and y > side.y:
        yield from click(side.x + side.width - 10, y, window)
        y -= 50
    assert side.active_panel_category == name, "there is no tab of ours"
    yield 0.5
