# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What comes between during a run: Esc, the Cancel button, another file, another window, quitting."""

from __future__ import annotations

import time
from pathlib import Path

import bpy
from places import (
    BELOW_JOB,
    HOME,
    JOBS,
    panel,
    photo,
    press_next_step,
)
from playing import (
    OPTIONS,
    answer,
    ask,
    click,
    drop,
    in_view,
    key,
    open_sidebar,
    preferences,
    screenshot,
    settings,
    small,
    stages,
    status,
    view,
)
from pointing import (
    middle,
    press,
    scroll,
    toggle_panel,
)


def escape_cancels():
    """A run on this machine, stopped with Esc, and gone on with."""
    seen = {}
    yield from open_sidebar()
    small()
    preferences().backend = "local"
    settings().motion = "none"
    bpy.ops.ed.undo_push(message="Settings")
    drop(OPTIONS["model"], middle())
    yield 0.5
    screenshot("12-dropped-model")
    yield from key("TWO", at=middle())  # Blender offers its own importer, and then us
    yield lambda: settings().file != ""
    seen["dropped"] = [settings().source, settings().file]
    yield from press_next_step()
    yield lambda: status().running
    yield lambda: status().stage == "references"
    bpy.context.scene.frame_current = 7
    bpy.ops.ed.undo_push(message="Frame")
    yield from key("Z", at=middle(), ctrl=True)
    seen["undone"] = bpy.context.scene.frame_current != 7
    yield 0.2
    seen["running_after_undo"] = status().running
    yield from key("ESC")
    yield lambda: not status().running
    seen["note"], seen["stages"] = status().note, stages()
    yield 0.5
    screenshot("13-cancelled")
    yield from press_next_step()
    yield lambda: status().running
    yield lambda: not status().running
    seen["error"] = status().error
    seen["resumed"] = stages()
    seen["world"] = bpy.context.scene.world.name if bpy.context.scene.world else ""
    yield from key("NUMPAD_1", at=middle())
    yield 0.5
    with in_view("UI"):  # where its menu is
        bpy.ops.consistency.angle_from_view()
        seen["from_view"] = [
            round(value, 2) for value in (settings().angles[-1].azimuth, settings().angles[-1].elevation)
        ]
    with in_view():
        bpy.ops.consistency.look_through()
    yield 0.5
    seen["looks_through"] = [view()[1].spaces[0].region_3d.view_perspective, bpy.context.scene.camera.name]
    bpy.ops.ed.undo_push(message="Look Through")
    screenshot("13-look-through")
    if not seen["error"]:
        seen.pop("error")
    return seen


def escape_at(reached, seen, name):
    """Run, and press Esc on the keyboard itself once ``reached``; what the panels say then."""
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT", agreed_usd=100.0)
    yield lambda: status().running
    yield lambda: reached() or not status().running
    there = status().running
    line = status().text
    ask("press Escape")
    began = time.monotonic()
    yield lambda: not status().running
    yield 0.7
    if name in SHOWN:
        screenshot(f"esc-{name.replace(': ', '-')}")
    seen[name] = {
        "there": there,
        "line": line,
        "seconds": round(time.monotonic() - began, 1),
        "renders": bpy.app.is_job_running("RENDER"),
        "stages": stages(),
        "error": status().error,
        "note": status().note,
        "can_run": bpy.ops.consistency.run.poll(),
        "stills": [shot.name for shot in status().shots if shot.still],
        "references": [shot.name for shot in status().shots if shot.reference],
    }
    answer(seen)


SHOWN = ("rig", "references", "video", "results", "fal: photoreal", "fal: video")


def runs(stage):
    """The stage of the run is going on."""
    return stages().get(stage) == "running"


def escape_at_each_stage():
    """Esc on the keyboard in each stage of a run on this machine, and of one at fal.ai."""
    seen = {}
    yield from open_sidebar()
    small()
    own = settings()
    own.source, own.file, own.backend, own.duration = "FILE", OPTIONS["model"], "local", 1.0
    own.size, own.samples = 128, 20000
    yield from escape_at(lambda: runs("rig"), seen, "rig")
    yield from escape_at(lambda: bpy.app.is_job_running("RENDER") and runs("references"), seen, "references")
    own.samples = 1
    yield from escape_at(lambda: any(shot.reference for shot in status().shots), seen, "references, one done")
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT", until="references")
    yield lambda: not status().running
    yield from escape_at(lambda: bpy.app.is_job_running("RENDER") and runs("video"), seen, "video")
    own.motion = "none"
    yield from escape_at(lambda: runs("results"), seen, "results")
    seen["results"]["files"] = sorted(path.name for path in Path(settings().run_folder).glob("*.*"))
    seen["results"]["planes"] = [thing.name for thing in bpy.data.objects if thing.name.startswith("Still ")]
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT")
    yield lambda: status().running
    yield lambda: not status().running
    seen["resumed"] = stages()
    yield 0.5
    screenshot("esc-resumed")

    bpy.ops.consistency.new_run()
    preferences().key, own.backend = OPTIONS["key"], "fal"
    front = photo("photos/front.png", 200)
    bpy.ops.consistency.add_photos(directory=f"{front.parent}/", files=[{"name": front.name}])
    yield from escape_at(lambda: any(job.state in ("queued", "running") for job in status().jobs), seen, "fal: model")
    ask("fal.ai hurries")
    own.samples = 20000
    yield from escape_at(lambda: bpy.app.is_job_running("RENDER") and runs("references"), seen, "fal: references")
    own.samples = 1
    ask("fal.ai dawdles")
    yield from escape_at(
        lambda: any(job.stage == "photoreal" and job.state in ("queued", "running") for job in status().jobs),
        seen,
        "fal: photoreal",
    )
    seen["fal: photoreal"]["jobs"] = {job.name: job.state for job in status().jobs}
    ask("fal.ai films for hours")
    own.motion = "turntable"
    yield from escape_at(
        lambda: any(job.stage == "video" and job.state in ("queued", "running") for job in status().jobs),
        seen,
        "fal: video",
    )
    seen["fal: video"]["jobs"] = {job.name: job.state for job in status().jobs}
    return seen


def file_is_loaded_meanwhile():
    """A new file in the middle of a paid run: what was paid for arrives, and the new file says so."""
    seen = {}
    yield from open_sidebar()
    small()
    preferences().key = OPTIONS["key"]
    one = photo("front.png", 200)
    bpy.ops.consistency.add_photos(directory=f"{HOME}/", files=[{"name": one.name}])
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT", agreed_usd=100.0)
    yield lambda: any(job.state in ("queued", "running") for job in status().jobs)
    seen["run_folder"] = settings().run_folder
    bpy.ops.wm.read_homefile()
    yield 1.5
    yield from open_sidebar()
    seen["note"], seen["running"] = status().note, status().running
    screenshot("14-file-loaded")
    return seen


def blender_is_quit_meanwhile():
    """Ctrl Q in the middle of a paid run, without saving."""
    yield from open_sidebar()
    small()
    preferences().key = OPTIONS["key"]
    bpy.ops.wm.save_userpref()
    one = photo("front.png", 200)
    bpy.ops.consistency.add_photos(directory=f"{HOME}/", files=[{"name": one.name}])
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT", agreed_usd=100.0)
    yield lambda: any(job.state in ("queued", "running") for job in status().jobs)
    answer({"run_folder": settings().run_folder})
    yield from key("Q", at=middle(), ctrl=True)
    yield 1.0
    screenshot("15-quit")
    window = view()[0]
    yield from click(window.width / 2 - 106, window.height / 2 - 30)  # Don't Save
    yield 20.0
    raise AssertionError("Blender did not quit")


def next_morning():
    """The Blender after that: it says where the run lies; it is opened from the list and gone on with."""
    seen = {}
    yield from open_sidebar()
    yield lambda: status().note != ""
    seen["note"] = status().note
    screenshot("16-next-morning")
    yield from panel(JOBS - 1)  # there is no endpoint to choose: a mesh is selected
    yield from toggle_panel("bpy.ops.consistency.cancel(", BELOW_JOB)
    yield from press("bpy.ops.consistency.list_runs")
    yield from press("bpy.ops.consistency.load_run(", 0.77)
    seen["run_folder"] = settings().run_folder
    yield from scroll(down=False)
    place = yield from press("bpy.ops.consistency.run(until='results')")
    yield lambda: status().estimate > 0 and not status().running
    seen["left_to_buy"] = [cost.name for cost in status().costs]
    yield 0.7
    screenshot("17-what-is-left")
    yield from key("RET", at=place)
    yield lambda: status().running
    yield lambda: not status().running
    seen["stages"], seen["error"] = stages(), status().error
    return seen if seen["error"] else {name: value for name, value in seen.items() if name != "error"}


def run_is_let_go():
    """A long render, stopped by the Cancel button; and a run begun in a second window, which is closed."""
    seen = {}
    yield from open_sidebar()
    small()
    preferences().backend = "local"
    own = settings()
    own.motion, own.source, own.file = "none", "FILE", OPTIONS["model"]
    own.size, own.samples = 512, 4000
    run = bpy.ops.consistency.run
    with in_view("UI"):
        run("INVOKE_DEFAULT", until="references")
    for number in range(8):  # an undo stops the render before it has any pixels; it is begun again
        yield lambda: bpy.app.is_job_running("RENDER")
        yield 0.05 * number
        bpy.ops.ed.undo_push(message="Nothing")
        bpy.ops.ed.undo()
    seen["running_after_undos"] = status().running
    yield lambda: bpy.app.is_job_running("RENDER")
    bpy.ops.consistency.cancel()
    yield lambda: not status().running
    seen["renders_after_cancel"] = bpy.app.is_job_running("RENDER")
    seen["scenes_after_cancel"] = [scene.name for scene in bpy.data.scenes]
    own = settings()  # the undos have made the scene another
    own.size, own.samples = 64, 1
    with in_view("UI"):
        run("INVOKE_DEFAULT", until="references")
    yield 0.5
    yield lambda: not status().running
    seen["again"], seen["error"] = stages()["references"], status().error
    if not seen["error"]:
        seen.pop("error")

    own.size, own.samples = 512, 4000
    bpy.ops.wm.window_new()
    yield 1.0
    window = bpy.context.window_manager.windows[-1]
    with bpy.context.temp_override(window=window):
        run("INVOKE_DEFAULT", until="references")
    yield lambda: bpy.app.is_job_running("RENDER")
    with bpy.context.temp_override(window=window):
        bpy.ops.wm.window_close()
    yield 1.0
    seen["waits_for_ever"], seen["note"] = status().running, status().note
    seen["can_run"] = run.poll()
    screenshot("15-window-closed")
    return seen
