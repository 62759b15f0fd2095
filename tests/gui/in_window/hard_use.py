# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may leave Blender with something freed too early: renders that are cancelled, undone and deleted, then another file."""

from __future__ import annotations

import random
import time
from importlib import import_module

import bpy
from places import HOME
from playing import OPTIONS, in_view, key, open_sidebar, preferences, screenshot, settings, small, stages, status
from pointing import dividing_line, drag, middle

ROUNDS = int(OPTIONS.get("rounds", 15))
LONG = 20000  # samples of a picture that is not done before it is cancelled


def _run(until):
    yield lambda: bpy.ops.consistency.run.poll()
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT", until=until)
    yield lambda: status().running or status().error != ""


def _cancelled(luck):
    """A run that is let go of somewhere in a render, in one of the ways that an artist has; an undo may come between."""
    settings().samples = LONG
    yield from _run("references")
    yield lambda: bpy.app.is_job_running("RENDER") or not status().running
    yield luck.uniform(0.0, 0.6)
    if luck.random() < 0.5:
        yield from key("Z", at=middle(), ctrl=True)
        yield luck.uniform(0.0, 0.3)
    if luck.random() < 0.5:
        yield from key("ESC", at=middle())
        yield 1.0  # a simulated key does not reach Blender's render job, which may have taken it all the same
    if bpy.ops.consistency.cancel.poll():
        bpy.ops.consistency.cancel()
    yield lambda: not status().running


def _finished(*, compared):
    """A run to its stills; they are compared, and the line between them dragged."""
    settings().samples = 1
    yield from _run("photoreal")
    yield lambda: not status().running
    if compared and bpy.ops.consistency.compare.poll():
        with in_view():
            bpy.ops.consistency.compare(angle="front", over="reference")
        yield 0.3
        place, left, width = dividing_line()
        yield from drag(place, (left + width * 0.3, place[1]))


def _undone(luck):
    """Back by a few steps, and forth by as many or fewer."""
    steps = luck.randint(1, 5)
    for name, shift in (("Z", False), ("Z", True)):
        for _ in range(steps if not shift else luck.randint(0, steps)):
            yield from key(name, at=middle(), ctrl=True, shift=shift)
    yield 0.2


def _deleted(luck):
    """Some or all of what was placed; at times everything that nothing uses any more."""
    with in_view():
        bpy.ops.object.select_all(action="SELECT" if luck.random() < 0.5 else "DESELECT")
        placed = bpy.data.collections.get("Consistency Pipeline")
        for thing in list(placed.all_objects) if placed is not None else ():
            if luck.random() < 0.6 and thing.name in bpy.context.view_layer.objects:
                thing.select_set(True)
        bpy.ops.object.delete()
        if luck.random() < 0.5:
            bpy.ops.outliner.orphans_purge(do_recursive=True)
    bpy.ops.ed.undo_push(message="Delete")
    yield 0.2


def _studio_view(wanted):
    """On or off; and what its camera shows, which has just lost its backdrop."""
    if settings().studio_view != wanted and bpy.ops.consistency.studio_view.poll():
        with in_view():
            bpy.ops.consistency.studio_view()
    yield 0.2
    if not wanted and bpy.ops.consistency.look_through.poll():
        with in_view():
            bpy.ops.consistency.look_through()
    yield 0.3


def _another_file(blend, how):
    """The window gets another file, as it is, in the middle of whatever it shows."""
    if how == "saved":
        bpy.ops.wm.save_as_mainfile(filepath=str(blend))
        bpy.ops.wm.open_mainfile(filepath=str(blend))
    else:
        bpy.ops.wm.read_homefile()
    yield 1.0
    yield from open_sidebar()


def _begin():
    small()
    preferences().backend = "local"
    own = settings()
    own.source, own.file, own.motion, own.size, own.backend = "FILE", OPTIONS["model"], "none", 128, "local"
    bpy.ops.ed.undo_push(message="Settings")


def render_cancel_undo_delete():
    """Round after round, drawn by a seed; files are opened with the studio view and Compare on, and during a render."""
    luck, seen = random.Random(OPTIONS.get("seed", 1)), {"rounds": [], "unforeseen": []}
    blend = HOME / "hard.blend"
    yield from open_sidebar()
    for number in range(ROUNDS):
        studio, compared = number % 3 != 0, number % 3 == 1
        _begin()
        yield from _cancelled(luck)
        yield from _undone(luck)
        _begin()
        yield from _finished(compared=compared)
        yield from _studio_view(studio)
        seen["rounds"].append([stages().get("references"), settings().studio_view, status().comparing])
        if number in (1, ROUNDS - 2):
            screenshot(f"60-hard-use-{number}")
        if compared:
            yield from _another_file(blend, "saved")
        yield from _undone(luck)
        yield from _deleted(luck)
        yield from _undone(luck)
        if number % 5 == 4:
            _begin()
            settings().samples = LONG
            yield from _run("references")
            yield lambda: bpy.app.is_job_running("RENDER") or not status().running
            yield from _another_file(blend, "new" if number % 2 else "saved")
        if status().error:
            seen["unforeseen"].append([number, status().error, status().details])
    _begin()
    yield from _finished(compared=True)
    yield from _studio_view(True)
    yield from _another_file(blend, "saved")
    yield lambda: settings().studio_view and bool(status().stages)
    yield 2.0
    screenshot("61-hard-use-opened")
    seen["last"], seen["scenes"] = stages(), [scene.name for scene in bpy.data.scenes]
    return seen


def _have_renders_begin_slowly():
    """As beside other programs; Blender's engine is there meanwhile, and not yet marked as one that renders."""
    engine = import_module("cycles").CyclesRender
    quick = engine.update_render_passes

    def slow(self, scene, srl):
        ends = time.monotonic() + 0.7
        while time.monotonic() < ends:  # the window goes on
            time.sleep(0.01)
        quick(self, scene, srl)

    engine.update_render_passes = slow


def studio_view_while_renders_begin():
    """The studio view comes, goes and comes again all through a run whose renders take a while to begin."""
    _have_renders_begin_slowly()
    yield from open_sidebar()
    _begin()
    settings().samples, before = 1, bpy.context.scene.render.engine
    yield from _run("references")
    toggled = 0
    while status().running:
        yield from _studio_view(not settings().studio_view)
        toggled += 1
    yield from _studio_view(True)
    yield lambda: bpy.context.scene.render.engine == "CYCLES"
    screenshot("62-studio-view-after-a-run")
    yield from _studio_view(False)
    seen = {"error": status().error, "stages": stages(), "toggled": toggled}
    return {"run": seen, "before": before, "after": bpy.context.scene.render.engine}


def run_beside_an_own_render():
    """A run is started while the artist renders an animation; then once more by a script, which holds the window."""
    _have_renders_begin_slowly()
    yield from open_sidebar()
    _begin()
    settings().samples = 1
    scene, events = bpy.context.scene, []
    for name in ("render_init", "render_write", "render_complete", "render_cancel"):
        getattr(bpy.app.handlers, name).append(lambda of, *_, name=name: events.append([name, of.name]))
    scene.render.engine, scene.cycles.samples, scene.render.resolution_x, scene.render.resolution_y = (
        "CYCLES",
        1,
        64,
        64,
    )
    scene.render.filepath, scene.frame_start, scene.frame_end = str(HOME / "own_"), 1, 3
    with in_view():
        bpy.ops.render.render("INVOKE_DEFAULT", animation=True)
    yield from _run("references")
    yield lambda: not status().running
    seen = {"first": {"error": status().error, "stages": stages()}, "events": list(events)}
    yield lambda: not bpy.app.is_job_running("RENDER")
    with in_view():
        bpy.ops.consistency.run(until="references", fresh=True)
    return {**seen, "script": {"error": status().error, "stages": stages()}, "own": len(list(HOME.glob("own_*")))}
