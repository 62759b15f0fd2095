# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lighting presets of one's own, kept where Blender keeps all presets."""

from __future__ import annotations

import json
from pathlib import Path

import bpy
from bl_operators.presets import AddPresetBase
from bpy.props import StringProperty

from ...pipeline.errors import ConsistencyError
from ...pipeline.names import FLAG, LIGHTING
from ...pipeline.settings.lighting import PRESETS, light_names
from ...pipeline.settings.lights import AS_IT_IS, Light
from ...pipeline.settings.look import look_of, with_look
from ...pipeline.settings.options import LightRig
from ...pipeline.stages import Stage
from ...pipeline.wording.program import SHORT_NAME
from ..display import follow, reasons
from ..editing import lights, live, scene_settings
from .operator_base import Button

FOLDER = "consistency/lighting"
CORRECTIONS = tuple(option.prop for option in LightRig.options)
VALUES = (
    "lighting",
    "backdrop",
    "backdrop_colour",
    "backdrop_file",
    "shadow",
    *(f"light.{name}" for name in CORRECTIONS),
)


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
        context.scene.consistency.lights.clear()
        with live.paused():
            for name in CORRECTIONS:
                light.property_unset(name)
        if LIGHTING in bpy.data.collections:
            from ...studio.scene.moved import take_back

            take_back({})
        live.light_changed(light, context)


class CONSISTENCY_OT_begin_mix(Button, bpy.types.Operator):
    """Mix the lights one by one; the mix starts from the lamps as they are"""

    bl_idname = "consistency.begin_mix"
    bl_label = "Mix Lights"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> None:
        lights.from_lights(context.scene.consistency.mix, dict.fromkeys(mixable(context.scene), AS_IT_IS))


def mixable(scene: bpy.types.Scene) -> list[str]:
    """The lights of the scene's lighting, and the groups of those that the artist has added."""
    from ...studio.scene.light_groups import group_of
    from ...studio.scene.moved import added_things

    own = light_names(PRESETS[scene.consistency.lighting])
    return [*own, *sorted({group_of(thing) for thing in added_things() if FLAG not in thing})]


def keep_rows(scene: bpy.types.Scene) -> None:
    """Have the mix a row for each light that there is now; what was mixed of those stays."""
    mix = scene.consistency.mix
    wanted = mixable(scene)
    if len(mix) and list(mix.keys()) != wanted:
        now = {change.name: lights.light_of(change) for change in mix}
        lights.from_lights(mix, {name: now.get(name, AS_IT_IS) for name in wanted})


class CONSISTENCY_OT_mix_to_scene(Button, bpy.types.Operator):
    """Give the lamps the mix's strengths and colours, and begin the mix anew"""

    bl_idname = "consistency.mix_to_scene"
    bl_label = "To Scene"
    bl_options = {"REGISTER", "UNDO"}

    def act(self, context: bpy.types.Context) -> None:
        from ...studio.lighting import change_added_lamps

        own = context.scene.consistency
        placed = set(light_names(PRESETS[own.lighting]))
        stays: dict[str, Light] = {}  # of what is no lamp of this file, and can only be mixed
        for change in own.mix:
            light = lights.light_of(change)
            if light.changes_nothing:
                continue
            if change.name in placed:
                before = own.lights.get(change.name)
                lights.set_change(
                    own.lights, change.name, light.after(AS_IT_IS if before is None else lights.light_of(before))
                )
            elif not change_added_lamps(change.name, light):
                stays[change.name] = light
        lights.from_lights(own.mix, {change.name: stays.get(change.name, AS_IT_IS) for change in own.mix})
        live.light_changed(own, context)


class CONSISTENCY_OT_keep_look(Button, bpy.types.Operator):
    """Keep this lighting with its mix, its lights and the backdrop with the scene, under a name"""

    bl_idname = "consistency.keep_look"
    bl_label = "Keep Look"
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(name="Name", description="What the look is called", default="Look", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        looks, number = context.scene.consistency.looks, 1  # a second press keeps another one
        while self.name in looks:
            number += 1
            self.name = f"Look {number}"
        return set(context.window_manager.invoke_props_dialog(self, confirm_text="Keep"))

    def act(self, context: bpy.types.Context) -> set[str] | None:
        if not self.name.strip():
            return self.refuse("a look needs a name; type one")
        own = context.scene.consistency
        look = own.looks.get(self.name) or own.looks.add()
        look.name, look.data = self.name, json.dumps(look_of(scene_settings.mixed(context.scene)))
        own.look_index = list(own.looks.keys()).index(self.name)
        return None


class CONSISTENCY_OT_apply_look(Button, bpy.types.Operator):
    """Light the product as the selected look says"""

    bl_idname = "consistency.apply_look"
    bl_label = "Apply Look"
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(name="Name", description="Which of the scene's looks", options={"SKIP_SAVE"})

    def act(self, context: bpy.types.Context) -> set[str] | None:
        own = context.scene.consistency
        look = own.looks.get(self.name)
        if look is None:
            return self.refuse(f"the scene keeps no look {self.name!r}; keep one first")
        settings = scene_settings.to_settings(context.scene)
        scene_settings.set_look(context.scene, with_look(settings, json.loads(look.data)))
        lights.from_lights(own.mix, dict.fromkeys([change.name for change in own.mix], AS_IT_IS))
        own.look_index = list(own.looks.keys()).index(self.name)
        return None


class CONSISTENCY_OT_remove_look(Button, bpy.types.Operator):
    """Remove this look from the scene; the lights stay as they are"""

    bl_idname = "consistency.remove_look"
    bl_label = "Remove Look"
    bl_options = {"REGISTER", "UNDO"}

    name: StringProperty(name="Name", description="Which of the scene's looks", options={"SKIP_SAVE"})

    def act(self, context: bpy.types.Context) -> set[str] | None:
        own = context.scene.consistency
        if self.name not in own.looks:
            return self.refuse(f"the scene keeps no look {self.name!r}; keep one first")
        own.looks.remove(list(own.looks.keys()).index(self.name))
        if own.compared_look == self.name:
            own.compared_look = ""
        return None


class CONSISTENCY_OT_drop_environment(Button, bpy.types.Operator):
    """Light the product with this environment picture"""

    bl_idname = "consistency.drop_environment"
    bl_label = f"Light the Product with It ({SHORT_NAME})"
    bl_options = {"REGISTER", "UNDO"}
    error_at = Stage.RIG

    filepath: StringProperty(
        name="Environment", description="An .exr or .hdr file", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    filter_glob: StringProperty(default="*.exr;*.hdr", options={"HIDDEN"})

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> str | None:
        return reasons.busy(context)

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        if self.filepath:  # dropped
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def act(self, context: bpy.types.Context) -> None:
        from ...pipeline.run.preflight import check_picture

        try:
            check_picture(Path(bpy.path.abspath(self.filepath)), environment=True)
        except ConsistencyError as error:
            follow.refused(error)
            raise
        follow.forget_refusal()
        context.scene.consistency.environment = self.filepath


class CONSISTENCY_FH_environment(bpy.types.FileHandler):
    bl_idname = "CONSISTENCY_FH_environment"
    bl_label = f"Environment of the Product ({SHORT_NAME})"
    bl_import_operator = "consistency.drop_environment"
    bl_file_extensions = ".exr;.hdr"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"


CLASSES = (
    CONSISTENCY_OT_save_light_preset,
    CONSISTENCY_OT_load_light_preset,
    CONSISTENCY_OT_reset_light,
    CONSISTENCY_OT_begin_mix,
    CONSISTENCY_OT_mix_to_scene,
    CONSISTENCY_OT_keep_look,
    CONSISTENCY_OT_apply_look,
    CONSISTENCY_OT_remove_look,
    CONSISTENCY_OT_drop_environment,
    CONSISTENCY_FH_environment,
)
