# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Catalogue: a table of products, how each row stands, run, stop, go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..operators.buttons.catalogue import was_checked
from ..operators.editing import scene_settings
from ..pipeline.catalogue.state import RowState
from ..pipeline.settings.choices import BackendName
from .sidebar import Sidebar
from .words import message

if TYPE_CHECKING:
    from bpy.types import Context, UILayout

ICONS: dict[str, Any] = {
    RowState.NOT_BEGUN: "RADIOBUT_OFF",
    RowState.WORKING: "PLAY",
    RowState.UNFINISHED: "PAUSE",
    RowState.STOPPED: "PAUSE",
    RowState.FAILED: "ERROR",
    RowState.DONE: "CHECKMARK",
}


class CONSISTENCY_UL_catalogue(bpy.types.UIList):
    def draw_item(
        self, _context: Context, layout: UILayout, _data: Any, item: Any, _icon: int, _active: Any, _field: str
    ) -> None:
        split = layout.split(factor=0.5)
        split.label(text=item.name, icon=ICONS.get(item.state, "DOT"))
        split.label(text=item.why if item.state == RowState.WORKING and item.why else item.state)


class CONSISTENCY_PT_catalogue(Sidebar, bpy.types.Panel):
    bl_label = "Catalogue"
    bl_parent_id = "CONSISTENCY_PT_sidebar"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        layout, own = self.layout, context.scene.consistency_catalogue
        now = context.window_manager.consistency_catalogue
        column = layout.column()
        column.enabled = not now.running
        column.prop(own, "table", text="", placeholder="Table or folder of products")
        column.prop(own, "out", text="", placeholder="Folder for the pictures")
        if scene_settings.chosen_backend(context.scene) == BackendName.FAL:
            column.prop(own, "budget")
        row = column.row(align=True)
        row.operator("consistency.catalogue_check", icon="VIEWZOOM")
        row.operator("consistency.catalogue_template", text="", icon="EXPORT")
        layout.template_list("CONSISTENCY_UL_catalogue", "", now, "rows", now, "row_index", rows=4, maxrows=12)
        if 0 <= now.row_index < len(now.rows) and now.rows[now.row_index].why:
            message(layout, now.rows[now.row_index].why, icon="INFO")
        row = layout.row(align=True)
        if now.running:
            row.operator("consistency.catalogue_stop", icon="CANCEL")
        else:
            begun = any(each.state != RowState.NOT_BEGUN for each in now.rows)
            row.operator("consistency.catalogue_run", text="Go On" if begun else "Run Catalogue", icon="PLAY")
            if any(each.state == RowState.FAILED for each in now.rows):
                row.operator("consistency.catalogue_run", text="Retry Failed").retry_failed = True
        row.operator("consistency.catalogue_page", icon="URL")
        if now.error:
            message(layout, now.error, icon="ERROR", alert=True)
        elif now.note and (now.running or was_checked(context)):
            message(layout, now.note, icon="INFO")


CLASSES = (CONSISTENCY_UL_catalogue, CONSISTENCY_PT_catalogue)
