# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The frame holds what Cycles draws, not only what the vertices say."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from consistency_pipeline.pipeline import names
from consistency_pipeline.pipeline.rig import Angle
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.studio import BlenderStudio, model, rig
from consistency_pipeline.studio.rendering import passes

SETTINGS = RunSettings(size=96, samples=8, device="cpu", motion="none", angles=(Angle(name="front", elevation=5),))


def finish(steps):
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


@pytest.fixture
def filled(tmp_path):
    """The share of the frame that the product's mask takes, limiting side, in a reference of a run."""

    def render(objects):
        model.adopt_objects(objects)
        studio = BlenderStudio(SETTINGS)
        finish(studio.place_rig(SETTINGS))
        shot = finish(studio.render_reference(SETTINGS.studio.angles[0], SETTINGS, tmp_path))
        rows, columns = np.nonzero(passes.load(shot.files["mask"])[..., 0] > 0.05)
        studio.close()
        return max(np.ptp(rows), np.ptp(columns)) / 96

    return render


def particle_hair(box):
    box.modifiers.new("Hair", "PARTICLE_SYSTEM")
    settings = box.particle_systems[0].settings
    settings.type, settings.count, settings.hair_length, settings.root_radius = "HAIR", 300, 3.0, 5.0
    return [box]


def volume(box):
    """Fog that fills the right half of its box: nothing of the box itself is seen."""
    fog = box.copy()
    fog.data, fog.scale, fog.location = box.data.copy(), (4, 1, 1), (2, 0, 0)
    bpy.context.scene.collection.objects.link(fog)
    material = bpy.data.materials.new("Fog")
    if material.node_tree is None:
        material.use_nodes = True
    tree = material.node_tree
    output = tree.get_output_node("CYCLES")
    tree.links.remove(output.inputs["Surface"].links[0])
    scatter = tree.nodes.new("ShaderNodeVolumePrincipled")
    place, split, step = (tree.nodes.new(f"ShaderNode{kind}") for kind in ("TexCoord", "SeparateXYZ", "Math"))
    step.operation, step.inputs[1].default_value = "LESS_THAN", 0.25
    tree.links.new(place.outputs["Generated"], split.inputs[0])
    tree.links.new(split.outputs[0], step.inputs[0])
    tree.links.new(step.outputs[0], scatter.inputs["Density"])
    tree.links.new(scatter.outputs[0], output.inputs["Volume"])
    fog.data.materials[0] = material
    return [box, fog]


def clear_case(box):
    """A glass case that is wholly transparent, three times as large."""
    case = box.copy()
    case.data, case.scale = box.data.copy(), (3, 3, 3)
    bpy.context.scene.collection.objects.link(case)
    clear = bpy.data.materials.new("Clear")
    if clear.node_tree is None:
        clear.use_nodes = True
    tree = clear.node_tree
    tree.links.new(tree.nodes.new("ShaderNodeBsdfTransparent").outputs[0], tree.get_output_node("CYCLES").inputs[0])
    case.data.materials[0] = clear
    return [box, case]


def displaced(box, method="DISPLACEMENT"):
    """Waves 0.4 m high, along its x."""
    material = box.data.materials[0]
    material.displacement_method = method
    tree = material.node_tree
    place, wave, height = (tree.nodes.new(f"ShaderNode{kind}") for kind in ("TexCoord", "TexWave", "Displacement"))
    height.inputs["Midlevel"].default_value, height.inputs["Scale"].default_value = 0.0, 0.4
    wave.inputs["Scale"].default_value = 3.0
    tree.links.new(place.outputs["Object"], wave.inputs[0])
    tree.links.new(wave.outputs[1], height.inputs["Height"])
    tree.links.new(height.outputs[0], tree.get_output_node("CYCLES").inputs["Displacement"])
    fine = box.modifiers.new("Fine", "SUBSURF")
    fine.subdivision_type, fine.render_levels = "SIMPLE", 1
    return fine


def bumpy(box):
    displaced(box, "BUMP")


def adaptively_displaced(box):
    """One face a side, and as many as there are pixels in a render."""
    fine = displaced(box)
    if hasattr(fine, "use_adaptive_subdivision"):
        fine.use_adaptive_subdivision = True
    else:  # before 5.0
        bpy.context.scene.cycles.feature_set = "EXPERIMENTAL"
        box.cycles.use_adaptive_subdivision = True


def a_row_of_it(box, *, points=False):
    """Five in a row, or five points, made by geometry nodes."""
    group = bpy.data.node_groups.new("Row", "GeometryNodeTree")
    for way in ("INPUT", "OUTPUT"):
        group.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")
    given, made, line = (
        group.nodes.new(kind) for kind in ("NodeGroupInput", "NodeGroupOutput", "GeometryNodeMeshLine")
    )
    line.inputs["Count"].default_value, line.inputs["Offset"].default_value = 5, (2.0, 0.0, 0.3)
    row = group.nodes.new("GeometryNodeMeshToPoints" if points else "GeometryNodeInstanceOnPoints")
    group.links.new(line.outputs[0], row.inputs[0])
    if points:
        row.inputs["Radius"].default_value = 0.5
    else:
        group.links.new(given.outputs[0], row.inputs["Instance"])
    group.links.new(row.outputs[0], made.inputs[0])
    box.modifiers.new("Row", "NODES").node_group = group


def a_row_of_points(box):
    a_row_of_it(box, points=True)


def plain_mask(blend, camera_matrix, lens, clip):
    """(96, 96) coverage of what Blender alone renders of a file, its own scene as it is, from there."""
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
    scene.collection.objects.link(camera)
    camera.matrix_world, camera.data.lens, scene.camera = camera_matrix, lens, camera
    camera.data.clip_start, camera.data.clip_end = clip
    scene.render.engine, scene.cycles.samples, scene.render.film_transparent = "CYCLES", 8, True
    scene.render.resolution_x = scene.render.resolution_y = 96
    scene.render.filepath = str(blend.with_suffix(".png"))
    bpy.ops.render.render(write_still=True)
    picture = bpy.data.images.load(scene.render.filepath)
    return np.array(picture.pixels[:]).reshape(96, 96, 4)[::-1, :, 3]


def box_of(mask):
    rows, columns = np.nonzero(mask > 0.1)
    return np.array([columns.min(), rows.min(), columns.max(), rows.max()])


@pytest.mark.parametrize("how", [displaced, bumpy, adaptively_displaced, a_row_of_it, a_row_of_points])
def test_a_file_is_framed_whole_and_seen_as_blender_alone_renders_it(add_box, tmp_path, how):
    how(add_box())
    blend = tmp_path / "product.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    studio = BlenderStudio(SETTINGS)
    finish(studio.load_product(blend))
    finish(studio.place_rig(SETTINGS))
    shot = finish(studio.render_reference(SETTINGS.studio.angles[0], SETTINGS, tmp_path))
    camera = rig.camera_for("front")
    seen = camera.matrix_world.copy(), camera.data.lens, (camera.data.clip_start, camera.data.clip_end)
    studio.close()
    ours = box_of(passes.load(shot.files["mask"])[..., 0])
    assert max(ours[2:] - ours[:2]) / 96 == pytest.approx(0.8, abs=0.06)
    assert np.abs(ours - box_of(plain_mask(blend, *seen))).max() <= 2  # pixels


def test_hair_curves_are_framed_whole(add_box, filled):
    fur = bpy.data.hair_curves.new("Fur")
    fur.add_curves([2] * 40)
    around = np.linspace(0, 2 * np.pi, 40)
    ends = np.stack([np.sin(around) * 3, np.zeros(40), np.cos(around) * 3], axis=-1)
    fur.attributes["position"].data.foreach_set("vector", np.stack([ends / 9, ends], axis=1).astype(np.float32).ravel())
    fur.attributes.new("radius", "FLOAT", "POINT").data.foreach_set("value", np.full(80, 0.05, np.float32))
    strands = bpy.data.objects.new("Fur", fur)
    bpy.context.scene.collection.objects.link(strands)
    assert filled([add_box(), strands]) == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize("how", [particle_hair, volume, clear_case])
def test_what_is_seen_fills_the_frame(add_box, filled, how):
    assert filled(how(add_box())) == pytest.approx(0.8, abs=0.06)
    assert names.REACH in model.product_root()


def test_a_plain_product_stays_framed_by_its_vertices_after_one_look(add_box, filled, monkeypatch):
    from consistency_pipeline.studio.rendering import framing_check

    looked, render = [], framing_check.render
    monkeypatch.setattr(framing_check, "render", lambda *rest: (looked.append(rest), (yield from render(*rest)))[1])
    assert filled([add_box()]) == pytest.approx(0.8, abs=0.02)
    assert len(looked) == 1
    assert names.REACH not in model.product_root()
    assert not [camera for camera in bpy.data.cameras if "Look" in camera.name]
    before = rig.camera_for("front").matrix_world.copy()
    finish(rig.place_rig(SETTINGS))
    assert rig.camera_for("front").matrix_world == before
