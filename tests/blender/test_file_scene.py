# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A .blend of one's own, taken as a render of its active scene shows it: the same parts, at the same places."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from consistency_pipeline.pipeline import names
from consistency_pipeline.pipeline.errors import BadInput
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.studio import model, rig, video
from consistency_pipeline.studio.export import export_product
from consistency_pipeline.studio.files.model_files import take_blend
from consistency_pipeline.studio.image_worker import ImageWorker
from consistency_pipeline.studio.references import render_reference
from consistency_pipeline.studio.rendering import devices, passes


def finish(steps):
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        return stop.value


@pytest.fixture
def taken(tmp_path):
    """Save the open file, take it into a run as the command does, and load it into an empty file."""

    def take(leave_out=()):
        mine, own = tmp_path / "mine.blend", tmp_path / "run" / "product.blend"
        bpy.ops.wm.save_as_mainfile(filepath=str(mine))
        bpy.ops.wm.read_factory_settings(use_empty=True)
        take_blend(mine, own)
        return finish(model.load_product(own, leave_out, own_file=True))

    return take


def box_now():
    points = model.product_points()
    return [*points.min(axis=0).round(4), *points.max(axis=0).round(4)]


def home_of(thing, name):
    """The object alone in a collection of the scene."""
    home = bpy.data.collections.new(name)
    bpy.context.scene.collection.children.link(home)
    for other in thing.users_collection:
        other.objects.unlink(thing)
    home.objects.link(thing)
    return bpy.context.view_layer.layer_collection.children[name]


def instance_of(home, at):
    thing = bpy.data.objects.new("Instance", None)
    thing.instance_type, thing.instance_collection, thing.location = "COLLECTION", home, at
    bpy.context.scene.collection.objects.link(thing)
    return thing


# relations


@pytest.mark.parametrize("excluded", [True, False])
def test_an_instance_stands_where_it_does_whether_its_source_is_shown_beside_it_or_not(taken, add_box, excluded):
    layer = home_of(add_box(at=(1, 0, 0)), "Source")
    instance_of(layer.collection, (5, 0, 0))
    layer.exclude = excluded
    product = taken()
    assert box_now() == [5.5 if excluded else 0.5, -0.5, -0.5, 6.5, 0.5, 0.5]
    assert product.size == pytest.approx((1 if excluded else 6, 1, 1))
    assert product.notes == ()


def test_a_driver_by_world_position_and_a_look_at_the_files_camera_are_kept(taken, add_box):
    add_box("Base", at=(7, 0, 0))
    lid, eye = add_box("Lid", at=(7, 0, 0)), bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
    bpy.context.scene.collection.objects.link(eye)
    eye.location = (7, -10, 10)
    driver = lid.driver_add("location", 2).driver
    driver.type, variable = "SUM", driver.variables.new()
    variable.type = "TRANSFORMS"
    variable.targets[0].id, variable.targets[0].transform_type = bpy.data.objects["Base"], "LOC_X"
    look = lid.constraints.new("TRACK_TO")
    look.target, look.track_axis, look.up_axis = eye, "TRACK_NEGATIVE_Y", "UP_Z"
    bpy.context.view_layer.update()
    before = lid.matrix_world.copy()
    product = taken()
    lid = bpy.data.objects["Lid"]
    bpy.context.view_layer.update()
    assert np.allclose(lid.matrix_world, before, atol=1e-5)
    assert lid.matrix_world.translation.z == pytest.approx(7)
    assert any("cameras and lights" in note for note in product.notes)


def scene_property(thing):
    bpy.context.scene["height"] = 2.0
    curve = thing.driver_add("location", 2)
    curve.driver.type, variable = "SUM", curve.driver.variables.new()
    variable.targets[0].id_type, variable.targets[0].id = "SCENE", bpy.context.scene
    variable.targets[0].data_path = '["height"]'


def of_any_scene(thing):
    bpy.context.scene["height"] = 2.0
    curve = thing.driver_add("location", 2)
    curve.driver.type, variable = "SUM", curve.driver.variables.new()
    variable.type = "CONTEXT_PROP"
    variable.targets[0].context_property, variable.targets[0].data_path = "ACTIVE_SCENE", '["height"]'


def of_the_frame(thing):
    thing.driver_add("location", 2).driver.expression = "frame / 10"


def keyed(thing):
    for frame, height in ((1, 9.0), (20, 2.0), (40, 5.0)):
        thing.location.z = height
        thing.keyframe_insert("location", frame=frame)


@pytest.mark.parametrize("how", [scene_property, of_any_scene, of_the_frame, keyed])
def test_what_the_scene_and_its_frame_say_is_kept(taken, add_box, how):
    bpy.context.scene.frame_set(20)
    how(add_box())
    taken()
    assert box_now() == [-0.5, -0.5, 1.5, 0.5, 0.5, 2.5]
    bpy.context.scene.frame_set(3)
    assert box_now() == [-0.5, -0.5, 1.5, 0.5, 0.5, 2.5]
    assert len(bpy.data.scenes) == 1


def test_what_physics_has_moved_stays_there(taken, add_box):
    scene = bpy.context.scene
    ball = add_box(at=(0, 0, 20))
    bpy.context.view_layer.objects.active = ball
    ball.select_set(True)
    bpy.ops.rigidbody.object_add()
    for frame in range(1, 13):
        scene.frame_set(frame)
    bpy.ops.ptcache.bake_all(bake=True)
    scene.frame_set(12)
    fallen = ball.evaluated_get(bpy.context.evaluated_depsgraph_get()).matrix_world.translation.z
    assert fallen < 19.5
    taken()
    assert (box_now()[2] + box_now()[5]) / 2 == pytest.approx(fallen, abs=0.05)


def in_the_world(material):
    """Red right of x = 5, green left of it, glowing."""
    tree = material.node_tree
    tree.nodes.clear()
    place, split, step = (tree.nodes.new(f"ShaderNode{kind}") for kind in ("NewGeometry", "SeparateXYZ", "Math"))
    ramp, glow, out = (tree.nodes.new(f"ShaderNode{kind}") for kind in ("MixRGB", "Emission", "OutputMaterial"))
    step.operation, step.inputs[1].default_value = "GREATER_THAN", 5.0
    ramp.inputs[1].default_value, ramp.inputs[2].default_value = (0, 1, 0, 1), (1, 0, 0, 1)
    for one, other in (
        (place.outputs["Position"], split.inputs[0]),
        (split.outputs[0], step.inputs[0]),
        (step.outputs[0], ramp.inputs[0]),
        (ramp.outputs[0], glow.inputs[0]),
        (glow.outputs[0], out.inputs["Surface"]),
    ):
        tree.links.new(one, other)


def test_a_shader_by_world_position_looks_as_in_the_file(taken, add_box, tmp_path):
    in_the_world(add_box(at=(7, 0, 0)).data.materials[0])
    taken()
    settings = RunSettings(size=64, samples=2, device="cpu", shadow=False)
    finish(rig.place_rig(settings))
    shot = finish(
        render_reference(settings.studio.angles[0], settings, tmp_path, devices.find("cpu"), ImageWorker(), None)
    )
    picture, mask = (passes.load(shot.files[name]) for name in ("image", "mask"))
    red, green, _ = picture[mask[..., 0] > 0.99].mean(axis=0)
    assert red > 0.7
    assert green < 0.4


def test_taken_objects_with_such_a_shader_are_told(add_box):
    box = add_box("Mine", at=(7, 0, 0))
    in_the_world(box.data.materials[0])
    assert "Mine is coloured by its place in the world" in model.adopt_objects([box]).notes[0]


@pytest.mark.parametrize(("size", "at"), [(5e4, 0.0), (1e-5, 0.0), (1.0, 1e5)])
def test_what_is_absurdly_large_small_or_far_is_moved_as_a_whole(taken, add_box, size, at):
    add_box(size=(size, size, size), at=(at, 0, 0)).scale = (1, 2, 1)
    product = taken()
    assert product.size[1] == pytest.approx(2 * product.size[0], rel=0.02)
    low, high = np.array(box_now()).reshape(2, 3)
    assert (low + high)[0] == pytest.approx(0.0, abs=0.02 * product.size[0])


def test_the_product_is_written_and_turned_where_it_stands(taken, add_box, tmp_path):
    add_box(size=(1, 2, 3), at=(7, 5, 3))
    taken()
    out = tmp_path / "product.glb"
    finish(export_product(out))
    settings = RunSettings(size=64, device="cpu", lighting="studio")
    finish(rig.place_rig(settings))
    camera, part = rig.camera_for("front"), bpy.data.objects["Box"]
    lamps = [thing for thing in bpy.data.objects if thing.type == "LIGHT"]
    before = [thing.matrix_world.copy() for thing in (camera, part, *lamps)]
    half_turn = Matrix.Translation((7, 5, 0)) @ Matrix.Rotation(np.pi, 4, "Z") @ Matrix.Translation((-7, -5, 0))
    with video.motion("turntable", camera, crops=True) as pose:
        pose(0.5)
        bpy.context.view_layer.update()
        assert part.matrix_world == before[1]
        for thing, matrix in zip((camera, *lamps), (before[0], *before[2:]), strict=True):
            assert np.allclose(thing.matrix_world, half_turn @ matrix, atol=1e-4), "the lamps stand by the camera"
    assert [thing.matrix_world for thing in (camera, part, *lamps)] == before
    assert finish(model.load_product(out)).size == pytest.approx((1, 2, 3), rel=1e-4)
    assert names.IN_PLACE not in model.product_root()


# what is shown


def catcher(thing):
    thing.is_shadow_catcher = True
    return "which only catches shadows"


def unseen(thing):
    thing.visible_camera = False
    return "which can't be seen by cameras"


def holdout(thing):
    thing.is_holdout = True
    return "which is a holdout"


def held_out_by_its_collection(thing):
    home_of(thing, "Else").holdout = True
    return "which is a holdout"


def indirect(thing):
    home_of(thing, "Else").indirect_only = True
    return "which shows in reflections only"


def in_a_hidden_collection(thing):
    home_of(thing, "Else").collection.hide_render = True
    return "which is hidden from renders"


def excluded(thing):
    home_of(thing, "Else").exclude = True
    return "which is hidden from renders"


def lamp(thing):
    tree = thing.data.materials[0].node_tree
    glow = tree.nodes.new("ShaderNodeEmission")
    glow.inputs["Strength"].default_value = 30.0
    tree.links.new(glow.outputs[0], tree.get_output_node("CYCLES").inputs["Surface"])
    return "which is a lamp"


@pytest.mark.parametrize(
    "how", [catcher, unseen, holdout, held_out_by_its_collection, indirect, in_a_hidden_collection, excluded, lamp]
)
def test_what_renders_do_not_show_as_a_thing_is_left_out_with_a_line(taken, add_box, how):
    says = how(add_box("Else", size=(20, 20, 0.1), at=(0, 0, -3)))
    add_box("Product", at=(2, 0, 0.5))
    product = taken()
    assert product.size == pytest.approx((1, 1, 1))
    assert product.notes == (f"left out: Else, {says}",)
    assert "Else" not in bpy.context.scene.objects


@pytest.mark.parametrize(("how", "says"), [(catcher, "Else only catches shadows"), (holdout, "Else is a holdout")])
def test_a_file_that_shows_nothing_else_is_refused_with_the_reason(taken, add_box, how, says):
    how(add_box("Else"))
    with pytest.raises(BadInput, match=rf"mine\.blend shows nothing solid in renders \({says}\)"):
        taken()


def test_what_glows_is_the_product_where_there_is_nothing_else(taken, add_box):
    lamp(add_box("Neon"))
    assert taken().size == pytest.approx((1, 1, 1))


def test_a_screen_that_glows_belongs_to_its_product(taken, add_box):
    lamp(add_box("Screen", size=(0.8, 0.01, 0.8), at=(0, -0.51, 0)))
    add_box("Case")
    assert taken().size == pytest.approx((1, 1.015, 1))


def test_a_collection_that_is_shown_inside_an_excluded_one_is_shown(taken, add_box):
    outer = home_of(add_box("Outside", size=(9, 9, 9)), "Outer")
    inner = bpy.data.collections.new("Inner")
    outer.collection.children.link(inner)
    inside = add_box("Inside")
    bpy.context.scene.collection.objects.unlink(inside)
    inner.objects.link(inside)
    outer.exclude = True
    outer.children["Inner"].exclude = False
    assert taken().size == pytest.approx((1, 1, 1))


def test_the_scene_that_the_file_opens_with_is_taken(taken, add_box):
    add_box("Other", size=(9, 9, 9))
    mine = bpy.data.scenes.new("Zebra")
    bpy.context.window.scene = mine
    add_box("Product", size=(1, 2, 3))
    product = taken()
    assert product.size == pytest.approx((1, 2, 3))
    assert product.notes == ("the file has 2 scenes with meshes; 'Zebra' was taken",)


def test_a_file_that_opens_with_an_empty_scene_says_which_one_to_open(taken, add_box):
    add_box()
    bpy.context.window.scene = bpy.data.scenes.new("Cut")
    with pytest.raises(BadInput, match=r"opens with the scene 'Cut'.*with 'Scene' as the open scene"):
        taken()


# what may not be meant


def test_a_floor_is_told_and_left_out_when_asked(taken, add_box):
    add_box("Studio Floor", size=(30, 30, 0.01), at=(0, 0, -0.5))
    add_box("Product")
    (note,) = taken().notes
    assert "Studio Floor is 24 times as large" in note
    assert "--leave-out 'Studio Floor'" in note
    bpy.ops.wm.read_factory_settings(use_empty=True)
    add_box("Studio Floor", size=(30, 30, 0.01), at=(0, 0, -0.5))
    child = add_box("Product")
    child.parent = bpy.data.objects["Studio Floor"]
    product = taken(["Studio Floor"])
    assert product.size == pytest.approx((1, 1, 1))
    assert product.notes == ("left out as asked: Studio Floor",)


def test_a_wrong_name_is_answered_with_the_right_ones(taken, add_box):
    add_box("Lid")
    add_box("Cup")
    with pytest.raises(BadInput, match=r"no part called 'Lit'; its parts are Cup and Lid"):
        taken(["Lit"])


def no_size(thing):
    thing.scale = (0, 0, 0)


def a_line(thing):
    thing.scale = (1, 0, 0)


def a_face_without_area(thing):
    thing.data.clear_geometry()
    thing.data.from_pydata([(0, 0, 0), (1, 0, 0), (3, 0, 0)], [], [(0, 1, 2)])


@pytest.mark.parametrize("how", [no_size, a_line, a_face_without_area])
def test_what_has_no_area_makes_nothing_small(taken, add_box, how):
    how(add_box("Speck", at=(50, 0, 0)))
    add_box("Product")
    product = taken()
    assert product.size == pytest.approx((1, 1, 1))
    assert product.notes == ()


def test_a_stray_part_is_named_and_stray_faces_too(taken, add_box):
    add_box("Speck", size=(0.01, 0.01, 0.01), at=(50, 0, 0))
    add_box("Product")
    (note,) = taken().notes
    assert "Speck lies far from it" in note
    assert "--leave-out Speck" in note
    bpy.ops.wm.read_factory_settings(use_empty=True)
    mesh = add_box("Product").data
    corners = [tuple(vertex.co) for vertex in mesh.vertices] + [(50, 0, 0), (50.01, 0, 0), (50, 0.01, 0)]
    faces = [tuple(face.vertices) for face in mesh.polygons] + [(8, 9, 10)]
    mesh.clear_geometry()
    mesh.from_pydata(corners, [], faces)
    (note,) = taken().notes
    assert "some faces of Product lie far from the others" in note


def test_a_text_and_a_tube_are_not_called_simulated(taken):
    """Blender gives the box of their flat outlines now and then, and at other times that of what they become."""
    text = bpy.data.curves.new("Text", "FONT")
    text.body, text.extrude = "Product", 0.2
    bpy.context.scene.collection.objects.link(bpy.data.objects.new("Text", text))
    bpy.ops.curve.primitive_bezier_circle_add(radius=0.3, location=(1.0, 0.0, 1.0))
    bpy.context.object.data.bevel_depth = 0.1
    assert taken().notes == ()


def draw(at, home=None):
    """A Grease Pencil monkey, 4 m large; in a collection alone where one is named."""
    add = getattr(bpy.ops.object, "grease_pencil_add", None) or bpy.ops.object.gpencil_add
    add(type="MONKEY", location=at)
    thing = bpy.context.object
    if home is not None:
        home.objects.link(thing)
        bpy.context.scene.collection.objects.unlink(thing)
    return thing


def test_a_drawing_does_not_cover_the_product(taken, add_box, tmp_path):
    add_box()
    draw((0.0, -2.0, 0.0)).name = "Sketch"
    home = bpy.data.collections.new("Notes")
    draw((0.0, 0.0, 0.0), home).name = "Note"
    home.objects.link(add_box("Tag", size=(0.5, 0.5, 0.5), at=(0.0, 0.0, 1.0)))
    bpy.context.scene.collection.objects.unlink(bpy.data.objects["Tag"])
    instance_of(home, (0.0, 0.0, 0.0))
    product = taken()
    assert product.notes == ("left out: Sketch, which is a drawing",)
    settings = RunSettings(size=64, samples=1, device="cpu")
    finish(rig.place_rig(settings))
    shot = finish(
        render_reference(settings.studio.angles[0], settings, tmp_path, devices.find("cpu"), ImageWorker(), None)
    )
    picture = passes.load(shot.files["image"])
    assert np.ptp(picture, axis=-1).max() < 0.2, "the brown monkey is in the picture"
