"""What a setting changes in the scene at the moment it is edited: cameras, lamps, and the words that will be sent.

Nothing is touched before a product stands in the scene, nor while several settings are being set at once; nor during a
run, whose pictures all show the settings that it began with: then the scene follows at the end.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import bpy

from ...pipeline.errors import ConsistencyError
from ..runs import active_run, gradual_imports

if TYPE_CHECKING:
    import numpy as np
    from bpy.types import Context
    from numpy.typing import NDArray

    from ...pipeline.settings import RunSettings

log = logging.getLogger(__name__)
_paused = 0
_behind = False  # something was edited during a run


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """Many settings change at once; the scene follows at the end, or not at all."""
    global _paused
    _paused += 1
    try:
        yield
    finally:
        _paused -= 1


def _scene(owner: Any, context: Context | None) -> bpy.types.Scene | None:
    if _paused:
        return None
    scene = getattr(owner, "id_data", None)
    return scene if isinstance(scene, bpy.types.Scene) else getattr(context, "scene", None)


def angles_changed(owner: Any, context: Context) -> None:
    scene = _scene(owner, context)
    if scene is not None:
        place_cameras(scene)
        preview_prompt(scene)
        _look_for_stale()


def source_changed(owner: Any, context: Context) -> None:
    """Another product: what is shown of the run so far is about the earlier one."""
    scene = _scene(owner, context)
    if scene is not None:
        preview_prompt(scene)
        from .. import startup
        from ..display import status

        now = status.of()
        if not now.running:  # what was said was about the earlier one too
            now.error = now.details = now.note = ""
        startup.look_soon()


def named(owner: Any, context: Context) -> None:
    """A name and a turn are about the product that they were given to, and no other."""
    scene = _scene(owner, context)
    if scene is not None:
        from . import scene_settings

        own = scene.consistency
        about = scene_settings.made_from(scene_settings.inputs_of(scene), own.text)
        if own.about != about:
            own.about, own.turn = about, (0.0, 0.0, 0.0)


def clip_follows(angle: Any, context: Context) -> None:
    """An angle was renamed: the clip that began or ended at it still does."""
    scene = _scene(angle, context)
    if scene is None:
        return
    own = scene.consistency
    for field in ("video_angle", "video_end_angle"):
        if getattr(own, field) and getattr(own, field) not in own.angles:
            setattr(own, field, angle.name)


def light_changed(owner: Any, context: Context) -> None:
    scene = _scene(owner, context)
    if scene is not None:
        place_lights(scene)
        preview_prompt(scene)
        _look_for_stale()


def follow(scene: bpy.types.Scene) -> None:
    """Catch up with what was edited during a run that has ended."""
    global _behind
    if _behind:
        _behind = False
        place_cameras(scene)
        place_lights(scene)


def angle_selected(owner: Any, context: Context) -> None:
    scene = _scene(owner, context)
    if scene is not None:
        preview_prompt(scene)
        _show_in_studio(scene)


def prompt_changed(owner: Any, context: Context) -> None:
    scene = _scene(owner, context)
    if scene is not None:
        preview_prompt(scene)


def _look_for_stale() -> None:
    from .. import startup

    startup.settings_changed()


def place_cameras(scene: bpy.types.Scene) -> None:
    """Move the rig's cameras to where the settings say, where a rig stands already."""
    found = _standing(scene)
    if found is None:
        return
    settings, points = found
    from ...studio import names, rig
    from ...studio.scene.collections import existing_objects, remove_objects

    wanted = {angle.name for angle in settings.studio.angles}
    remove_objects(camera for camera in existing_objects(names.RIG) if camera.get(names.ANGLE) not in wanted)
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

    lighting.place_lighting(settings, points)
    backdrop.place_backdrop(settings, points)
    _show_in_studio(scene)


def _show_in_studio(scene: bpy.types.Scene) -> None:
    """Have the studio view, where it is on, show the scene's settings as they are now."""
    if not scene.consistency.studio_view:
        return
    from ..display.studio_view import settings_changed
    from .scene_settings import to_settings

    with contextlib.suppress(ConsistencyError):
        settings_changed(scene, to_settings(scene))


def _standing(scene: bpy.types.Scene) -> tuple[RunSettings, NDArray[np.float64]] | None:
    """The settings and the product's vertices in metres, where a rig stands in this scene and the settings make sense."""
    global _behind
    rigs = bpy.data.collections.get(
        "Consistency Rig"
    )  # studio.names.RIG; the studio is not imported for an empty scene
    if rigs is None or not rigs.all_objects or scene != bpy.context.scene:
        return None
    if active_run.is_active():
        _behind = True
        return None
    from .scene_settings import to_settings

    try:
        return to_settings(scene), _product_points()
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
    from .scene_settings import to_settings

    status = bpy.context.window_manager.consistency
    try:
        settings = to_settings(scene)
    except ConsistencyError as error:
        status.preview = ""
        log.debug("no prompt to show: %s", error)
        return
    index = min(scene.consistency.angle_index, len(settings.studio.angles) - 1)
    status.preview = prompt_for(settings.studio.angles[index], settings, UNKNOWN_PRODUCT)
    status.preview_angle = settings.studio.angles[index].name
