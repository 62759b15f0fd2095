# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The light board by mouse: drafts, three sliders, a preset, an environment by drop, a look, undo, To Scene, and a purchase."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import bpy
from places import HOME, have_key, open_panels
from playing import (
    OPTIONS,
    PACKAGE,
    click,
    drop,
    in_view,
    key,
    move,
    open_sidebar,
    preferences,
    screenshot,
    settings,
    status,
    view,
)
from pointing import drag, find, middle, press, scroll

BOARD = f"{PACKAGE}.operators.display.board"


def overlay():
    return import_module(f"{BOARD}.overlay")


def board():
    return overlay().current()


def on_board(name):
    """The middle of a picture or a button of the board, in the window's coordinates."""
    _, _, main, _ = view()
    with in_view():
        laid = overlay().sheet_here(bpy.context)
    kind, _, which = name.partition(":")
    box = (laid.pictures if kind == "picture" else laid.buttons)[which]
    return main.x + (box.left + box.right) / 2, main.y + (box.bottom + box.top) / 2


def pixels(angle):
    """What is drawn of an angle, (H, W, 3) 0..255, the lowest row first."""
    return board().pictures[angle].canvas.read()[..., :3] * 255.0


def computed(angle):
    """The same by the arithmetic of pipeline.lighting.board, from what the second Blender wrote."""
    import numpy as np

    pure = import_module(f"{PACKAGE}.pipeline.lighting.board")
    wanted = import_module(f"{BOARD}.wanted")
    picture = board().pictures[angle]
    told, folder, views = picture.told, picture._folder, picture._views
    plates = pure.Plates(
        {name: np.load(folder / f"share.{name}.npy") for name in told["kelvins"]},
        told["window"],
        np.load(folder / "ground.npy"),
        np.load(folder / "place.npy"),
    )
    floor = pure.Floor(
        *({name: np.load(folder / f"{kind}.{name}.npy") for name in told["ground"]} for kind in ("lit", "open")),
        np.load(folder / "before.npy"),
    )
    table = pure.Table(*(np.load(views / f"{told['view']}.{part}.npy") for part in ("greys", "corrections")))
    factors, _ = wanted.factors(told, wanted.now(bpy.context.scene), settings().mix)
    return pure.shown(plates, floor, table, factors, 255.0)


def apart(one, other):
    """PSNR in dB."""
    import numpy as np

    return float(-10.0 * np.log10(max(float(np.mean((one - other) ** 2)) / 255.0**2, 1e-12)))


def is_drawn():
    """All angles are on the board, and nothing is on its way."""
    names = {angle.name for angle in settings().angles}
    return (
        board() is not None
        and board().pictures.keys() == names
        and not board()._coming
        and not board()._preparing.is_busy
    )


def strength(name):
    return settings().mix[name].strength


def slide(name, by):
    """Drag a light's strength in the panel, by so many pixels."""
    before = strength(name)
    place = yield from find(settings().mix[name].path_from_id("strength"), 0.4)
    yield from drag(place, (place[0] + by, place[1]))
    yield lambda: strength(name) != before
    yield 0.5
    yield settled


def undo(*, redo=False):
    """Once the change that it takes back is seen."""
    before = state()
    yield from key("Z", at=middle(), ctrl=True, shift=redo)
    yield lambda: state() != before
    yield 0.7
    yield settled


def state():
    own = settings()
    return own.lighting, own.environment, [each.strength for each in own.mix], [each.strength for each in own.lights]


def hold(place, while_held):
    """Press the left button, call ``while_held`` once the board shows what was before, let go."""
    window = view()[0]
    move(*place, window)
    yield 0.3
    window.event_simulate(type="LEFTMOUSE", value="PRESS", x=int(place[0]), y=int(place[1]))
    yield lambda: status().board_before and settled()
    yield 0.5
    found = while_held()
    window.event_simulate(type="LEFTMOUSE", value="RELEASE", x=int(place[0]), y=int(place[1]))
    yield lambda: not status().board_before and settled()
    yield 0.5
    return found


def settled():
    """What was changed is drawn."""
    return is_drawn() and not board().is_dirty


def begin():
    """A product with its rig, and the board over it."""
    open_panels("rig", "lighting", "mix")
    settings().angle_index = -1  # its fields take room
    yield from open_sidebar()
    preferences().folder = str(HOME / "runs")
    own = settings()
    own.source, own.file, own.motion, own.backend = "FILE", OPTIONS["model"], "none", "local"
    own.size, own.samples = OPTIONS.get("size", 96), OPTIONS.get("samples", 8)
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT", until="rig")
    yield lambda: status().running
    yield lambda: not status().running
    own.angle_index = -1
    yield from press("bpy.ops.consistency.board")
    yield lambda: board() is not None


def board_by_mouse():
    """Loads a product, renders drafts, and mixes; what is bought is rendered in full."""
    import numpy as np

    seen = {}
    yield from begin()
    yield 1.0
    screenshot("board-empty")
    yield from click(*on_board("button:drafts"))
    yield lambda: status().drafting
    yield lambda: is_drawn()
    seen["kinds"] = sorted({source.kind for source in board().shown.values()})
    screenshot("board-drafts")
    yield from click(*on_board("button:drafts"))
    yield lambda: not status().drafting
    yield lambda: is_drawn() and not bpy.app.is_job_running("RENDER")
    yield 1.0
    seen["rendered"] = apart(pixels("front"), computed("front"))
    first = pixels("front")

    for name, by in (("key", -45), ("fill", 60), ("rim", 50)):
        yield from slide(name, by)
    seen["strengths"] = [strength(name) for name in ("key", "fill", "rim")]
    seen["mixed"] = apart(pixels("front"), computed("front"))
    seen["changed"] = apart(pixels("front"), first)
    screenshot("board-mixed")
    held = yield from hold(
        on_board("button:before"), lambda: (screenshot("board-before"), apart(pixels("front"), first))[1]
    )
    seen["before"], seen["after"] = held, apart(pixels("front"), computed("front"))
    mixed = pixels("front")
    yield from undo()
    seen["rim_undone"] = strength("rim")
    yield from undo(redo=True)
    seen["rim_redone"], seen["same_after_redo"] = strength("rim"), apart(pixels("front"), mixed)

    place = yield from press("bpy.ops.consistency.keep_look")
    yield 0.5
    yield from key("RET", at=place)
    yield 0.5
    seen["looks"] = list(settings().looks.keys())
    before = lamps()
    yield from press("bpy.ops.consistency.mix_to_scene", 0.7)
    yield lambda: strength("rim") == 100.0
    yield 0.5
    yield settled
    seen["to_scene"] = {name: round(lamps()[name] / before[name], 3) for name in before}
    seen["same_after_to_scene"] = apart(pixels("front"), mixed)
    yield from undo()
    seen["to_scene_undone"] = lamps() == before
    seen["same_after_undo"] = apart(pixels("front"), mixed)
    yield from press("bpy.ops.consistency.mix_to_scene", 0.7)
    yield lambda: strength("rim") == 100.0
    yield 0.5
    yield settled

    yield from click(*on_board("picture:side"))
    yield lambda: status().board_strip
    yield 1.0
    seen["through"] = (
        bpy.context.scene.camera.name,
        status().board_strip,
        view()[1].spaces.active.region_3d.view_perspective,
    )
    screenshot("board-strip")
    yield from click(*on_board("button:size"))
    yield 0.5

    place = yield from find("consistency.lighting", 0.7)
    window = view()[0]
    move(*place, window)
    yield 0.3
    x, y = map(int, place)
    window.event_simulate(type="WHEELDOWNMOUSE", value="PRESS", x=x, y=y, ctrl=True)
    yield lambda: settings().lighting != "studio"
    yield 0.5
    yield settled
    seen["preset"] = settings().lighting
    with in_view():
        seen["stale"] = overlay().stale(bpy.context, "front")
    screenshot("board-stale")
    yield from undo()
    with in_view():
        seen["stale_undone"] = settings().lighting, overlay().stale(bpy.context, "front")

    yield from let_go("sky.hdr")
    screenshot("board-drop")
    yield from choose_ours()
    seen["environment"] = settings().environment
    with in_view():
        seen["stale_by_drop"] = overlay().stale(bpy.context, "front")
    yield from click(*on_board("button:drafts"))
    yield lambda: status().drafting
    yield lambda: is_drawn() and not any(needs for needs in board().needs.values())
    yield from click(*on_board("button:drafts"))
    yield lambda: not status().drafting
    yield lambda: is_drawn() and not bpy.app.is_job_running("RENDER")
    yield 1.0
    with in_view():
        seen["stale_after_drafts"] = overlay().stale(bpy.context, "front")
    screenshot("board-environment")

    seen["run_before"] = sorted(
        path.name for path in Path(bpy.path.abspath(settings().run_folder)).glob("references/*.png")
    )
    yield from have_key()
    settings().backend = "fal"
    yield from scroll(down=False, notches=60)
    place = yield from press("bpy.ops.consistency.run(until='results')")
    yield lambda: status().estimate > 0 and not status().running
    yield 0.7
    yield from key("RET", at=place)
    yield lambda: status().running
    yield lambda: not status().running
    yield lambda: is_drawn()
    yield 1.0
    seen["bought"] = [bool(shot.still) for shot in status().shots]
    seen["full"] = sorted({source.kind for source in board().shown.values()})
    with in_view():
        seen["stale_at_end"] = overlay().stale(bpy.context, "front")
    seen["at_end"] = apart(pixels("front"), computed("front"))
    reference = import_module(f"{PACKAGE}.studio.rendering.passes").load(Path(status().shots["front"].reference))
    seen["as_rendered"] = apart(pixels("front")[::-1], np.asarray(reference) * 255.0)
    seen["longest_hold_ms"] = 1000.0 * board().longest_hold
    screenshot("board-bought")
    seen["said"] = status().error
    yield from click(*on_board("button:close"))
    yield 1.0
    seen["closed"] = board() is None and not status().board
    return seen


def lamps():
    return {thing.name: thing.data.energy for thing in bpy.data.collections["Consistency Lighting"].objects}


def let_go(name):
    """Drop a file over the viewport; Blender offers what it could do with it."""
    drop(HOME / name, middle())
    yield lambda: not (HOME / "screenshot.wish").exists()
    yield 1.0


def choose_ours():
    """The last of what is offered: the third where the viewport looks through a camera, else the second."""
    before = settings().environment, status().error
    for number in ("THREE", "TWO"):
        yield from key(number, at=middle())
        yield 1.5
        if (settings().environment, status().error) != before:
            return


def environments_are_dropped():
    """A whole picture and a text that calls itself one, let go over the viewport."""
    seen = {}
    yield from open_sidebar()
    for name in ("sky.hdr", "text.hdr"):
        yield from let_go(name)
        screenshot(f"drop-{name}")
        yield from choose_ours()
        seen[name] = Path(settings().environment).name, status().error
    return seen
