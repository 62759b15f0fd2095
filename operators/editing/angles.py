# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The angles as a list on the scene; what is typed into it moves the cameras at once."""

from __future__ import annotations

import math
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import FloatProperty, StringProperty

from ...pipeline.rig import Angle
from ...pipeline.settings.options import find
from ...pipeline.wording.ascii_words import in_ascii
from . import live
from .option_properties import set_property, to_setting, with_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bpy.types import Context

OPTIONS = Angle.options
FOLLOWS = {"update": live.angles_changed}


def file_name(words: str) -> str:
    """``words`` as an angle may be called: 1-40 lower-case letters, digits and dashes."""
    return re.sub(r"[^a-z0-9]+", "-", in_ascii(words).lower()).strip("-")[:40].strip("-") or "angle"


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


def _share(self: CONSISTENCY_PG_angle) -> float:
    """Percent: the angle's own, else the run's."""
    return self.own_faithful if self.own_faithful >= 0 else self.id_data.consistency.faithful


def _set_share(self: CONSISTENCY_PG_angle, percent: float) -> None:
    self.own_faithful = percent


@with_options(
    OPTIONS,
    {
        "azimuth": {"soft_min": -math.pi, "soft_max": math.pi, "step": 100, "precision": 1, **FOLLOWS},
        "elevation": {"step": 100, "precision": 1, **FOLLOWS},
        "fill": {"min": 5.0, "soft_max": 200.0, "precision": 0, **FOLLOWS},
        "focal_length": {"precision": 0, "step": 100, **FOLLOWS},
        "aim": {"min": 0.0, "max": 1.0, "precision": 2, "step": 1, **FOLLOWS},
        "prompt": {"maxlen": 2000, "update": live.prompt_changed},
    },
)
class CONSISTENCY_PG_angle(bpy.types.PropertyGroup):
    """One angle: what rig.Angle declares, its name, and its part of the gate's options ``details`` and ``faithful_at``."""

    name: StringProperty(
        name="Name",
        description="Names the files of this angle; lower-case letters, digits and dashes",
        default="angle",
        maxlen=40,
        update=_renamed,
    )
    detail_photo: StringProperty(
        name=find("details").label,
        description="A photo of the product from this angle that restored detail is taken from; empty: from the render",
        subtype="FILE_PATH",
    )
    own_faithful: FloatProperty(
        name=find("faithful").label,
        description="What is set for this angle alone, in percent; negative: as for all",
        subtype="PERCENTAGE",
        default=-1.0,
        min=-1.0,
        max=100.0,
    )
    faithful: FloatProperty(
        name="As It Came – Faithful",
        description=(
            "How much of this still's detail is its render's: at 0 it is as it came, at 100 only its light is left. "
            "Letting go keeps it as a take of its own, made here; nothing is bought"
        ),
        subtype="PERCENTAGE",
        min=0.0,
        max=100.0,
        precision=0,
        get=_share,
        set=_set_share,
        update=live.faithful_slid,
    )


def values_of(item: CONSISTENCY_PG_angle) -> dict[str, Any]:
    """The list's entry as an Angle's fields, degrees rounded to what Blender's single precision holds."""
    return {"name": item.name, **{option.name: to_setting(option, item) for option in OPTIONS}}


def fill_in(item: CONSISTENCY_PG_angle, values: Mapping[str, Any]) -> None:
    """Set an entry from an Angle's fields, in degrees; those missing take their defaults."""
    with live.paused():
        for option in OPTIONS:
            set_property(option, item, values.get(option.name, option.default))
        item.name = values["name"]


def set_angles(scene: bpy.types.Scene, angles: Iterable[Angle]) -> None:
    """Replace the list."""
    own = scene.consistency
    with live.paused():
        own.angles.clear()
        for angle in angles:
            fill_in(own.angles.add(), asdict(angle))
        own.angle_index = 0
    live.angles_changed(own, bpy.context)


CLASSES = (CONSISTENCY_PG_angle,)
