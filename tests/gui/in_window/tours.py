# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Played for other programs: every panel for packaging/screenshots.py, and what holds the window for benchmarks."""

from __future__ import annotations

import functools
import time
from importlib import import_module
from pathlib import Path

import bpy
from playing import (
    OPTIONS,
    PACKAGE,
    in_view,
    key,
    move,
    open_sidebar,
    preferences,
    screenshot,
    settings,
    small,
    status,
    view,
)
from pointing import image_sidebar, middle, scroll

SCREEN_HEIGHT = 1000  # pixels, as launch.SIZE


PANELS = ("model", "rig", "references", "photoreal", "video", "results", "jobs", "costs")
SHOT_ELSEWHERE = ("CONSISTENCY_PT_mix",)  # with the board; open, it would leave Lighting no room


def new_scene():
    """For packaging/screenshots.py: the tab as it is first seen."""
    yield from open_sidebar()
    yield from _shoot("sidebar")


def every_panel():
    """For packaging/screenshots.py: each panel by itself, open, after a run against the fake fal.ai."""
    panels = import_module(f"{PACKAGE}.panels")
    groups = {name: getattr(panels, name).CLASSES for name in PANELS}
    for cls in reversed(panels.CLASSES[1:]):  # a panel that was seen closed stays closed, however it is registered
        bpy.utils.unregister_class(cls)
    own = settings()
    preferences().folder, preferences().key = f"{OPTIONS['home']}/runs", OPTIONS["key"]
    own.backend, own.source, own.file = "fal", "FILE", OPTIONS["model"]
    own.size, own.samples, own.prompt, own.materials = 384, 32, "glass perfume bottle", "glass, metal"
    yield from open_sidebar()
    yield from _run()
    if status().error:
        return {"error": status().details}
    for name, classes in groups.items():
        for cls in classes:
            if hasattr(cls, "bl_options") and cls.bl_space_type == "VIEW_3D" and cls.__name__ not in SHOT_ELSEWHERE:
                cls.bl_options = set()
            bpy.utils.register_class(cls)
        if name == "costs":
            yield from _have_something_left_to_buy()
        yield from _shoot(name)
        if name in ("rig", "photoreal"):  # longer than the window is high
            yield from scroll(down=True, notches=24)
            yield from _shoot({"rig": "lighting", "photoreal": "photoreal-options"}[name])
            if name == "rig":
                yield from _shoot_light_presets()
            yield from scroll(down=False, notches=24)
        if name == "results":
            yield from _shoot_window()
            yield from _shoot_image_editor()
        for cls in reversed(classes):
            bpy.utils.unregister_class(cls)
    for cls in panels.CLASSES[1:]:
        bpy.utils.register_class(cls)
    _have_photos()
    yield from _shoot("photos")


def _have_photos():
    """What a run from photos begins with; here the renders of the run before."""
    folder = Path(settings().run_folder) / "references"
    bpy.ops.consistency.new_run()
    settings().source = "PHOTOS"
    bpy.ops.consistency.add_photos(directory=f"{folder}/", files=[{"name": "front.png"}, {"name": "side.png"}])


def _run():
    """Ask for the price, show what it says, pay, and leave something to be told in each panel."""
    own, side = settings(), view()[3]
    move(side.x + side.width * 0.45, side.y + side.height - 58)  # the dialog opens at the mouse
    yield 0.3
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT")
    yield lambda: status().estimate > 0 and not status().running
    yield 0.7
    screenshot("spend 500x320+715+60")
    yield from key("ESC", at=middle())
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT", agreed_usd=100.0)
    yield lambda: status().running
    yield lambda: not status().running
    bpy.ops.consistency.clear_error()
    bpy.ops.consistency.list_runs()
    bpy.ops.consistency.add_parameter(endpoint=own.image_endpoint, role="photoreal", field="guidance_scale")
    bpy.ops.consistency.select_angle(angle="three-quarter")


def _have_something_left_to_buy():
    settings().takes = 2
    with in_view("UI"):
        bpy.ops.consistency.estimate("INVOKE_DEFAULT")
    yield lambda: status().estimate > 0


def _shoot(name):
    """The sidebar alone, once it has come to rest; the mouse elsewhere, or there would be a tooltip."""
    move(*middle())
    _, area, _, side = view()
    side.active_panel_category = "Consistency"
    area.tag_redraw()
    yield 2.5
    window = bpy.context.window_manager.windows[0]
    screenshot(f"{name} {side.width}x{side.height}+{side.x}+{window.height - side.y - side.height}")


def _shoot_window():
    """The whole window while two pictures are compared, and the preferences."""
    with in_view("WINDOW"):
        bpy.ops.consistency.compare(angle="three-quarter")
    yield 1.5
    screenshot("compare 1314x930+0+26")
    with in_view("WINDOW"):
        bpy.ops.consistency.compare(angle="three-quarter")
    bpy.ops.consistency.show_preferences()
    yield 2.0
    window = bpy.context.window_manager.windows[-1]
    screenshot(f"preferences {window.width}x{window.height}+{window.x}+{SCREEN_HEIGHT - window.y - window.height}")
    with bpy.context.temp_override(window=window):
        bpy.ops.wm.window_close()


def _shoot_light_presets():
    """One's own lightings, in their popover."""
    bpy.ops.consistency.save_light_preset(name="Amber")
    side = view()[3]
    at = side.x + side.width // 2, side.y + side.height // 2
    move(*at)
    yield 0.3
    with in_view("UI"):
        bpy.ops.wm.call_panel("INVOKE_DEFAULT", name="CONSISTENCY_PT_light_presets", keep_open=True)
    yield 1.0
    screenshot("presets 300x160+1030+440")
    yield from key("ESC", at=middle())


def _shoot_image_editor():
    """The slider beside a picture."""
    area = view()[1]
    area.type = "IMAGE_EDITOR"
    area.spaces[0].show_region_ui = True
    yield 1.0
    window, area, side = image_sidebar()
    side.active_panel_category = "Consistency"
    main = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=main):
        bpy.ops.consistency.compare(angle="three-quarter")
    yield 0.5
    with bpy.context.temp_override(window=window, area=area, region=main):
        bpy.ops.image.view_all(fit_view=True)
    yield 1.5
    screenshot("image-editor 1314x930+0+26")
    area.type = "VIEW_3D"
    yield from open_sidebar()


def measures():
    """For benchmarks/window.py: what holds the window, and for how long."""
    panels = import_module(f"{PACKAGE}.panels")
    active_run = import_module(f"{PACKAGE}.operators.runs.active_run")
    took = {}
    for cls in panels.CLASSES:
        if hasattr(cls, "draw") and issubclass(cls, bpy.types.Panel):
            _time_drawing(cls, took)
    held = _time_callbacks()
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
    holds = {doing: 1000.0 * seconds for doing, seconds in {**active_run.current.holds, **held}.items()}
    means = {name: 1000.0 * sum(times) / len(times) for name, times in took.items() if times}
    slowest = max(means, key=means.get)
    return {
        "holds_ms": holds,
        "draw_ms": sum(means.values()),
        "slowest_panel": f"{slowest} {means[slowest]:.2f} ms",
        "register_ms": 1000.0 * registering,
        "what": "two angles of 256 pixels, local backend, no clip",
    }


# What Blender calls during a run, and what it may call into; a step of the chain is told by what it does (active_run.holds).
CALLBACKS = {
    "buttons.run": ("CONSISTENCY_OT_run._tick", "CONSISTENCY_OT_run._end"),
    "display.refresh": ("everything", "progress", "pictures", "money", "jobs", "stale", "history"),
    "startup": ("_look_for_stale",),
    "display.follow": ("place_cameras", "place_lights", "preview_prompt"),
    "display.thumbnails": ("load",),
    "runs.start_run": ("start", "estimate"),
}


def _time_callbacks():
    """Name of the callback → the longest that it has held the window, in seconds."""
    held = {}
    for module, names in CALLBACKS.items():
        for name in names:
            owner = import_module(f"{PACKAGE}.operators.{module}")
            *path, last = name.split(".")
            for part in path:
                owner = getattr(owner, part)
            setattr(owner, last, _timed(f"{module}.{name}", getattr(owner, last), held))
    return held


def _timed(name, function, held):
    @functools.wraps(function)
    def timed(*arguments, **options):
        began = time.perf_counter()
        try:
            return function(*arguments, **options)
        finally:
            held[name] = max(held.get(name, 0.0), time.perf_counter() - began)

    return timed


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


def catalogue():
    """A table of products, from the panel: checked, run, stopped after the first product, gone on with."""
    panels = import_module(f"{PACKAGE}.panels")
    for cls in reversed(panels.CLASSES[1:]):
        bpy.utils.unregister_class(cls)
    for cls in panels.catalogue.CLASSES:
        if cls.__name__ == "CONSISTENCY_PT_catalogue":
            cls.bl_options = set()
        bpy.utils.register_class(cls)
    yield from open_sidebar()
    own, now = bpy.context.scene.consistency_catalogue, bpy.context.window_manager.consistency_catalogue
    own.table, own.out = OPTIONS["table"], OPTIONS["place"]
    with in_view("UI"):
        bpy.ops.consistency.catalogue_check("INVOKE_DEFAULT")
    yield lambda: now.running
    yield lambda: not now.running
    if now.error:
        return {"problem": now.error}
    with in_view("UI"):
        bpy.ops.consistency.catalogue_run("INVOKE_DEFAULT")
    yield lambda: now.rows[1].state == "working"
    yield from _shoot("catalogue")
    with in_view("UI"):
        bpy.ops.consistency.catalogue_stop("INVOKE_DEFAULT")
    yield lambda: not now.running
    stopped = [row.state for row in now.rows]
    with in_view("UI"):
        bpy.ops.consistency.catalogue_run("INVOKE_DEFAULT")
    yield lambda: now.running
    yield lambda: not now.running
    return {"problem": now.error, "stopped": stopped, "states": [row.state for row in now.rows], "page": now.page}
