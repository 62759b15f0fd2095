# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import bpy
import numpy as np
import pytest

from consistency_pipeline.pipeline.formats.gltf_file import check_glb
from consistency_pipeline.studio import model
from consistency_pipeline.studio.scene.collections import all_ids
from consistency_pipeline.studio.scene.sample_product import build_sample


@pytest.fixture
def sample(tmp_path):
    build_sample(tmp_path / "deep" / "sample.glb")
    return tmp_path / "deep" / "sample.glb"


def test_the_sample_is_glass_and_metal_with_a_readable_label(sample):
    assert check_glb(sample).meshes == 5
    for step in model.load_product(sample):
        assert not step.warning
    product = model.stand_on_ground(model.product_root(), [])
    assert {"glass", "metal"} <= set(product.materials)
    assert product.size == pytest.approx((0.057, 0.0355, 0.0992), abs=0.001)
    assert product.vertices < 20_000

    label = next(image for image in bpy.data.images if image.size[0] > 1000)
    pixels = np.array(label.pixels[:]).reshape(label.size[1], label.size[0], 4)[..., 0]
    assert pixels.max() > 0.9
    assert pixels.min() < 0.05
    assert 0.01 < (pixels < 0.3).mean() < 0.2  # lettering on paper, not a blank and not a blot
    steps = np.abs(np.diff(pixels, axis=1))
    assert np.percentile(steps[steps > 0.05], 90) > 0.3  # sharp edges

    front = next(thing for thing in bpy.data.objects if thing.name == "Label")
    corners = np.array([front.matrix_world @ vertex.co for vertex in front.data.vertices])
    assert corners[:, 1].max() < -0.015  # towards -Y, the front


def test_building_it_leaves_the_open_file_alone(add_box, tmp_path):
    add_box("Mine").select_set(True)
    before = sorted((type(item).__name__, item.name) for item in all_ids() if item.name != "Render Result")
    build_sample(tmp_path / "sample.glb")
    assert sorted((type(item).__name__, item.name) for item in all_ids() if item.name != "Render Result") == before
    assert bpy.data.objects["Mine"].select_get()
