"""The frame holds what Cycles draws, not only what the vertices say."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from consistency_pipeline.pipeline.rig import Angle
from consistency_pipeline.pipeline.settings import RunSettings
from consistency_pipeline.studio import BlenderStudio, model, names, passes, rig

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
        shot = finish(studio.render_reference(SETTINGS.angles[0], SETTINGS, tmp_path))
        rows, columns = np.nonzero(passes.load(shot.files["mask"])[..., 0] > 0.05)
        studio.close()
        return max(np.ptp(rows), np.ptp(columns)) / 96

    return render


def particle_hair(box):
    box.modifiers.new("Hair", "PARTICLE_SYSTEM")
    settings = box.particle_systems[0].settings
    settings.type, settings.count, settings.hair_length, settings.root_radius = "HAIR", 300, 3.0, 5.0
    return [box]


def displaced(box):
    tree = box.data.materials[0].node_tree
    away = tree.nodes.new("ShaderNodeDisplacement")
    away.inputs["Height"].default_value, away.inputs["Midlevel"].default_value = 1.0, 0.0
    tree.links.new(away.outputs[0], tree.get_output_node("CYCLES").inputs["Displacement"])
    box.data.materials[0].displacement_method = "DISPLACEMENT"
    return [box]


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


@pytest.mark.parametrize("how", [particle_hair, displaced, clear_case])
def test_what_is_seen_fills_the_frame(add_box, filled, how):
    assert filled(how(add_box())) == pytest.approx(0.8, abs=0.06)
    assert names.REACH in model.product_root()


def test_a_plain_product_stays_framed_by_its_vertices_after_one_look(add_box, filled, monkeypatch):
    from consistency_pipeline.studio import framing_check

    looked, render = [], framing_check.render
    monkeypatch.setattr(framing_check, "render", lambda *rest: (looked.append(rest), (yield from render(*rest)))[1])
    assert filled([add_box()]) == pytest.approx(0.8, abs=0.02)
    assert len(looked) == 1
    assert names.REACH not in model.product_root()
    assert not [camera for camera in bpy.data.cameras if "Look" in camera.name]
    before = rig.camera_for("front").matrix_world.copy()
    finish(rig.place_rig(SETTINGS))
    assert rig.camera_for("front").matrix_world == before
