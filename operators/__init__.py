# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What buttons and commands do. Thin: read the context, call the studio or the chain, report.

Rooms, each importing only from those after it: ``startup`` and ``buttons`` (what a press does), ``display`` (what panels and
viewports show), ``runs`` (what runs a run), ``editing`` (the settings that an artist edits).

Nothing heavy is imported here: registering must not be felt when Blender starts.
"""

from __future__ import annotations

from typing import Any

import bpy

from . import buttons, command, startup
from .display import catalogue, compare, compare_handle, faithful, first_screen, status, studio_view, thumbnails
from .display.board import drafts, overlay, touch
from .editing import properties
from .runs import gradual_imports

CLASSES: tuple[Any, ...] = (
    *properties.CLASSES,
    *status.CLASSES,
    *catalogue.CLASSES,
    *buttons.CLASSES,
    *compare_handle.CLASSES,
    *touch.CLASSES,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.consistency = bpy.props.PointerProperty(type=properties.CONSISTENCY_PG_settings)
    bpy.types.WindowManager.consistency = bpy.props.PointerProperty(
        type=status.CONSISTENCY_PG_status, options={"SKIP_SAVE"}
    )
    catalogue.register()
    command.register()
    startup.register()


def unregister() -> None:
    buttons.run.unregister()
    buttons.catalogue.unregister()
    startup.unregister()
    command.unregister()
    compare.unregister()
    overlay.unregister()
    drafts.unregister()
    faithful.unregister()
    studio_view.unregister()
    thumbnails.unregister()
    gradual_imports.unregister()
    first_screen.unregister()
    catalogue.unregister()
    del bpy.types.WindowManager.consistency
    del bpy.types.Scene.consistency
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
