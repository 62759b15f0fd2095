# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""References as the eye and the next model see them: where the product is, what colour the backdrop has, what is refused."""

from __future__ import annotations

import json

import bpy
import numpy as np
import pytest

from consistency_pipeline.pipeline.errors import BadRender
from consistency_pipeline.pipeline.formats import exr, png
from consistency_pipeline.pipeline.rig import ANGLE_SETS, Angle
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.studio import rig
from consistency_pipeline.studio.ground_light import render_ground
from consistency_pipeline.studio.image_worker import ImageWorker
from consistency_pipeline.studio.model import load_product, product_points
from consistency_pipeline.studio.references import render_reference
from consistency_pipeline.studio.rendering import devices, passes

SIZE = 96


def finish(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


@pytest.fixture
def settings():
    return RunSettings(size=SIZE, samples=8, device="cpu")


@pytest.fixture
def shoot(box_glb, settings, tmp_path):
    """Render one angle of the box with changed settings."""

    def render(angle="three-quarter", **changes):
        chosen = settings.model_copy(update=changes)
        finish(load_product(box_glb))
        finish(rig.place_rig(chosen))
        device, worker = devices.find("cpu"), ImageWorker()
        ground = finish(render_ground(chosen, tmp_path, device, worker))
        shot = finish(render_reference(chosen.angle(angle), chosen, tmp_path, device, worker, ground))
        return shot, {name: passes.load(path) for name, path in shot.files.items() if path.suffix == ".png"}

    return render


def projected(shot, size=(SIZE, SIZE)):
    """The product's vertices in pixels from the top left, by the matrices that the reference tells, (N, 2)."""
    points = product_points()
    homogeneous = np.c_[points, np.ones(len(points))]
    clip = homogeneous @ np.linalg.inv(np.array(shot.matrix_world)).T @ np.array(shot.projection).T
    ndc = clip[:, :2] / clip[:, 3:]
    return np.c_[(ndc[:, 0] + 1) / 2 * size[0], (1 - ndc[:, 1]) / 2 * size[1]]


BELOW = Angle(name="below", azimuth=30, elevation=-40), Angle(name="underside", elevation=-90)


@pytest.mark.parametrize("angle", ["front", "three-quarter", "side", "top", "below", "underside"])
def test_the_mask_lies_where_the_matrices_project_the_vertices(shoot, angle):
    shot, pictures = shoot(angle, angles=(*ANGLE_SETS["product"], *BELOW))
    inside = np.argwhere(pictures["mask"][..., 0] > 0.5)
    pixels = projected(shot)
    assert inside[:, 1].min() == pytest.approx(pixels[:, 0].min(), abs=1.0)
    assert inside[:, 1].max() + 1 == pytest.approx(pixels[:, 0].max(), abs=1.0)
    assert inside[:, 0].min() == pytest.approx(pixels[:, 1].min(), abs=1.0)
    assert inside[:, 0].max() + 1 == pytest.approx(pixels[:, 1].max(), abs=1.0)
    longest = max(np.ptp(pixels, axis=0)) / SIZE
    assert longest == pytest.approx(0.80, abs=0.01)


@pytest.mark.parametrize(("backdrop", "value"), [("white", 255), ("grey", 128)])
def test_the_backdrop_is_exactly_its_colour_and_the_shadow_can_be_switched_off(shoot, backdrop, value):
    _, pictures = shoot(backdrop=backdrop, shadow=False)
    outside = np.rint(pictures["image"][pictures["mask"][..., 0] == 0.0] * 255)
    assert np.all(outside == value)
    _, pictures = shoot(backdrop=backdrop)
    image = np.rint(pictures["image"] * 255)
    assert np.all(image[0] == value), "far from the product the colour stays exact"
    assert image[pictures["mask"][..., 0] == 0.0].min() < value - 10, "and near it there is a shadow"


def test_maps_are_in_metres_and_world_space(shoot):
    shot, pictures = shoot("front")
    depth, normal, position = (exr_of(shot.files[name]) for name in ("depth", "normal", "position"))
    inside = pictures["mask"][..., 0] == 1.0
    points = product_points()
    for axis in range(3):
        found = position[..., axis][inside]
        assert found.min() >= points[:, axis].min() - 1e-3
        assert found.max() <= points[:, axis].max() + 1e-3
    camera = np.array(shot.matrix_world)
    along = (position[inside][:, :3] - camera[:3, 3]) @ -camera[:3, 2]
    assert np.median(np.abs(depth[..., 0][inside] - along)) < 2e-3
    assert np.median(np.linalg.norm(normal[inside][:, :3], axis=-1)) == pytest.approx(1.0, abs=0.01)
    near, far = depth[..., 0][inside].argmin(), depth[..., 0][inside].argmax()
    grey = pictures["depth_map"][..., 0][inside]
    assert grey[near] > grey[far]
    assert np.all(pictures["depth_map"][..., 0][pictures["mask"][..., 0] == 0.0] == 0.0)


def test_the_surfaces_own_colour_is_kept_without_light(shoot):
    _, pictures = shoot("front")
    surface, inside = pictures["surface"], pictures["mask"][..., 0] == 1.0
    own = {tuple(np.rint(colour * 20).astype(int)) for colour in surface[inside][:: max(1, inside.sum() // 4000)]}
    lit = {
        tuple(np.rint(colour * 20).astype(int)) for colour in pictures["image"][inside][:: max(1, inside.sum() // 4000)]
    }
    assert 1 < len(own) < len(lit) / 3, "few colours, since no light shades them"
    assert np.all(surface[pictures["mask"][..., 0] == 0.0] == 0.0)


def exr_of(path):
    """(H, W, channels), top row first, as Blender reads the file."""
    image = bpy.data.images.load(str(path))
    width, height = image.size
    pixels = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(height, width, 4)[::-1]


def test_the_picture_carries_what_made_it(shoot):
    shot, _ = shoot()
    text = png.read_text(shot.files["image"])
    assert json.loads(text["Camera matrix"]) == shot.matrix_world
    assert text["Device"] == shot.device == devices.find("cpu").label
    assert json.loads(text["Angle"])["azimuth"] == 45


def test_the_detail_is_closer_and_may_leave_the_frame(shoot):
    shot, pictures = shoot("detail")
    assert shot.coverage > 0.3
    assert ANGLE_SETS["product"][4].crops
    assert pictures["mask"][..., 0][:, SIZE // 2].min() > 0.5


def test_a_product_hidden_from_renders_or_black_costs_nothing(box_glb, settings, tmp_path):
    finish(load_product(box_glb))
    finish(rig.place_rig(settings))
    for thing in bpy.data.objects:
        thing.hide_render = thing.type == "MESH"
    with pytest.raises(BadRender, match="front"):
        finish(
            render_reference(settings.studio.angles[0], settings, tmp_path, devices.find("cpu"), ImageWorker(), None)
        )
    for thing in bpy.data.objects:
        thing.hide_render = thing.type == "LIGHT"
    bpy.data.worlds["Consistency World"].node_tree.nodes["Surrounding"].inputs["Strength"].default_value = 0.0
    with pytest.raises(BadRender, match="black"):
        finish(
            render_reference(settings.studio.angles[0], settings, tmp_path, devices.find("cpu"), ImageWorker(), None)
        )
    assert not list(tmp_path.glob("front*.png")), "nothing that looks finished is left"


def test_this_program_reads_its_exr_files_as_blender_does(shoot):
    shot, _ = shoot()
    for name in ("depth", "normal", "position"):
        channels, theirs = exr.read(shot.files[name]), exr_of(shot.files[name])
        assert len(channels) in (1, 3), name
        for number, letter in enumerate("RGB" if len(channels) == 3 else channels):
            assert np.array_equal(channels[letter], theirs[..., number]), (name, letter)
