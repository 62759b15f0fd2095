"""What is played in the window. Each function is a scenario; the test names it and reads what it returns."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import bpy

sys.path.append(str(Path(__file__).parent))
from playing import (
    OPTIONS,
    answer,
    ask,
    click,
    drop,
    in_view,
    key,
    open_sidebar,
    play,
    preferences,
    screenshot,
    settings,
    small,
    stages,
    status,
    view,
)
from pointing import (
    LEFT,
    RIGHT,
    choose_file,
    drag,
    find,
    image_sidebar,
    middle,
    open_tab,
    pick,
    preferences_window,
    press,
    scroll,
    set_number,
    toggle_panel,
    write,
)

HOME = Path(OPTIONS["home"])


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
    """Where the parent panel's large button is: below the header and, once there is a run, three lines of stages."""
    _, _, _, side = view()
    scale = bpy.context.preferences.system.ui_scale
    lines = 3 if len(status().stages) else 0
    return side.x + side.width * 0.4, side.y + side.height - (56 + lines * 22) * scale


def press_next_step():
    yield from click(*next_step())


MODEL_ROW = "bpy.ops.consistency.run(until='model')"  # the last row of the open Model panel, which stays open
ENDPOINT, RIG, REFERENCES, PHOTOREAL, VIDEO, RESULTS, JOBS, COSTS = range(8)  # the closed panels below it


def panel(index):
    """Open, or close again, a stage's panel by its header."""
    return toggle_panel(MODEL_ROW, index, column=LEFT)


def artist_clicks_through():
    """Key, photos, everything against the fake; a cancelled job, a retry, a light, what is stale, compare, save, reopen.

    By mouse and keys alone, but for the sizes that make it short.
    """
    seen = {}
    yield from open_tab()
    small()
    screenshot("01-empty")
    yield from press("bpy.ops.consistency.run(until='results')")
    seen["greyed_out_and_still_worked"] = status().running

    one, two = photo("photos/front.png", 200), photo("photos/side.png", 90)
    yield from press("bpy.ops.consistency.add_photos", RIGHT)
    yield from choose_file(one.parent)
    drop(two, middle())
    yield 0.5
    screenshot("02-dropped")
    yield from key("TWO", at=middle())  # Blender offers to show the picture, and then us
    yield lambda: len(settings().photos) == 2
    seen["photos"] = [photo.path for photo in settings().photos]

    yield from press("bpy.ops.consistency.show_preferences")
    yield 1.0
    yield from enter_key()
    seen["key_note"] = status().key_note
    screenshot("03-preferences")
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[-1]):
        bpy.ops.wm.window_close()
    yield 0.5
    screenshot("03-photos-and-key")

    yield from panel(JOBS)
    place = yield from press("bpy.ops.consistency.run(until='results')")
    yield lambda: status().estimate > 0 and not status().running
    yield 0.7
    screenshot("04-what-it-costs")
    seen["estimate"] = status().estimate
    yield from key("RET", at=place)  # the dialog has opened below the mouse
    yield lambda: status().running
    yield lambda: any(job.name.startswith("photoreal") and job.state == "queued" for job in status().jobs)
    victim = next(job.name for job in status().jobs if job.name.startswith("photoreal") and job.state == "queued")
    place = yield from pick_job(victim)
    seen["cancelled"], seen["picked"] = victim, status().jobs[status().job_index].name
    yield from press("bpy.ops.consistency.cancel_job", LEFT, below=place)
    screenshot("05-running")
    yield lambda: _state(victim) in ("cancelled", "failed", "done")
    seen["after_cancel"] = _state(victim)
    ask("fal.ai hurries")
    yield lambda: not status().running
    yield 0.5
    screenshot("06-one-cancelled")
    seen["stages_after_cancel"] = stages()
    seen["longest_hold_ms"] = status().longest_hold

    place = yield from pick_job(victim)
    place = yield from press("bpy.ops.consistency.retry_job", 0.6, below=place)
    yield lambda: status().estimate > 0 and not status().running
    yield 0.7
    screenshot("07-what-the-retry-costs")
    seen["estimate_of_retry"] = status().estimate
    yield from key("RET", at=place)
    yield lambda: status().running
    yield lambda: not status().running
    yield 0.7
    seen["retried"] = _state(victim)
    seen["stages_after_retry"] = stages()
    if status().error:
        return {**seen, "error": status().details}
    yield from panel(JOBS)
    screenshot("08-done")

    yield from panel(RIG)
    yield from toggle_panel("bpy.ops.consistency.run(until='rig')", 0, column=LEFT)
    yield from set_number("consistency.light.key", 200)
    seen["key_light"] = settings().light.key
    yield lambda: any(shot.state == "stale" for shot in status().shots)
    seen["stale"] = {shot.name: shot.why for shot in status().shots if shot.state == "stale"}
    yield from key("Z", at=middle(), ctrl=True)
    yield 0.5
    seen["key_light_undone"] = settings().light.key
    yield from key("Z", at=middle(), ctrl=True, shift=True)
    yield lambda: any(shot.state == "stale" for shot in status().shots)
    yield from scroll(down=False)
    yield from panel(RIG)
    yield from panel(REFERENCES)
    yield 0.5
    screenshot("09-stale")
    yield from press("bpy.ops.consistency.run(until='references')")  # "Render What Changed" stands above "Run"
    yield lambda: status().running
    yield lambda: not status().running
    yield 0.5
    seen["still_stale"] = [shot.name for shot in status().shots if shot.state == "stale"]
    seen["note"], seen["overtaken"] = status().note, stages()
    yield from panel(REFERENCES)

    yield from panel(RESULTS)
    yield from press("bpy.ops.consistency.compare")
    x, y = yield from find("consistency.compare")
    yield from drag((x, y), (x - 30, y))
    seen["slider"] = status().compare
    yield 0.5
    screenshot("10-compare")
    seen["comparing"], seen["camera"] = status().comparing, bpy.context.scene.camera.name
    yield from press("bpy.ops.consistency.toggle_planes", LEFT)
    seen["planes_hidden"] = bpy.data.collections["Consistency Results"].hide_viewport
    yield from press("bpy.ops.consistency.send_to_sequencer", 0.6)
    editor = bpy.context.scene.sequence_editor
    seen["strips"] = [strip.name for strip in editor.strips] if editor is not None else []

    yield from key("S", at=middle(), ctrl=True)
    yield from choose_file(HOME, "work.blend")
    blend = HOME / "work.blend"
    seen["saved"] = blend.is_file()
    seen["key_in_file"] = OPTIONS["key"].encode() in blend.read_bytes()
    settings().prompt = "words that were not saved"
    yield from key("O", at=middle(), ctrl=True)
    yield from choose_file(HOME, "work.blend")
    yield 1.5
    yield lambda: len(status().stages) == 6
    seen["reopened"] = stages()
    seen["run_folder"] = settings().run_folder
    seen["prompt"] = settings().prompt
    seen["angles"] = [angle.name for angle in settings().angles]
    screenshot("11-reopened")
    return seen


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
    yield from panel(JOBS)
    yield from toggle_panel(MODEL_ROW, JOBS + 2.45, column=LEFT)  # below the line that says there are no jobs
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


def what_else_there_is_to_click():
    """One's own lighting, the heat map, the clip, the folder, an earlier run's settings, and the image editor."""
    seen = {}
    yield from open_sidebar()
    small()
    own = settings()
    preferences().key = OPTIONS["key"]
    own.source, own.file, own.backend, own.size = "FILE", OPTIONS["model"], "fal", 256
    rig = RIG - 1  # the Model panel has no endpoint to choose where there is a model
    yield from panel(rig)
    yield from toggle_panel("bpy.ops.consistency.run(until='rig')", 0, column=LEFT)
    yield from set_number("consistency.light.key", 200)
    yield from save_lighting("Bright")
    yield from set_number("consistency.light.key", 50)
    x, y = yield from presets()
    yield from click(x - 10, y + 75)
    yield 0.5
    seen["loaded_key_light"] = own.light.key
    screenshot("21-own-lighting")
    yield from key("ESC", at=middle())
    yield from scroll(down=False)
    yield from panel(rig)

    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT", agreed_usd=100.0)
    yield lambda: status().running
    yield lambda: not status().running
    if status().error:
        return {"error": status().details}
    seen["quoted"], seen["billed"] = status().quoted, status().billed
    yield from panel(PHOTOREAL - 1)
    yield from press("bpy.ops.consistency.compare(")
    yield 1.0
    screenshot("22-heat-map")
    seen["over"] = [status().comparing, status().comparing_with]
    yield from scroll(down=False)
    yield from panel(PHOTOREAL - 1)
    yield from panel(VIDEO - 1)
    yield from press("bpy.ops.consistency.open_file(")
    yield from scroll(down=False)
    yield from panel(VIDEO - 1)
    yield from press("bpy.ops.consistency.open_folder")
    seen["run_folder"] = own.run_folder

    yield from panel(JOBS - 1)
    yield from toggle_panel("bpy.ops.consistency.copy_text(", 0.25)  # it stands in a box
    yield from press("bpy.ops.consistency.list_runs")
    own.size, own.light.key = 128, 10.0
    yield from press("bpy.ops.consistency.load_run(", 0.7)
    seen["loaded"] = [own.size, own.light.key]
    screenshot("23-earlier-runs")

    yield from key("F10", at=middle(), shift=True)
    yield 0.5
    _, area, _ = image_sidebar()
    area.spaces[0].show_region_ui = True
    yield 0.5
    _, area, side = image_sidebar()
    side.active_panel_category = "Consistency"
    area.tag_redraw()
    yield 0.5
    yield from press("bpy.ops.consistency.compare(", where=image_sidebar)
    yield 0.5
    picture = area.spaces[0].image
    seen["picture"] = picture and bpy.path.abspath(picture.filepath)
    main = next(region for region in area.regions if region.type == "WINDOW")
    part = f"{main.width - side.width}x{main.height}+{main.x}+{bpy.context.window.height - main.y - main.height}"
    for share in (0, 100):
        yield from set_number("consistency.compare", share, where=image_sidebar)
        yield 0.5
        screenshot(f"24-image-editor-{share} {part}")
    screenshot("24-image-editor")
    return seen


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


def _state(name):
    return next((job.state for job in status().jobs if job.name == name), "")


if OPTIONS:
    from tours import every_panel, measures, new_scene  # noqa: F401 - played by other programs

    play(globals()[OPTIONS["scenario"]]())
