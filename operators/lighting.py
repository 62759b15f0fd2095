"""Lighting presets of one's own, kept where Blender keeps all presets."""

from __future__ import annotations

import bpy
from bl_operators.presets import AddPresetBase

FOLDER = "consistency/lighting"
VALUES = ("lighting", "backdrop", "shadow", "light.key", "light.fill", "light.rim", "light.environment", "light.softness", "light.temperature", "light.rotation")  # fmt: skip


class CONSISTENCY_MT_light_presets(bpy.types.Menu):
    bl_label = "Own Presets"
    preset_subdir = FOLDER
    preset_operator = "script.execute_preset"
    draw = bpy.types.Menu.draw_preset


class CONSISTENCY_OT_save_light_preset(AddPresetBase, bpy.types.Operator):
    """Save this lighting under a name, for any file"""

    bl_idname = "consistency.save_light_preset"
    bl_label = "Save Lighting Preset"
    preset_menu = "CONSISTENCY_MT_light_presets"
    preset_subdir = FOLDER
    preset_defines = ["settings = bpy.context.scene.consistency"]
    preset_values = [f"settings.{value}" for value in VALUES]


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


CLASSES = (CONSISTENCY_MT_light_presets, CONSISTENCY_OT_save_light_preset, CONSISTENCY_OT_reset_light)
