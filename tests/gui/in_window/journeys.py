# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An artist's way through the panels, from photos to a finished set, and everything else there is to click."""

from __future__ import annotations

import bpy
from places import (
    BELOW_JOB,
    HOME,
    JOBS,
    PHOTOREAL,
    REFERENCES,
    RESULTS,
    RIG,
    VIDEO,
    enter_key,
    panel,
    photo,
    pick_job,
    presets,
    save_lighting,
    state_of,
)
from playing import (
    OPTIONS,
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
)
from pointing import (
    LEFT,
    RIGHT,
    choose_file,
    dividing_line,
    drag,
    find,
    image_sidebar,
    middle,
    open_tab,
    press,
    scroll,
    set_number,
    toggle_panel,
)


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
    yield from press("consistency.source", LEFT)  # Photos, the first of the four
    yield from press("bpy.ops.consistency.add_photos", RIGHT)
    yield from choose_file(one.parent)
    drop(two, middle())
    yield 0.5
    screenshot("02-dropped")
    yield from key("TWO", at=middle())  # Blender offers to show the picture, and then us
    yield lambda: len(settings().photos) == 2
    seen["photos"] = [photo.path for photo in settings().photos]

    yield from press("bpy.ops.consistency.show_preferences", RIGHT)
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
    yield lambda: state_of(victim) in ("cancelled", "failed", "done")
    seen["after_cancel"] = state_of(victim)
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
    seen["retried"] = state_of(victim)
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
    yield from press("bpy.ops.consistency.run(until='references')", LEFT)
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
    yield from click(*(yield from find('bpy.ops.consistency.select_angle(angle="three-quarter")', 0.75)))
    yield 1.0
    seen["selected"] = [
        own.angles[own.angle_index].name,
        status().comparing,
        bpy.context.scene.camera["consistency_angle"],
    ]
    line, left, width = dividing_line()
    yield from drag(line, (left + width * 0.25, line[1]))
    yield 0.5
    seen["dragged"] = status().compare
    screenshot("22-dragged-in-the-viewport")
    with in_view():
        bpy.ops.consistency.studio_view()
        bpy.ops.consistency.compare(angle="three-quarter", over=status().comparing_with)
        bpy.ops.consistency.compare(angle="front", over="heatmap")
    seen["frame"] = [bpy.context.scene.render.resolution_x, bpy.context.scene.render.resolution_y]
    yield from scroll(down=False)
    yield from panel(PHOTOREAL - 1)
    yield from panel(VIDEO - 1)
    yield from press("bpy.ops.consistency.open_file(")
    yield from scroll(down=False)
    yield from panel(VIDEO - 1)
    yield from press("bpy.ops.consistency.open_folder")
    seen["run_folder"] = own.run_folder

    yield from panel(JOBS - 1)
    yield from toggle_panel("bpy.ops.consistency.cancel(", BELOW_JOB)
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
