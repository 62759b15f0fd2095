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
    key,
    screenshot,
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
