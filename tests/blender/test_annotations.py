# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Blender evaluates of our annotations: every property, and every function that a property calls.

Blender evaluates the annotations of a class with the class's own names as globals. So a lambda written into an annotation
sees nothing of its module, and fails each time it is called, on the console, where no artist looks.
"""

from __future__ import annotations

import builtins
import dis
import typing

import bpy
import pytest

CALLED = ("update", "get", "set", "items", "search", "poll", "get_transform", "set_transform")


def classes():
    from consistency_pipeline import operators, panels

    return (*operators.CLASSES, *panels.CLASSES)


def properties():
    """(class, name, what the annotation evaluates to), of every class and what it inherits from ours."""
    for cls in classes():
        for base in (each for each in cls.__mro__ if each.__module__.startswith("consistency_pipeline")):
            for name, found in typing.get_type_hints(base).items():
                if hasattr(found, "keywords"):
                    yield base, name, found


def unknown_names(function):
    """Global names that the function reads and that are neither its module's nor Python's; those of what is in it, too."""
    codes, names = [function.__code__], set()
    while codes:
        code = codes.pop()
        codes += [part for part in code.co_consts if hasattr(part, "co_code")]
        names |= {step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return sorted(name for name in names if name not in function.__globals__ and not hasattr(builtins, name))


def test_there_are_properties_to_look_at(addon):
    found = {(cls.__name__, name) for cls, name, _ in properties()}
    assert {("CONSISTENCY_PG_status", "compare"), ("CONSISTENCY_PG_settings", "lighting")} <= found
    assert len(found) > 100


def test_every_annotation_is_evaluated_and_what_it_calls_knows_its_names(addon):
    called = [
        (f"{cls.__name__}.{name}.{kind}", found.keywords[kind])
        for cls, name, found in properties()
        for kind in CALLED
        if callable(found.keywords.get(kind)) and hasattr(found.keywords[kind], "__code__")
    ]
    assert len(called) > 20
    assert {where: unknown_names(function) for where, function in called if unknown_names(function)} == {}


def test_the_kind_of_mistake_is_found():
    class Wrong:
        slider: "{'update': lambda _self, _context: not_in_the_class()}"  # noqa: F821, UP037

    assert unknown_names(typing.get_type_hints(Wrong)["slider"]["update"]) == ["not_in_the_class"]


@pytest.mark.parametrize("owner", ["scene", "window_manager"])
def test_setting_any_property_prints_no_error(sidebar, capfd, owner):
    """As the mouse does it, over a slider: Blender reports what an update raises on the console, and goes on."""
    holders = [getattr(bpy.context, owner).consistency]
    touched = 0
    while holders:
        holder = holders.pop()
        for prop in holder.bl_rna.properties:
            if prop.identifier == "rna_type":
                continue
            if prop.type == "POINTER" and issubclass(type(getattr(holder, prop.identifier)), bpy.types.PropertyGroup):
                holders.append(getattr(holder, prop.identifier))
            elif prop.type == "COLLECTION":
                collection = getattr(holder, prop.identifier)
                holders.append(collection[0] if len(collection) else collection.add())
            else:
                setattr(holder, prop.identifier, getattr(holder, prop.identifier))
                touched += 1
    said = capfd.readouterr()
    assert touched > 20
    assert "Traceback" not in said.out + said.err
    for name in ("jobs", "shots", "costs", "history", "stages"):
        getattr(bpy.context.window_manager.consistency, name).clear()
