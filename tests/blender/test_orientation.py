# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which side is the front: turned from the panel, by picking a side, and by the command line, and never twice."""

from __future__ import annotations

import math
from types import SimpleNamespace

import bpy
import pytest
from mathutils import Vector

from consistency_pipeline.pipeline.errors import BadInput, UsageError
from consistency_pipeline.pipeline.settings.arguments import make_parser, settings_from
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.studio import BlenderStudio, model, orientation

from .stand_in import status


def result_of(steps):
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        return stop.value


def box_of():
    """Lowest and highest corner of the product as it stands, to a tenth of a millimetre."""
    points = model.product_points()
    return [
        tuple(round(float(value), 4) + 0.0 for value in corner) for corner in (points.min(axis=0), points.max(axis=0))
    ]


@pytest.fixture
def taken(sidebar, add_box):
    """A box of 0.2 × 0.4 × 0.6 m, taken as the product from where the artist has it."""
    add_box("Crate", size=(0.2, 0.4, 0.6), at=(3.0, 0.0, 5.0)).select_set(True)
    bpy.ops.consistency.use_selected()
    return sidebar


LYING = [(-0.2, -0.1, 0.0), (0.2, 0.1, 0.6)]


def test_a_quarter_turn_turns_it_and_leaves_it_on_the_floor(taken):
    assert box_of() == [(-0.1, -0.2, 0.0), (0.1, 0.2, 0.6)]
    bpy.ops.consistency.turn_product(by="LEFT")
    assert box_of() == LYING
    assert status().product == "Crate, 40 × 20 × 60 cm"
    bpy.ops.consistency.turn_product(by="FORWARD")
    assert box_of() == [(-0.2, -0.3, 0.0), (0.2, 0.3, 0.2)]
    bpy.ops.consistency.turn_product(by="NONE")
    assert box_of() == [(-0.1, -0.2, 0.0), (0.1, 0.2, 0.6)]
    assert bpy.data.objects["Crate"].location[:] == (3.0, 0.0, 5.0), "the artist's own object was turned"


@pytest.mark.parametrize(
    ("side", "start", "turned"),
    [
        ("FRONT", (5.0, 0.0, 0.3), (0.0, 0.0, -90.0)),
        ("FRONT", (0.0, -5.0, 0.3), (0.0, 0.0, 0.0)),
        ("FRONT", (-5.0, 0.0, 0.3), (0.0, 0.0, 90.0)),
        ("FLOOR", (0.0, 0.0, -5.0), (0.0, 0.0, 0.0)),
        ("FLOOR", (0.0, -5.0, 0.3), (90.0, 0.0, 0.0)),
    ],
)
def test_the_side_that_is_clicked_is_the_front_or_below(taken, side, start, turned):
    from consistency_pipeline.operators.buttons.orientation import CONSISTENCY_OT_pick_side

    origin = Vector(start)
    towards = (Vector((0.0, 0.0, 0.3)) - origin).normalized()
    picking = SimpleNamespace(side=side, report=lambda *_: None)
    assert CONSISTENCY_OT_pick_side.take(picking, bpy.context, origin, towards) == {"FINISHED"}
    assert [round(math.degrees(angle), 2) + 0.0 for angle in taken.turn] == pytest.approx(turned)
    assert box_of()[0][2] == 0.0


def test_the_top_can_not_be_the_front(taken):
    with pytest.raises(BadInput, match="tip the product first"):
        orientation.to_front(orientation.side_at(Vector((0.0, 0.0, 5.0)), Vector((0.0, 0.0, -1.0))))
    assert orientation.side_at(Vector((4.0, 4.0, 5.0)), Vector((0.0, 0.0, -1.0))) is None


def test_name_and_turn_are_in_the_settings_and_about_this_product_only(taken, tmp_path):
    from consistency_pipeline.operators.editing import scene_settings

    bpy.ops.consistency.turn_product(by="LEFT")
    settings = scene_settings.to_settings(bpy.context.scene)
    assert (settings.inputs.name, settings.inputs.turn) == ("Crate", (0.0, 0.0, -90.0))
    scene_settings.from_settings(bpy.context.scene, settings)
    assert scene_settings.to_settings(bpy.context.scene) == settings
    taken.source, taken.file = "FILE", str(tmp_path / "other.glb")
    other = scene_settings.to_settings(bpy.context.scene)
    assert (other.inputs.name, other.inputs.turn) == ("", (0.0, 0.0, 0.0))


def test_what_is_imported_anew_is_turned_once_also_after_an_edit(sidebar, box_glb, tmp_path):
    from consistency_pipeline.operators.runs.scene_studio import SceneStudio
    from consistency_pipeline.pipeline.run.run_folder import RunFolder
    from consistency_pipeline.pipeline.system.disk import copy_file

    folder = RunFolder.create(tmp_path / "run", RunSettings(inputs=(str(box_glb),), turn=(90.0, 0.0, 90.0)), {})
    copy_file(box_glb, folder.product)
    result_of(SceneStudio(folder).load_product(folder.product_source))
    stands, written = box_of(), folder.product.read_bytes()
    assert stands[1] == (0.25, 0.1, 0.3)
    result_of(SceneStudio(folder).load_product(folder.product_source))
    assert (box_of(), folder.product.read_bytes()) == (stands, written)
    part = next(thing for thing in bpy.data.collections["Consistency Product"].all_objects if thing.type == "MESH")
    part.data.materials[0].node_tree.nodes["Principled BSDF"].inputs["Roughness"].default_value = 0.123
    result_of(SceneStudio(folder).load_product(folder.product_source))
    assert folder.product.read_bytes() != written, "the edit is in no file"
    bpy.ops.wm.read_factory_settings(use_empty=True)
    result_of(BlenderStudio(folder.settings).load_product(folder.product_source))
    assert box_of() == stands


@pytest.mark.parametrize("text", ["90", "0,0,x"])
def test_the_command_line_says_what_a_turn_looks_like(text):
    with pytest.raises(UsageError, match="turn"):
        settings_from(make_parser().parse_args(["estimate", "a.glb", "--turn", text]), has_key=False)


def test_the_command_line_names_and_turns():
    options = make_parser().parse_args(["estimate", "a.glb", "--turn", "0,0,90", "--name", "Duck"])
    settings = settings_from(options, has_key=False)
    assert (settings.inputs.name, settings.inputs.turn, settings.product_name) == ("Duck", (0.0, 0.0, 90.0), "a")


@pytest.mark.parametrize(
    ("selected", "called"),
    [
        (["Cup"], "Cup"),
        (["Cup", "Lid"], "Cup, Lid"),
        (["Lid", "Cup", "Straw"], "Thermos"),
        (["Body", "Wheel"], "Body"),
        (["A", "B", "C", "D"], "A and 3 more"),
    ],
)
def test_several_objects_are_called_by_what_joins_them(sidebar, add_box, selected, called):
    home = bpy.data.collections.new("Thermos")
    for name in ("Cup", "Lid", "Straw", "Body", "Wheel", "A", "B", "C", "D"):
        thing = add_box(name)
        if name in ("Cup", "Lid", "Straw"):
            home.objects.link(thing)
    bpy.data.objects["Wheel"].parent = bpy.data.objects["Body"]
    for name in selected:
        bpy.data.objects[name].select_set(True)
    bpy.context.view_layer.objects.active = bpy.data.objects[selected[-1]]
    bpy.ops.consistency.use_selected()
    assert sidebar.product_name == called
    assert status().product.startswith(called)
