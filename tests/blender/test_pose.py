"""A product that moves is taken as it stands at the frame that the artist looks at."""

from __future__ import annotations

import bpy
import pytest

from consistency_pipeline.operators.drive import finish_steps
from consistency_pipeline.pipeline.settings import RunSettings
from consistency_pipeline.studio import BlenderStudio, model

TALL = 40  # the frame at which the box stands upright


@pytest.fixture
def moving(add_box):
    box = add_box(size=(0.2, 0.2, 0.6))
    for frame, height in ((1, 0.1), (TALL, 1.0)):
        box.scale.z = height
        box.keyframe_insert("scale", frame=frame)
    bpy.context.scene.frame_set(TALL)
    return box


def test_a_moving_product_is_rendered_and_written_as_it_is_seen(moving, tmp_path):
    settings = RunSettings(size=64, samples=1, device="cpu")
    studio = BlenderStudio(settings)
    product = model.adopt_objects([moving])
    assert product.size[2] == pytest.approx(0.6, abs=1e-3)
    finish_steps(studio.place_rig(settings))
    bpy.context.scene.frame_set(1)  # the artist plays the animation meanwhile
    shot = finish_steps(studio.render_reference(settings.angle("front"), settings, tmp_path))
    studio.close()
    finish_steps(model.export_product(tmp_path / "product.glb"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    studio = BlenderStudio(settings)
    written = finish_steps(studio.load_product(tmp_path / "product.glb"))
    finish_steps(studio.place_rig(settings))
    again = finish_steps(studio.render_reference(settings.angle("front"), settings, tmp_path))
    studio.close()
    assert written.size[2] == pytest.approx(0.6, abs=1e-3), "the GLB shows another moment"
    assert shot.coverage == pytest.approx(again.coverage, rel=0.02), "the picture shows another moment"
