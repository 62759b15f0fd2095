# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import bpy
import numpy as np
import pytest

from consistency_pipeline.pipeline import names
from consistency_pipeline.pipeline.rig import Angle
from consistency_pipeline.pipeline.settings import lighting as presets
from consistency_pipeline.pipeline.settings.groups import LightRig, RunSettings
from consistency_pipeline.studio import lighting, model, rig

FRONT = Angle(name="front", azimuth=0, elevation=15)


def settings(**changes):
    return RunSettings(**{"angles": (FRONT,), "size": 64, "motion": "none", "shadow": False} | changes)


def place(chosen):
    for _ in rig.place_rig(chosen):
        pass
    rig.show_rig(chosen)


@pytest.fixture
def ball():
    def ball(radius=0.1, albedo=0.8):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        bpy.ops.mesh.primitive_uv_sphere_add(segments=32, ring_count=16, radius=radius)
        thing = bpy.context.object
        bpy.ops.object.shade_smooth()
        material = bpy.data.materials.new("Matt")
        if material.node_tree is None:
            material.use_nodes = True
        shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
        shader.inputs["Base Color"].default_value = (albedo, albedo, albedo, 1.0)
        shader.inputs["Roughness"].default_value = 0.6
        thing.data.materials.append(material)
        model.adopt_objects([thing])
        bpy.context.scene.collection.objects.unlink(thing)

    return ball


def picture(size=48, samples=24, kind="PNG"):
    """(rows, columns, 4) display-referred picture of the current scene, through the default view transform."""
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.device, scene.cycles.samples = "CYCLES", "CPU", samples
    scene.cycles.use_denoising, scene.cycles.use_adaptive_sampling = False, False
    scene.render.film_transparent, scene.render.dither_intensity = True, 0.0
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.view_settings.view_transform = RunSettings().studio.view_transform
    scene.render.image_settings.file_format, scene.render.image_settings.color_mode = kind, "RGBA"
    scene.render.filepath = bpy.app.tempdir + ("picture.png" if kind == "PNG" else "picture.exr")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(scene.render.filepath)
    pixels = np.array(image.pixels[:]).reshape(size, size, 4)
    bpy.data.images.remove(image)
    return pixels


def middle(pixels):
    rows, columns = np.mgrid[: len(pixels), : len(pixels)]
    centre = (len(pixels) - 1) / 2
    return pixels[np.hypot(rows - centre, columns - centre) < 0.33 * len(pixels)][:, :3]


@pytest.mark.parametrize("name", presets.PRESETS)
def test_a_ring_and_a_sofa_look_alike(ball, name):
    brightness = []
    for radius in (0.01, 1.0):
        ball(radius)
        place(settings(lighting=name))
        brightness.append(middle(picture()).mean())
    assert brightness[0] == pytest.approx(brightness[1], rel=0.01)
    assert (0.05 if name == "dark-field" else 0.4) < brightness[0] < 0.95


def test_studio_exposes_white_and_grey_where_a_photographer_would(ball):
    ball(albedo=0.8)
    place(settings())
    white = middle(picture())
    assert np.percentile(white, 90) == pytest.approx(0.85, abs=0.07)
    assert (white > 0.99).mean() < 0.01  # nothing burns out
    ball(albedo=0.18)
    place(settings())
    assert np.percentile(middle(picture()), 75) == pytest.approx(0.42, abs=0.07)


@pytest.mark.parametrize("exposure", [0.1, 8.0])
def test_an_environment_of_ones_own_burns_nothing_out_however_it_was_exposed(ball, tmp_path, exposure):
    ball(albedo=0.8)
    sky = bpy.data.images.new("sky", 16, 8, float_buffer=True)
    light = np.ones((8, 16, 4), np.float32)
    light[4:] *= 3.0
    sky.pixels.foreach_set((light * exposure).ravel())
    sky.filepath_raw, sky.file_format = str(tmp_path / "sky.hdr"), "HDR"
    sky.save()
    place(settings(environment=str(tmp_path / "sky.hdr")))
    white = middle(picture())
    assert np.percentile(white, 90) == pytest.approx(0.85, abs=0.07)
    place(settings(environment=str(tmp_path / "sky.hdr"), environment_strength=3.0))
    assert middle(picture()).mean() > white.mean() + 0.02


@pytest.mark.parametrize("name", ["studio", "softbox", "hdri"])
def test_a_grey_product_stays_grey(ball, name):
    ball(albedo=0.5)
    place(settings(lighting=name))
    colour = middle(picture()).mean(axis=0)
    assert np.ptp(colour) < 0.004


@pytest.mark.parametrize("name", presets.PRESETS)
def test_neither_lamps_nor_world_show_in_the_picture(ball, name):
    ball()
    above = Angle(name="back", azimuth=180, elevation=-10, fill=0.15, focal_length=20)
    place(settings(lighting=name, angles=(above,)))
    # A lamp in view adds light without adding alpha, which only a floating-point file keeps.
    rows, columns = np.nonzero(picture(samples=4, kind="OPEN_EXR").any(axis=2))
    assert np.hypot(rows - 23.5, columns - 23.5).max() < 0.15 / 2 * 48 + 1.5  # the ball and nothing else


def test_a_warmer_lamp_is_warmer(ball):
    ball(albedo=0.5)
    place(settings(light_rig=LightRig(temperature=-2500)))
    red, _, blue = middle(picture(samples=8)).mean(axis=0)
    assert red > blue + 0.05


def test_a_correction_changes_lamps_in_place(ball):
    ball()
    place(settings())
    lamps = {thing[names.ROLE]: thing for thing in bpy.data.collections[names.LIGHTING].objects}
    power = {role: lamp.data.energy for role, lamp in lamps.items()}
    lighting.place_lighting(settings(light_rig=LightRig(key=0.5)), model.product_points())
    assert {thing.name for thing in bpy.data.lights} == {lamp.data.name for lamp in lamps.values()}
    assert lamps["key"].data.energy == pytest.approx(power["key"] / 2)
    assert lamps["rim"].data.energy == pytest.approx(power["rim"])


def test_changing_preset_there_and_back_leaves_no_trace(ball):
    ball()
    place(settings())

    def there():
        kinds = bpy.data.objects, bpy.data.worlds, bpy.data.meshes, bpy.data.materials, bpy.data.lights
        return [sorted(thing.name for thing in kind) for kind in kinds]

    before = there()
    for name in (*presets.PRESETS, "studio"):
        place(settings(lighting=name))
    assert there() == before


def test_blenders_hdri_is_found_and_its_absence_survived(ball, monkeypatch):
    ball()
    assert not lighting.missing_hdri(settings(lighting="hdri"))
    monkeypatch.setattr(bpy.utils, "system_resource", lambda *_, **__: "")
    assert lighting.missing_hdri(settings(lighting="hdri"))
    said = [step for step in rig.place_rig(settings(lighting="hdri")) if step.warning]
    rig.show_rig(settings(lighting="hdri"))
    assert "even white" in said[0].text
    assert 0.5 < middle(picture(samples=4)).mean() < 0.98


def shader():
    return next(node for node in bpy.data.materials["Matt"].node_tree.nodes if node.type == "BSDF_PRINCIPLED")


def mirror():
    shader().inputs["Metallic"].default_value, shader().inputs["Roughness"].default_value = 1.0, 0.0


def alone(monkeypatch, lamp, environment=0.0):
    monkeypatch.setitem(presets.PRESETS, "alone", presets.Preset("One lamp", (lamp,), environment))
    monkeypatch.setattr(presets, "environment", lambda *_: environment)
    place(settings(lighting="alone"))


@pytest.mark.parametrize("shape", [{"soft": 1.0}, {"soft": 0.5, "height": 3.0}, {"hole": 0.6}])
def test_a_falloff_changes_what_a_lamp_looks_like_and_not_its_light(ball, monkeypatch, shape):
    ball()
    matt, seen = [], []
    for falloff in ({}, shape):
        alone(monkeypatch, presets.Lamp("key", azimuth=0, elevation=15, strength=0.5, size=3.0, **falloff))
        matt.append(middle(picture(samples=16)).mean())
    mirror()
    for falloff in ({}, shape):
        alone(monkeypatch, presets.Lamp("key", azimuth=0, elevation=15, strength=0.02, size=3.0, **falloff))
        seen.append(picture(samples=16)[23:25, 23:25, 0].mean())
    assert matt[1] == pytest.approx(matt[0], rel=0.06)
    assert seen[1] < 0.02 if "hole" in shape else seen[1] > 1.1 * seen[0], "its middle is as bright as before"


def test_a_card_and_a_flag_are_in_reflections_only(ball, monkeypatch):
    ball()
    shader().inputs["Specular IOR Level"].default_value = 0.0
    card = {"role": "card", "azimuth": 0, "elevation": 15, "size": 3.0, "distance": 3.0}
    alone(monkeypatch, presets.Lamp(strength=0.8, kind="card", **card))
    assert middle(picture()).max() < 0.01, "it lights nothing that is matt"
    mirror()
    assert picture()[23:25, 23:25, 0].mean() == pytest.approx(0.82, abs=0.05), "0.64 of white, in sRGB"
    alone(monkeypatch, presets.Lamp(strength=0.0, kind="flag", **card), environment=0.5)
    flagged = middle(picture())
    assert flagged.min() < 0.02
    assert flagged.max() > 0.3
    flag = next(thing for thing in bpy.data.objects if names.FLAG in thing)
    place(settings(lighting="alone", lights={"card": {"on": False}}))
    assert flag.hide_render
