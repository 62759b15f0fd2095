# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plays a scenario inside a windowed Blender: a generator that yields what it waits for, advanced by a timer.

Runs in Blender's own Python; imports nothing of the test environment.
"""

from __future__ import annotations

import json
import os
import time
import traceback
from importlib import import_module
from pathlib import Path

import bpy

OPTIONS = json.loads(os.environ.get("CONSISTENCY_SCENARIO", "{}"))
PACKAGE = "bl_ext.user_default.consistency_pipeline"
PATIENCE = float(OPTIONS.get("patience", 90))  # seconds for a condition


bpy.context.preferences.view.show_splash = False


def view():
    """The 3D viewport and its regions: main one and sidebar."""
    window = bpy.context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    main = next(region for region in area.regions if region.type == "WINDOW")
    side = next(region for region in area.regions if region.type == "UI")
    return window, area, main, side


def in_view(region="WINDOW"):
    window, area, main, side = view()
    return bpy.context.temp_override(window=window, area=area, region=main if region == "WINDOW" else side)


def status():
    return bpy.context.window_manager.consistency


def settings():
    return bpy.context.scene.consistency


def preferences():
    return import_module(f"{PACKAGE}.operators.editing.preferences").preferences()


def small():
    """Settings that render in a second or two."""
    own = settings()
    own.size, own.samples, own.duration = 64, 1, 1.0
    angles = import_module(f"{PACKAGE}.operators.editing.angles")
    angles.set_angles(bpy.context.scene, import_module(f"{PACKAGE}.pipeline.rig").ANGLE_SETS["product"][:2])
    preferences().folder = str(Path(OPTIONS["home"]) / "runs")


def stages():
    return {stage.name: stage.state for stage in status().stages}


def open_sidebar():
    """The tab, as an artist opens it; a generator."""
    _, area, _, _ = view()
    area.spaces[0].show_region_ui = True
    yield 1.0
    _, area, _, side = view()
    side.active_panel_category = "Consistency"
    area.tag_redraw()
    yield 1.0


def move(x, y, window=None):
    window = window or bpy.context.window_manager.windows[0]
    window.event_simulate(type="MOUSEMOVE", value="NOTHING", x=int(x), y=int(y))


def click(x, y, window=None):
    """A left click, in Blender's window coordinates: from bottom left; a generator."""
    window = window or bpy.context.window_manager.windows[0]
    move(x - 3, y, window)
    yield 0.1
    move(x, y, window)
    yield 0.2
    window.event_simulate(type="LEFTMOUSE", value="PRESS", x=int(x), y=int(y))
    yield 0.05
    window.event_simulate(type="LEFTMOUSE", value="RELEASE", x=int(x), y=int(y))
    yield 0.3


def key(name, at=None, window=None, **held):
    """A key, with the mouse in the middle of the window or ``at`` a place; a dialog hears it only with the mouse in it."""
    window = window or bpy.context.window_manager.windows[0]
    x, y = map(int, at or (window.width // 2, window.height // 2))
    window.event_simulate(type=name, value="PRESS", x=x, y=y, **held)
    yield 0.05
    window.event_simulate(type=name, value="RELEASE", x=x, y=y, **held)
    yield 0.2


def drop(path, at):
    """Let go of a file that was dragged from a file manager, at a place in Blender's window coordinates."""
    window = bpy.context.window_manager.windows[0]
    x, y = window.x + at[0], window.y + window.height - at[1]
    ask(f"drop {int(x)} {int(y)} {Path(path).relative_to(OPTIONS['home'])}")


def screenshot(name):
    """Have the test take a picture of the screen: Blender's own is black where it draws with software.

    Or have it do what it knows under that name.
    """
    wish = Path(OPTIONS["home"]) / "screenshot.wish"
    wish.write_text(name)
    deadline = time.monotonic() + 10.0
    while wish.exists() and time.monotonic() < deadline:
        time.sleep(0.02)


ask = screenshot


def answer(seen):
    """What the test gets to see; early, by a scenario that doesn't live to return it."""
    Path(OPTIONS["out"]).write_text(json.dumps(seen, default=str))


def play(scenario):
    """Advance ``scenario`` until it ends; write what it returns, or how it failed, and quit."""
    state = {"until": None, "began": time.monotonic(), "asked": ""}
    stack = [scenario]

    def end(said):
        answer(said)
        bpy.ops.wm.quit_blender()

    def step():
        wanted = state["until"]
        if callable(wanted) and not wanted():
            if time.monotonic() - state["began"] > PATIENCE:
                now = status()
                screenshot("given-up")
                end(
                    {
                        "error": f"waited in vain at {state['asked']}; {now.stage} {now.text} {now.error} {now.details[-2000:]}"
                    }
                )
                return None
            return 0.05
        try:
            asked = next(stack[-1])
        except StopIteration as done:
            if len(stack) == 1:
                end(done.value or {})
                return None
            stack.pop()
            state["until"] = None
            return 0.01
        except Exception:  # noqa: BLE001 - the test must hear of it, whatever it is
            screenshot("raised")
            end({"error": traceback.format_exc()})
            return None
        if hasattr(asked, "send"):
            stack.append(asked)
            state["until"] = None
            return 0.01
        state["began"], state["asked"] = time.monotonic(), str(stack[-1].gi_frame.f_lineno)
        state["until"] = asked if callable(asked) else None
        return asked if isinstance(asked, (int, float)) else 0.05

    bpy.app.timers.register(step, first_interval=1.5, persistent=True)
