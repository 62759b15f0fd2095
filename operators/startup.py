# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""After a file is loaded or another scene shown: default angles, and a look at the run that it was working on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.handlers import persistent

from ..pipeline import names
from ..pipeline.rig import ANGLE_SETS, DEFAULT_ANGLE_SET
from ..pipeline.settings.choices import BackendName
from .display import faithful, first_screen, follow, refresh, status, studio_view
from .display.board import drafts, overlay
from .editing import angles, live, preferences
from .editing.live import Change
from .runs import active_run, run_request

if TYPE_CHECKING:
    from ..pipeline.settings.groups import RunSettings

_watcher = object()
SAVING, SAVED = "is still being saved", "is saved"
LOOK = 2.0  # seconds between two looks whether it is
TAKEN_BACK = "Undo took back the run in "


@persistent
def _loaded(*_arguments: Any) -> None:
    """Cheap: the looking is done by a timer, when the window has been drawn."""
    _watch_scene()
    faithful.forget()  # its timer is gone with the file
    if overlay.current() is not None:  # what the window's status said of it may be gone as well
        overlay.close()  # so is its own timer, and the viewport that it was shown in
    look_soon()
    studio_view.opened_soon()


def _watch_scene() -> None:
    """Look again whenever a window shows another scene: it has a run of its own, or none. Loading a file forgets this."""
    bpy.msgbus.clear_by_owner(_watcher)
    for what in ("scene", "workspace"):  # a workspace that wasn't shown may still be in the studio view
        key: Any = (bpy.types.Window, what)
        bpy.msgbus.subscribe_rna(key=key, owner=_watcher, args=(), notify=look_soon)


@persistent
def _undone(*_arguments: Any) -> None:
    """Undo takes back the angles and the run's folder as well: say so, and show what is left."""
    scene, now = bpy.context.scene, status.of()
    if scene is None:
        return
    studio_view.follow_soon()
    overlay.changed()
    drafts.undone()
    own = scene.consistency
    if not own.angles:
        look_soon()
    if now.running:
        return
    follow.forget_refusal()
    faithful.undone(scene)
    root = bpy.path.abspath(own.run_folder)
    if now.run_folder and not root:
        now.note = f"{TAKEN_BACK}{now.run_folder}: redo, or open it again under Jobs, Earlier Runs"
    elif now.note.startswith(TAKEN_BACK):
        now.note = ""
    if root != now.run_folder:
        look_soon()


def look_soon() -> None:
    if not bpy.app.background and not bpy.app.timers.is_registered(_look):
        bpy.app.timers.register(_look, first_interval=0.2)


def _look() -> None:
    scene = bpy.context.scene
    if scene is None or not hasattr(scene, "consistency"):
        return
    give_default_angles(scene)
    studio_view.follow(enter_anew=True)
    now, root = status.of(), scene.consistency.run_folder
    if now.running:
        return
    if names.RENDER_SCENE in bpy.data.scenes:  # the file was saved during a run
        from ..studio.rendering.render_scene import remove_render_scene

        remove_render_scene()
    say_what_was_left(scene)
    if root or now.run_folder:
        refresh.everything(scene)
        follow.preview_prompt(scene)
    status.redraw()


def say_what_was_left(scene: bpy.types.Scene) -> None:
    """Tell once of runs that another file, or a Blender that was closed or crashed, was working on."""
    if active_run.is_active():
        return
    from .runs import abandoned_runs

    notes = []
    for root, by_us in abandoned_runs.take():
        cure = "open it again under Jobs, Earlier Runs, and press Resume"
        if bpy.path.abspath(scene.consistency.run_folder) == str(root):
            cure = "press Resume to go on"
        notes.append(f"A run was left before its end: {cure}. {_what_is_kept(root, by_us=by_us)}: {root}")
        if by_us and not bpy.app.background:
            bpy.app.timers.register(lambda root=root: _look_whether_saved(root), first_interval=LOOK)
    if notes:
        status.of().note = ". ".join(notes)


def _what_is_kept(root: Path, *, by_us: bool) -> str:
    """What of a run that was left is on disk, or still on its way there."""
    from ..pipeline.errors import RunFolderError
    from ..pipeline.run.run_folder import RunFolder

    try:
        folder = RunFolder.open(root)
    except RunFolderError:
        return "What was made lies there"
    names = [angle.name for angle in folder.settings.studio.angles]
    references = sum(folder.shot(name) is not None for name in names)
    stills = sum(folder.chosen(f"photoreal/{name}") is not None for name in names)
    made = f"{references} of {len(names)} references and {stills} of {len(names)} stills are done"
    if folder.settings.service.backend == BackendName.LOCAL:
        return f"{made} and lie there"
    return f"{made}, and what was paid for {SAVING if by_us else SAVED} there"


def _look_whether_saved(root: Path) -> float | None:
    """Say it as soon as the process that pays has saved everything and is gone."""
    from ..pipeline.run.lease import Lease

    if not hasattr(bpy.context.window_manager, "consistency"):  # the extension was disabled meanwhile
        return None
    now = status.of()
    if str(root) not in now.note or SAVING not in now.note:
        return None
    if Lease(root / ".purchases.lease", "").holder() is not None:
        return LOOK
    now.note = now.note.replace(SAVING, SAVED)
    status.redraw()
    return None


def give_default_angles(scene: bpy.types.Scene) -> None:
    """A scene that never had any angle gets the five of the product set, and the preferences' endpoints."""
    own = scene.consistency
    if not own.run_folder:
        first_screen.preset_source(scene)
    if not own.angles and not own.is_property_set("angle_index"):
        with live.paused():
            angles.set_angles(scene, ANGLE_SETS[DEFAULT_ANGLE_SET])
        shared = preferences.preferences()
        for name in ("image_endpoint", "video_endpoint"):
            if shared is not None and getattr(shared, name).strip():
                setattr(own, name, getattr(shared, name).strip())


LOOKS = ("MESH", "MATERIAL", "NODETREE", "IMAGE", "OBJECT", "CURVE", "LIGHT")  # what references' looks are made of
LAMPS = ("OBJECT", "LIGHT", "COLLECTION")  # what a lamp that is moved, changed, copied or deleted by hand changes


@persistent
def _mesh_or_material_changed(_scene: Any, depsgraph: Any) -> None:
    """Take note only; hashing the product waits until the artist pauses."""
    now, shown = status.of(), bpy.context.scene
    if not now.running and shown is not None and not shown.consistency.angles:  # made a moment ago
        look_soon()
    if overlay.current() is not None and any(depsgraph.id_type_updated(kind) for kind in LAMPS):
        overlay.changed()
    if now.running or not len(now.shots):
        return
    if any(depsgraph.id_type_updated(kind) for kind in LOOKS):
        if bpy.app.timers.is_registered(_look_for_stale):
            bpy.app.timers.unregister(_look_for_stale)
        if not bpy.app.background:
            bpy.app.timers.register(_look_for_stale, first_interval=0.8)


def _look_for_stale() -> None:
    from ..pipeline.errors import ConsistencyError

    scene, now = bpy.context.scene, status.of()
    if now.running or not scene.consistency.run_folder:
        return
    try:
        folder = run_request.folder_of(scene)
    except ConsistencyError:
        return
    refresh.stale(scene, folder)
    status.redraw()


def _edited(change: Change, scene: bpy.types.Scene, settings: RunSettings | None = None) -> None:
    """``live.Follower``: the scene follows at once, and what the panels say of the run soon."""
    follow.changed(change, scene, settings)
    if change in (Change.ANGLES, Change.LIGHT):
        _look_for_stale_soon()
    elif change is Change.SOURCE:  # what is shown of the run so far is about the earlier product
        now = status.of()
        if not now.running:
            now.error = now.details = now.note = ""
        look_soon()


def _look_for_stale_soon() -> None:
    if bpy.app.background or not len(status.of().shots):
        return
    if not bpy.app.timers.is_registered(_look_for_stale):
        bpy.app.timers.register(_look_for_stale, first_interval=0.3)


HANDLERS = (
    (bpy.app.handlers.load_post, _loaded),
    (bpy.app.handlers.undo_post, _undone),
    (bpy.app.handlers.redo_post, _undone),
    (bpy.app.handlers.depsgraph_update_post, _mesh_or_material_changed),
)


def register() -> None:
    for handlers, handler in HANDLERS:
        handlers.append(handler)
    live.follow_with(_edited)
    _loaded()


def unregister() -> None:
    bpy.msgbus.clear_by_owner(_watcher)
    live.follow_with(None)
    for timer in (_look, _look_for_stale):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    for handlers, handler in HANDLERS:
        if handler in handlers:
            handlers.remove(handler)
