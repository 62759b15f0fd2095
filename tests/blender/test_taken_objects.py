# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects of the artist's own scene as the product: measured, rendered and written as their own renders show them."""

from __future__ import annotations

import math

import bpy
import numpy as np
import pytest

from consistency_pipeline.pipeline.driver import finish
from consistency_pipeline.pipeline.errors import BadInput
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.studio import model, rig
from consistency_pipeline.studio.export import export_product
from consistency_pipeline.studio.rendering import devices, render_scene
from consistency_pipeline.studio.scene import fingerprint


def written_size(tmp_path):
    """Sides of what the product's GLB holds, metres."""
    finish(export_product(tmp_path / "product.glb"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=str(tmp_path / "product.glb"))
    bpy.context.view_layer.update()
    points = np.concatenate(
        [[thing.matrix_world @ vertex.co for vertex in thing.data.vertices] for thing in bpy.data.objects if thing.data]
    )
    return points.max(axis=0) - points.min(axis=0)


def hidden_modifier(box):
    modifier = box.modifiers.new("More", "ARRAY")
    modifier.count, modifier.show_viewport = 4, False
    return (4, 1, 1)


def render_levels(box):
    modifier = box.modifiers.new("Smooth", "SUBSURF")
    modifier.levels, modifier.render_levels = 0, 2
    return (68 / 81, 68 / 81, 68 / 81)  # where the corners of a cube end on Catmull and Clark's surface


def parent_left_out(box):
    box.parent = bpy.data.objects.new("Parent", None)
    bpy.context.scene.collection.objects.link(box.parent)
    box.parent.scale = (1, 1, 3)
    return (1, 1, 3)


def sheared(box):
    parent_left_out(box)
    box.rotation_euler.y = math.radians(45)
    return (math.sqrt(2), 1, 3 * math.sqrt(2))


def mirrored(box):
    box.scale = (-1, 2, 1)
    return (1, 2, 1)


def posed(box):
    armature = bpy.data.objects.new("Armature", bpy.data.armatures.new("Armature"))
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    armature.data.edit_bones.new("Bone").tail = (0, 0, 1)
    bpy.ops.object.mode_set(mode="OBJECT")
    box.vertex_groups.new(name="Bone").add(range(8), 1.0, "REPLACE")
    box.modifiers.new("Pose", "ARMATURE").object = armature
    armature.pose.bones["Bone"].scale.y = 3  # along the bone
    return (1, 1, 3)


def scattered(box):
    """By geometry nodes: an instance of itself, three metres to the right."""
    tree = bpy.data.node_groups.new("Scatter", "GeometryNodeTree")
    for way in ("INPUT", "OUTPUT"):
        tree.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")
    start, end = tree.nodes.new("NodeGroupInput"), tree.nodes.new("NodeGroupOutput")
    instance, moved = tree.nodes.new("GeometryNodeGeometryToInstance"), tree.nodes.new("GeometryNodeTranslateInstances")
    join = tree.nodes.new("GeometryNodeJoinGeometry")
    moved.inputs["Translation"].default_value = (3, 0, 0)
    for one, other in ((start, instance), (instance, moved), (moved, join), (join, end)):
        tree.links.new(one.outputs[0], other.inputs[0])
    tree.links.new(start.outputs[0], join.inputs[0])
    box.modifiers.new("Scatter", "NODES").node_group = tree
    return (4, 1, 1)


def edited(box):
    bpy.context.view_layer.objects.active = box
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.transform.resize(value=(1, 1, 4))
    return (1, 1, 4)


def cutter_inside(box):
    """In an instance of a collection, as assets come: one by itself, one in a collection that renders don't show."""
    asset, inner = bpy.data.collections.new("Asset"), bpy.data.collections.new("Cutters")
    asset.children.link(inner)
    for home in (asset, inner):
        cutter = bpy.data.objects.new("Cutter", box.data)
        cutter.location.z = 7
        home.objects.link(cutter)
        cutter.hide_render = home == asset
    inner.hide_render = True
    asset.objects.link(bpy.data.objects.new("Box", box.data))
    instance = bpy.data.objects.new("Instance", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", asset
    instance.parent = box
    bpy.context.scene.collection.objects.link(instance)
    return (1, 1, 1)


def animated(box):
    for frame, height in ((1, 1), (40, 5)):
        box.scale.z = height
        box.keyframe_insert("scale", frame=frame)
    bpy.context.scene.frame_set(40)
    return (1, 1, 5)


HOW = (
    cutter_inside,
    hidden_modifier,
    render_levels,
    parent_left_out,
    sheared,
    mirrored,
    posed,
    scattered,
    edited,
    animated,
)


@pytest.mark.parametrize("how", HOW)
def test_what_renders_show_is_measured_and_written(add_box, tmp_path, how):
    box = add_box("Mine")
    size = how(box)
    before = [(modifier.show_viewport, getattr(modifier, "levels", 0)) for modifier in box.modifiers]
    mode = box.mode
    assert model.adopt_objects([box, *box.children]).size == pytest.approx(size, rel=1e-4)
    assert before == [(modifier.show_viewport, getattr(modifier, "levels", 0)) for modifier in box.modifiers]
    assert box.mode == mode
    assert written_size(tmp_path) == pytest.approx(size, rel=1e-4)


def test_writing_leaves_nothing_behind(add_box, tmp_path):
    model.adopt_objects([add_box("Mine"), add_box("Other", at=(2, 0, 0))])
    before = (set(bpy.data.objects.keys()), set(bpy.data.meshes.keys()), set(bpy.data.scenes.keys()))
    finish(export_product(tmp_path / "product.glb"))
    assert before == (set(bpy.data.objects.keys()), set(bpy.data.meshes.keys()), set(bpy.data.scenes.keys()))


def test_a_cutter_that_renders_do_not_show_is_not_taken(add_box):
    mine, cutter, other = add_box("Mine"), add_box("Cutter", size=(5, 5, 5)), add_box("Other", size=(9, 1, 1))
    cutter.hide_render = True
    home = bpy.data.collections.new("Not Rendered")
    bpy.context.scene.collection.children.link(home)
    bpy.context.scene.collection.objects.unlink(other)
    home.objects.link(other)
    home.hide_render = True
    assert model.adopt_objects([mine, cutter, other]).size == pytest.approx((1, 1, 1))
    with pytest.raises(BadInput, match="Outliner"):
        model.adopt_objects([cutter, other])


def test_the_frame_that_was_framed_is_rendered_whatever_is_played_meanwhile(add_box):
    box = add_box("Mine")
    animated(box)
    model.adopt_objects([box])
    settings = RunSettings(inputs=("mine.glb",))
    finish(rig.place_rig(settings))
    bpy.context.scene.frame_set(1)
    scene = render_scene.render_scene(settings, devices.find("cpu"))
    try:
        assert scene.frame_current == 40
        assert bpy.context.scene.frame_current == 1
    finally:
        render_scene.remove_render_scene()


def test_entering_edit_mode_changes_no_looks(add_box):
    box = add_box("Mine")
    model.adopt_objects([box])
    before = fingerprint.fingerprint(model.product_root(), bpy.context.evaluated_depsgraph_get())
    bpy.context.view_layer.objects.active = box
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.context.view_layer.update()
    assert fingerprint.fingerprint(model.product_root(), bpy.context.evaluated_depsgraph_get()) == before


def test_products_of_the_same_name_do_not_overwrite_each_other(sidebar, add_box, tmp_path):
    written = []
    for _ in range(2):
        add_box("Mine").select_set(True)
        bpy.ops.consistency.use_selected()
        bpy.ops.consistency.use_selected()  # again, from the same scene
        written.append(bpy.context.scene.consistency.objects)
        bpy.ops.wm.read_factory_settings(use_empty=True)
    assert written == [str(tmp_path / "runs" / "products" / name) for name in ("Mine.glb", "Mine-2.glb")]


def test_a_cutter_of_an_asset_that_stands_in_the_scene_too_stays_selected(add_box):
    box = add_box("Mine")
    cutter_inside(box)
    (instance,) = box.children
    bpy.context.scene.collection.children.link(instance.instance_collection)
    bpy.context.view_layer.update()
    (cutter,) = (thing for thing in instance.instance_collection.objects if thing.hide_render)
    cutter.select_set(True)
    model.adopt_objects([instance])
    assert cutter.select_get()
    assert not cutter.hide_viewport
