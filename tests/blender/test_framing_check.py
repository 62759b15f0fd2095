"""The frame holds what Cycles draws, not only what the vertices say."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from consistency_pipeline.pipeline.rig import Angle
from consistency_pipeline.pipeline.settings import RunSettings
from consistency_pipeline.studio import BlenderStudio, model, names, rig
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
