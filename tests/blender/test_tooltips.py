# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every property that can be seen has a name and a tooltip, and every number its unit."""

from __future__ import annotations

import re

import bpy
import pytest

# Numbers that count or compare, so that there is no unit to give.
COUNTS = {"seed", "cover", "takes", "take", "chosen", "retakes", "samples", "aspect", "aim", "index", "queue_position"}
UNITS = re.compile(r"USD|Kelvin|pixel|seconds|milliseconds|per second", re.IGNORECASE)
MEASURED = {
    "PERCENTAGE",
    "PIXEL",
    "FACTOR",
    "ANGLE",
    "DISTANCE",
    "DISTANCE_CAMERA",
    "COLOR",
    "COLOR_GAMMA",
    "TIME",
    "TIME_ABSOLUTE",
    "TEMPERATURE",
}


def everything():
    """(class, property) of all that the extension registers, but for what it inherits from Blender."""
    from consistency_pipeline import operators

    for cls in operators.CLASSES:
        rna = operator_rna(cls) if issubclass(cls, bpy.types.Operator) else getattr(cls, "bl_rna", None)
        for prop in rna.properties if rna is not None else ():
            inherited = any(
                prop.identifier in getattr(base.bl_rna, "properties", ())
                for base in cls.__mro__[1:]
                if hasattr(base, "bl_rna")
            )
            if prop.identifier not in ("rna_type", "bl_idname", "bl_label") and not inherited:
                yield cls, prop


def operator_rna(cls):
    return getattr(bpy.ops.consistency, cls.bl_idname.partition(".")[2]).get_rna_type()


def is_shown(prop):
    return not prop.is_hidden and prop.type != "COLLECTION" and not prop.identifier.endswith("_index")


def test_there_is_something_to_look_at(sidebar):
    names = {(cls.__name__, prop.identifier) for cls, prop in everything()}
    assert ("CONSISTENCY_PG_settings", "lighting") in names
    assert ("CONSISTENCY_OT_run", "agreed_usd") in names
    assert len(names) > 100


def test_everything_has_a_tooltip(sidebar):
    shown = [(cls, prop) for cls, prop in everything() if is_shown(prop) and "PresetBase" not in str(cls.__mro__)]
    missing = [f"{cls.__name__}.{prop.identifier}" for cls, prop in shown if len(prop.description) < 4]
    assert missing == []
    periods = [f"{cls.__name__}.{prop.identifier}" for cls, prop in shown if prop.description.endswith(".")]
    assert periods == []


def test_every_choice_has_a_tooltip(sidebar):
    enums = [(cls, prop) for cls, prop in everything() if prop.type == "ENUM"]
    bare = [
        f"{cls.__name__}.{prop.identifier}: {item.name}"
        for cls, prop in enums
        for item in prop.enum_items_static
        if not item.description
    ]
    assert bare == []


def test_every_number_has_its_unit(sidebar):
    numbers = [(cls, prop) for cls, prop in everything() if prop.type in ("INT", "FLOAT") and is_shown(prop)]
    bare = [
        f"{cls.__name__}.{prop.identifier}"
        for cls, prop in numbers
        if prop.identifier not in COUNTS
        and prop.subtype not in MEASURED
        and prop.unit == "NONE"
        and not UNITS.search(f"{prop.name} {prop.description}")
    ]
    assert bare == []


@pytest.mark.parametrize("stage", ["model", "rig", "references", "photoreal", "video", "results"])
def test_each_run_button_says_what_it_does(sidebar, stage):
    from consistency_pipeline.operators.buttons.run import CONSISTENCY_OT_run

    class Properties:
        until, fresh, again = stage, False, False

    words = CONSISTENCY_OT_run.description(bpy.context, Properties)
    assert len(words) > 20
    Properties.again = True
    assert "anew" in CONSISTENCY_OT_run.description(bpy.context, Properties)


def test_an_operator_is_called_as_its_class_is(sidebar):
    """One word finds the button, the class and the script's call."""
    from consistency_pipeline import operators

    pairs = {cls.__name__: cls.bl_idname for cls in operators.CLASSES if issubclass(cls, bpy.types.Operator)}
    assert len(pairs) > 30
    assert pairs == {name: name.lower().replace("consistency_ot_", "consistency.") for name in pairs}
