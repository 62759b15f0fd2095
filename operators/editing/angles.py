"""The angles as a list on the scene; what is typed into it moves the cameras at once."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import FloatProperty, FloatVectorProperty, StringProperty

from . import live

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bpy.types import Context

    from ...pipeline.rig import Angle

DEFAULTS = (  # the angles of the set "product"; written out so that a new scene needs no pydantic to be drawn
    {"name": "front", "azimuth": 0, "elevation": 15},
    {"name": "three-quarter", "azimuth": 45, "elevation": 25},
    {"name": "side", "azimuth": 90, "elevation": 15},
    {"name": "top", "azimuth": 0, "elevation": 75},
    {"name": "detail", "azimuth": 30, "elevation": 5, "fill": 1.6, "aim": (0.5, 0.5, 0.6)},
)


def file_name(words: str) -> str:
    """``words`` as an angle may be called: 1-40 lower-case letters, digits and dashes."""
    plain = unicodedata.normalize("NFKD", words.casefold()).encode("ascii", "ignore").decode()  # "Größe" is "grosse"
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "angle"


def free_name(words: str, taken: Iterable[str]) -> str:
    """``words`` as a file name that is not ``taken``: numbered, as Blender numbers its objects."""
    name, others = file_name(words), set(taken)
    number, free = 2, name
    while free in others:
        tail = f"-{number}"
        free, number = f"{name[: 40 - len(tail)].rstrip('-')}{tail}", number + 1
    return free


def _renamed(self: CONSISTENCY_PG_angle, context: Context) -> None:
    others = [angle.name for angle in self.id_data.consistency.angles if angle.as_pointer() != self.as_pointer()]
    name = free_name(self.name, others)
    if name != self.name:
        self.name = name
    else:
        live.clip_follows(self, context)
        live.angles_changed(self, context)


class CONSISTENCY_PG_angle(bpy.types.PropertyGroup):
    name: StringProperty(
        name="Name",
        description="Names the files of this angle; lower-case letters, digits and dashes",
        default="angle",
        maxlen=40,
        update=_renamed,
    )
    azimuth: FloatProperty(
        name="Azimuth",
        description="Where the camera stands around the product; 0° looks at its front, 90° at its right side",
        subtype="ANGLE",
        default=0.0,
        soft_min=-math.pi,
        soft_max=math.pi,
        step=100,
        precision=1,
        update=live.angles_changed,
    )
    elevation: FloatProperty(
        name="Elevation",
        description="How far above the horizon the camera stands; negative looks up from below",
        subtype="ANGLE",
        default=math.radians(15.0),
        min=-math.pi / 2,
        max=math.pi / 2,
        step=100,
        precision=1,
        update=live.angles_changed,
    )
    fill: FloatProperty(
        name="Framing",
        description="Share of the frame that the product fills; above 100% the frame crops it on purpose",
        subtype="PERCENTAGE",
        default=80.0,
        min=5.0,
        max=400.0,
        soft_max=200.0,
        precision=0,
        update=live.angles_changed,
    )
    focal_length: FloatProperty(
        name="Focal Length",
        description="On a sensor 36 mm wide",
        subtype="DISTANCE_CAMERA",
        default=85.0,
        min=10.0,
        max=600.0,
        precision=0,
        step=100,
        update=live.angles_changed,
    )
    aim: FloatVectorProperty(
        name="Aim",
        description="What a close-up is centred on, in the product's bounding box; 0.5 is the middle",
        size=3,
        default=(0.5, 0.5, 0.5),
        min=0.0,
        max=1.0,
        precision=2,
        step=1,
        update=live.angles_changed,
    )
    prompt: StringProperty(
        name="Own Prompt",
        description="Sent for this angle instead of the composed prompt; empty composes it",
        maxlen=2000,
        update=live.prompt_changed,
    )
    detail_photo: StringProperty(
        name="Detail From",
        description="A photo of the product from this angle that restored detail is taken from; empty: from the render",
        subtype="FILE_PATH",
    )


def to_angle(item: CONSISTENCY_PG_angle) -> Angle:
    """The list's entry as the pipeline's Angle, degrees rounded to what Blender's single precision holds."""
    from ...pipeline.rig import Angle

    return Angle(
        name=item.name,
        azimuth=round(math.degrees(item.azimuth), 3),
        elevation=max(-90.0, min(90.0, round(math.degrees(item.elevation), 3))),
        fill=round(item.fill / 100.0, 4),
        focal_length=round(item.focal_length, 3),
        aim=tuple(round(value, 4) for value in item.aim),
        prompt=item.prompt.strip(),
    )


def fill_in(item: CONSISTENCY_PG_angle, values: dict[str, Any]) -> None:
    """Set an entry from an Angle's fields, in degrees; those missing take their defaults."""
    with live.paused():
        item.azimuth = math.radians(values.get("azimuth", 0.0))
        item.elevation = math.radians(values.get("elevation", 15.0))
        item.fill = 100.0 * values.get("fill", 0.8)
        item.focal_length = values.get("focal_length", 85.0)
        item.aim = values.get("aim", (0.5, 0.5, 0.5))
        item.prompt = values.get("prompt", "")
        item.name = values["name"]


def set_angles(scene: bpy.types.Scene, angles: Iterable[dict[str, Any]]) -> None:
    """Replace the list."""
    settings = scene.consistency
    with live.paused():
        settings.angles.clear()
        for values in angles:
            fill_in(settings.angles.add(), values)
        settings.angle_index = 0
    live.angles_changed(settings, bpy.context)


CLASSES = (CONSISTENCY_PG_angle,)
