# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of the next run, on the scene: saved with the .blend and undone with it."""

# No "from __future__ import annotations" here: Blender would compile each property again from its words while it registers.

from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from ...pipeline.settings.options import OPTIONS, LightRig
from . import angles, delivery, lights, live, parameters
from .option_properties import choices_of, of, with_options

OURS = "Consistency"  # words that Blender has too, and would translate as its own: a key light is no keyframe


class CONSISTENCY_PG_photo(bpy.types.PropertyGroup):
    path: StringProperty(name="Photo", description="A photo of the product", subtype="FILE_PATH")


_SHARE = {"soft_max": 200.0, "precision": 0, "translation_context": OURS, "update": live.light_changed}


@with_options(
    LightRig.options,
    {
        **dict.fromkeys(("key", "fill", "rim", "environment", "softness"), _SHARE),
        "temperature": {"step": 10000, "precision": 0, "update": live.light_changed},
        "rotation": {"step": 500, "precision": 0, "update": live.light_changed},
    },
)
class CONSISTENCY_PG_light(bpy.types.PropertyGroup):
    """Corrections of the lighting preset: options.LightRig."""


def _angle_names(self: "CONSISTENCY_PG_settings", _context: bpy.types.Context, edit_text: str) -> list[str]:
    return [angle.name for angle in self.angles if edit_text.lower() in angle.name]


# What Blender needs to know of an option's property beside its declaration.
SPECIFICS: dict[str, dict[str, Any]] = {
    "text": {"update": live.source_changed},
    "product_name": {"update": live.named},
    "turn": {"subtype": "EULER"},
    "one_scale": {"update": live.angles_changed},
    "lighting": {"update": live.light_changed},
    "environment": {"subtype": "FILE_PATH", "update": live.light_changed},
    "environment_rotation": {"step": 500, "precision": 0, "update": live.light_changed},
    "environment_strength": {"soft_max": 400.0, "precision": 0, "update": live.light_changed},
    "variant": {"update": live.source_changed},
    "shadow": {"update": live.light_changed},
    "size": {"step": 64, "update": live.angles_changed},
    "aspect": {"precision": 2, "step": 5, "update": live.angles_changed},
    "prompt": {"maxlen": 2000, "update": live.prompt_changed},
    "materials": {"update": live.prompt_changed},
    "takes": {"soft_max": 4},
    "video_angle": {"search": _angle_names},
    "video_end_angle": {"search": _angle_names},
    "duration": {"precision": 0, "step": 100},
}


@with_options(OPTIONS, SPECIFICS)
class CONSISTENCY_PG_settings(bpy.types.PropertyGroup):
    """The options that are properties (options.OPTIONS), and what is the window's own."""

    # inputs
    source: EnumProperty(
        name="Start From",
        description="What the product's model is made from",
        items=(
            ("PHOTOS", "Photos", "One to four photos of the product; fal.ai makes the model"),
            ("WORDS", "Words", "A description of the product; fal.ai makes the model"),
            ("FILE", "File", "A GLB, glTF or Blender file of the product"),
            ("OBJECTS", "Objects", "Objects of this scene, with their modifiers; they are left untouched"),
        ),
        default="PHOTOS",
        update=live.source_changed,
    )
    photos: CollectionProperty(type=CONSISTENCY_PG_photo)
    photo_index: IntProperty(name="Photo", description="The selected photo")
    file: StringProperty(
        name="Model", description="A GLB, glTF or Blender file", subtype="FILE_PATH", update=live.source_changed
    )
    objects: StringProperty(
        name="Objects", description="The objects that were taken as the product", update=live.source_changed
    )
    about: StringProperty(
        name="About", description="The start that name and turn are about: scene_settings.made_from", options={"HIDDEN"}
    )
    # options whose properties are of another kind
    backend: of(
        "backend",
        items=(
            ("AUTO", "Automatic", "As the add-on's preferences say: fal.ai when there is a key, else this machine"),
            *choices_of("backend"),
        ),
        default="AUTO",
    )
    angles: CollectionProperty(type=angles.CONSISTENCY_PG_angle)
    angle_index: IntProperty(
        name="Angle", description="The angle that the panels and the studio view show", update=live.angle_selected
    )
    backdrop: EnumProperty(
        name="Backdrop",
        description="What stands behind the product; it is laid behind the finished render",
        items=(
            ("white", "White", "A seamless white backdrop"),
            ("grey", "Grey", "A seamless neutral grey backdrop"),
            ("gradient", "Gradient", "Grey that is lighter where the product stands"),
            ("colour", "Colour", "One colour"),
            ("picture", "Picture", "A picture that covers the frame"),
            ("transparent", "Transparent", "White, and beside each picture one with nothing behind the product"),
        ),
        default="white",
        update=live.light_changed,
    )
    backdrop_colour: FloatVectorProperty(
        name="Backdrop Colour",
        description="The backdrop, exactly as it is in the file",
        subtype="COLOR_GAMMA",
        size=3,
        min=0.0,
        max=1.0,
        default=(0.9, 0.9, 0.9),
        update=live.light_changed,
    )
    backdrop_file: StringProperty(
        name="Backdrop Picture",
        description="A picture that stands behind the product",
        subtype="FILE_PATH",
        update=live.light_changed,
    )
    lights: CollectionProperty(
        name="Lights",
        description="What is changed of single lights, and the lamps have",
        type=lights.CONSISTENCY_PG_light_change,
    )
    mix: CollectionProperty(
        name="Mix",
        description="What is changed of single lights on top of that, in the finished references only",
        type=lights.CONSISTENCY_PG_light_change,
    )
    looks: CollectionProperty(
        name="Looks", description="Looks that are kept with the scene", type=lights.CONSISTENCY_PG_look
    )
    look_index: IntProperty(name="Look", description="The selected look")
    compared_look: StringProperty(
        name="Compare With",
        description="The look that the board shows while Before is held; empty: the lamps without the mix",
        update=live.mixed,
    )
    light: PointerProperty(name="Light", description="Corrections of the preset", type=CONSISTENCY_PG_light)
    seed_lock: BoolProperty(
        name="Lock Seed",
        description="Every new run uses this seed; unlocked, each run draws one that all its angles share",
    )
    gate_rest: StringProperty(
        name="Rest of the Gate", description="Settings of the gate that are in no panel, as JSON", options={"HIDDEN"}
    )
    parameters: CollectionProperty(type=parameters.CONSISTENCY_PG_parameter)
    own_budget: BoolProperty(name="Own Budget", description="Limit this product's runs apart from the preferences")
    own_camera: PointerProperty(
        name="Own Camera",
        description="The scene's camera before one of the rig's was looked through",
        type=bpy.types.Object,
    )
    # the studio view, and what the scene showed before it: operators.studio_view
    studio_view: BoolProperty(
        name="Studio View", description="The product is shown alone, as a reference shows it", options={"HIDDEN"}
    )
    studio_aside: StringProperty(
        name="Before the Studio View", description="The scene's settings before it, as JSON", options={"HIDDEN"}
    )
    world_before: PointerProperty(
        name="World Before", description="The scene's world before the studio view", type=bpy.types.World
    )
    camera_before: PointerProperty(
        name="Camera Before", description="The scene's camera before the studio view", type=bpy.types.Object
    )
    delivery: PointerProperty(
        name="Delivery", description="What the pictures are made for", type=delivery.CONSISTENCY_PG_delivery
    )
    # the run on disk
    run_folder: StringProperty(
        name="Run Folder", description="Where the current run is kept; empty begins a new one", subtype="DIR_PATH"
    )


CLASSES = (
    CONSISTENCY_PG_photo,
    CONSISTENCY_PG_light,
    *angles.CLASSES,
    *parameters.CLASSES,
    *lights.CLASSES,
    *delivery.CLASSES,
    CONSISTENCY_PG_settings,
)
