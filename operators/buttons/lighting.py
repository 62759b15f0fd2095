# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lighting presets of one's own, kept where Blender keeps all presets."""

from __future__ import annotations

import bpy
from bl_operators.presets import AddPresetBase
from bpy.props import StringProperty

from ...pipeline.settings.options import LightRig
from ..editing import live
from .operator_base import Button

FOLDER = "consistency/lighting"
CORRECTIONS = tuple(option.prop for option in LightRig.options)
VALUES = ("lighting", "backdrop", "shadow", *(f"light.{name}" for name in CORRECTIONS))


class CONSISTENCY_OT_save_light_preset(AddPresetBase, bpy.types.Operator):
    """Save this lighting under a name, for any file; or remove a preset"""

    bl_idname = "consistency.save_light_preset"
    bl_label = "Save Lighting Preset"
    preset_menu = "CONSISTENCY_PT_light_presets"
    preset_subdir = FOLDER
    preset_defines = ["settings = bpy.context.scene.consistency"]
    preset_values = [f"settings.{value}" for value in VALUES]


class CONSISTENCY_OT_load_light_preset(Button, bpy.types.Operator):
    """Light the product as this preset says"""

    bl_idname = "consistency.load_light_preset"
    bl_label = "Load Lighting Preset"
    bl_options = {"REGISTER", "UNDO"}

    filepath: StringProperty(name="File", description="The preset's file", subtype="FILE_PATH", options={"SKIP_SAVE"})

    def act(self, context: bpy.types.Context) -> set[str] | None:
        own = context.scene.consistency
        try:
            with live.paused():
                bpy.utils.execfile(self.filepath)
        except Exception as error:  # noqa: BLE001 - a preset is a file of anybody's, and can raise whatever it likes
            name = bpy.path.basename(self.filepath)
            return self.refuse(f"{name} is no lighting preset ({error}); remove it and save it again")
        finally:
            live.light_changed(own, context)
        return None


class CONSISTENCY_OT_reset_light(Button, bpy.types.Operator):
    """Undo all corrections of the lighting"""

    bl_idname = "consistency.reset_light"
    bl_label = "Reset Lighting"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> None:
        light = context.scene.consistency.light
        with live.paused():
            for name in CORRECTIONS:
                light.property_unset(name)
        live.light_changed(light, context)


CLASSES = (CONSISTENCY_OT_save_light_preset, CONSISTENCY_OT_load_light_preset, CONSISTENCY_OT_reset_light)
