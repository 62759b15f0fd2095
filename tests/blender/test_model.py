# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
import struct
from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Quaternion

from consistency_pipeline.pipeline import names
from consistency_pipeline.pipeline.errors import BadInput
from consistency_pipeline.studio import compat, model
from consistency_pipeline.studio.export import export_product
from consistency_pipeline.studio.scene.collections import all_ids


def finish(steps):
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        return stop.value


def load(path):
    return finish(model.load_product(path))


def box():
    points = model.product_points()
    return points.min(axis=0), points.max(axis=0)


def assert_stands(size=None):
    low, high = box()
    tolerance = 1e-5 * float(np.linalg.norm(high - low))
    assert low[2] == pytest.approx(0.0, abs=tolerance)
    assert (low + high)[:2] == pytest.approx([0.0, 0.0], abs=2 * tolerance)
    if size is not None:
        assert high - low == pytest.approx(size, rel=1e-5)


def everything():
    return sorted((type(item).__name__, item.name) for item in all_ids())


def test_a_product_stands_on_the_ground_in_the_middle_at_its_own_size(box_glb):
    product = load(box_glb)
    assert_stands([0.2, 0.3, 0.5])  # turned by 90 degrees about z
    assert product.size == pytest.approx((0.2, 0.3, 0.5), rel=1e-5)
    assert (product.name, product.notes) == ("box", ())


@pytest.mark.parametrize("scale", [0.002, 1.0, 40.0])
def test_real_sizes_are_kept(add_box, save_glb, scale):
    add_box(size=(scale, scale / 2, scale), at=(3 * scale, 0, -scale))
    assert load(save_glb()).size == pytest.approx((scale, scale / 2, scale), rel=1e-4)
    assert_stands()


@pytest.mark.parametrize("scale", [1e-5, 5e4])
def test_an_absurd_size_is_brought_into_range_and_said(add_box, save_glb, scale):
    add_box(size=(scale, scale, scale))
    product = load(save_glb())
    assert 0.0005 < product.size[0] < 1000.0
    assert any("scaled by" in note for note in product.notes)


def test_its_own_transform_can_be_brought_back(box_glb):
    load(box_glb)
    root = model.product_root()
    model.restore_transform(root)
    low, high = box()
    assert (low + high) / 2 == pytest.approx([4.0, -2.0, 7.0], abs=1e-5)


def test_nesting_rotation_and_several_meshes_are_measured_as_they_stand(add_box, save_glb):
    outer = bpy.data.objects.new("Outer", None)
    inner = bpy.data.objects.new("Inner", None)
    for empty in (outer, inner):
        bpy.context.scene.collection.objects.link(empty)
    outer.location, outer.scale = (10, 20, 30), (0.1, 0.1, 0.1)
    inner.parent, inner.rotation_mode = outer, "QUATERNION"
    inner.rotation_quaternion = Quaternion((0, 0, 1), math.radians(90))
    for at in (-1.0, 1.0):
        part = add_box(size=(1, 1, 1), at=(at, 0, 0))
        part.parent = inner
    assert load(save_glb()).size == pytest.approx((0.1, 0.3, 0.1), rel=1e-4)
    assert_stands()


def test_stray_cameras_and_lights_go_and_what_hangs_on_them_stays_in_place(add_box, save_glb):
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    camera.location, camera.rotation_euler = (2, 0, 0), (0.3, 0.2, 0.1)
    lamp = bpy.data.objects.new("Lamp", bpy.data.lights.new("Lamp", "POINT"))
    for thing in (camera, lamp):
        bpy.context.scene.collection.objects.link(thing)
    add_box(size=(1, 1, 1))
    add_box(name="On Camera", size=(1, 1, 1), at=(0, 0, 0)).parent = camera
    bpy.context.view_layer.update()
    corners = [bpy.data.objects["On Camera"].matrix_world @ v.co for v in bpy.data.objects["On Camera"].data.vertices]
    span = max(corner.x for corner in corners) + 0.5
    product = load(save_glb(export_cameras=True, export_lights=True))
    assert not bpy.data.cameras
    assert not bpy.data.lights
    assert product.size[0] == pytest.approx(span, rel=1e-4)
    assert any("cameras and lights" in note for note in product.notes)


def test_an_animation_is_left_out_and_the_pose_stays(add_box, save_glb):
    thing = add_box(size=(1, 1, 1))
    for frame, x in ((1, 0.0), (20, 5.0)):
        thing.location.x = x
        thing.keyframe_insert("location", frame=frame)
    product = load(save_glb())
    bpy.context.scene.frame_set(15)
    assert_stands([1, 1, 1])
    assert not bpy.data.actions
    assert any("animations" in note for note in product.notes)


def test_a_skinned_model_is_measured_in_its_pose(add_box, save_glb):
    thing = add_box(size=(1, 1, 2))
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(rig)
    bpy.context.view_layer.objects.active = rig
    bpy.ops.object.mode_set(mode="EDIT")
    bone = rig.data.edit_bones.new("Bone")
    bone.head, bone.tail = (0, 0, 0), (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    thing.parent = rig
    thing.modifiers.new("Rig", "ARMATURE").object = rig
    thing.vertex_groups.new(name="Bone").add(range(8), 1.0, "REPLACE")
    assert load(save_glb()).size == pytest.approx((1, 1, 2), rel=1e-4)
    assert_stands()


def test_vertex_colours_tint_the_surface(add_box, save_glb):
    thing = add_box()
    layer = thing.data.color_attributes.new("Color", "BYTE_COLOR", "CORNER")
    for item in layer.data:
        item.color = (1, 0, 0, 1)
    load(save_glb(export_vertex_color="ACTIVE"))
    mesh = bpy.data.meshes[0]
    assert mesh.color_attributes
    tree = mesh.materials[0].node_tree
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    feeding = [link.from_node for link in shader.inputs["Base Color"].links]
    feeding += [link.from_node for node in feeding for socket in node.inputs for link in socket.links]
    assert any(node.type == "VERTEX_COLOR" for node in feeding)


def test_loading_twice_replaces_and_leaves_nothing_behind(box_glb, add_box, save_glb, tmp_path):
    other = add_box("Other", size=(1, 1, 1))
    second = save_glb("second.glb")
    load(box_glb)
    first = everything()
    load(second)
    assert_stands([1, 1, 1])
    assert "Other" in bpy.data.objects
    load(box_glb)
    assert everything() == first
    del other


def test_a_failing_load_leaves_the_earlier_product(box_glb, tmp_path):
    load(box_glb)
    before = everything()
    bad = tmp_path / "bad.glb"
    bad.write_bytes(box_glb.read_bytes()[:-9])
    with pytest.raises(BadInput, match="cut short"):
        load(bad)
    assert everything() == before
    assert_stands([0.2, 0.3, 0.5])


def test_the_artists_scene_is_left_alone(add_box, box_glb):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    mine = add_box("Mine", at=(7, 0, 0))
    mine.select_set(True)
    bpy.context.view_layer.objects.active = mine
    bpy.context.scene.frame_end = 77
    load(box_glb)
    load(box_glb)
    assert mine.select_get()
    assert bpy.context.view_layer.objects.active == mine
    assert (bpy.context.scene.frame_end, len(bpy.data.scenes)) == (77, 1)
    assert "Mine" in bpy.context.scene.collection.objects


def test_an_adopted_object_is_an_instance_and_stays_where_it_is(add_box):
    mine = add_box("Mine", size=(1, 2, 3), at=(7, 0, 0))
    mine.modifiers.new("More", "ARRAY").count = 2
    product = model.adopt_objects([mine])
    assert product.size == pytest.approx((2, 2, 3))
    assert_stands()
    assert mine.location.x == 7
    assert mine.parent is None


def test_what_was_placed_here_is_not_taken_when_everything_is_selected(box_glb, add_box):
    load(box_glb)
    (part,) = (thing for thing in model.product_root().children)
    mine = add_box("Mine", size=(1, 2, 3))
    still = add_box("Still", size=(9, 9, 9))
    model.collection(names.RESULTS).objects.link(still)
    product = model.adopt_objects([model.product_root(), part, still, mine])
    assert product.size == pytest.approx((1, 2, 3))
    assert product.name == "Mine"


def test_the_imported_product_alone_cannot_be_taken_and_is_not_lost(box_glb):
    load(box_glb)
    (part,) = (thing for thing in model.product_root().children)
    before = everything()
    with pytest.raises(BadInput, match="objects of your own"):
        model.adopt_objects([part])
    assert everything() == before


def test_a_blend_brings_its_shown_objects_only(add_box, tmp_path):
    add_box(size=(1, 1, 1), at=(5, 5, 5))
    add_box("Hidden", size=(9, 9, 9)).hide_render = True
    group = bpy.data.collections.new("Off")
    bpy.context.scene.collection.children.link(group)
    excluded = add_box("Excluded", size=(9, 9, 9))
    bpy.context.scene.collection.objects.unlink(excluded)
    group.objects.link(excluded)
    bpy.context.view_layer.layer_collection.children["Off"].exclude = True
    path = tmp_path / "mine.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert load(path).size == pytest.approx((1, 1, 1))
    assert len(bpy.data.scenes) == 1
    load(path)
    assert sum(1 for thing in bpy.data.objects if thing.type == "MESH") == 3


def test_the_rendered_level_of_a_subdivision_is_what_is_measured(add_box, tmp_path):
    subdivision = add_box(size=(1, 1, 1)).modifiers.new("Round", "SUBSURF")
    subdivision.levels, subdivision.render_levels = 0, 3
    path = tmp_path / "round.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert load(path).size[0] < 0.9


@pytest.mark.parametrize(
    ("sockets", "expected", "reflective"),
    [
        ({"Metallic": 1.0, "Roughness": 0.1}, ("metal",), True),
        ({"Metallic": 1.0, "Roughness": 0.7}, ("metal",), False),
        ({"Transmission_Weight": 1.0, "Roughness": 0.0, "IOR": 1.5}, ("glass",), True),
        ({"Transmission_Weight": 1.0, "Roughness": 0.0, "IOR": 2.4}, ("gem",), True),
        ({"Roughness": 0.1}, (), False),
    ],
)
def test_materials_give_hints(add_box, save_glb, sockets, expected, reflective):
    add_box(**sockets)
    product = load(save_glb())
    assert (product.materials, product.reflective) == (expected, reflective)


def test_a_metallic_texture_is_read(add_box, save_glb):
    thing = add_box()
    image = bpy.data.images.new("Rough and Metal", 8, 8)
    image.colorspace_settings.name = "Non-Color"
    image.pixels[:] = [0.0, 0.2, 1.0, 1.0] * 64
    image.pack()
    tree = thing.data.materials[0].node_tree
    texture, split = tree.nodes.new("ShaderNodeTexImage"), tree.nodes.new("ShaderNodeSeparateColor")
    texture.image = image
    shader = next(node for node in tree.nodes if node.type == "BSDF_PRINCIPLED")
    tree.links.new(texture.outputs["Color"], split.inputs[0])
    tree.links.new(split.outputs["Blue"], shader.inputs["Metallic"])
    tree.links.new(split.outputs["Green"], shader.inputs["Roughness"])
    thing.data.uv_layers.new(name="UVMap")
    product = load(save_glb())
    assert (product.materials, product.reflective) == (("metal",), True)


def test_an_extension_this_blender_lacks_is_named_with_the_cure(box_glb, tmp_path):
    data = box_glb.read_bytes()
    length = struct.unpack_from("<I", data, 12)[0]
    text = (
        data[20 : 20 + length]
        .rstrip()
        .replace(b'"asset":', b'"extensionsRequired":["XX_unheard_of"],"extensionsUsed":["XX_unheard_of"],"asset":', 1)
    )
    text += b" " * (-len(text) % 4)
    rest = data[20 + length :]
    path = tmp_path / "odd.glb"
    path.write_bytes(struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text) + len(rest), len(text), b"JSON") + text + rest)
    with pytest.raises(BadInput, match=r"XX_unheard_of.*export it again"):
        load(path)


def test_draco_is_reported_as_the_build_has_it():
    assert compat.unreadable_gltf_extensions(["KHR_materials_ior", "XX_none"]) == ["XX_none"]
    has_meshopt = bpy.app.version >= (5, 2)
    lacking = compat.unreadable_gltf_extensions(["KHR_meshopt_compression"])
    assert has_meshopt or lacking == ["KHR_meshopt_compression"]


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [("a.blend", b"BLENDER but not really", "can't be read as a .blend"), ("a.gltf", b"{}", "can't be imported")],
)
def test_a_bad_file_is_refused_with_the_cure(tmp_path, name, data, says):
    path = tmp_path / name
    path.write_bytes(data)
    before = everything()
    with pytest.raises(BadInput, match=says):
        load(path)
    assert everything() == before


def test_a_blend_without_mesh_is_refused(tmp_path):
    path = tmp_path / "empty.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    with pytest.raises(BadInput, match="is the file that is open"):
        load(path)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    with pytest.raises(BadInput, match="no mesh"):
        load(path)


def test_loose_vertices_are_not_framed(add_box):
    thing = add_box(size=(1, 1, 1))
    thing.data.vertices.add(1)
    thing.data.vertices[-1].co = (50, 0, 0)
    assert model.adopt_objects([thing]).size == pytest.approx((1, 1, 1))


def test_a_mesh_without_vertices_is_no_part_of_the_product(add_box):
    thing = add_box(size=(1, 1, 1))
    empty = bpy.data.objects.new("Empty", bpy.data.meshes.new("Empty"))
    bpy.context.scene.collection.objects.link(empty)
    assert model.adopt_objects([thing, empty]).size == pytest.approx((1, 1, 1))
    assert len(model.product_triangles()[1]) == 12


@pytest.mark.parametrize("how", ["as it is", "mirrored", "inside out"])
def test_triangles_look_outward_however_the_file_has_them(add_box, how):
    """Or none of its surface would count as seen by any camera, though renders show it."""
    thing = add_box(size=(1, 1, 1))
    if how == "mirrored":
        thing.scale.x = -1.0
    elif how == "inside out":
        thing.data.flip_normals()
    model.adopt_objects([thing])
    vertices, triangles = model.product_triangles()
    corners = vertices[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    away = corners.mean(axis=1) - vertices.mean(axis=0)
    assert (np.einsum("ij,ij->i", normals, away) > 0.0).all()


def test_exporting_writes_the_product_as_it_stands(box_glb, tmp_path):
    load(box_glb)
    before = everything()
    out = tmp_path / "deep" / "product.glb"
    finish(export_product(out))
    assert everything() == before
    assert list(out.parent.iterdir()) == [out]
    assert load(out).size == pytest.approx((0.2, 0.3, 0.5), rel=1e-4)


def test_every_real_model_stands(real_models):
    for path in real_models:
        product = load(path)
        assert_stands()
        assert product.vertices > 100, Path(path).name
    assert len([t for t in bpy.data.objects if names.ORIGINAL_MATRIX in t]) == 1


def test_the_product_comes_into_its_scene_while_another_is_shown(box_glb):
    """As in a run whose scene the artist has left meanwhile: each step has that scene for its context."""
    shown, own, again = bpy.context.scene, bpy.data.scenes.new("Own"), box_glb.with_name("again.glb")

    def in_own_scene(steps):
        while True:
            with bpy.context.temp_override(scene=own, view_layer=own.view_layers[0]):
                try:
                    next(steps)
                except StopIteration as stop:
                    return stop.value

    def chain():
        product = yield from model.load_product(box_glb)
        yield from export_product(again)
        assert model.product_points().max() == pytest.approx(0.5)
        return product

    assert in_own_scene(chain()).size == pytest.approx((0.2, 0.3, 0.5), rel=1e-5)
    assert (bpy.context.scene, len(bpy.data.scenes)) == (shown, 2)
    assert names.ROOT in own.collection.children
    assert not shown.collection.children
    assert load(again).size == pytest.approx((0.2, 0.3, 0.5), rel=1e-4)


@pytest.mark.parametrize("how", ["exclude", "hide_viewport", "disabled"])
def test_a_product_that_the_artist_has_hidden_is_found_or_said_to_be_hidden(box_glb, how):
    load(box_glb)
    layer = bpy.context.view_layer.layer_collection.children[names.ROOT]
    if how == "disabled":
        layer.collection.hide_viewport = True
    else:
        setattr(layer, how, True)
    if how == "hide_viewport":  # the eye: renders show it all the same
        assert model.stand_on_ground(model.product_root(), []).size == pytest.approx((0.2, 0.3, 0.5), rel=1e-5)
    else:
        with pytest.raises(BadInput, match="Outliner"):
            model.stand_on_ground(model.product_root(), [])


@pytest.mark.parametrize("far", [float("inf"), float("nan"), 1e30])
def test_a_vertex_astray_is_said(box_glb, far):
    load(box_glb)
    mesh = next(thing.data for thing in bpy.data.objects if thing.type == "MESH")
    mesh.vertices[0].co.x = far
    mesh.update()
    with pytest.raises(BadInput, match="no finite place"):
        model.stand_on_ground(model.product_root(), [])
