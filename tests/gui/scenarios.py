"""What is played in the window. Each function is a scenario; the test names it and reads what it returns."""

from __future__ import annotations

import struct
import sys
import time
import zlib
from importlib import import_module
from pathlib import Path

import bpy

sys.path.append(str(Path(__file__).parent))
from playing import OPTIONS, PACKAGE, click, in_view, key, open_sidebar, play, screenshot, settings, status, view

HOME = Path(OPTIONS["home"])


def photo(name, shade):
    """A small PNG to start from."""
    side = 64
    rows = b"".join(b"\0" + b"".join(bytes((shade, x * 3, y * 3)) for x in range(side)) for y in range(side))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    path = HOME / name
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )
    return path


def preferences():
    return import_module(f"{PACKAGE}.operators.preferences").preferences()


def small():
    """Settings that render in a second or two."""
    own = settings()
    own.size, own.samples, own.duration = 64, 1, 1.0
    angles = import_module(f"{PACKAGE}.operators.angles")
    angles.set_angles(bpy.context.scene, angles.DEFAULTS[:2])
    preferences().folder = str(HOME / "runs")


def next_step():
    """Where the parent panel's large button is: below the header and, once there is a run, three lines of stages."""
    _, _, _, side = view()
    scale = bpy.context.preferences.system.ui_scale
    lines = 3 if len(status().stages) else 0
    return side.x + side.width * 0.4, side.y + side.height - (56 + lines * 22) * scale


def press_next_step():
    yield from click(*next_step())


def artist_clicks_through():
    """Key, photos, everything against the fake; a cancelled job, a retry, a light, what is stale, compare, save, reopen."""
    seen = {}
    yield from open_sidebar()
    screenshot("01-empty")
    small()
    seen["no_photos"] = bpy.ops.consistency.run.poll()

    bpy.ops.consistency.show_preferences()
    yield 1.5
    preferences().key = OPTIONS["key"]
    bpy.ops.consistency.test_key("INVOKE_DEFAULT")
    yield lambda: status().key_note not in ("", "Asking fal.ai …")
    seen["key_note"] = status().key_note
    yield 0.5
    screenshot("02-preferences")
    windows = bpy.context.window_manager.windows
    if len(windows) > 1:
        with bpy.context.temp_override(window=windows[-1]):
            bpy.ops.wm.window_close()
    yield 0.5

    one, two = photo("front.png", 200), photo("side.png", 90)
    with in_view():
        bpy.ops.consistency.add_photos(
            "INVOKE_DEFAULT", directory=f"{HOME}/", files=[{"name": one.name}, {"name": two.name}]
        )
    seen["photos"] = [photo.path for photo in settings().photos]
    yield 0.5
    screenshot("03-photos")

    button = next_step()
    yield from click(*button)
    yield lambda: status().estimate > 0 and not status().running
    yield 1.0
    screenshot("04-what-it-costs")
    seen["estimate"] = status().estimate
    scale = bpy.context.preferences.system.ui_scale
    yield from click(button[0] - 66 * scale, button[1] - 168 * scale)  # the dialog's own button
    yield lambda: status().running
    yield lambda: any(job.name.startswith("photoreal") and job.state == "queued" for job in status().jobs)
    screenshot("05-running")
    names = [job.name for job in status().jobs]
    victim = next(name for name in names if name.startswith("photoreal") and _state(name) == "queued")
    status().job_index = names.index(victim)
    seen["cancelled"] = victim
    seen["cancel_can"] = bpy.ops.consistency.cancel_job.poll()
    bpy.ops.consistency.cancel_job("INVOKE_DEFAULT")
    yield lambda: _state(victim) in ("cancelled", "failed", "done")
    seen["after_cancel"] = _state(victim)
    yield lambda: not status().running
    yield 0.5
    screenshot("06-one-cancelled")
    seen["stages_after_cancel"] = stages()
    seen["longest_hold_ms"] = status().longest_hold

    status().job_index = [job.name for job in status().jobs].index(victim)
    seen["retry_can"] = bpy.ops.consistency.retry_job.poll()
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT", until="results", agreed_usd=100.0)
    yield lambda: status().running
    yield lambda: not status().running
    yield 1.0
    screenshot("07-done")
    seen["stages_after_retry"] = stages()
    seen["error"] = status().error
    if status().error:
        return {**seen, "error": status().details}
    seen.pop("error")

    settings().light.key = 200.0
    yield lambda: any(shot.state == "stale" for shot in status().shots)
    seen["stale"] = {shot.name: shot.why for shot in status().shots if shot.state == "stale"}
    yield 0.5
    screenshot("08-stale")
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT", until="references")
    yield lambda: status().running
    yield lambda: not status().running
    yield 0.5
    seen["still_stale"] = [shot.name for shot in status().shots if shot.state == "stale"]
    seen["note"] = status().note

    with in_view("WINDOW"):
        seen["compare"] = list(bpy.ops.consistency.compare(angle=settings().angles[0].name))
    status().compare = 40.0
    yield 1.0
    screenshot("09-compare")
    seen["comparing"] = status().comparing
    bpy.ops.ed.undo()
    yield 0.5
    seen["after_undo"] = status().comparing

    blend = HOME / "work.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    yield 1.5
    yield from open_sidebar()
    yield lambda: len(status().stages) == 6
    seen["reopened"] = stages()
    seen["run_folder"] = settings().run_folder
    seen["angles"] = [angle.name for angle in settings().angles]
    seen["key_in_file"] = OPTIONS["key"].encode() in blend.read_bytes()
    screenshot("10-reopened")
    return seen


def escape_cancels():
    """A run on this machine, stopped with Esc, and gone on with."""
    seen = {}
    yield from open_sidebar()
    small()
    preferences().backend = "local"
    settings().source, settings().file, settings().motion = "FILE", OPTIONS["model"], "none"
    bpy.ops.ed.undo_push(message="Settings")
    yield from press_next_step()
    yield lambda: status().running
    yield lambda: status().stage == "references"
    bpy.context.scene.frame_current = 7
    bpy.ops.ed.undo_push(message="Frame")
    bpy.ops.ed.undo()
    seen["undone"] = bpy.context.scene.frame_current != 7
    yield 0.2
    seen["running_after_undo"] = status().running
    yield from key("ESC")
    yield lambda: not status().running
    seen["note"], seen["stages"] = status().note, stages()
    yield 0.5
    screenshot("11-cancelled")
    yield from press_next_step()
    yield lambda: status().running
    yield lambda: not status().running
    seen["error"] = status().error
    seen["resumed"] = stages()
    seen["world"] = bpy.context.scene.world.name if bpy.context.scene.world else ""
    seen["timers_left"] = status().running
    if not seen["error"]:
        seen.pop("error")
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
    screenshot("12-file-loaded")
    return seen


def every_panel():
    """For packaging/screenshots.py: each panel by itself, open, after a run on this machine."""
    panels = import_module(f"{PACKAGE}.panels")
    parent, others = panels.CLASSES[0], panels.CLASSES[1:]
    groups = {name: getattr(panels, name).CLASSES for name in ("model", "rig", "references", "photoreal", "video", "results", "jobs", "costs")}  # fmt: skip
    for cls in reversed(others):
        bpy.utils.unregister_class(cls)
    small()
    settings().size, settings().duration = 256, 1.0
    preferences().backend = "local"
    settings().source, settings().file, settings().motion = "FILE", OPTIONS["model"], OPTIONS.get("motion", "none")
    yield from open_sidebar()
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT")
    yield lambda: status().running
    yield lambda: not status().running
    if status().error:
        return {"error": status().details}
    bpy.ops.consistency.list_runs()
    yield from _shoot("sidebar", parent)
    for name, classes in groups.items():
        for cls in classes:
            if issubclass(cls, bpy.types.Panel) and cls.bl_space_type == "VIEW_3D":
                cls.bl_options = set()
            bpy.utils.register_class(cls)
        yield from _shoot(name, parent)
        for cls in reversed(classes):
            bpy.utils.unregister_class(cls)
    for cls in others:
        bpy.utils.register_class(cls)
    return {"panels": ["sidebar", *groups]}


def _shoot(name, _parent):
    """The sidebar alone, once it has come to rest."""
    _, area, _, side = view()
    side.active_panel_category = "Consistency"
    area.tag_redraw()
    yield 2.5
    window = bpy.context.window_manager.windows[0]
    screenshot(f"{name} {side.width}x{side.height}+{side.x}+{window.height - side.y - side.height}")


def measures():
    """For benchmarks/window.py: what holds the window, and for how long."""
    panels = import_module(f"{PACKAGE}.panels")
    drive = import_module(f"{PACKAGE}.operators.drive")
    took = {}
    for cls in panels.CLASSES:
        if hasattr(cls, "draw") and issubclass(cls, bpy.types.Panel):
            _time_drawing(cls, took)
    _open_all(panels)
    yield from open_sidebar()
    small()
    preferences().backend = "local"
    settings().source, settings().file, settings().motion = "FILE", OPTIONS["model"], "none"
    settings().size = 256
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT")
    yield lambda: status().running
    yield lambda: not status().running
    if status().error:
        return {"error": status().details}
    yield 1.0
    module = import_module(PACKAGE)
    module.unregister()
    began = time.perf_counter()
    module.register()
    registering = time.perf_counter() - began
    means = {name: 1000.0 * sum(times) / len(times) for name, times in took.items() if times}
    slowest = max(means, key=means.get)
    return {
        "holds_ms": {doing: 1000.0 * seconds for doing, seconds in drive.current.holds.items()},
        "draw_ms": sum(means.values()),
        "slowest_panel": f"{slowest} {means[slowest]:.2f} ms",
        "register_ms": 1000.0 * registering,
        "what": "two angles of 256 pixels, local backend, no clip",
    }


def _open_all(panels):
    """Every panel open: those that begin closed are registered anew as open ones, before the sidebar is first drawn."""
    for cls in reversed(panels.CLASSES):
        bpy.utils.unregister_class(cls)
    for cls in panels.CLASSES:
        if hasattr(cls, "bl_options"):
            cls.bl_options = set()
        bpy.utils.register_class(cls)


def _time_drawing(cls, took):
    draw = cls.draw

    def timed(self, context):
        began = time.perf_counter()
        draw(self, context)
        took.setdefault(cls.__name__, []).append(time.perf_counter() - began)

    cls.draw = timed


def _state(name):
    return next((job.state for job in status().jobs if job.name == name), "")


def stages():
    return {stage.name: stage.state for stage in status().stages}


if OPTIONS:
    play(globals()[OPTIONS["scenario"]]())
