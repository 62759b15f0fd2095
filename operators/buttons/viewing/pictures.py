# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be done with pictures that are there: choose a take, look for stale ones, look at one, play the clip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import IntProperty, StringProperty

from ...display import faithful, reasons, refresh
from ...runs.run_request import root_of
from ..operator_base import Button
from .told_again import ToldAgain

if TYPE_CHECKING:
    from bpy.types import Context

    from ....pipeline.run.run_folder import RunFolder


class CONSISTENCY_OT_choose_take(ToldAgain, bpy.types.Operator):
    """Show this take as the angle's still; the others stay beside it"""

    bl_idname = "consistency.choose_take"
    bl_label = "Choose Take"
    bl_options = {"REGISTER"}

    angle: StringProperty(name="Angle", description="Name of the angle", options={"SKIP_SAVE"})
    take: IntProperty(name="Take", description="Number of the take", options={"SKIP_SAVE"})

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.no_run(context)

    def change(self, context: Context, folder: RunFolder) -> None:
        from ....pipeline.results import tell_again

        folder.choose(f"photoreal/{self.angle}", self.take)
        faithful.follow_take(context.scene, folder, self.angle)
        for image in bpy.data.images:
            if image.filepath and Path(bpy.path.abspath(image.filepath)) == folder.still(self.angle):
                image.reload()
        tell_again(folder)


class CONSISTENCY_OT_refresh(Button, bpy.types.Operator):
    """Look at the run's folder, and at what has changed in the scene since each reference was rendered"""

    bl_idname = "consistency.refresh"
    bl_label = "Look for Changes"
    bl_options = {"REGISTER"}

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.busy(context) or reasons.no_run(context)

    def act(self, context: Context) -> None:
        refresh.everything(context.scene)
        refresh.history()


class CONSISTENCY_OT_open_file(Button, bpy.types.Operator):
    """Open this file in the program that the system has for it"""

    bl_idname = "consistency.open_file"
    bl_label = "Open"
    bl_options = {"INTERNAL"}

    path: StringProperty(name="File", description="The file to open", options={"SKIP_SAVE"})

    def act(self, _context: Context) -> set[str] | None:
        if not Path(self.path).exists():
            return self.refuse(f"{self.path} is not there any more; make it again")
        bpy.ops.wm.path_open(filepath=self.path)
        return None


class CONSISTENCY_OT_open_folder(Button, bpy.types.Operator):
    """Show the run's folder in the system's file browser"""

    bl_idname = "consistency.open_folder"
    bl_label = "Open Folder"
    bl_options = {"INTERNAL"}

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.no_run(context)

    def act(self, context: Context) -> set[str] | None:
        root = root_of(context.scene)
        if root is None or not root.is_dir():
            return self.refuse(f"{root} is not there any more; press New Run")
        bpy.ops.wm.path_open(filepath=str(root))
        return None


CLASSES = (
    CONSISTENCY_OT_choose_take,
    CONSISTENCY_OT_refresh,
    CONSISTENCY_OT_open_file,
    CONSISTENCY_OT_open_folder,
)
