# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A label that lies in its product's surface is seen, not a black patch."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.studio import BlenderStudio, model
from consistency_pipeline.studio.rendering.passes import load
from consistency_pipeline.studio.scene.coincident import lift_coincident

RED = (0.8, 0.02, 0.02)


def finish(steps):
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        return stop.value


def add_label(add_box, flip=False, depth=0.0):
    """A red plane over the middle of the front of a grey cube of 1 m."""
    add_box(name="Body", size=(1, 1, 1))
    label = add_box(name="Label", size=(0.5, 0.5, 0.5), colour=RED)
    y = -0.5 - depth
    corners = [(-0.25, y, -0.25), (0.25, y, -0.25), (0.25, y, 0.25), (-0.25, y, 0.25)]
    material = label.data.materials[0]
    label.data = bpy.data.meshes.new("Label")
    label.data.from_pydata(corners, [], [(3, 2, 1, 0) if flip else (0, 1, 2, 3)])
    label.data.materials.append(material)
    return label


@pytest.mark.parametrize("flip", [False, True])
def test_a_label_in_the_surface_is_lifted_said_and_seen(add_box, save_glb, tmp_path, flip):
    add_label(add_box, flip)
    settings = RunSettings(size=64, samples=8, device="cpu", shadow=False)
    settings = settings.model_copy(update={"angles": tuple(a for a in settings.studio.angles if a.name == "front")})
    studio = BlenderStudio(settings)
    product = finish(studio.load_product(save_glb()))
    assert [note for note in product.notes if "'Label'" in note and "'Body'" in note and "lifted" in note]
    assert product.size == pytest.approx((1, 1, 1), abs=1e-3)
    finish(studio.place_rig(settings))
    shot = finish(studio.render_reference(settings.studio.angles[0], settings, tmp_path))
    picture = load(shot.files["image"])
    studio.close()
    middle = picture[28:36, 28:36].reshape(-1, 3)
    assert (middle[:, 0] > 0.3).all(), "no black patch"
    assert (middle[:, 0] > 2 * middle[:, 1]).all(), "the label's red, not the body's grey"


def test_a_label_that_stands_off_is_left_as_it_is(add_box, save_glb):
    add_label(add_box, depth=0.002)
    product = finish(model.load_product(save_glb()))
    assert not [note for note in product.notes if "same place" in note]
    assert not [thing for thing in bpy.data.objects if thing.modifiers]


def test_one_material_of_a_mesh_is_lifted_alone(add_box, save_glb):
    label, body = add_label(add_box), bpy.data.objects["Body"]
    with bpy.context.temp_override(active_object=body, selected_editable_objects=[body, label]):
        bpy.ops.object.join()
    product = finish(model.load_product(save_glb()))
    assert [note for note in product.notes if "lifted" in note]
    low, high = (f(model.product_points(), axis=0) for f in (np.min, np.max))
    assert high - low == pytest.approx((1, 1, 1), abs=1e-3)


def test_the_artists_own_objects_stay_and_it_is_said(add_box):
    label = add_label(add_box)
    bpy.context.view_layer.update()
    model.adopt_objects([bpy.data.objects["Body"], label])
    notes = lift_coincident(model.product_root())
    assert [note for note in notes if "'Label'" in note and "lift it" in note]
    assert not label.modifiers
    assert not label.vertex_groups
