# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A new artist's first quarter of an hour: what the first screen offers, the front, one run, another file, a mistake."""

from __future__ import annotations

import math

import bpy
from places import REFERENCES, panel
from playing import (
    OPTIONS,
    click,
    in_view,
    open_sidebar,
    preferences,
    screenshot,
    settings,
    small,
    stages,
    status,
    view,
)
from pointing import LEFT, press


def first_quarter_of_an_hour():
    """Without a key, on this machine; by mouse where it is about where things are."""
    seen = {}
    yield from open_sidebar()
    small()
    own = settings()
    seen["source"] = own.source
    yield 1.0
    screenshot("40-first-screen")
    own.source, own.file, own.motion, own.size = "FILE", OPTIONS["model"], "none", 128
    own.samples = 4
    yield lambda: status().guess > 0
    yield 0.5
    seen["guess"] = status().guess
    screenshot("41-file-chosen")
    place = yield from press("bpy.ops.consistency.choose_backend(backend='fal')")
    yield 0.7
    seen["can_run_at_fal"] = bpy.ops.consistency.run.poll()
    screenshot("42-no-key")
    scale = bpy.context.preferences.system.ui_scale
    yield from click(place[0], place[1] + 20 * scale)  # This machine, free
    yield 0.5
    seen["backend"], seen["can_run_here"] = own.backend, bpy.ops.consistency.run.poll()

    yield from press("bpy.ops.consistency.run(until='model')", LEFT)
    yield lambda: status().running or status().note != ""
    yield lambda: not status().running
    yield 1.0
    seen["shown"] = [thing.type for thing in bpy.data.collections["Consistency Product"].all_objects]
    bpy.data.objects["Cube"].hide_set(True)
    yield 0.5
    screenshot("43-model-shown")
    with in_view("UI"):
        bpy.ops.consistency.turn_product(by="LEFT")
    yield 0.5
    seen["turned"] = round(math.degrees(own.turn[2]))
    screenshot("44-turned")
    with in_view("UI"):
        bpy.ops.consistency.pick_side("INVOKE_DEFAULT", side="FRONT")
    yield 0.5
    screenshot("45-picking")
    yield from click(*where_it_is())
    yield 0.7
    seen["picked"] = [round(math.degrees(angle)) for angle in own.turn]
    screenshot("46-picked")

    yield from panel(REFERENCES - 1)
    yield 0.5
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT")
    yield lambda: status().running
    lines, shot = [], False
    while status().running:
        lines.append((status().fraction, status().text))
        if not shot and any(each.reference for each in status().shots):
            shot = True
            screenshot("47-running")
        yield 0.1
    seen["lines"] = [line for number, line in enumerate(lines) if not number or line != lines[number - 1]]
    seen["done"], seen["turn_in_the_run"] = stages(), run_settings()["turn"]
    yield 1.0
    screenshot("48-done")

    own.file = OPTIONS["other"]
    yield lambda: not status().run_folder
    yield 0.7
    seen["other_file"] = stages()
    screenshot("49-another-file")
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT", until="references")
    yield lambda: status().error != ""
    yield 1.0
    seen["error"], seen["error_at"] = status().error, status().error_at
    screenshot("50-error")
    own.file = OPTIONS["model"]
    yield lambda: len(status().stages) == 6
    seen["first_file_again"] = stages()

    preferences().budget = preferences().daily_budget = 0.0
    bpy.ops.consistency.show_preferences()
    yield 2.0
    screenshot("51-preferences")
    told, seen["failed"] = seen.pop("error"), ""
    return {**seen, "told": told}


def where_it_is():
    """The middle of the product, in the window's pixels."""
    from bpy_extras import view3d_utils

    _, area, main, _ = view()
    points = [
        thing.matrix_world.translation
        for thing in bpy.data.collections["Consistency Product"].all_objects
        if thing.type == "MESH"
    ]
    at = view3d_utils.location_3d_to_region_2d(main, area.spaces.active.region_3d, points[0])
    return main.x + at.x, main.y + at.y


def run_settings():
    import json
    from pathlib import Path

    return json.loads((Path(settings().run_folder) / "run.json").read_text())["settings"]
