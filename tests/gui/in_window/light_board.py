# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The light board by mouse: drafts, three sliders, a preset, an environment by drop, a look, undo, To Scene, and a purchase."""

from __future__ import annotations

from importlib import import_module

import bpy
from places import HOME
from playing import (
    OPTIONS,
    PACKAGE,
    click,
    in_view,
    open_sidebar,
    preferences,
    screenshot,
    settings,
    status,
    view,
)
from pointing import press

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


def open_panels(*names):
    """Have panels open that are closed at first, and all others closed."""
    for name in ("model", "rig", "lighting", "mix", "references", "photoreal", "video", "results", "jobs", "costs"):
        cls = getattr(bpy.types, f"CONSISTENCY_PT_{name}", None)
        if cls is not None:
            bpy.utils.unregister_class(cls)
            cls.bl_options = set() if name in names else {"DEFAULT_CLOSED"}
            bpy.utils.register_class(cls)


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


def board_by_mouse():
    seen = {}
    open_panels("rig", "mix")
    yield from open_sidebar()
    preferences().folder = str(HOME / "runs")
    own = settings()
    own.source, own.file, own.motion, own.backend = "FILE", OPTIONS["model"], "none", "local"
    own.size, own.samples = OPTIONS.get("size", 128), OPTIONS.get("samples", 16)
    with in_view("UI"):
        bpy.ops.consistency.run("INVOKE_DEFAULT", until="rig")
    yield lambda: status().running
    yield lambda: not status().running
    yield from press("bpy.ops.consistency.board")
    yield lambda: board() is not None
    yield 1.0
    screenshot("board-empty")
    yield from click(*on_board("button:drafts"))
    yield lambda: status().drafting
    yield lambda: is_drawn()
    yield 1.0
    screenshot("board-drafts")
    seen["psnr"] = apart(pixels("front"), computed("front"))
    seen["kinds"] = sorted({source.kind for source in board().shown.values()})
    return seen
