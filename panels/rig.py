# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rig: the angles, and the light."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy
from bl_ui.utils import PresetPanel

from ..operators.buttons.lighting import FOLDER
from ..operators.display import status
from ..operators.editing.lights import light_of
from ..operators.editing.properties import OURS
from ..pipeline.names import LIGHTING
from ..pipeline.stages import LABELS, Stage
from .sidebar import Sidebar
from .stage import StagePanel

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


PRESETS_OWN = "The Preset's Own"  # environment: none is chosen


class CONSISTENCY_UL_angles(bpy.types.UIList):
    def draw_item(
        self, _context: Context, layout: UILayout, _data: Any, item: Any, _icon: int, _active: Any, _field: str
    ) -> None:
        row = layout.row(align=True)
        row.prop(item, "name", text="", emboss=False, icon="CAMERA_DATA")
        row.operator("consistency.look_through", text="", icon="VIEW_CAMERA", emboss=False).angle = item.name


class CONSISTENCY_MT_angles(bpy.types.Menu):
    bl_label = "Angles"

    def draw(self, _context: Context) -> None:
        self.layout.operator("consistency.duplicate_angle", icon="DUPLICATE")
        self.layout.operator("consistency.angle_from_view", icon="RESTRICT_VIEW_OFF")
        self.layout.separator()
        self.layout.operator_menu_enum("consistency.load_angles", "set")
        self.layout.separator()
        self.layout.operator("consistency.remove_rig", icon="TRASH")


class CONSISTENCY_PT_rig(StagePanel, bpy.types.Panel):
    bl_label = LABELS[Stage.RIG]
    bl_options = {"DEFAULT_CLOSED"}
    stage = Stage.RIG

    def draw(self, context: Context) -> None:
        layout, own = self.layout, context.scene.consistency
        row = layout.row()
        row.template_list("CONSISTENCY_UL_angles", "", own, "angles", own, "angle_index", rows=3, maxrows=8)
        column = row.column(align=True)
        column.operator("consistency.add_angle", text="", icon="ADD")
        column.operator("consistency.remove_angle", text="", icon="REMOVE")
        column.menu("CONSISTENCY_MT_angles", text="", icon="DOWNARROW_HLT")
        column.separator()
        column.operator("consistency.move_angle", text="", icon="TRIA_UP").direction = "UP"
        column.operator("consistency.move_angle", text="", icon="TRIA_DOWN").direction = "DOWN"
        if 0 <= own.angle_index < len(own.angles):
            self.draw_angle(layout, own.angles[own.angle_index])
        self.draw_run(layout, context)

    def draw_angle(self, layout: UILayout, angle: Any) -> None:
        column = layout.column(align=True)
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(angle, "azimuth")
        column.prop(angle, "elevation")
        column.prop(angle, "fill", slider=True)
        column.prop(angle, "focal_length")
        if angle.fill > 100.0:
            column.separator()
            column.prop(angle, "aim")
        layout.prop(angle, "prompt", text="", placeholder="Own prompt for this angle")


def _can_be_pointed(chosen: Any) -> bool:
    """It is a lamp that the artist has added."""
    if chosen is None or chosen.type != "LIGHT" or LIGHTING not in bpy.data.collections:
        return False
    from ..studio.lamps import added_lamps

    return chosen in added_lamps()


class CONSISTENCY_PT_light_presets(PresetPanel, bpy.types.Panel):
    """One's own lightings, kept where Blender keeps all presets: load, save as, remove."""

    bl_label = "Lighting Presets"
    preset_subdir = FOLDER
    preset_operator = "consistency.load_light_preset"
    preset_add_operator = "consistency.save_light_preset"

    def draw(self, context: Context) -> None:
        if bpy.utils.preset_paths(FOLDER):
            super().draw(context)
            return
        layout, words = self.layout, bpy.data.window_managers[0]  # Blender would only say "Missing Paths"
        layout.label(text="No lighting saved yet")
        layout.operator_context = "EXEC_DEFAULT"
        row = layout.row(align=True)
        row.prop(words, "preset_name", text="")
        row.operator(self.preset_add_operator, text="", icon="ADD").name = words.preset_name


class CONSISTENCY_PT_lighting(Sidebar, bpy.types.Panel):
    bl_label = "Lighting"
    bl_parent_id = "CONSISTENCY_PT_rig"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_header_preset(self, _context: Context) -> None:
        row = self.layout.row(align=True)
        row.operator("consistency.reset_light", text="", icon="LOOP_BACK", emboss=False)
        CONSISTENCY_PT_light_presets.draw_panel_header(row)

    def draw(self, context: Context) -> None:
        layout, own = self.layout, context.scene.consistency
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(own, "lighting", text="Preset")
        column = layout.column(align=True)
        for name in ("key", "fill", "rim", "environment"):
            column.prop(own.light, name, slider=True)
        column.prop(own.light, "temperature", text="Temp. Shift")
        column = layout.column(align=True)
        column.label(text="Rendered Anew", icon="RENDER_STILL")
        column.prop(own.light, "rotation")
        column.prop(own.light, "softness", slider=True)
        row = layout.row(align=True)
        row.operator("consistency.point_lamp", icon="LIGHT_AREA")
        chosen = context.active_object
        if _can_be_pointed(chosen):
            row.operator("consistency.point_lamp", text="", icon="EYEDROPPER").lamp = chosen.name
        column = layout.column(align=True)
        column.popover("CONSISTENCY_PT_environments", text=f"Environment: {_shown_environment(context)}", icon="WORLD")
        column.prop(own, "environment", text="File")
        if own.environment:
            column.prop(own, "environment_rotation", text="Rotation")
            column.prop(own, "environment_strength", text="Strength", slider=True)
        column = layout.column(align=True)
        column.prop(own, "backdrop")
        if own.backdrop in ("colour", "picture"):
            column.prop(own, "backdrop_colour" if own.backdrop == "colour" else "backdrop_file", text="")
        layout.prop(own, "shadow")


def _studio_lights(context: Context) -> dict[str, Any]:
    """The pictures of surroundings that come with Blender, by name."""
    lights = context.preferences.studio_lights
    return {
        light.name.rpartition(".")[0].title(): light
        for light in lights
        if light.type == "WORLD" and not light.is_user_defined
    }


def _shown_environment(context: Context) -> str:
    """What the list of Blender's environments calls the scene's, else its file's name."""
    own = context.scene.consistency.environment
    if not own:
        return PRESETS_OWN
    path = Path(bpy.path.abspath(own))
    found = (name for name, light in _studio_lights(context).items() if Path(light.path) == path)
    return next(found, path.name)


class CONSISTENCY_PT_environments(bpy.types.Panel):
    """Pictures of surroundings that come with Blender, to choose from."""

    bl_label = "Blender's Environments"
    bl_space_type = "VIEW_3D"
    bl_region_type = "HEADER"  # only as a popover
    bl_ui_units_x = 14

    def draw(self, context: Context) -> None:
        layout, lights, shown = self.layout, _studio_lights(context), _shown_environment(context)
        layout.label(text="Blender's Environments")
        grid = layout.grid_flow(row_major=True, columns=3, even_columns=True, align=False)
        for name, light in lights.items():
            column = grid.column(align=True)
            column.template_icon(icon_value=layout.icon(light), scale=4.0)
            column.operator("consistency.studio_environment", text=name, depress=name == shown).name = name
        if not lights:
            layout.label(text="This Blender came without any")
        row = layout.row()
        row.operator(
            "consistency.studio_environment", text=PRESETS_OWN, icon="LOOP_BACK", depress=shown == PRESETS_OWN
        ).name = ""


class CONSISTENCY_PT_mix(Sidebar, bpy.types.Panel):
    """Each light of the finished references by itself."""

    bl_label = "Light Mix"
    bl_parent_id = "CONSISTENCY_PT_rig"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        layout, own, now = self.layout, context.scene.consistency, status.of(context)
        row = layout.row(align=True)
        row.scale_y = 1.3
        text = "Hide Board" if now.board else "Show Board"
        row.operator("consistency.board", text=text, icon="IMGDISPLAY", depress=now.board)
        text = "Stop Drafts" if now.drafting else "Drafts"
        row.operator("consistency.drafts", text=text, icon="RENDER_STILL", depress=now.drafting)
        for change in own.mix:
            row = layout.row(align=True)
            row.prop(change, "on", text="")
            line = row.row(align=True)
            line.active = change.on
            line.prop(change, "strength", text=change.name.title(), slider=True)
            line.prop(change, "own_kelvin", text="", icon="OUTLINER_OB_LIGHT")
            if change.own_kelvin:
                field = line.row(align=True)
                field.scale_x = 0.6  # as below
                field.prop(change, "kelvin", text="")
            swatch = line.row(align=True)
            swatch.scale_x = 0.3  # or the strength beside it has no room for its light's name
            swatch.prop(change, "tint", text="")
        row = layout.row(align=True)
        row.operator("consistency.begin_mix", text="Start Anew" if len(own.mix) else "Mix Lights", icon="LIGHT")
        if len(own.mix):
            row.operator("consistency.mix_to_scene", icon="SCENE_DATA")
            waits = not all(light_of(change).changes_nothing for change in own.mix)
            layout.label(text="Only mixed: To Scene sets lamps" if waits else "", icon="INFO" if waits else "BLANK1")
        column = layout.column(align=True)
        for look in own.looks:
            row = column.row(align=True)
            row.operator("consistency.apply_look", text=look.name, icon="HIDE_OFF").name = look.name
            row.operator("consistency.remove_look", text="", icon="X").name = look.name
        row = column.row(align=True)
        row.operator("consistency.keep_look", icon="ADD")
        row.operator("consistency.open_look", text="", icon="FILE_FOLDER")
        row.operator("consistency.save_look", text="", icon="EXPORT")
        if len(own.looks):
            column.prop_search(own, "compared_look", own, "looks", text="Before")


class CONSISTENCY_PT_frame(Sidebar, bpy.types.Panel):
    bl_label = "Frame"
    bl_translation_context = OURS
    bl_parent_id = "CONSISTENCY_PT_rig"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        layout, own = self.layout, context.scene.consistency
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column(align=True)
        column.prop(own, "size")
        column.prop(own, "aspect")
        layout.prop(own, "one_scale")


CLASSES = (
    CONSISTENCY_UL_angles,
    CONSISTENCY_MT_angles,
    CONSISTENCY_PT_rig,
    CONSISTENCY_PT_environments,
    CONSISTENCY_PT_light_presets,
    CONSISTENCY_PT_lighting,
    CONSISTENCY_PT_mix,
    CONSISTENCY_PT_frame,
)
