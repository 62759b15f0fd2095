# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files for shops from the Deliver panel: a variant chosen, a run made, its set and its clip delivered."""

from __future__ import annotations

import bpy
from places import open_panels
from playing import OPTIONS, in_view, open_sidebar, screenshot, settings, small, status
from pointing import press, scroll, write


def delivers():
    """Everything by mouse but the settings of the run."""
    open_panels("results", "deliver")
    yield from open_sidebar()
    small()
    own = settings()
    own.size, own.source, own.file, own.backend, own.motion = 128, "FILE", OPTIONS["model"], "local", "turntable"
    place = yield from press("bpy.ops.consistency.choose_variant")
    yield 0.7
    screenshot("deliver-variants")
    yield from write("Nig", place)
    yield 0.5
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT", until="results")
    yield lambda: status().running
    yield lambda: not status().running
    yield from press("consistency.delivery.clips")
    place = yield from press("bpy.ops.consistency.deliver()")
    yield lambda: status().delivering
    yield lambda: not status().delivering
    yield 2.0  # thumbnails are read when they are first drawn
    seen = {"variant": own.variant, "said": status().error}
    seen["sets"] = {each.name: each.outcome for each in status().delivered}
    seen["files"] = [picture.file for each in status().delivered for picture in each.pictures]
    screenshot("deliver-options")
    yield from press("bpy.ops.consistency.copy_text", 0.83, below=place)
    yield 0.5
    seen["typed"] = bpy.context.window_manager.clipboard
    yield from scroll(down=True, notches=90)
    yield 1.0
    screenshot("deliver-sets")
    return seen
