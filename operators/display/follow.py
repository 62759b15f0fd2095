# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a setting changes in the scene at the moment it is edited: cameras, lamps, and the words that will be sent.

Nothing is touched before a product stands in the scene, nor while several settings are being set at once; nor during a
run, whose pictures all show the settings that it began with: then the scene follows at the end.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

import bpy

from ...pipeline import names
from ...pipeline.errors import ConsistencyError
from ...pipeline.stages import Stage
from ..editing import live, scene_settings
from ..editing.live import Change
from ..runs import active_run, gradual_imports
from . import faithful, status, studio_view
from .board import overlay

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ...pipeline.settings.groups import RunSettings

log = logging.getLogger(__name__)
_behind = False  # something was edited during a run
_refusal = ""  # what is said of the environment that was chosen


def changed(change: Change, scene: bpy.types.Scene, settings: RunSettings | None = None) -> None:
    """``live.Follower`` of the viewports and of what the panels say of the prompt."""
    if change is Change.MIX:
        overlay.changed()
        return
    if change in (Change.LIGHT, Change.ANGLES, Change.RIG):
        overlay.changed()
    if change is Change.PRODUCT:
        studio_view.show_soon()
    elif change is Change.RIG:
        studio_view.show_if_wanted()
        _show_in_studio(scene, settings)
    elif change is Change.NAME:
        name_is_about_this_product(scene)
    elif change is Change.FAITHFUL:
        faithful.slid(scene, live.slid)
    else:
        if change is Change.ANGLES:
            place_cameras(scene)
        elif change is Change.LIGHT:
            place_lights(scene)
        preview_prompt(scene)
        if change is Change.ANGLE:
            _show_in_studio(scene)


def name_is_about_this_product(scene: bpy.types.Scene) -> None:
    """A name and a turn are about the product that they were given to, and no other."""
    own = scene.consistency
    about = scene_settings.made_from(scene_settings.inputs_of(scene), own.text)
    if own.about != about:
        own.about, own.turn = about, (0.0, 0.0, 0.0)


def catch_up(scene: bpy.types.Scene) -> None:
    """Do what was edited during a run that has ended."""
    global _behind
    if _behind:
        _behind = False
        place_cameras(scene)
        place_lights(scene)


def place_cameras(scene: bpy.types.Scene) -> None:
    """Move the rig's cameras to where the settings say, where a rig stands already."""
    found = _standing(scene)
    if found is None:
        return
    settings, points = found
    from ...studio import rig
    from ...studio.scene.collections import existing_objects, remove_objects

    current = {angle.name for angle in settings.studio.angles}
    remove_objects(camera for camera in existing_objects(names.RIG) if camera.get(names.ANGLE) not in current)
    rig.place_cameras(points, settings)
    _show_in_studio(scene)


def place_lights(scene: bpy.types.Scene) -> None:
    """Light the product as the settings say, where a rig stands already."""
    found = _standing(scene)
    if found is None:
        return
    settings, points = found
    from ...studio import lighting
    from ...studio.scene import backdrop

    forget_refusal()
    try:
        lighting.place_lighting(settings, points)
    except ConsistencyError as error:  # an environment that is no picture: the surroundings stay, and it is said
        refused(error)
    backdrop.place_backdrop(settings, points)
    _show_in_studio(scene)


def refused(error: ConsistencyError) -> None:
    """Say at Rig why an environment was not taken, until another one is chosen."""
    global _refusal
    now, _refusal = status.of(), str(error)
    now.error, now.error_at, now.details = _refusal, Stage.RIG, _refusal
    status.redraw()  # a drop redraws the viewport alone


def forget_refusal() -> None:
    """What was said of an environment is not so any more: another one was chosen, or the choice was undone."""
    global _refusal
    now = status.of()
    if _refusal and now.error.lower() == _refusal.lower():
        now.error = now.details = ""
    _refusal = ""


def _show_in_studio(scene: bpy.types.Scene, settings: RunSettings | None = None) -> None:
    """Have the studio view, where it is on, show what stands there: by ``settings``, or by the scene's own of now."""
    if not scene.consistency.studio_view:
        return
    with contextlib.suppress(ConsistencyError):
        studio_view.settings_changed(scene, settings or scene_settings.to_settings(scene))


def _standing(scene: bpy.types.Scene) -> tuple[RunSettings, NDArray[np.float64]] | None:
    """The settings and the product's vertices in metres, where a rig stands in this scene and the settings make sense."""
    global _behind
    rigs = bpy.data.collections.get(names.RIG)  # no more of the studio is imported for an empty scene
    if rigs is None or not rigs.all_objects or scene != bpy.context.scene:
        return None
    if active_run.is_active():
        _behind = True
        return None
    try:
        return scene_settings.to_settings(scene), _product_points()
    except ConsistencyError as error:
        log.debug("the scene does not follow: %s", error)
        return None


_points: dict[tuple[Any, ...], NDArray[np.float64]] = {}


def _product_points() -> NDArray[np.float64]:
    """The product's vertices, read again only when its parts have changed: a slider asks sixty times a second."""
    from ...studio import model

    root = model.product_root()
    parts = (root, *sorted(model.parts_of(root), key=lambda part: part.session_uid))
    key = tuple(
        (
            part.session_uid,
            len(part.data.vertices) if part.type == "MESH" else 0,
            *(tuple(row) for row in part.matrix_world),
        )
        for part in parts
    )
    if key not in _points:
        _points.clear()
        _points[key] = model.product_points()
    return _points[key]


def preview_prompt(scene: bpy.types.Scene) -> None:
    """Compose what would be sent for the selected angle, for the panel to show; later, where imports are still going on."""
    if not gradual_imports.is_ready():
        return
    from ...pipeline.photoreal import prompt_for
    from ...pipeline.plan import UNKNOWN_PRODUCT

    now = status.of()
    try:
        settings = scene_settings.to_settings(scene)
    except ConsistencyError as error:
        now.preview = ""
        log.debug("no prompt to show: %s", error)
        return
    index = min(scene.consistency.angle_index, len(settings.studio.angles) - 1)
    now.preview = prompt_for(settings.studio.angles[index], settings, UNKNOWN_PRODUCT)
    now.preview_angle = settings.studio.angles[index].name
