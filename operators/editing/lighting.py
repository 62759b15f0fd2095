"""Lighting presets of one's own, kept where Blender keeps all presets."""

from __future__ import annotations

import bpy
from bl_operators.presets import AddPresetBase

from ...pipeline.declaration import options_of
from ...pipeline.options import LightRig

FOLDER = "consistency/lighting"
VALUES = ("lighting", "backdrop", "shadow", *(f"light.{option.prop}" for option in options_of(LightRig)))


class CONSISTENCY_OT_save_light_preset(AddPresetBase, bpy.types.Operator):
    """Save this lighting under a name, for any file; or remove a preset"""

    bl_idname = "consistency.save_light_preset"
    bl_label = "Save Lighting Preset"
    preset_menu = "CONSISTENCY_PT_light_presets"
    preset_subdir = FOLDER
    preset_defines = ["settings = bpy.context.scene.consistency"]
    preset_values = [f"settings.{value}" for value in VALUES]


class CONSISTENCY_OT_load_light_preset(bpy.types.Operator):
    """Light the product as this preset says"""

    bl_idname = "consistency.load_light_preset"
    bl_label = "Load Lighting Preset"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(name="File", description="The preset's file", subtype="FILE_PATH", options={"SKIP_SAVE"})  # fmt: skip

    def execute(self, context: bpy.types.Context) -> set[str]:
        from . import live

        own = context.scene.consistency
        try:
            with live.paused():
                bpy.utils.execfile(self.filepath)
        except Exception as error:  # noqa: BLE001 - a preset is a file of anybody's, and can raise whatever it likes
            self.report({"ERROR"}, f"{bpy.path.basename(self.filepath)} is no lighting preset ({error}); remove it and save it again")  # fmt: skip
            return {"CANCELLED"}
        finally:
            live.light_changed(own, context)
        return {"FINISHED"}


class CONSISTENCY_OT_reset_light(bpy.types.Operator):
    """Undo all corrections of the lighting"""

    bl_idname = "consistency.reset_light"
    bl_label = "Reset Lighting"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        from . import live

        light = context.scene.consistency.light
        with live.paused():
            for value in VALUES:
                prefix, _, name = value.partition(".")
                if prefix == "light":
                    light.property_unset(name)
        live.light_changed(light, context)
        return {"FINISHED"}


CLASSES = (CONSISTENCY_OT_save_light_preset, CONSISTENCY_OT_load_light_preset, CONSISTENCY_OT_reset_light)
