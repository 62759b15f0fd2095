# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Model: what the product is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..operators.display import status
from ..operators.editing import scene_settings
from ..pipeline.stages import LABELS, Stage
from .sidebar import Sidebar, draw_studio_view
from .stage import StagePanel, any_endpoint, endpoint_choice, parameters

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


SOURCES: tuple[tuple[str, Any], ...] = (
    ("PHOTOS", "IMAGE_DATA"),
    ("WORDS", "TEXT"),
    ("FILE", "FILE_3D"),
    ("OBJECTS", "OBJECT_DATA"),
)
PHOTO_ROWS = 4  # as many as there can be

TURN_ICONS: tuple[tuple[str, Any], ...] = (
    ("LEFT", "LOOP_FORWARDS"),
    ("RIGHT", "LOOP_BACK"),
    ("FORWARD", "TRIA_DOWN"),
    ("BACK", "TRIA_UP"),
    ("NONE", "X"),
)


class CONSISTENCY_UL_photos(bpy.types.UIList):
    def draw_item(
        self, _context: Context, layout: UILayout, _data: Any, item: Any, _icon: int, _active: Any, _field: str
    ) -> None:
        layout.label(text=bpy.path.basename(item.path), icon="IMAGE_DATA")


class CONSISTENCY_PT_model(StagePanel, bpy.types.Panel):
    bl_label = LABELS[Stage.MODEL]
    stage = Stage.MODEL

    def draw(self, context: Context) -> None:
        layout, own = self.layout, context.scene.consistency
        grid = layout.grid_flow(row_major=True, columns=2, even_columns=True, align=True)
        grid.scale_y = 1.4
        for source, icon in SOURCES:
            grid.prop_enum(own, "source", source, icon=icon)
        getattr(self, f"draw_{own.source.lower()}")(layout, own)
        if own.source in ("FILE", "OBJECTS"):
            layout.prop(own, "allow_missing_textures")
        draw_product(layout, context)
        draw_studio_view(layout, context, "Studio View")
        self.draw_run(layout, context)

    def draw_photos(self, layout: UILayout, own: Any) -> None:
        row = layout.row()
        row.template_list(
            "CONSISTENCY_UL_photos", "", own, "photos", own, "photo_index", rows=PHOTO_ROWS, maxrows=PHOTO_ROWS
        )
        column = row.column(align=True)
        column.operator("consistency.add_photos", text="", icon="ADD")
        column.operator("consistency.remove_photo", text="", icon="REMOVE")

    def draw_words(self, layout: UILayout, own: Any) -> None:
        layout.prop(own, "text", text="", placeholder="A brushed steel thermos")

    def draw_file(self, layout: UILayout, own: Any) -> None:
        row = layout.row(align=True)
        row.label(text=bpy.path.basename(own.file) or "No file chosen", icon="FILE_3D")
        row.operator("consistency.drop_model", text="", icon="FILEBROWSER")
        row = layout.row()
        row.enabled = bool(own.file)
        row.prop(own, "leave_out")
        row = layout.row()
        row.enabled = bool(own.file)
        shown = f"Variant: {own.variant}" if own.variant else "Variant: As the File Has It"
        row.operator("consistency.choose_variant", text=shown, icon="MATERIAL", translate=False)

    def draw_objects(self, layout: UILayout, own: Any) -> None:
        taken = bpy.path.display_name_from_filepath(own.objects) or "No objects taken"
        layout.label(text=taken, icon="OBJECT_DATA")
        layout.operator("consistency.use_selected", icon="RESTRICT_SELECT_OFF")


def draw_product(layout: UILayout, context: Context) -> None:
    """What it is, what it is called, which side is its front, and which it stands on; greyed out before there is one."""
    own, now = context.scene.consistency, status.of(context)
    made_from = scene_settings.made_from(scene_settings.inputs_of(context.scene), own.text)
    is_there = bool(now.product) and now.product_of == made_from
    layout.label(text=now.product if is_there else "No model yet", icon="MESH_DATA")
    layout.prop(own, "product_name", text="", placeholder="Name of the product", icon="SORTALPHA")
    column = layout.column(align=True)
    column.enabled = is_there
    column.operator_context = "INVOKE_DEFAULT"
    row = column.row(align=True)
    row.operator("consistency.pick_side", text="Pick Front", icon="EYEDROPPER").side = "FRONT"
    row.operator("consistency.pick_side", text="Pick Floor", icon="EYEDROPPER").side = "FLOOR"
    grid = column.grid_flow(row_major=True, columns=len(TURN_ICONS), even_columns=True, align=True)
    for by, icon in TURN_ICONS:
        grid.operator("consistency.turn_product", text="", icon=icon).by = by


class CONSISTENCY_PT_model_options(Sidebar, bpy.types.Panel):
    bl_label = "Endpoint"
    bl_parent_id = "CONSISTENCY_PT_model"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return context.scene.consistency.source in ("PHOTOS", "WORDS")

    def draw(self, context: Context) -> None:
        own = context.scene.consistency
        endpoint_choice(self.layout, own, "model", "model_endpoint")
        any_endpoint(self.layout, own, "model_endpoint")
        if own.source == "WORDS":
            self.layout.label(text="Picture First")
            endpoint_choice(self.layout, own, "picture", "picture_endpoint")
            any_endpoint(self.layout, own, "picture_endpoint")
        if own.model_endpoint:
            parameters(self.layout, own, own.model_endpoint, "model")


CLASSES = (CONSISTENCY_UL_photos, CONSISTENCY_PT_model, CONSISTENCY_PT_model_options)
