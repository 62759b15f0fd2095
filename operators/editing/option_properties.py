# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scene's side of a run's options: a Blender property for each, and its value to a run's settings and back.

What Blender alone needs to know (which step a slider has, what follows an edit) is given beside; name, tooltip, range,
choices and default are the declaration's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, get_origin

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, FloatVectorProperty, IntProperty, StringProperty

from ...pipeline.declaration import Option
from ...pipeline.settings.options import find
from . import parameters

SUBTYPES = {
    "pixels": "PIXEL",
    "seconds": "TIME_ABSOLUTE",
    "degrees": "ANGLE",
    "millimetres": "DISTANCE_CAMERA",
    "kelvin": "COLOR_TEMPERATURE",
    "share": "PERCENTAGE",
}
NOTHING = 0.0001  # USD; a limit of 0 would be none in the window, so that loading a run's settings would lift it
Group = TypeVar("Group", bound=type)


def with_options(options: Iterable[Option], specifics: Mapping[str, dict[str, Any]]) -> Callable[[Group], Group]:
    """Give a property group a property for each of ``options`` that names one; ``specifics``: more for one, by its name."""

    def add(group: Group) -> Group:
        for option in options:
            if option.prop:
                group.__annotations__[option.prop] = property_of(option, **specifics.get(option.prop, {}))
        return group

    return add


def of(option: str, /, **specifics: Any) -> Any:
    """The property of the option of a name, for another group than the scene's; ``specifics`` overrule the declaration."""
    return property_of(find(option), **specifics)


def choices_of(name: str) -> tuple[tuple[str, str, str], ...]:
    """The choices that the option of a name has, as an EnumProperty's items."""
    choices = find(name).choices or {}
    return tuple((value, *texts) for value, texts in choices.items())


def property_of(option: Option, **specifics: Any) -> Any:
    """What an annotation of a property group says for the option."""
    kind = option.kind
    facts: dict[str, Any] = {"name": option.label, "description": _tooltip(option)}
    default = option.default if option.in_window is None else option.in_window
    if option.endpoint:
        return parameters.endpoint_property(option.endpoint, **{**facts, "default": default or "", **specifics})
    if option.choices:
        return EnumProperty(**{**facts, "items": choices_of(option.name), "default": default, **specifics})
    if kind is bool:
        return BoolProperty(**{**facts, "default": default, **specifics})
    if kind in (int, float):
        facts |= {"default": kind(_scaled(option, default or 0)), **_range(option)}
        if option.unit in SUBTYPES:
            facts["subtype"] = SUBTYPES[option.unit]
        return (IntProperty if kind is int else FloatProperty)(**{**facts, **specifics})
    if get_origin(kind) is tuple and not option.is_list:
        facts |= {"size": len(default), "default": tuple(_scaled(option, value) for value in default)}
        return FloatVectorProperty(**{**facts, **specifics})
    return StringProperty(**{**facts, **({"maxlen": option.longest} if option.longest else {}), **specifics})


def _tooltip(option: Option) -> str:
    text = f"{option.help[0].upper()}{option.help[1:]}"
    if option.is_list:
        text += "; several are separated by commas"
    if option.unset and not option.switch and not option.choices:
        text += f"; {'0' if option.kind in (int, float) else 'empty'}: {option.unset}"
    return text


def _range(option: Option) -> dict[str, Any]:
    least = 0 if option.optional and not option.switch else option.least  # 0 stands for None
    limits = {"min": least, "max": option.most}
    return {name: option.kind(_scaled(option, limit)) for name, limit in limits.items() if limit is not None}


def _scaled(option: Option, value: float) -> float:
    """A number of the settings as the property has it: a percentage, or radians."""
    return value * 100.0 if option.unit == "share" else math.radians(value) if option.unit == "degrees" else value


def _unscaled(option: Option, value: float) -> float:
    """The reverse, in the decimals that Blender's single precision holds, and within the option's range."""
    if option.unit == "share":
        value /= 100.0
    elif option.unit == "degrees":
        value = math.degrees(value)
    usual = 3 if option.unit == "degrees" else 4
    value = round(value, usual if option.digits is None else option.digits) + 0.0  # and no -0.0
    value = value if option.least is None or option.optional else max(option.least, value)
    return value if option.most is None else min(option.most, value)


def to_setting(option: Option, group: bpy.types.PropertyGroup) -> Any:
    """What the option's property in ``group`` says, as the settings have it."""
    value = getattr(group, option.prop)
    if option.choices or option.kind is bool:
        return value
    if option.is_list:
        value = words(value)
    elif isinstance(value, str):
        value = value.strip()
    elif option.kind is float:
        value = _unscaled(option, value)
    elif option.kind is not int:
        return tuple(_unscaled(option, each) for each in value)
    if option.switch:
        return value if getattr(group, option.switch) else None
    return value or None if option.optional else value


def set_property(option: Option, group: bpy.types.PropertyGroup, value: Any) -> None:
    """Set the option's property in ``group`` to a value of the settings."""
    is_set = value is not None
    if option.switch:
        setattr(group, option.switch, is_set)
    if not is_set:
        value = 0 if option.kind in (int, float) else "" if not option.is_list else ()
    if option.is_list:
        value = ", ".join(value)
    elif option.kind is float:
        value = _scaled(option, value)
        if option.unit == "USD" and value == 0.0 and is_set:
            value = NOTHING
    elif isinstance(value, tuple | list):
        value = [_scaled(option, each) for each in value]
    setattr(group, option.prop, value)


def words(text: str) -> tuple[str, ...]:
    """Words that commas separate."""
    return tuple(word.strip() for word in text.split(",") if word.strip())
