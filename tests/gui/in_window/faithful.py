# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The slider from as it came to faithful, moved while a still is compared with its render."""

from __future__ import annotations

import bpy
from places import run_of_one_angle
from playing import in_view, screenshot, settings, status
from pointing import drag, find

MOVES = (10.0, 35.0, 60.0, 90.0)  # percent


def slides_to_faithful():
    """A run of one angle with the fake, compare, the slider moved in four steps, and what became of it."""
    yield from run_of_one_angle("photoreal")
    own = settings()
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
    kept = status().shots[0].takes
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
        "kept": kept,
        "takes": shot.takes,
    }
