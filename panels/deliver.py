# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deliver: the stills as files for shops, and whether each meets its shop's rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..operators.display import delivered, status, thumbnails
from ..operators.runs.run_request import root_of
from .place import Said, place
from .sidebar import Sidebar
from .words import message

if TYPE_CHECKING:
    from bpy.types import Context, UILayout

ICONS: dict[str, Any] = {"pass": "CHECKMARK", "advice": "INFO", "fail": "ERROR"}
SMALL = 4.0  # size of a thumbnail, in rows
HINT = "Makes files that shops accept, from the stills: placed, encoded, named, marked, every rule measured"
COMMAND = "In a terminal 'consistency deliver' also makes a turn to spin, AR files, larger renders, signed files"


class CONSISTENCY_PT_deliver(Sidebar, bpy.types.Panel):
    bl_label = "Deliver"
    bl_parent_id = "CONSISTENCY_PT_results"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        layout, own, now = self.layout, context.scene.consistency.delivery, status.of(context)
        grid = layout.grid_flow(row_major=True, columns=2, even_columns=True, align=True)
        grid.prop(own, "shops")
        column = layout.column(align=True)
        column.prop(own, "sku", text="", placeholder="Article Number")
        column.prop(own, "own", text="", placeholder="Own Preset (.json)")
        row = layout.row(align=True)
        row.prop(own, "enlarge")
        row.prop(own, "anyway")
        row = layout.row(align=True)
        row.prop(own, "clips")
        row.prop(own, "zip")
        layout.operator("consistency.deliver", icon="EXPORT")
        row = layout.row()
        message(row, COMMAND, icon="CONSOLE", height=4, beside=True)
        copy = row.operator("consistency.copy_text", text="", icon="COPYDOWN", emboss=False)
        copy.text = delivered.command(root_of(context.scene))
        place(layout, context, "deliver", Said(now.delivering, "PLAY") if now.delivering else Said(HINT, "BLANK1"))
        for each in now.delivered:
            draw_set(layout, each)
        if now.delivered:
            page = str(Path(now.delivered[0].folder).parent / "index.html")
            layout.operator("consistency.open_file", text="Show All in One Page", icon="URL").path = page


def draw_set(layout: UILayout, each: Any) -> None:
    """A set's headline, its pictures small, and what each of them does not meet."""
    box = layout.box()
    row = box.row()
    row.label(text=each.title, icon=ICONS.get(each.outcome, "DOT"), translate=False)
    row.operator("consistency.open_file", text="", icon="FILE_FOLDER", emboss=False).path = each.folder
    flow = box.grid_flow(row_major=True, columns=3, even_columns=True, align=True)
    for picture in each.pictures:
        column = flow.column(align=True)
        if picture.file:
            column.template_icon(icon_value=thumbnails.icon(picture.file), scale=SMALL)
        else:
            blank = column.column()
            blank.scale_y = SMALL
            blank.label(text="Not written")
        column.label(text=picture.name, icon=ICONS.get(picture.outcome, "DOT"), translate=False)
    message(box, each.headline, height=1)
    for picture in each.pictures:
        if picture.outcome == "fail":
            message(box, f"{picture.name}: {picture.why}", icon="ERROR", alert=True, height=2)


CLASSES = (CONSISTENCY_PT_deliver,)
