# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of single lights on the scene: those that its lamps have, and the mix of the board, which no lamp has yet."""

# No "from __future__ import annotations" here: Blender would compile each property again from its words while it registers.

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import bpy
from bpy.props import BoolProperty, FloatProperty, FloatVectorProperty, StringProperty

from ...pipeline.settings.lights import Light
from . import live


class CONSISTENCY_PG_light_change(bpy.types.PropertyGroup):
    """One light's change, by the light's name: pipeline.settings.lights.Light."""

    on: BoolProperty(name="On", description="The light is on", default=True, update=live.mixed)
    strength: FloatProperty(
        name="Strength",
        description="Times the light's strength",
        subtype="PERCENTAGE",
        default=100.0,
        min=0.0,
        max=10000.0,
        soft_max=200.0,
        precision=0,
        update=live.mixed,
    )
    own_kelvin: BoolProperty(
        name="Own Temperature", description="The light has another colour temperature", update=live.mixed
    )
    kelvin: FloatProperty(
        name="Temperature",
        description="The light's colour temperature",
        subtype="COLOR_TEMPERATURE",
        default=6500.0,
        min=1000.0,
        max=20000.0,
        precision=0,
        step=10000,
        update=live.mixed,
    )
    tint: FloatVectorProperty(
        name="Tint",
        description="The light's colour on top of its temperature",
        subtype="COLOR",
        size=3,
        min=0.0,
        soft_max=1.0,
        max=100.0,
        default=(1.0, 1.0, 1.0),
        update=live.mixed,
    )


class CONSISTENCY_PG_look(bpy.types.PropertyGroup):
    """A look that is kept with the scene: pipeline.settings.look, as JSON."""

    data: StringProperty(name="Data", description="The look as JSON", options={"HIDDEN"})


def light_of(change: CONSISTENCY_PG_light_change) -> Light:
    """The change as the settings have it, in the decimals that Blender's single precision holds."""
    return Light(
        on=change.on,
        strength=round(change.strength / 100.0, 4),
        kelvin=round(change.kelvin, 1) if change.own_kelvin else None,
        tint=tuple(round(factor, 5) for factor in change.tint),
    )


def to_lights(changes: Any) -> dict[str, Any]:
    """A collection's changes by name, as run.json has them; those that change nothing are left out."""
    found = {change.name: light_of(change) for change in changes}
    return {name: asdict(light) for name, light in found.items() if not light.changes_nothing}


def from_lights(changes: Any, lights: Mapping[str, Light]) -> None:
    """Have a collection hold exactly ``lights``."""
    changes.clear()
    for name, light in lights.items():
        set_change(changes, name, light)


def set_change(changes: Any, name: str, light: Light) -> None:
    """Set one light's change in a collection."""
    change = changes.get(name)
    if change is None:
        change = changes.add()
        change.name = name
    change.on, change.strength, change.tint = light.on, light.strength * 100.0, light.tint
    change.own_kelvin = light.kelvin is not None
    if light.kelvin is not None:
        change.kelvin = light.kelvin


CLASSES = (CONSISTENCY_PG_light_change, CONSISTENCY_PG_look)
