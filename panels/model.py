"""Model: what the product is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..operators import reasons, scene_settings, status
from .sidebar import Sidebar, draw_studio_view
from .stage import StagePanel, any_endpoint, endpoint_choice, parameters

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


class CONSISTENCY_UL_photos(bpy.types.UIList):
    def draw_item(self, _context: Context, layout: UILayout, _data: Any, item: Any, _icon: int, _active: Any, _field: str) -> None:  # fmt: skip
        layout.label(text=bpy.path.basename(item.path), icon="IMAGE_DATA")


class CONSISTENCY_PT_model(StagePanel, bpy.types.Panel):
    bl_label = "Model"
    stage = "model"

    def draw(self, context: Context) -> None:
        layout, own = self.layout, context.scene.consistency
        layout.prop(own, "source", text="")
        getattr(self, f"draw_{own.source.lower()}")(layout, own)
        now = status.of(context)
        if now.product and now.product_of == scene_settings.made_from(
            scene_settings.inputs_of(context.scene), own.text
        ):
            layout.label(text=now.product, icon="MESH_DATA")
        if context.scene.consistency.studio_view or reasons.no_product() is None:
            draw_studio_view(layout, context, "Studio View")
        self.draw_run(layout, context)

    def draw_photos(self, layout: UILayout, own: Any) -> None:
        row = layout.row()
        row.template_list("CONSISTENCY_UL_photos", "", own, "photos", own, "photo_index", rows=2, maxrows=4)
        column = row.column(align=True)
        column.operator("consistency.add_photos", text="", icon="ADD")
        column.operator("consistency.remove_photo", text="", icon="REMOVE")

    def draw_words(self, layout: UILayout, own: Any) -> None:
        layout.prop(own, "text", text="", placeholder="A brushed steel thermos")

    def draw_file(self, layout: UILayout, own: Any) -> None:
        row = layout.row(align=True)
        row.label(text=bpy.path.basename(own.file) or "No file chosen", icon="FILE_3D")
        row.operator("consistency.drop_model", text="", icon="FILEBROWSER")

    def draw_objects(self, layout: UILayout, own: Any) -> None:
        if own.objects:
            layout.label(text=bpy.path.display_name_from_filepath(own.objects), icon="OBJECT_DATA")
        layout.operator("consistency.use_selected", icon="RESTRICT_SELECT_OFF")


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
