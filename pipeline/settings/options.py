# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a run, in groups. Lengths in metres, angles in degrees, times in seconds, money in USD.

An option is added as one field here; declaration.Option says what can be said of it, and what follows from it where.
run.json keeps the groups in one flat object, but for the gate: see settings.RunSettings.
"""

from typing import Any, Literal

from ..declaration import Group, Option, option
from ..rig import ANGLE_SETS, DEFAULT_ANGLE_SET, Angle
from ..verdicts import Unsure, Witness
from .choices import BackendName, ClipAlpha, DeviceChoice, MotionName, Quality, Restore
from .lamps import AddedLamp
from .lights import Light

Rung = Literal["reroll", "stricter", "depth"]


class Inputs(Group):
    """What the product is, and what its model is made of and by."""

    files: tuple[str, ...] = option(
        (),
        "one .glb, .gltf or .blend, or 1-4 photos of one product",
        unit="file",
        flag="inputs",
        metavar="INPUT",
        path=("inputs",),
    )
    leave_out: tuple[str, ...] = option(
        (),
        "a part of the file that is not the product, such as a floor, by its name",
        label="Leave Out",
        metavar="NAME",
        repeatable=True,
    )
    variant: str = option(
        "",
        "the variant of the file's materials that is shown, by its name (KHR_materials_variants, or a spare material slot)",
        unset="what the file itself shows",
        metavar="NAME",
        label="Variant",
        longest=80,
    )
    text: str = option("", "words that say what the product is, instead of files", label="Words", longest=600)
    allow_missing_textures: bool = option(
        False,
        "go on where a texture, library or font of the product can't be used; then no picture is called on model",
        label="Allow Missing Textures",
        resume=True,
    )
    name: str = option(
        "",
        "what the product is called in results and prompts",
        unset="its file's name, or its words",
        label="Name",
        prop="product_name",
        longest=80,
    )
    turn: tuple[float, float, float] = option(
        (0.0, 0.0, 0.0),
        "degrees to turn the product about x, y and z, in this order, so that its front looks towards -Y",
        unit="degrees",
        metavar="X,Y,Z",
        label="Turn",
    )
    model_endpoint: str | None = option(
        None,
        "what makes the model",
        unset="chosen by the inputs",
        label="Endpoint for Models",
        metavar="ID",
        endpoint="model",
    )
    retexture_endpoint: str | None = option(
        None,
        "what gives the model that was made a texture from the photos, so that a label is sharp on it",
        unset="the model keeps the texture that it was made with",
        label="Texture from the Photos",
        metavar="ID",
        endpoint="retexture",
    )
    picture_endpoint: str | None = option(
        None,
        "what makes a picture from the words first, and the model from it",
        unset="the model is made straight from the words",
        label="Picture First",
        metavar="ID",
        endpoint="picture",
    )


class Service(Group):
    """Who makes the pictures, and the fields that each endpoint is sent."""

    backend: BackendName = option(
        BackendName.LOCAL,
        "who makes the stills and clips",
        unset="fal when a key is found, else local",
        label="Backend",
        prop=None,
        choices={
            BackendName.FAL: ("fal.ai", "Photoreal stills and clips by image and video models; they cost money"),
            BackendName.LOCAL: ("This Machine", "Cycles renders of the same cameras: no AI, no network, no cost"),
        },
    )
    overrides: dict[str, dict[str, Any]] = option(
        dict,
        "a field of an endpoint",
        flag="--set",
        metavar="ENDPOINT.field=value",
        repeatable=True,
        label="Fields of Endpoints",
        prop=None,
    )
    check_inputs: bool = option(
        True,
        "before money is spent, fields are held against fal.ai's own description of the endpoint",
        off="send fields as they are, whatever fal.ai's own description of the endpoint says",
        label="Check Inputs First",
        resume=True,
    )


def _of_the_preset(what: str, label: str, least: float = 0.0, most: float = 10.0) -> Any:
    """A factor on what a lighting preset has; 1.0 leaves it."""
    return option(
        1.0, f"{what}, as a share of the preset's", unit="share", least=least, most=most, label=label, flag=None
    )


class LightRig(Group):
    """Corrections on top of a lighting preset; 1.0 and 0.0 change nothing."""

    key: float = _of_the_preset("strength of the key light", "Key")
    fill: float = _of_the_preset("strength of the fill light", "Fill")
    rim: float = _of_the_preset("strength of the rim light", "Rim")
    environment: float = _of_the_preset("strength of the environment", "Environment")
    temperature: float = option(
        0.0,
        "kelvin added to every lamp's colour temperature; negative is warmer",
        unit="kelvin",
        least=-4000.0,
        most=4000.0,
        digits=1,
        label="Temperature Shift",
        flag=None,
    )
    rotation: float = option(
        0.0,
        "turns the whole lighting about the product",
        unit="degrees",
        least=-360.0,
        most=360.0,
        digits=2,
        label="Rotation",
        flag=None,
    )
    softness: float = _of_the_preset("size of the lamps", "Softness", least=0.05, most=5.0)


class Studio(Group):
    """What the reference renders show: cameras, light, backdrop, size and quality."""

    angles: tuple[Angle, ...] = option(
        ANGLE_SETS[DEFAULT_ANGLE_SET],
        "some of the set's angles by name, or own ones as name:azimuth:elevation[:fill[:mm]]",
        unset="all of the set's",
        metavar="A,B,…",
        label="Angles",
        prop=None,
    )
    one_scale: bool = option(
        False,
        "one scale over all angles, so that a millimetre of the product is equally long in each, instead of filling each frame",
        label="Same Scale in All Angles",
    )
    lighting: str = option(
        "studio",
        "where the lamps stand",
        metavar="NAME",
        label="Lighting",
        choices={
            "studio": ("Studio", "Three-point light: key, fill and rim"),
            "softbox": ("Softbox", "Even, soft light from all sides"),
            "dramatic": ("Dramatic", "One strong key from the side and deep shadows"),
            "hdri": ("Environment", "Only the environment lights the product"),
            "strips": ("Strip Boxes", "Two tall strips: long, soft highlights along the edges of metal and glass"),
            "bank": ("Overhead Bank", "One large light from above, a white card in front"),
            "dark-field": ("Dark Field", "Glass on black, drawn by its bright edges; seen from the front"),
            "bright-field": ("Bright Field", "Glass on white, drawn by its dark edges; seen from the front"),
            "card-and-flag": ("Card and Flag", "Metal reflects a white card on one side, a black flag on the other"),
            "gradient": ("Gradient Panels", "Large panels with smooth falloff, for polished surfaces"),
            "jewellery": ("Jewellery", "A ring light, and small lamps that sparkle in stones"),
        },
    )
    lights: dict[str, Light] = option(
        dict,
        "one light by itself: its strength, on or off, its temperature, or its tint; "
        "the lights are those of the lighting, environment, and glow for the product's own",
        flag="--light",
        metavar="NAME=1.2|off|4500K|#RRGGBB,…",
        repeatable=True,
        label="Lights",
        prop=None,
    )
    lamps: dict[str, AddedLamp] = option(
        dict, "lamps that were added to those of the lighting, by name", flag=None, label="Added Lamps", prop=None
    )
    light_rig: LightRig = option(LightRig, "corrections of the lighting", flag=None, label="Light", prop=None)
    environment: str | None = option(
        None,
        "an .exr or .hdr picture of surroundings that light the product, in colour",
        unset="the lighting's own",
        unit="file",
        metavar="FILE",
        label="Environment Picture",
    )
    environment_rotation: float = option(
        0.0,
        "turns the environment picture about the product",
        unit="degrees",
        least=-360.0,
        most=360.0,
        digits=2,
        label="Picture Rotation",
    )
    environment_strength: float = option(
        1.0,
        "strength of the environment picture; at 100 % it is as bright as the lighting's own surroundings",
        unit="share",
        least=0.0,
        most=100.0,
        label="Picture Strength",
    )
    backdrop: str = option(
        "white",
        "what stands behind the product: white, grey, gradient, transparent, a colour, or a picture",
        metavar="white|grey|gradient|transparent|#RRGGBB|FILE",
        label="Backdrop",
        prop=None,
    )
    shadow: bool = option(
        True,
        "the product casts a shadow on the backdrop",
        off="no contact shadow on the backdrop",
        label="Contact Shadow",
    )
    view_transform: str = option(
        "Khronos PBR Neutral", "Blender's view transform, from light to displayed colours", flag=None
    )
    size: int = option(1024, "pixels of the picture's longer side", unit="pixels", least=64, most=4096, label="Size")
    aspect: float = option(1.0, "width over height", least=0.4, most=2.5, label="Aspect")
    quality: Quality = option(
        Quality.STANDARD,
        "how well the references are rendered",
        label="Quality",
        choices={
            Quality.DRAFT: ("Draft", "To judge light and framing by, in seconds; nothing is bought from drafts"),
            Quality.STANDARD: ("Standard", "Shape, outline and print as exact as image models can use"),
            Quality.FINAL: ("Final", "Also glass and caustics without noise; many times slower"),
        },
    )
    samples: int | None = option(
        None, "Cycles samples a pixel", unset="as many as the quality needs", least=1, most=65536, label="Samples"
    )
    device: DeviceChoice = option(
        DeviceChoice.AUTO,
        "what Cycles renders with",
        label="Device",
        prop=None,
        choices={
            DeviceChoice.AUTO: ("Automatic", "The best GPU there is, else the CPU"),
            DeviceChoice.GPU: ("GPU", "A GPU, or an error when there is none"),
            DeviceChoice.CPU: ("CPU", "The processor only"),
        },
    )


class Stills(Group):
    """How the stills are made of the references."""

    image_endpoint: str = option(
        "fal-ai/flux-kontext/dev",
        "what makes the stills; any id of fal.ai that turns a picture into a picture",
        label="Endpoint for Stills",
        metavar="ID",
        endpoint="photoreal",
    )
    prompt: str = option(
        "", "what the product is, in a few words; the rest of the prompt is composed around it", label="Product"
    )
    materials: tuple[str, ...] | None = option(
        None,
        "hints such as metal, glass, gem or words of your own",
        unset="the product's own materials",
        metavar="A,B,…",
        label="Materials",
    )
    seed: int | None = option(
        None,
        "what chance starts from: the same seed and inputs usually give the same picture",
        unset="drawn once for a run, and kept in it",
        least=0,
        most=2**31 - 1,
        label="Seed",
        switch="seed_lock",
    )
    takes: int = option(1, "stills for each angle; each is paid for", least=1, most=16, label="Takes")
    cover: int = option(
        0,
        "further angles at most, chosen by the model's shape so that the stills see surface that the angles don't; their stills are paid for",
        least=0,
        most=12,
        metavar="N",
        label="Further Angles",
    )


class Gate(Group):
    """What is done about a still that does not show the product of its render (see gate.acceptance)."""

    enabled: bool = option(
        True,
        "measure each still against its render; what is off model is mended, taken again, or shown to you",
        off="do not measure the stills against their renders",
        flag="--no-gate",
        label="Check Stills",
        prop="check",
    )
    retakes: int = option(
        1,
        "stills bought at most in place of one that is off model, for each angle",
        least=0,
        most=8,
        metavar="N",
        label="Retakes",
        resume=True,
    )
    retake_budget: float | None = option(
        None,
        "the most that all retakes of the run may cost",
        unset="no limit of their own",
        unit="USD",
        least=0.0,
        label="Retakes (USD)",
        resume=True,
    )
    rungs: tuple[Rung, ...] = option(
        ("reroll", "stricter", "depth"),
        "what retakes try, in this order, the last one again and again",
        metavar="A,B,…",
    )
    depth_endpoint: str = option("fal-ai/flux-control-lora-depth", "what the rung depth buys from", flag=None)
    unwarp: bool = option(True, "lay a misplaced product back onto its render, without a purchase", flag=None)
    local: bool = option(
        True,
        "where all retakes failed, show this machine's finished render in place of the still, and say so",
        off="flag a still that stays wrong, instead of showing the render's own finish",
        flag="--no-local-finish",
        label="Use the Render at Last",
        prop="stand_in",
    )
    mend_detail: bool = option(
        True,
        "where only detail inside the outline is doubted, take it from the render before a retake is bought",
        off="buy a retake where only detail inside the outline is doubted, instead of taking it from the render",
        label="Mend Detail",
    )
    faithful: float = option(
        0.0,
        "how much of a still's detail is its render's: 0 leaves it as it came, 1 keeps only its light",
        unit="share",
        least=0.0,
        most=1.0,
        label="Faithful",
    )
    faithful_at: dict[str, float] = option(
        dict,
        "at that angle, another share than faithful has, 0 to 1",
        unit="share",
        metavar="ANGLE=SHARE",
        repeatable=True,
    )
    faithful_print: bool = option(
        True,
        "print on the product is its render's as soon as faithful is above 0",
        off="let faithful treat print on the product as all other detail",
        label="Print Always",
    )
    unsure: Unsure = option(
        Unsure.FLAG,
        "what is done with a still of which nothing can be told, such as one of clear glass on white",
        label="If Unsure",
        choices={
            Unsure.FLAG: ("Show Me", "Keep it, and say that somebody should look at it"),
            Unsure.ACCEPT: ("Accept", "Take it as on model"),
            Unsure.CLIMB: ("Take Again", "Treat it as off model; its retakes cost money"),
        },
    )
    second_opinion: Witness = option(
        Witness.NONE,
        "who else is asked about a still of which nothing can be told; the answer alone never makes it on model",
        label="Second Opinion",
        resume=True,
        choices={
            Witness.NONE: ("Nobody", "It stays as the measures leave it"),
            Witness.VISION: (
                "Vision Model",
                "A vision model at fal.ai compares it with its render; each answer is paid for",
            ),
            Witness.MATTE: (
                "Its Matte",
                "A model at fal.ai cuts the product out, its outline is held against the render's; each is paid for",
            ),
            Witness.OCR: (
                "Reading the Print",
                "This machine reads the print on both; needs rapidocr beside a checkout",
            ),
        },
    )
    opinion_endpoint: str = option("openrouter/router/vision", "what a second opinion is bought from", flag=None)
    exact: bool = option(
        False, "cut each accepted still out along the exact outline of its render", label="Exact Outline"
    )
    restore: Restore = option(
        Restore.NONE,
        "detail that the exact still takes from its render",
        label="Restore",
        choices={
            Restore.NONE: ("Nothing", "Only the outline is the render's"),
            Restore.LABEL: ("Label", "The label, or whatever else is printed on the product"),
            Restore.EDGES: ("Edges", "Fine detail along the edges inside the outline"),
        },
    )
    regions: dict[str, str] = option(
        dict,
        "a picture, white where exact mode restores detail at that angle, in place of restore",
        unit="file",
        flag="--restore-region",
        metavar="ANGLE=FILE",
        repeatable=True,
    )
    details: dict[str, str] = option(
        dict,
        "a photo from that angle that restored detail is taken from, not from the render",
        unit="file",
        flag="--detail-from",
        metavar="ANGLE=FILE",
        repeatable=True,
        label="Detail From",
        prop=None,
    )


class Clip(Group):
    """The clip: what moves in it, which stills it begins and ends with, how long it is."""

    video_endpoint: str = option(
        "fal-ai/kling-video/v3/pro/image-to-video",
        "what makes the clip; any id of fal.ai that turns a picture into a video",
        label="Endpoint for Clips",
        metavar="ID",
        endpoint="video",
    )
    motion: MotionName = option(
        MotionName.TURNTABLE,
        "what moves in the clip",
        label="Motion",
        choices={
            MotionName.TURNTABLE: ("Turntable", "The product turns about its own axis"),
            MotionName.LIGHT_SWEEP: ("Light Sweep", "A light glides across the standing product"),
            MotionName.DETAIL_REVEAL: ("Detail Reveal", "The camera pushes in on a detail"),
            MotionName.EXACT_TURNTABLE: (
                "Exact Turntable",
                "The true model turns, rendered here with the look of the stills: it can't drift, and costs nothing",
            ),
            MotionName.EXACT_LIGHT_SWEEP: (
                "Exact Light Sweep",
                "A light glides across the true model, rendered here with the look of the stills, for nothing",
            ),
            MotionName.EXACT_DETAIL_REVEAL: (
                "Exact Detail Reveal",
                "The camera pushes in on the true model, rendered here with the look of the stills, for nothing",
            ),
            MotionName.ANCHORED_TURNTABLE: (
                "Anchored Turntable",
                "A video model fills the turn between one still and the next, a purchase each; where it fails, exact frames do",
            ),
            MotionName.NONE: ("No Clip", "Stills only"),
        },
    )
    video_angle: str | None = option(
        None,
        "the angle whose still starts the clip",
        unset="three-quarter, else the first",
        metavar="NAME",
        label="From",
    )
    video_end_angle: str | None = option(
        None,
        "the angle whose still ends the clip, where the endpoint takes one",
        unset="none",
        metavar="NAME",
        label="To",
    )
    video_elements: bool = option(
        False,
        "send the other stills as further views, where the endpoint takes them",
        flag="--elements",
        label="Send All Views",
    )
    duration: float = option(
        5.0,
        "length of the clip in seconds; bought ones are rounded up to what the endpoint sells, and mirror-like products get 4 at most",
        unit="seconds",
        least=1.0,
        most=60.0,
        digits=2,
        metavar="S",
        label="Duration",
    )
    frame_rate: int = option(
        24,
        "frames per second of an exact clip, or of an anchored one",
        least=1,
        most=120,
        metavar="N",
        label="Frame Rate",
    )
    clip_alpha: ClipAlpha = option(
        ClipAlpha.NONE,
        "what an exact clip is also kept as, without its backdrop",
        label="Without Backdrop",
        choices={
            ClipAlpha.NONE: ("Not Kept", "Only the clip over its backdrop"),
            ClipAlpha.WEBM: ("WebM", "A clip with transparency, as browsers play it"),
            ClipAlpha.PNG: ("PNG Sequence", "A picture with transparency for each frame"),
        },
    )
    audio: bool = option(False, "let the video model make sound; it costs more", label="Audio")

    @property
    def is_bought(self) -> bool:
        """A video model makes the clip, where there is a service; it isn't rendered here, and there is one."""
        return self.motion != MotionName.NONE and not self.motion.is_exact


class Money(Group):
    """What may be spent."""

    budget: float | None = option(
        None,
        "the most that this run may cost",
        unset="no limit",
        unit="USD",
        least=0.0,
        label="Run (USD)",
        in_window=5.0,
        resume=True,
    )
    daily_budget: float | None = option(
        None,
        "the most that all runs of this machine may cost in one day",
        unset="no limit",
        unit="USD",
        least=0.0,
        label="Day (USD)",
        resume=True,
    )
    product_budget: float | None = option(
        None,
        "the most that this product may cost, over all its runs on this machine",
        unset="no limit",
        unit="USD",
        least=0.0,
        label="Product (USD)",
        resume=True,
    )


class Privacy(Group):
    """What others may keep."""

    private: bool = option(
        False, "ask fal.ai not to store inputs and outputs for longer than this run needs them", label="Private"
    )


GROUPS: dict[str, type[Group]] = {
    "inputs": Inputs,
    "service": Service,
    "studio": Studio,
    "stills": Stills,
    "gate": Gate,
    "clip": Clip,
    "money": Money,
    "privacy": Privacy,
}
NESTED = ("gate",)  # an object of its own in run.json
OPTIONS: tuple[Option, ...] = tuple(each for group in GROUPS.values() for each in group.options)
for _name, _group in GROUPS.items():
    for _each in _group.options:
        _each.group, _each.path = _name, (_name, _each.name) if _name in NESTED else _each.path


def find(name: str) -> Option:
    """The option of a name; names are distinct over all groups."""
    return next(each for each in OPTIONS if each.name == name)
