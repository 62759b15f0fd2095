# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What must wait until Blender renders nothing: another engine for a scene, another scene in a window, a render of ours.

At each of the first two Blender frees what engines keep of earlier renders. It means to pass over those that are at work, but
knows them by a flag that is set late: an engine whose render is about to begin, or about to end, is freed under its
thread, and Blender crashes. A render that is begun stops every other, also the artist's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import bpy
from bpy.types import Scene

from ...pipeline import names
from ...pipeline.sentences import renders_already
from ...pipeline.stages import Progress, Stage, Steps

LOOK = 0.1  # seconds between two looks whether Blender still renders

_window_waits = False


def is_busy() -> bool:
    """Blender renders or bakes beside the window, ours or the artist's; or has just done so and is not through with it."""
    return bpy.app.is_job_running("RENDER") or bpy.app.is_job_running("OBJECT_BAKE")


@contextmanager
def waiting_window() -> Iterator[None]:
    """A script waits for a run: the window does nothing meanwhile, and so no job of it would ever end."""
    global _window_waits
    before, _window_waits = _window_waits, True
    try:
        yield
    finally:
        _window_waits = before


def window_waits() -> bool:
    """Within ``waiting_window``."""
    return _window_waits


def until_over(stage: Stage, angle: str | None = None) -> Steps[None]:
    """Wait until Blender renders nothing. Raises ConsistencyError where it never would, since the window waits."""
    while is_busy():
        if _window_waits:
            raise renders_already()
        yield Progress(stage, "waiting for Blender's own render", None, angle)


def engine_of(scene: Scene) -> str:
    """The engine that the scene has, or will have as soon as Blender renders nothing."""
    return str(scene.get(names.ENGINE, scene.render.engine))


def set_engine(scene: Scene, engine: str) -> None:
    """Give the scene an engine; while Blender renders, as soon as it no longer does. May raise TypeError: there is none such.

    Until then its name is kept on the scene, so that undo and saving treat it as the rest of the scene.
    """
    if engine == engine_of(scene):
        return
    if is_busy():
        scene[names.ENGINE] = engine
        settle_engines()
    else:
        scene.pop(names.ENGINE, None)
        scene.render.engine = engine


def settle_engines() -> None:
    """Set, as soon as Blender renders nothing, the engines that scenes are to have; also those of a file just opened."""
    if not bpy.app.timers.is_registered(_settle):
        bpy.app.timers.register(_settle, first_interval=LOOK)


def _settle() -> float | None:
    if is_busy():
        return LOOK
    for scene in bpy.data.scenes:
        engine = scene.pop(names.ENGINE, None)
        if engine is not None and scene.render.engine != engine:
            with suppress(TypeError):  # it is not there any more
                scene.render.engine = engine
    return None
