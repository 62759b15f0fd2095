"""Results: everything where an artist looks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .stage import StagePanel

if TYPE_CHECKING:
    from bpy.types import Context


class CONSISTENCY_PT_results(StagePanel, bpy.types.Panel):
    bl_label = "Results"
    bl_options = {"DEFAULT_CLOSED"}
    stage = "results"

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.operator("consistency.open_folder", icon="FILE_FOLDER")
        self.draw_run(layout, context)


CLASSES = (CONSISTENCY_PT_results,)
