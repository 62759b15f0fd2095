# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things are in the sidebar and the preferences, and what several scenarios do there."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import bpy
from playing import (
    OPTIONS,
    click,
    in_view,
    key,
    open_sidebar,
    screenshot,
    settings,
    small,
    status,
    view,
)
from pointing import (
    LEFT,
    find,
    middle,
    pick,
    preferences_window,
    toggle_panel,
    write,
)

HOME = Path(OPTIONS["home"])
MODEL_ROW = "bpy.ops.consistency.run(until='model')"  # the last row of the open Model panel, which stays open
BELOW_JOB = 2.75  # from "Cancel All" to "Earlier Runs", in headers: what is said of the selected job stands between
ENDPOINT, RIG, REFERENCES, PHOTOREAL, VIDEO, RESULTS, JOBS, COSTS = range(8)  # the closed panels below it


def photo(name, shade):
    """A small PNG to start from."""
    side = 64
    rows = b"".join(b"\0" + b"".join(bytes((shade, x * 3, y * 3)) for x in range(side)) for y in range(side))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    path = HOME / name
    path.parent.mkdir(exist_ok=True)
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )
    return path


def next_step():
    """Where the parent panel's large button is: below the header and three lines of stages."""
    _, _, _, side = view()
    scale = bpy.context.preferences.system.ui_scale
    return side.x + side.width * 0.4, side.y + side.height - (56 + 3 * 22) * scale


def press_next_step():
    yield from click(*next_step())


def panel(index):
    """Open, or close again, a stage's panel by its header."""
    return toggle_panel(MODEL_ROW, index, column=LEFT)


def enter_key():
    """Type the key into the preferences' field, and press Test."""
    test = yield from find("bpy.ops.consistency.test_key", 0.9, preferences_window)
    window = preferences_window()[0]
    field = test[0] - 260, test[1]
    yield from click(*field, window)
    yield from write(OPTIONS["key"], field, window)
    yield from click(*test, window)
    yield lambda: status().key_note not in ("", "Asking fal.ai …")
    yield 0.5


def have_key():
    """Open the preferences, type the key, and close them again."""
    bpy.ops.consistency.show_preferences()
    yield 1.0
    yield from enter_key()
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[-1]):
        bpy.ops.wm.window_close()
    yield 0.5


def open_panels(*names):
    """Have panels open that are closed at first: before they are shown."""
    for name in names:
        cls = getattr(bpy.types, f"CONSISTENCY_PT_{name}")
        bpy.utils.unregister_class(cls)
        cls.bl_options = set()
        bpy.utils.register_class(cls)


def run_of_one_angle(until):
    """The scenario's model from one angle of 256 pixels, with the fake, up to the stage ``until``; Photoreal is open."""
    open_panels("photoreal")
    yield from open_sidebar()
    small()
    own = settings()
    own.samples, own.size, own.source, own.file, own.motion = 16, 256, "FILE", OPTIONS["model"], "none"
    while len(own.angles) > 1:
        own.angles.remove(len(own.angles) - 1)
    yield from have_key()
    own.backend = "fal"
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT", until=until, agreed_usd=5.0)
    yield lambda: status().running
    yield lambda: not status().running


def pick_job(name):
    """Click a job in the list of the open Jobs panel."""
    return pick("consistency.job_index", [job.name for job in status().jobs].index(name))


def presets():
    """Open the popover of one's own lightings; returns where its icon is."""
    x, y = yield from find("bpy.ops.consistency.reset_light", 0.66)
    yield from click(x + 24, y)
    yield 0.7
    return x + 24, y


def save_lighting(name):
    x, y = yield from presets()
    screenshot("20-presets")
    field = x - 10, y + 42
    yield from click(*field)
    yield from key("A", at=field, ctrl=True)
    yield from write(name, field)
    yield 0.3
    yield from click(x + 92, y + 42)
    yield 0.5
    yield from key("ESC", at=middle())


def state_of(name):
    return next((job.state for job in status().jobs if job.name == name), "")
