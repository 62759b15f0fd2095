"""What may be done with pictures that are there: choose a take, look for stale ones, look at one, play the clip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import IntProperty, StringProperty

from ...pipeline.errors import ConsistencyError
from ..runs import active_run, run_request
from ..runs.modal_base import say_error
from . import reasons, refresh

if TYPE_CHECKING:
    from bpy.types import Context

    from ...pipeline.run.run_folder import RunFolder


def folder_at_hand(scene: bpy.types.Scene) -> RunFolder:
    """The scene's run; the active drive's own object where it is active, so that both write the same record.

    Raises RunFolderError.
    """
    from ...pipeline.errors import RunFolderError
    from ...pipeline.run.run_folder import RunFolder

    root = run_request.run_folder_of(scene)
    if root is None:
        raise RunFolderError("there is no run yet; press Run All first")
    active = active_run.current
    if active is not None and not active.ended and active.folder.root == root:
        return active.folder
    return RunFolder.open(root)


class CONSISTENCY_OT_choose_take(bpy.types.Operator):
    """Show this take as the angle's still; the others stay beside it"""

    bl_idname = "consistency.choose_take"
    bl_label = "Choose Take"
    bl_options = {"REGISTER"}

    angle: StringProperty(name="Angle", description="Name of the angle", options={"SKIP_SAVE"})
    take: IntProperty(name="Take", description="Number of the take", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: Context) -> bool:
        return reasons.refuse(cls, reasons.no_run(context))

    def execute(self, context: Context) -> set[str]:
        try:
            folder = folder_at_hand(context.scene)
            folder.choose(f"photoreal/{self.angle}", self.take)
        except ConsistencyError as error:
            say_error(self, error)
            return {"CANCELLED"}
        for image in bpy.data.images:
            if image.filepath and Path(bpy.path.abspath(image.filepath)) == folder.still(self.angle):
                image.reload()
        refresh.everything(context.scene, folder)
        return {"FINISHED"}


class CONSISTENCY_OT_refresh(bpy.types.Operator):
    """Look at the run's folder, and at what has changed in the scene since each reference was rendered"""

    bl_idname = "consistency.refresh"
    bl_label = "Look for Changes"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return reasons.refuse(cls, reasons.busy(context) or reasons.no_run(context))

    def execute(self, context: Context) -> set[str]:
        refresh.everything(context.scene)
        refresh.history()
        return {"FINISHED"}


class CONSISTENCY_OT_open_picture(bpy.types.Operator):
    """Open this file in the program that the system has for it"""

    bl_idname = "consistency.open_file"
    bl_label = "Open"
    bl_options = {"INTERNAL"}

    path: StringProperty(name="File", description="The file to open", options={"SKIP_SAVE"})

    def execute(self, _context: Context) -> set[str]:
        if not Path(self.path).exists():
            self.report({"ERROR"}, f"{self.path} is not there any more; make it again")
            return {"CANCELLED"}
        bpy.ops.wm.path_open(filepath=self.path)
        return {"FINISHED"}


class CONSISTENCY_OT_open_folder(bpy.types.Operator):
    """Show the run's folder in the system's file browser"""

    bl_idname = "consistency.open_folder"
    bl_label = "Open Folder"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return reasons.refuse(cls, reasons.no_run(context))

    def execute(self, context: Context) -> set[str]:
        root = run_request.run_folder_of(context.scene)
        if root is None or not root.is_dir():
            self.report({"ERROR"}, f"{root} is not there any more; press New Run")
            return {"CANCELLED"}
        bpy.ops.wm.path_open(filepath=str(root))
        return {"FINISHED"}


CLASSES = (
    CONSISTENCY_OT_choose_take,
    CONSISTENCY_OT_refresh,
    CONSISTENCY_OT_open_picture,
    CONSISTENCY_OT_open_folder,
)
