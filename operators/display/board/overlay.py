# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The board over a viewport: on and off, drawn, and in step with the scene, its run, and the artist's windows.

What is seen is drawn by Blender's GPU from textures that are made once for a render; a change of the mix changes a few
numbers. Files are read and pixels made ready in the second Blender; they come to the GPU in strips, a few in each redraw.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ....pipeline.errors import ConsistencyError
from .. import compare, status
from . import painter, sheet, sources, wanted
from .sheet import Box, Sheet
from .sources import DRAFT, Preparing, Source

if TYPE_CHECKING:
    from bpy.types import Area, Context, Scene

    from ....pipeline.settings.groups import RunSettings

BUSY, IDLE = 0.03, 0.5  # seconds between two looks, while something is on its way and while nothing is
LOADING = 0.004  # seconds of loading begun in one redraw
NO_GPU = "The board needs a window; without one, references are mixed by the command line's --light"
NO_LIGHTS = "Nothing to mix yet; press Drafts, or run References"
PLATE, FACE, PRESSED = (0.08, 0.08, 0.08, 1.0), (0.27, 0.27, 0.27, 1.0), (0.28, 0.45, 0.70, 1.0)
WORDS = {"before": "Before", "drafts": "Drafts", "size": "Strip", "close": "Close"}
AMBER, GREY, RED = (1.0, 0.72, 0.2, 1.0), (0.75, 0.75, 0.75, 1.0), (1.0, 0.45, 0.4, 1.0)

_handle: Any = None
_board: Board | None = None


class Board:
    """What is shown of one scene in one viewport."""

    def __init__(self, scene: Scene, area: Area) -> None:
        self.area, self.scene = area.as_pointer(), scene.session_uid
        self.pictures: dict[str, painter.Picture] = {}
        self.shown: dict[str, Source] = {}  # what each picture was made from
        self.needs: dict[str, list[str]] = {}  # what of the wanted light needs a render, by angle
        self._coming: dict[str, tuple[Source, painter.Picture]] = {}
        self._asked: dict[str, Source] = {}
        self._preparing = Preparing()
        self._views = painter.Views()
        self._behind: tuple[str, Any] = ("", None)  # which backdrop, and its texture
        self._behind_wanted = self._behind_asked = ""
        self._backdrop_steps: Iterator[None] | None = None
        self._backdrop: painter.Canvas | None = None  # keeps the texture
        self._behind_file: tuple[str, Path] | None = None
        self._wanted: dict[str, tuple[Any, ...]] = {}
        self.is_dirty, self._looked_at = True, 0.0
        self._fault = ""  # what is wrong with the files, until another backdrop is chosen
        self.longest_hold = 0.0  # seconds, of the main thread, in one step

    def step(self, scene: Scene) -> bool:
        """A look at the files, and at what is being made ready. True while something is on its way."""
        if time.monotonic() >= self._looked_at + IDLE:
            self._looked_at = time.monotonic()
            self._look(scene)
        try:
            self._preparing.step()
        except ConsistencyError as error:
            self._fault = status.of().board_note = str(error)
        return self._preparing.is_busy or bool(self._coming) or self._backdrop_steps is not None

    def _look(self, scene: Scene) -> None:
        found = sources.found(scene)
        for name in self.pictures.keys() - found.keys():
            del self.pictures[name], self.shown[name]
            self._asked.pop(name, None)
        for name, source in found.items():
            if self._asked.get(name) != source:
                self._asked[name] = source
                self._preparing.plates(source, lambda told, folder, source=source: self._came(source, told, folder))
        status.of().board_note = self._fault if found else NO_LIGHTS

    def _came(self, source: Source, told: Any, folder: Path) -> None:
        if self._asked.get(source.angle) == source:
            self._coming[source.angle] = source, painter.Picture(told, folder, self._preparing.folder)

    def _want(self, scene: Scene) -> None:
        """Find out anew which factors each picture's lights have."""
        self.is_dirty = False
        is_before = status.of().board_before
        settings = wanted.before(scene) if is_before else wanted.now(scene)
        if settings is None:
            return
        found: dict[str, tuple[Any, ...]] = {}  # most have been rendered with the same lights
        for name, picture in self.pictures.items():
            told = picture.told
            key = json.dumps([told["look"], told["kelvins"], told["sent"]])
            if key not in found:
                found[key] = wanted.factors(told, settings, None if is_before else scene.consistency.mix)
            self._wanted[name] = found[key]
            self.needs[name] = found[key][1]
        self._back(settings)

    def _back(self, settings: RunSettings) -> None:
        """Have the backdrop of ``settings`` behind the pictures: at once, or when the second Blender has read it."""
        from ....pipeline.backdrops import behind
        from ....pipeline.settings.backdrop import is_file

        backdrop = settings.studio.backdrop
        about = f"{backdrop} {settings.resolution if is_file(backdrop) else ''}"
        if about != self._behind_wanted:
            self._behind_wanted, self._fault = about, ""
        if about == self._behind[0]:
            return
        if not is_file(backdrop):
            self._behind = (
                about,
                painter.texture_of(behind(backdrop, (256, 1), lambda _: None)[::-1], 1.0 / 255.0, "RGBA8"),
            )
        elif self._behind_file is not None and self._behind_file[0] == about:
            self._backdrop_steps = self._load_backdrop(*self._behind_file)
        elif about != self._behind_asked:
            self._behind_asked = about
            self._preparing.behind(settings, lambda out: self._backdrop_came(about, out))

    def _load_backdrop(self, about: str, file: Path) -> Iterator[None]:
        import numpy as np

        pixels = np.load(file, mmap_mode="r")
        canvas = painter.Canvas(pixels.shape[1], pixels.shape[0], "RGBA8")
        yield from canvas.fill(pixels, 1.0 / 255.0)
        self._behind, self._backdrop = (about, canvas.texture), canvas

    def _backdrop_came(self, about: str, out: Path) -> None:
        self._behind_file, self.is_dirty = (about, out), True
        redraw()

    def prepare_to_draw(self, scene: Scene) -> None:
        """Load a few strips, and mix what has changed. Only while Blender draws: its GPU is at hand then."""
        began = time.perf_counter()
        for name, (source, picture) in list(self._coming.items()):
            if not picture.load(began + LOADING):
                break
            if name in self.pictures:
                self.pictures[name].discard()
            self.pictures[name], self.shown[name] = picture, source
            del self._coming[name]
            self.is_dirty = True
        if self.is_dirty:
            self._want(scene)
        if self._backdrop_steps is not None and next(self._backdrop_steps, self) is self:
            self._backdrop_steps = None
        if self._behind[1] is None:
            return
        for name, picture in self.pictures.items():
            if name not in self._wanted:
                continue
            factors, _ = self._wanted[name]
            key = (self._behind[0], tuple((light, *map(float, factor)) for light, factor in sorted(factors.items())))
            if picture.drawn != key:
                picture.mix(factors, self._behind[1], self._views)
                picture.drawn = key
        self.longest_hold = max(self.longest_hold, time.perf_counter() - began)

    def close(self) -> None:
        self._preparing.close()
        self.pictures.clear()
        self._coming.clear()


def why_not(context: Context) -> str | None:
    """Why the board can't be shown here, and the cure."""
    if bpy.app.background:
        return NO_GPU
    if not context.scene.consistency.angles:
        return "There are no angles; add one, or load a set"
    return None


def current() -> Board | None:
    return _board


def show(scene: Scene, area: Area) -> None:
    """Show the board of ``scene`` over the viewport ``area``."""
    global _board, _handle
    close()
    compare.stop()
    _board = Board(scene, area)
    area.spaces.active.show_gizmo = True  # the mouse reaches the board by a handle
    status.of().board = True
    if _handle is None:
        _handle = bpy.types.SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=0.0)
    redraw()


def close() -> None:
    global _board, _handle
    if _board is not None:
        _board.close()
        _board = None
    if _handle is not None:
        bpy.types.SpaceView3D.draw_handler_remove(_handle, "WINDOW")
        _handle = None
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    now = status.of()
    now.board, now.board_before, now.board_note = False, False, ""
    status.redraw(pictures=True)


def changed() -> None:
    """Lights, angles, the mix or what is compared have changed: draw them anew, nothing is rendered."""
    if _board is not None:
        _board.is_dirty = True
        redraw()


def redraw() -> None:
    area = _area()
    if area is not None:
        area.tag_redraw()


def unregister() -> None:
    if _board is not None or _handle is not None:
        close()
    sources.forget()
    painter.forget()


def _area() -> Area | None:
    """The viewport with the board; None where it was closed, or shows something else."""
    if _board is None:
        return None
    here = (area for window in bpy.context.window_manager.windows for area in window.screen.areas)
    return next((area for area in here if area.as_pointer() == _board.area and area.type == "VIEW_3D"), None)


def _scene() -> Scene | None:
    """The scene that the board's window shows now."""
    if _board is None:
        return None
    for window in bpy.context.window_manager.windows:
        if any(area.as_pointer() == _board.area for area in window.screen.areas):
            return window.scene
    return None


def _tick() -> float | None:
    """Go on with what is on its way; leave where the viewport has gone."""
    area, scene = _area(), _scene()
    if area is None and _is_out_of_sight():
        return IDLE
    if _board is None or area is None or scene is None:
        close()
        return None
    if scene.session_uid != _board.scene:  # the window shows another scene: its own pictures
        show(scene, area)
        return IDLE
    busy = _board.step(scene)
    if busy:
        area.tag_redraw()
    return BUSY if busy else IDLE


def _is_out_of_sight() -> bool:
    """Another workspace is shown, or one area fills the window: the viewport comes again."""
    if _board is None:
        return False
    return any(area.as_pointer() == _board.area for screen in bpy.data.screens for area in screen.areas)


def sheet_here(context: Context) -> Sheet | None:
    """Where the board's parts are in this region; None where it is not shown."""
    if _board is None or context.area is None or context.area.as_pointer() != _board.area or context.region is None:
        return None
    sides: dict[str, bpy.types.Region] = {
        region.type: region for region in context.area.regions if region.width > 1 and region.height > 1
    }
    main, scale = context.region, context.preferences.system.ui_scale or 1.0
    left, right, top = 0.0, float(main.width), float(main.height)
    if context.preferences.system.use_region_overlap:
        for kind in ("TOOLS", "UI"):
            side = sides.get(kind)
            if side is not None and main.x <= side.x < main.x + main.width:
                if side.x - main.x < main.width / 2:
                    left = max(left, side.x + side.width - main.x)
                else:
                    right = min(right, side.x - main.x)
        for kind in ("HEADER", "TOOL_HEADER", "ASSET_SHELF"):
            side = sides.get(kind)
            if side is not None and kind != "ASSET_SHELF" and side.y > main.y + main.height / 2:
                top = min(top, float(side.y - main.y))
    own = context.scene.consistency
    names = [angle.name for angle in own.angles]
    free = Box(float(left), 0.0, max(right, left + 60.0), max(top, 60.0))
    wide, high = _handles(context)
    if free.right - free.left < 3.0 * wide * scale:  # so narrow that there is no room to leave
        wide = 0.0
    handles = wide * scale, high * scale
    return sheet.laid_out(free, names, own.aspect, scale, strip=status.of(context).board_strip, handles=handles)


def _handles(context: Context) -> tuple[float, float]:
    """How wide and high Blender's navigation at the upper right is, at an interface scale of 1: it takes the mouse before the board
    does. Under its ball stand four buttons."""
    space, view = context.area.spaces.active, context.preferences.view
    if not space.show_gizmo_navigate or not view.show_navigate_ui:
        return 0.0, 0.0
    ball = float(view.gizmo_size_navigate_v3d)
    return ball + 30.0, ball + 30.0 + 4 * 34.0


def _draw() -> None:
    context = bpy.context
    laid = sheet_here(context)
    if laid is None or _board is None or context.scene.session_uid != _board.scene:
        return
    _board.prepare_to_draw(context.scene)
    now, region = status.of(context), (context.region.width, context.region.height)
    for plate in laid.plates:
        compare.draw_box(*plate, PLATE)
    for name, box in laid.pictures.items():
        picture = _board.pictures.get(name)
        if picture is not None and picture.canvas is not None and picture.drawn is not None:
            painter.show(picture.canvas.texture, box, region)
        else:
            compare.draw_box(*box, (0.16, 0.16, 0.16, 1.0))
        _draw_words(context, name, box, laid.scale)
    for name, box in laid.buttons.items():
        is_on = (name == "before" and now.board_before) or (name == "drafts" and now.drafting)
        compare.draw_box(*box, PRESSED if is_on else FACE)
        word = "Large" if name == "size" and now.board_strip else "Stop" if is_on and name == "drafts" else WORDS[name]
        compare.draw_text(word, (box.left + box.right) / 2.0, box.bottom + 7.0 * laid.scale, laid.scale, middle=True)
    said = (now.text if now.drafting else "") or now.board_note
    if not said and now.board_before:
        said = f"Before: {context.scene.consistency.compared_look or 'the lamps without the mix'}"
    plate = laid.plates[0]
    room = min(box.left for box in laid.buttons.values()) - plate.left
    x, y = plate.left + 12.0 * laid.scale, plate.top - (sheet.GAP + 17.0) * laid.scale
    compare.draw_text(said, x, y, laid.scale, most=room - 24.0 * laid.scale)


def _draw_words(context: Context, name: str, box: Box, scale: float) -> None:
    """Below a picture: which angle, and how it stands."""
    assert _board is not None
    source, y = _board.shown.get(name), box.bottom - 17.0 * scale
    needs = stale(context, name)
    words, colour = name, GREY
    if source is None:
        words = f"{name}: none yet"
    elif needs:
        words, colour = f"{name}, stale: {', '.join(needs)}", AMBER
    elif source.kind == DRAFT:
        words = f"{name}: draft"
    compare.draw_text(words, box.left, y, scale, colour=colour, most=box.right - box.left)


def stale(context: Context, name: str) -> list[str]:
    """Why the picture of an angle is not what a render would show now, a few words each; what is mixed is no reason."""
    if _board is None or name not in _board.shown:
        return []
    needs = list(_board.needs.get(name, ()))
    shot = compare.shot_named(context, name)
    if _board.shown[name].kind == sources.RENDERED and shot is not None and shot.why:
        needs += [why for why in shot.why.split(", ") if why not in ("light changed", *needs)]
    return needs
