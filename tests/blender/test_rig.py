# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from consistency_pipeline.pipeline import names
from consistency_pipeline.pipeline.errors import BadInput, UsageError
from consistency_pipeline.pipeline.geometry import framing
from consistency_pipeline.pipeline.rig import ANGLE_SETS, Angle
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.studio import model, rig


def place(settings):
    for _ in rig.place_rig(settings):
        pass


@pytest.fixture
def product(add_box):
    """Something lopsided, so that a mirrored or swapped axis shows."""
    thing = add_box(size=(1.2, 0.5, 0.4))
    tower = add_box("Tower", size=(0.2, 0.2, 1.0), at=(0.4, -0.1, 0.6))
    model.adopt_objects([thing, tower])
    return [bpy.context.scene.collection.objects.unlink(part) for part in (thing, tower)]


def set_resolution(settings):
    render = bpy.context.scene.render
    render.resolution_x, render.resolution_y = settings.resolution
    render.resolution_percentage = 100


@pytest.mark.parametrize(("names", "said"), [(("front",), "1 camera, "), (("front", "side"), "2 cameras, ")])
def test_cameras_are_counted_in_words_of_their_number(product, names, said):
    angles = tuple(angle for angle in RunSettings().studio.angles if angle.name in names)
    *_, last = rig.place_rig(RunSettings(angles=angles, motion="none"))
    assert last.text.startswith(said)


@pytest.mark.parametrize("aspect", [1.0, 16 / 9, 0.5])
@pytest.mark.parametrize("angle_set", ANGLE_SETS)
def test_blenders_own_projection_agrees_on_fill_and_centre(product, angle_set, aspect):
    settings = RunSettings(angles=ANGLE_SETS[angle_set], aspect=aspect, size=1024, motion="none")
    set_resolution(settings)
    place(settings)
    points = model.product_points()
    width, height = settings.resolution
    for angle in settings.studio.angles:
        camera = rig.camera_for(angle.name)
        seen = np.array([world_to_camera_view(bpy.context.scene, camera, Vector(p)) for p in points])
        low, high = seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)
        assert (high - low).max() == pytest.approx(angle.fill, abs=0.5 / max(width, height))
        assert camera.data.clip_start < seen[:, 2].min()
        assert seen[:, 2].max() < camera.data.clip_end
        if not angle.crops:
            assert (low + high) / 2 * (width, height) == pytest.approx([width / 2, height / 2], abs=0.5)
            assert low.min() > 0
            assert high.max() < 1


@pytest.mark.parametrize("aspect", [1.0, 0.5, 1.5])
def test_the_matrices_put_every_vertex_where_blender_does(product, aspect):
    settings = RunSettings(aspect=aspect)
    set_resolution(settings)
    place(settings)
    camera = rig.camera_for("three-quarter")
    world, projection = map(np.array, rig.camera_matrices(camera, settings.resolution))
    for point in model.product_points():
        clip = projection @ np.linalg.inv(world) @ [*point, 1.0]
        expected = world_to_camera_view(bpy.context.scene, camera, Vector(point))
        assert (clip[:2] / clip[3] + 1) / 2 == pytest.approx(expected[:2], abs=1e-4)


def test_a_rendered_mask_fills_what_was_asked(product):
    angle = Angle(name="three-quarter", azimuth=45, elevation=25, fill=0.8)
    settings = RunSettings(angles=(angle,), size=192, shadow=False)
    place(settings)
    rig.show_rig(settings)
    scene = bpy.context.scene
    set_resolution(settings)
    scene.render.engine, scene.cycles.device, scene.cycles.samples = "CYCLES", "CPU", 1
    scene.cycles.use_denoising, scene.render.film_transparent = False, True
    scene.render.image_settings.file_format = "OPEN_EXR"
    scene.render.filepath = bpy.app.tempdir + "mask.exr"
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(scene.render.filepath)
    alpha = np.array(image.pixels[:]).reshape(192, 192, 4)[..., 3]
    rows, columns = np.nonzero(alpha > 0)
    extent = max(np.ptp(rows), np.ptp(columns)) + 1
    assert extent == pytest.approx(0.8 * 192, abs=2)
    assert (rows.min() + rows.max() + 1) / 2 == pytest.approx(96, abs=1)
    assert (columns.min() + columns.max() + 1) / 2 == pytest.approx(96, abs=1)


def test_placing_twice_replaces(product):
    place(RunSettings())
    first = sorted(thing.name for thing in bpy.data.objects)
    place(RunSettings())
    assert sorted(thing.name for thing in bpy.data.objects) == first
    place(RunSettings(angles=ANGLE_SETS["turnaround"], lighting="hdri", shadow=False))
    cameras = {thing.name for thing in bpy.data.objects if thing.type == "CAMERA"}
    assert cameras == {names.camera(angle.name) for angle in ANGLE_SETS["turnaround"]}
    assert len(bpy.data.cameras) == 8
    assert not bpy.data.lights
    assert names.GROUND not in bpy.data.objects


def test_everything_is_below_one_collection_that_can_be_deleted(product):
    before = set(bpy.data.objects) - set(bpy.data.collections[names.ROOT].all_objects)
    place(RunSettings())
    root = bpy.data.collections[names.ROOT]
    placed = set(root.all_objects)
    assert {thing.name for thing in set(bpy.data.objects) - placed} == {thing.name for thing in before}
    assert {names.RIG, names.LIGHTING, names.BACKDROP, names.PRODUCT} <= {child.name for child in root.children}


def test_the_artists_camera_of_the_same_name_is_not_taken(product):
    mine = bpy.data.objects.new("Camera front", bpy.data.cameras.new("Mine"))
    bpy.context.scene.collection.objects.link(mine)
    mine.location = (9, 9, 9)
    place(RunSettings())
    assert tuple(mine.location) == (9, 9, 9)
    assert rig.camera_for("front") != mine


def test_placing_leaves_the_artists_camera_and_world_until_asked_to_show(product):
    scene = bpy.context.scene
    scene.camera = mine = bpy.data.objects.new("Mine", bpy.data.cameras.new("Mine"))
    scene.world = world = bpy.data.worlds.new("Mine")
    place(RunSettings())
    assert (scene.camera, scene.world) == (mine, world)
    rig.show_rig(RunSettings())
    assert (scene.camera, scene.world.name) == (rig.camera_for("front"), names.WORLD)


def test_one_scale_reaches_the_cameras(product):
    settings = RunSettings(one_scale=True)
    place(settings)
    points = model.product_points()
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    distances = []
    for angle in settings.studio.angles:
        if not angle.crops:
            world = np.array(rig.camera_for(angle.name).matrix_world)
            distances.append((world[:3, 3] - centre) @ world[:3, 2])
    assert distances == pytest.approx([distances[0]] * 4, rel=1e-5)


def test_what_is_missing_is_said(product):
    with pytest.raises(BadInput, match="place the rig"):
        rig.camera_for("front")
    with pytest.raises(UsageError, match="choose from studio"):
        place(RunSettings(lighting="moonlight"))


def test_no_product_no_rig():
    with pytest.raises(BadInput, match="no product"):
        place(RunSettings())


def test_every_real_model_is_framed(real_models):
    for path in real_models:
        for _ in model.load_product(path):
            pass
        settings = RunSettings()
        place(settings)
        points = model.product_points()
        for angle in settings.studio.angles:
            matrix = np.array(rig.camera_for(angle.name).matrix_world)
            found = framing.filled(points, matrix, angle.focal_length, 1.0)
            assert found == pytest.approx(angle.fill, abs=1e-4), (path.name, angle.name)
