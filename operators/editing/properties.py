"""The settings of the next run, on the scene: saved with the .blend and undone with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from . import angles, live, parameters

if TYPE_CHECKING:
    from bpy.types import Context

OURS = "Consistency"  # words that Blender has too, and would translate as its own: a key light is no keyframe
LIGHTINGS = (
    ("studio", "Studio", "Three-point light: key, fill and rim"),
    ("softbox", "Softbox", "Even, soft light from all sides"),
    ("dramatic", "Dramatic", "One strong key from the side and deep shadows"),
    ("hdri", "Environment", "Only the environment lights the product"),
)
MOTIONS = (
    ("turntable", "Turntable", "The product turns about its own axis"),
    ("light_sweep", "Light Sweep", "A light glides across the standing product"),
    ("detail_reveal", "Detail Reveal", "The camera pushes in on a detail"),
    ("none", "No Clip", "Stills only"),
)


def _percent(name: str, what: str, most: float = 1000.0, least: float = 0.0) -> FloatProperty:
    return FloatProperty(
        name=name,
        description=f"{what}, as a share of the preset's",
        subtype="PERCENTAGE",
        default=100.0,
        min=least,
        max=most,
        soft_max=200.0,
        precision=0,
        translation_context=OURS,
        update=live.light_changed,
    )


class CONSISTENCY_PG_photo(bpy.types.PropertyGroup):
    path: StringProperty(name="Photo", description="A photo of the product", subtype="FILE_PATH")


class CONSISTENCY_PG_light(bpy.types.PropertyGroup):
    key: _percent("Key", "Strength of the key light")
    fill: _percent("Fill", "Strength of the fill light")
    rim: _percent("Rim", "Strength of the rim light")
    environment: _percent("Environment", "Strength of the environment")
    softness: _percent("Softness", "Size of the lamps", most=500.0, least=5.0)
    temperature: FloatProperty(
        name="Temperature Shift",
        description="Kelvin added to every lamp's colour temperature; negative is warmer",
        subtype="COLOR_TEMPERATURE",
        min=-4000.0,
        max=4000.0,
        step=10000,
        precision=0,
        update=live.light_changed,
    )
    rotation: FloatProperty(
        name="Rotation",
        description="Turns the whole lighting about the product",
        subtype="ANGLE",
        min=-6.283185,
        max=6.283185,
        precision=0,
        step=500,
        update=live.light_changed,
    )


def _angle_names(self: CONSISTENCY_PG_settings, _context: Context, edit_text: str) -> list[str]:
    return [angle.name for angle in self.angles if edit_text.lower() in angle.name]


class CONSISTENCY_PG_settings(bpy.types.PropertyGroup):
    # model
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
    text: StringProperty(name="Words", description="What the product is", maxlen=600, update=live.source_changed)
    file: StringProperty(
        name="Model", description="A GLB, glTF or Blender file", subtype="FILE_PATH", update=live.source_changed
    )
    objects: StringProperty(
        name="Objects", description="The objects that were taken as the product", update=live.source_changed
    )
    product_name: StringProperty(
        name="Name",
        description="What the product is called in results and prompts; empty: as its file is, or its words",
        maxlen=80,
        update=live.named,
    )
    turn: FloatVectorProperty(
        name="Turn",
        description="How the product is turned from what its file has, so that its front looks to the front",
        size=3,
        subtype="EULER",
    )
    about: StringProperty(
        name="About", description="The start that name and turn are about: scene_settings.made_from", options={"HIDDEN"}
    )
    leave_out: StringProperty(
        name="Leave Out",
        description="Parts of the file that are not the product, such as a floor: their names, separated by commas",
    )
    allow_missing_textures: BoolProperty(
        name="Allow Missing Textures",
        description="Go on where a texture, library or font of the product can't be used; then no picture is called on model",
    )
    backend: EnumProperty(
        name="Backend",
        description="Who makes the stills and clips",
        items=(
            ("AUTO", "Automatic", "As the add-on's preferences say: fal.ai when there is a key, else this machine"),
            ("fal", "fal.ai", "Photoreal stills and clips by image and video models; they cost money"),
            ("local", "This Machine", "Cycles renders of the same cameras: no AI, no network, no cost"),
        ),
        default="AUTO",
    )
    model_endpoint: parameters.endpoint_property(
        "model", "Endpoint", "Makes the model; empty chooses by the number of photos"
    )
    picture_endpoint: parameters.endpoint_property(
        "picture",
        "Picture First",
        "Makes a picture from the words, and the model from that picture; empty goes straight to the model",
    )
    # rig
    angles: CollectionProperty(type=angles.CONSISTENCY_PG_angle)
    angle_index: IntProperty(
        name="Angle", description="The angle that the panels and the studio view show", update=live.angle_selected
    )
    one_scale: BoolProperty(
        name="Same Scale in All Angles",
        description="A millimetre of the product is equally long in every angle, instead of each frame being filled",
        update=live.angles_changed,
    )
    # lighting
    lighting: EnumProperty(
        name="Lighting", description="Where the lamps stand", items=LIGHTINGS, update=live.light_changed
    )
    light: PointerProperty(name="Light", description="Corrections of the preset", type=CONSISTENCY_PG_light)
    backdrop: EnumProperty(
        name="Backdrop",
        description="What stands behind the product",
        items=(("white", "White", "A seamless white backdrop"), ("grey", "Grey", "A seamless neutral grey backdrop")),
        update=live.light_changed,
    )
    shadow: BoolProperty(
        name="Contact Shadow",
        description="The product casts a shadow on the backdrop",
        default=True,
        update=live.light_changed,
    )
    # references
    size: IntProperty(
        name="Size",
        description="Pixels of the picture's longer side",
        subtype="PIXEL",
        default=1024,
        min=64,
        max=4096,
        step=64,
        update=live.angles_changed,
    )
    aspect: FloatProperty(
        name="Aspect",
        description="Width over height",
        default=1.0,
        min=0.4,
        max=2.5,
        precision=2,
        step=5,
        update=live.angles_changed,
    )
    samples: IntProperty(
        name="Samples",
        description="Cycles samples a pixel; 0 samples until the noise is low",
        default=0,
        min=0,
        max=65536,
    )
    # photoreal
    image_endpoint: parameters.endpoint_property(
        "photoreal",
        "Endpoint",
        "Makes the stills; any id of fal.ai that turns a picture into a picture",
        default="fal-ai/flux-kontext/dev",
    )
    prompt: StringProperty(
        name="Product",
        description="What the product is, in a few words; the rest of the prompt is composed around it",
        maxlen=2000,
        update=live.prompt_changed,
    )
    materials: StringProperty(
        name="Materials",
        description="Hints such as metal, glass, gem or words of your own, separated by commas; "
        "empty takes the product's own materials",
        update=live.prompt_changed,
    )
    seed: IntProperty(
        name="Seed", description="The same seed and inputs usually give the same picture", min=0, max=2**31 - 1
    )
    seed_lock: BoolProperty(
        name="Lock Seed",
        description="Every new run uses this seed; unlocked, each run draws one that all its angles share",
    )
    takes: IntProperty(
        name="Takes", description="Stills for each angle; each is paid for", default=1, min=1, max=16, soft_max=4
    )
    # the gate: what is done about a still that doesn't show the product of its render
    check: BoolProperty(
        name="Check Stills",
        description="Measure each still against its render; what is off model is mended, taken again, or shown to you",
        default=True,
    )
    retakes: IntProperty(
        name="Retakes",
        description="Stills bought at most in place of one that is off model, for each angle",
        default=1,
        min=0,
        max=8,
    )
    retake_budget: FloatProperty(
        name="Retakes (USD)",
        description="The most that all retakes of the run may cost, in USD; 0 means no limit of their own",
        min=0.0,
        precision=2,
    )
    stand_in: BoolProperty(
        name="Use the Render at Last",
        description="Where all retakes failed, show this machine's finished render in place of the still, and say so",
        default=True,
    )
    exact: BoolProperty(
        name="Exact Outline",
        description="Cut each accepted still out along the outline of its render",
    )
    restore: EnumProperty(
        name="Restore",
        description="Detail that the exact still takes from its render",
        items=(
            ("none", "Nothing", "Only the outline is the render's"),
            ("label", "Label", "The label, or whatever else is printed on the product"),
            ("edges", "Edges", "Fine detail along the edges inside the outline"),
        ),
    )
    unsure: EnumProperty(
        name="If Unsure",
        description="What is done with a still of which nothing can be told, such as one of clear glass on white",
        items=(
            ("flag", "Show Me", "Keep it, and say that somebody should look at it"),
            ("accept", "Accept", "Take it as on model"),
            ("climb", "Take Again", "Treat it as off model; its retakes cost money"),
        ),
    )
    gate_rest: StringProperty(
        name="Rest of the Gate", description="Settings of the gate that are in no panel, as JSON", options={"HIDDEN"}
    )
    parameters: CollectionProperty(type=parameters.CONSISTENCY_PG_parameter)
    private: BoolProperty(
        name="Private",
        description="Ask fal.ai not to store inputs and outputs for longer than this run needs them",
    )
    # video
    video_endpoint: parameters.endpoint_property(
        "video",
        "Endpoint",
        "Makes the clip; any id of fal.ai that turns a picture into a video",
        default="fal-ai/kling-video/v3/pro/image-to-video",
    )
    motion: EnumProperty(name="Motion", description="What happens in the clip", items=MOTIONS)
    video_angle: StringProperty(
        name="From",
        description="The angle whose still starts the clip; empty is three-quarter, else the first",
        search=_angle_names,
    )
    video_end_angle: StringProperty(
        name="To",
        description="The angle whose still ends the clip, where the endpoint takes one",
        search=_angle_names,
    )
    video_elements: BoolProperty(
        name="Send All Views",
        description="Send the other stills as further views, where the endpoint takes them",
    )
    duration: FloatProperty(
        name="Duration",
        description="Length of the clip; rounded up to what the endpoint sells",
        subtype="TIME_ABSOLUTE",
        default=5.0,
        min=1.0,
        max=15.0,
        precision=0,
        step=100,
    )
    audio: BoolProperty(name="Audio", description="Let the video model make sound; it costs more")
    # money
    own_budget: BoolProperty(name="Own Budget", description="Limit this product's runs apart from the preferences")
    budget: FloatProperty(
        name="Run (USD)", description="The most one run may cost, in USD; 0 means no limit", min=0.0, default=5.0
    )
    daily_budget: FloatProperty(
        name="Day (USD)",
        description="The most all runs of this machine may cost a day, in USD; 0 means no limit",
        min=0.0,
    )
    product_budget: FloatProperty(
        name="Product (USD)",
        description="The most this product may cost over all its runs, in USD; 0 means no limit",
        min=0.0,
    )
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
    # the run on disk
    run_folder: StringProperty(
        name="Run Folder", description="Where the current run is kept; empty begins a new one", subtype="DIR_PATH"
    )


CLASSES = (
    CONSISTENCY_PG_photo,
    CONSISTENCY_PG_light,
    *angles.CLASSES,
    *parameters.CLASSES,
    CONSISTENCY_PG_settings,
)
