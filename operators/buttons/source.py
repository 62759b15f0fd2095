# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run starts from: photos, a model file, or objects of the scene; picked, dropped or selected."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import CollectionProperty, EnumProperty, StringProperty

from ...pipeline import names
from ...pipeline.driver import finish
from ...pipeline.wording.program import SHORT_NAME
from ..display import endpoint_names, reasons, refresh
from ..editing import live, scene_settings
from ..runs import run_request
from .operator_base import Button

if TYPE_CHECKING:
    from bpy.types import Context, Event

PHOTOS = (".jpg", ".jpeg", ".jfif", ".png", ".webp")
MODELS = (".glb", ".gltf", ".blend")
MOST = 4


class CONSISTENCY_OT_add_photos(Button, bpy.types.Operator):
    """Choose one to four photos of the product; different sides make a better model"""

    bl_idname = "consistency.add_photos"
    bl_label = f"Use Photos in {SHORT_NAME}"
    bl_options = {"REGISTER", "UNDO"}

    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"HIDDEN", "SKIP_SAVE"})
    filter_image: bpy.props.BoolProperty(default=True, options={"HIDDEN"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        full = len(context.scene.consistency.photos) >= MOST
        return reasons.busy(context) or ("There are four photos already; remove one first" if full else None)

    def invoke(self, context: Context, _event: Event) -> set[str]:
        if self.files:  # dropped
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def act(self, context: Context) -> set[str] | None:
        own = context.scene.consistency
        paths = list(dict.fromkeys(Path(self.directory) / item.name for item in self.files if item.name))
        here = {photo.path for photo in own.photos}
        new = [path for path in paths if path.suffix.lower() in PHOTOS and str(path) not in here]
        other = [path.name for path in paths if path.suffix.lower() not in PHOTOS]
        if other:
            self.report({"WARNING"}, f"{', '.join(other)} can't be used; photos are JPEG, PNG or WebP files")
        if len(own.photos) + len(new) > MOST:
            self.report({"WARNING"}, f"Only {MOST} photos are used; {len(own.photos) + len(new) - MOST} were left out")
        for path in new[: MOST - len(own.photos)]:
            own.photos.add().path = str(path)
        if not new:
            return {"CANCELLED"}
        own.source, own.photo_index = "PHOTOS", len(own.photos) - 1  # setting the source looks at the photos too
        return None


class CONSISTENCY_OT_remove_photo(Button, bpy.types.Operator):
    """Take the selected photo off the list; the file stays"""

    bl_idname = "consistency.remove_photo"
    bl_label = "Remove Photo"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        own = context.scene.consistency
        none = None if own.photos else "There is no photo to remove"
        return reasons.busy(context) or none

    def act(self, context: Context) -> None:
        own = context.scene.consistency
        own.photos.remove(min(own.photo_index, len(own.photos) - 1))
        own.photo_index = max(0, min(own.photo_index, len(own.photos) - 1))
        live.source_changed(own, context)


class CONSISTENCY_OT_drop_model(Button, bpy.types.Operator):
    """Start from this model file"""

    bl_idname = "consistency.drop_model"
    bl_label = f"Use Model in {SHORT_NAME}"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(
        name="Model", description="A GLB, glTF or Blender file", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    filter_glob: StringProperty(default="*.glb;*.gltf;*.blend", options={"HIDDEN"})

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.busy(context)

    def invoke(self, context: Context, _event: Event) -> set[str]:
        if self.filepath:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def act(self, context: Context) -> set[str] | None:
        if not self.filepath.lower().endswith(MODELS):
            return self.refuse(f"{Path(self.filepath).name} is no GLB, glTF or Blender file; export it as GLB")
        own = context.scene.consistency
        if bpy.path.abspath(own.file) != bpy.path.abspath(self.filepath):
            own.variant = ""  # another file has others
        own.source, own.file = "FILE", self.filepath
        return None


def name_of(selected: Iterable[bpy.types.Object], collections: Iterable[bpy.types.Collection]) -> str:
    """What objects together are called: as the one, the parent of the others, the collection of just them, or by their names."""
    things = sorted(
        (thing for thing in selected if thing.type not in ("CAMERA", "LIGHT")), key=lambda thing: thing.name
    )
    heads = [thing for thing in things if thing.parent not in things]
    if len(heads) == 1:
        return heads[0].name
    home = next((home.name for home in collections if set(home.all_objects) == set(things)), "") if things else ""
    each = [thing.name for thing in heads]
    return home or (", ".join(each) if len(each) < 4 else f"{each[0]} and {len(each) - 1} more")


class CONSISTENCY_OT_use_selected(Button, bpy.types.Operator):
    """Take the selected objects as the product, with their modifiers; they stay as they are"""

    bl_idname = "consistency.use_selected"
    bl_label = "Use Selected Objects"
    bl_options = {"REGISTER", "UNDO"}
    error_at = "model"

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        none = None if context.selected_objects else "Nothing is selected; select the product's objects"
        return reasons.busy(context) or none or reasons.blender_renders()

    def act(self, context: Context) -> None:
        from ...studio import export, model
        from ..runs.staleness import ADOPTED, of_product

        called = name_of(context.selected_objects, bpy.data.collections)
        own = context.scene.consistency
        product = model.adopt_objects(sorted(context.selected_objects, key=lambda thing: thing.name))
        out = run_request.product_file(context.scene, called)
        finish(export.export_product(out))
        root = model.product_root()
        root[names.SOURCE], root[names.TAKEN] = ADOPTED, str(out)
        root[names.WRITTEN], root[names.LABEL] = json.dumps(of_product(root)), called
        own.source, own.objects = "OBJECTS", str(out)
        own.turn, own.product_name = (0.0, 0.0, 0.0), called
        refresh.product(called, product.size, scene_settings.inputs_of(context.scene))
        for note in product.notes:
            self.report({"WARNING"}, f"{called}: {note}")
        live.tell(live.Change.PRODUCT, context.scene)
        self.report({"INFO"}, f"{called} is the product now; the objects themselves stay as they are")


class CONSISTENCY_OT_choose_endpoint(Button, bpy.types.Operator):
    """Choose one of fal.ai's endpoints that this version knows"""

    bl_idname = "consistency.choose_endpoint"
    bl_label = "Choose Endpoint"
    bl_options = {"REGISTER", "UNDO"}
    bl_property = "endpoint"

    role: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def _items(self, _context: Context) -> list[tuple[str, str, str]]:
        unset = {"model": "Automatic", "picture": "None"}.get(self.role)
        return endpoint_names.menu(
            self.role, ("NONE", unset, "Leave the choice to the pipeline") if unset is not None else None
        )

    endpoint: EnumProperty(name="Endpoint", description="The endpoint to use", items=_items, options={"SKIP_SAVE"})

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.busy(context)

    @classmethod
    def description(cls, context: Context, properties: bpy.types.OperatorProperties) -> str:
        chosen = getattr(context.scene.consistency, _field(properties.role))
        return f"{cls.__doc__}. Chosen: {chosen}" if chosen else str(cls.__doc__)

    def act(self, context: Context) -> None:
        setattr(context.scene.consistency, _field(self.role), "" if self.endpoint == "NONE" else self.endpoint)


def _field(role: str) -> str:
    """Of the scene's settings, the one that holds a role's endpoint."""
    return {"photoreal": "image_endpoint"}.get(role, f"{role}_endpoint")


class CONSISTENCY_FH_photos(bpy.types.FileHandler):
    bl_idname = "CONSISTENCY_FH_photos"
    bl_label = f"Photos of the Product ({SHORT_NAME})"
    bl_import_operator = "consistency.add_photos"
    bl_file_extensions = ";".join(PHOTOS)

    @classmethod
    def poll_drop(cls, context: Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"


class CONSISTENCY_FH_model(bpy.types.FileHandler):
    bl_idname = "CONSISTENCY_FH_model"
    bl_label = f"Model of the Product ({SHORT_NAME})"
    bl_import_operator = "consistency.drop_model"
    bl_file_extensions = ".glb;.gltf"

    @classmethod
    def poll_drop(cls, context: Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"


CLASSES = (
    CONSISTENCY_OT_add_photos,
    CONSISTENCY_OT_remove_photo,
    CONSISTENCY_OT_drop_model,
    CONSISTENCY_OT_use_selected,
    CONSISTENCY_OT_choose_endpoint,
    CONSISTENCY_FH_photos,
    CONSISTENCY_FH_model,
)
