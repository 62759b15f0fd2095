"""What buttons and commands do. Thin: read the context, call the studio or the chain, report.

Nothing heavy is imported here: registering must not be felt when Blender starts.
"""

from __future__ import annotations

from typing import Any

import bpy

from . import command, preferences, startup
from .display import (
    compare,
    compare_handle,
    first_screen,
    pictures,
    results,
    status,
    studio_view,
    thumbnails,
)
from .editing import fields, lighting, orientation, properties, rig, source
from .runs import bug_report, costs, gradual_imports, jobs, run

CLASSES: tuple[Any, ...] = (
    *properties.CLASSES,
    *status.CLASSES,
    *preferences.CLASSES,
    *run.CLASSES,
    *costs.CLASSES,
    *first_screen.CLASSES,
    *source.CLASSES,
    *rig.CLASSES,
    *lighting.CLASSES,
    *orientation.CLASSES,
    *pictures.CLASSES,
    *compare.CLASSES,
    *compare_handle.CLASSES,
    *studio_view.CLASSES,
    *results.CLASSES,
    *fields.CLASSES,
    *jobs.CLASSES,
    *bug_report.CLASSES,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.consistency = bpy.props.PointerProperty(type=properties.CONSISTENCY_PG_settings)
    bpy.types.WindowManager.consistency = bpy.props.PointerProperty(
        type=status.CONSISTENCY_PG_status, options={"SKIP_SAVE"}
    )
    command.register()
    startup.register()


def unregister() -> None:
    run.unregister()
    startup.unregister()
    command.unregister()
    compare.unregister()
    studio_view.unregister()
    thumbnails.unregister()
    gradual_imports.unregister()
    first_screen.unregister()
    del bpy.types.WindowManager.consistency
    del bpy.types.Scene.consistency
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
