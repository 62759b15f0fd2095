# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks as files, for another product, another scene and the command's --look."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import StringProperty

from ...pipeline.settings.look import look_of, read_look, save_look
from ..editing import scene_settings
from .operator_base import Button

if TYPE_CHECKING:
    from bpy.types import Context, Event


class LookFile(Button):
    """An operator about one file, which it asks for."""

    bl_options = {"REGISTER"}
    error_at = "rig"

    filepath: StringProperty(
        name="Look File", description="The look's file", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    filter_glob: StringProperty(default="*.json", options={"HIDDEN"})

    def invoke(self, context: Context, _event: Event) -> set[str]:
        if self.filepath:
            return self.execute(context)
        context.window_manager.fileselect_add(self)  # type: ignore[arg-type]
        return {"RUNNING_MODAL"}


class CONSISTENCY_OT_save_look(LookFile, bpy.types.Operator):
    """Save this lighting with its mix, its lights and the backdrop as a file, for any product"""

    bl_idname = "consistency.save_look"
    bl_label = "Save Look"

    def act(self, context: Context) -> None:
        path = Path(bpy.path.ensure_ext(bpy.path.abspath(self.filepath), ".json"))
        save_look(path, path.stem, look_of(scene_settings.mixed(context.scene)))


class CONSISTENCY_OT_open_look(LookFile, bpy.types.Operator):
    """Keep the look of a file with the scene, beside the others; pressed there, it lights the product"""

    bl_idname = "consistency.open_look"
    bl_label = "Open Look"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: Context) -> None:
        own = context.scene.consistency
        name, data = read_look(Path(bpy.path.abspath(self.filepath)))
        look = own.looks.get(name) or own.looks.add()
        look.name, look.data = name, json.dumps(data)


CLASSES = (CONSISTENCY_OT_save_look, CONSISTENCY_OT_open_look)
