# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The studio view: the product alone in the viewport, through our camera, as a reference shows it; and back.

What it changes is kept where it is changed. The scene's part (engine, frame, colours, world, camera) is kept on the scene, so
that undo and saving treat both alike. A viewport's part is kept on its screen, which Blender saves but never undoes; and so
``follow`` brings viewports into step with their scene after each undo, load or change of scene.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import bpy

from ...pipeline.driver import finish
from ...pipeline.errors import ConsistencyError
from ...pipeline.names import ENGINE, RIG, SCREEN
from ..editing.scene_settings import to_settings
from ..runs import active_run
from . import reasons

if TYPE_CHECKING:
    from bpy.types import Area, Scene, Screen, Window

    from ...pipeline.settings.groups import RunSettings

log = logging.getLogger(__name__)
ROOM = 0.94  # of what is free of the viewport that the frame fills


def enter(scene: Scene, area: Area | None = None) -> None:
    """Show the product of ``scene``, in ``area`` where that is a viewport, else in the largest one. Places the rig where
    none stands.

    Raises ConsistencyError where there is no product, or the settings make no sense.
    """
    from ...studio import rig
    from ...studio.scene.collections import existing_objects

    settings = to_settings(scene)
    if not active_run.is_active() or not existing_objects(RIG):
        finish(rig.place_rig(settings))
    _set_scene(scene, settings)
    for window in _windows(scene):
        _end_viewport(window)
    window, chosen = _viewport(scene, area)
    if window is not None and chosen is not None:
        _set_viewport(window, chosen, settings)


def leave(scene: Scene) -> None:
    """Everything as it was before; what was deleted or changed by the artist meanwhile stays so."""
    own = scene.consistency
    if own.studio_view:
        from ...studio.scene import set_aside

        set_aside.put_back(scene, json.loads(own.studio_aside or "{}"))
        if scene.world is None or scene.world == set_aside.studio_world():
            scene.world = own.world_before
        if scene.camera is None or set_aside.is_ours(scene.camera):
            scene.camera = own.camera_before
        own.studio_view, own.studio_aside, own.world_before, own.camera_before = False, "", None, None
        set_aside.remove_backdrop()
    for window in _windows(scene):
        _end_viewport(window)


def _set_scene(scene: Scene, settings: RunSettings) -> None:
    from ...studio import rig
    from ...studio.scene import set_aside

    own = scene.consistency
    aside: set_aside.Aside = json.loads(own.studio_aside or "{}")
    set_aside.put(scene, set_aside.of_scene(settings), aside)
    if not own.studio_view:
        own.world_before, own.camera_before = scene.world, scene.camera
    elif scene.world not in (None, set_aside.studio_world()):
        own.world_before = scene.world
    scene.world = set_aside.studio_world()
    own.studio_view, own.studio_aside = True, json.dumps(aside)
    index = own.angle_index if 0 <= own.angle_index < len(own.angles) else 0
    camera = rig.camera_for(own.angles[index].name)
    if scene.camera is not None and not set_aside.is_ours(scene.camera):
        own.own_camera = own.camera_before = scene.camera
    scene.camera = camera
    camera.data.show_passepartout, camera.data.passepartout_alpha = True, 0.9
    set_aside.show_backdrop(camera, settings)


def _windows(scene: Scene) -> list[Window]:
    return [window for window in bpy.context.window_manager.windows if window.scene == scene]


def _viewport(scene: Scene, area: Area | None = None) -> tuple[Window | None, Area | None]:
    """The window and the viewport to show the product in: ``area``, else the largest."""
    here = [(window, each) for window in _windows(scene) for each in window.screen.areas if each.type == "VIEW_3D"]
    chosen = [pair for pair in here if area is not None and pair[1] == area]
    return max(chosen or here, key=lambda pair: pair[1].width * pair[1].height, default=(None, None))


@contextlib.contextmanager
def _in(window: Window, area: Area) -> Iterator[None]:
    """That viewport as the context of an operator, and no sliding of its view."""
    from ...studio.scene.preferences import preference

    region = next(region for region in area.regions if region.type == "WINDOW")
    scene, layer = window.scene, window.view_layer
    with (
        preference("view", "smooth_view", 0),
        bpy.context.temp_override(
            window=window, screen=window.screen, area=area, region=region, scene=scene, view_layer=layer
        ),
    ):
        yield


def _space(area: Area) -> Any:
    """A viewport's own settings."""
    return area.spaces.active


def _home(screen: Screen) -> Screen:
    """Where a screen's viewport is kept. A maximized area has a screen for itself, which goes with it, and lends its name."""
    if not screen.show_fullscreen:
        return screen
    return bpy.data.screens.get(screen.name.removesuffix("-nonnormal"), screen)


def _kept(screen: Screen) -> dict[str, Any] | None:
    screen = _home(screen)
    return json.loads(screen[SCREEN]) if SCREEN in screen else None


def _set_viewport(window: Window, area: Area, settings: RunSettings) -> None:
    from ...studio.scene import set_aside

    space, layer = _space(area), window.view_layer
    place = {path: set_aside.read(space, path) for path in set_aside.PLACE}
    aside: set_aside.Aside = {path: [value, value] for path, value in place.items() if value is not None}
    before = None
    with _in(window, area):
        if space.local_view is not None:
            before = [thing.name for thing in layer.objects if thing.local_view_get(space)]
        elif not _enter_local_view(layer, space):
            log.warning("the product can't be shown alone: its collection is hidden or left out of this view layer")
        if space.local_view is not None:
            set_aside.isolate(layer, space)
        set_aside.put(space, set_aside.of_viewport(), aside)
        _fit(area, settings.resolution)
    kept = {"area": list(window.screen.areas).index(area), "local_view": before, "aside": aside}
    _home(window.screen)[SCREEN] = json.dumps(kept)


def _enter_local_view(layer: bpy.types.ViewLayer, space: Any) -> bool:
    """Blender's local view begins with what is selected; the artist's selection is what it was, afterwards."""
    from ...studio.scene.set_aside import shown_objects

    selected, active = {thing for thing in layer.objects if thing.select_get()}, layer.objects.active
    ours = set(shown_objects(layer))
    try:
        for thing in layer.objects:
            thing.select_set(thing in ours)
        with contextlib.suppress(RuntimeError):
            bpy.ops.view3d.localview(frame_selected=False)
    finally:
        for thing in layer.objects:
            thing.select_set(thing in selected)
        layer.objects.active = active
    return space.local_view is not None


def _fit(area: Area, resolution: tuple[int, int]) -> None:
    """The camera's frame as large as what the toolbar and the sidebar leave of the viewport, and in its middle."""
    space = _space(area)
    view = space.region_3d
    with contextlib.suppress(RuntimeError):  # the view looks through no camera
        bpy.ops.view3d.view_center_camera()
    region = bpy.context.region
    sides = {each.type: each.width for each in area.regions if each.width > 1}
    left, right = sides.get("TOOLS", 0) * space.show_region_toolbar, sides.get("UI", 0) * space.show_region_ui
    free = max(1.0, region.width - left - right), max(1.0, region.height - 60.0)
    aspect = resolution[0] / resolution[1]
    now = min(region.width, region.height * aspect)  # pixels that the frame is wide after Blender's own fitting
    fitting = ROOM * min(free[0], free[1] * aspect)
    # https://projects.blender.org/blender/blender, BKE_screen_view3d_zoom_to_fac: how a view's zoom becomes a factor
    factor = (2**0.5 + view.view_camera_zoom / 50.0) ** 2 / 4.0 * fitting / now
    view.view_camera_zoom = max(-30.0, min(600.0, (2.0 * factor**0.5 - 2**0.5) * 50.0))
    view.view_camera_offset = ((right - left) / 2.0 / (2.0 * factor * max(1, region.width)), 0.0)


def _end_viewport(window: Window) -> None:
    """Give the studio view's viewport of this window's screen, where there is one, back as it was."""
    screen = window.screen
    kept = _kept(screen)
    if kept is None:
        return
    from ...studio.scene import set_aside

    area = _area_of(screen, kept)
    if area is not None:
        space, layer = _space(area), window.view_layer
        with _in(window, area):
            if space.local_view is not None and kept["local_view"] is None:
                bpy.ops.view3d.localview(frame_selected=False)
            elif space.local_view is not None:
                set_aside.show(layer, space, {thing for thing in layer.objects if thing.name in kept["local_view"]})
            set_aside.put_back(space, kept["aside"], also_changed=True)
    del _home(screen)[SCREEN]


def _area_of(screen: Screen, kept: dict[str, Any]) -> Area | None:
    """The viewport that was set; areas are counted anew where one is joined or split, and local view tells it."""
    viewports = [area for area in screen.areas if area.type == "VIEW_3D"]
    place = kept["area"]
    same = screen.areas[place] if place < len(screen.areas) and screen.areas[place].type == "VIEW_3D" else None
    if same is not None and _space(same).local_view is not None:
        return same
    return next((area for area in viewports if _space(area).local_view is not None), same)


def follow(*, enter_anew: bool = False) -> None:
    """Bring each window's viewport into step with its scene. ``enter_anew``: also where no viewport shows what the scene
    says, as after loading a file without its windows."""
    if any(ENGINE in scene for scene in bpy.data.scenes):
        from ...studio.scene.render_job import settle_engines

        settle_engines()
    for window in bpy.context.window_manager.windows:
        own, kept = window.scene.consistency, _kept(window.screen)
        if not own.studio_view:
            _end_viewport(window)
        elif kept is not None:
            area = _area_of(window.screen, kept)
            if area is not None and _space(area).local_view is not None:
                from ...studio.scene import set_aside

                set_aside.isolate(window.view_layer, _space(area))
            elif area is not None and enter_anew:  # Blender leaves a local view that has become empty
                _set_again(window, area)
        elif enter_anew and not any(_kept(screen) for screen in bpy.data.screens):
            _set_again(*_viewport(window.scene))


def _set_again(window: Window | None, area: Area | None) -> None:

    if window is None or area is None or reasons.no_product() is not None:
        return
    with contextlib.suppress(ConsistencyError):
        settings = to_settings(window.scene)
        _end_viewport(window)
        _set_viewport(window, area, settings)


def settings_changed(scene: Scene, settings: RunSettings) -> None:
    """The frame, the backdrop, the selected angle or what stands there is another: show it, where the studio view is on."""
    if not scene.consistency.studio_view:
        return
    before = (scene.render.resolution_x, scene.render.resolution_y)
    with contextlib.suppress(ConsistencyError):
        _set_scene(scene, settings)
    follow()
    if before == settings.resolution:
        return
    for window in _windows(scene):
        area = _area_in_studio_view(window)
        if area is not None:
            with _in(window, area):
                _fit(area, settings.resolution)


def _area_in_studio_view(window: Window) -> Area | None:
    kept = _kept(window.screen)
    return _area_of(window.screen, kept) if kept is not None else None


def follow_soon() -> None:
    """After an undo: operators can't be called from its handler."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_follow):
        bpy.app.timers.register(_follow, first_interval=0.0)


def _follow() -> None:
    follow(enter_anew=True)


def _opened() -> None:
    """A file was loaded. Blender opens none with a rendered viewport: each begins as a solid one."""
    follow(enter_anew=True)
    for window in bpy.context.window_manager.windows:
        area = _area_in_studio_view(window)
        if area is not None and window.scene.consistency.studio_view:
            _space(area).shading.type = "RENDERED"


def opened_soon() -> None:
    if not bpy.app.background and not bpy.app.timers.is_registered(_opened):
        bpy.app.timers.register(_opened, first_interval=0.2)


def show_soon() -> None:
    """A product was taken: show it as soon as it stands in the scene and the rig around it."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_show):
        bpy.app.timers.register(_show, first_interval=0.1)


def show_if_wanted() -> None:
    """The rig of a run stands: show the product, where that is still to be done, before the renders of the run begin."""
    if bpy.app.timers.is_registered(_show):
        bpy.app.timers.unregister(_show)
        wait = _show()
        if wait is not None:
            bpy.app.timers.register(_show, first_interval=wait)


def _show() -> float | None:
    from ...studio.scene.collections import existing_objects
    from ...studio.scene.render_job import LOOK, is_busy

    scene = bpy.context.scene
    if active_run.is_active() and not existing_objects(RIG):
        return 0.3
    if is_busy():  # the viewport would begin with the artist's engine, and get its own at the end of the render
        return LOOK
    if scene is None or reasons.no_product() is not None:
        return None
    try:
        enter(scene)
    except ConsistencyError as error:
        log.info("the product is not shown: %s", error)
        return None
    bpy.ops.ed.undo_push(message="Studio View")  # or the next undo would take it back as well
    return None


def unregister() -> None:
    """Without us there is no toggle any more: give everything back."""
    for scene in bpy.data.scenes:
        leave(scene)
    for timer in (_follow, _opened, _show):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
