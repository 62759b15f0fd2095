"""What buttons and commands do. Thin: read the context, call the studio or the chain, report.

Nothing heavy is imported here: registering must not be felt when Blender starts.
"""

from __future__ import annotations

import bpy

from . import command, preferences

CLASSES = (*preferences.CLASSES,)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    command.register()


def unregister() -> None:
    command.unregister()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
