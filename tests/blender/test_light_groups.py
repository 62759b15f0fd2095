# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each light by itself: the lights of a reference add up to it, and mixed anew they are the render with those lights."""

from __future__ import annotations

import numpy as np
import pytest

from consistency_pipeline.pipeline import references
from consistency_pipeline.pipeline.lighting import board, files
from consistency_pipeline.pipeline.lighting.mix import Mixed, gains
from consistency_pipeline.pipeline.rig import Angle
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.pipeline.settings.lights import Light
from consistency_pipeline.studio import BlenderStudio
from consistency_pipeline.studio.image_worker import tasks
from consistency_pipeline.studio.rendering import devices, passes
from consistency_pipeline.studio.rendering.render_scene import colour_scene, render, render_scene, scratch_file
from consistency_pipeline.studio.rig import camera_for

VIEW = Angle(name="front", azimuth=30, elevation=35, fill=0.6)
SIZE = 80
OTHERS = {
    "key": Light(strength=1.4),
    "fill": Light(strength=2.0, kelvin=4500.0),
    "rim": Light(on=False),
    "environment": Light(strength=0.7, tint=(1.0, 0.9, 0.8)),
    "glow": Light(strength=0.5),
}


def finish(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def psnr(one, other):
    return -10.0 * np.log10(max(np.mean((np.asarray(one, float) - np.asarray(other, float)) ** 2) / 255.0**2, 1e-12))


def shoot(model, settings, folder):
    folder.mkdir(exist_ok=True)
    studio = BlenderStudio(settings, own_file=True)
    finish(studio.load_product(model))
    finish(studio.place_rig(settings))
    shot = finish(studio.render_reference(settings.studio.angles[0], settings, folder))
    picture = np.rint(passes.load(shot.files["image"]) * 255.0)
    return shot, picture


@pytest.fixture
def settings():
    return RunSettings(angles=(VIEW,), size=SIZE, samples=192, quality="final", motion="none", device="cpu")


@pytest.fixture
def lit_box(add_box, save_glb):
    """A coloured box with a part that glows."""
    add_box("Body", (0.3, 0.2, 0.3), colour=(0.7, 0.3, 0.2), Roughness=0.6)
    add_box("Lamp", (0.1, 0.1, 0.06), at=(0.0, 0.0, 0.18), Emission_Color=(0.2, 0.6, 1.0, 1.0), Emission_Strength=0.6)
    return save_glb("lit.glb")


def mixed_from(shot, settings, **lights):
    found = files.read_lights(shot.files["lights"])
    view = passes.view_of(colour_scene(settings))
    mixed = Mixed(found, view, 255, files.read_ground(shot.files["ground"]))
    return found, mixed.mix(lights)[..., :3]


@pytest.mark.parametrize("lit", [True, False], ids=["denoised", "noisy"])
def test_the_lights_add_up_and_another_mix_is_the_render_with_those_lights(
    lit_box, settings, tmp_path, monkeypatch, lit
):
    if not lit:  # as in a build without Open Image Denoise
        without = lambda cycles, *_: setattr(cycles, "use_denoising", False)  # noqa: E731
        monkeypatch.setattr("consistency_pipeline.studio.rendering.render_scene._set_denoiser", without)
    shot, picture = shoot(lit_box, settings, tmp_path / "as-it-is")
    found, mixed = mixed_from(shot, settings)
    assert list(found.shares) == ["key", "fill", "rim", "environment", "glow"]
    assert psnr(mixed, picture) > 48.0
    render = sum(found.shares.values()) / np.maximum(found.coverage, 1e-4)[..., None]
    product = passes.display(render.astype(np.float32), colour_scene(settings)) * 255.0
    lost = references.settled_shadow(references.shadow_density(found.shadow))
    assert psnr(references.composite(product, found.coverage, lost, 255), picture) > 55.0
    again, rendered = shoot(lit_box, settings.model_copy(update={"lights": OTHERS}), tmp_path / "anew")
    _, mixed = mixed_from(shot, settings, **OTHERS)
    product = passes.load(shot.files["mask"])[..., 0] > 0.5
    assert psnr(picture, rendered) < 30.0, "those lights make another picture"
    for where in (product, ~product):
        assert psnr(mixed[where], rendered[where]) > (45.0 if lit else 40.0)
    seen = files.read_lights(again.files["lights"]).view
    assert seen.lights["fill"] == 4500.0
    assert seen.look["lights"]["rim"]["on"] is False


def test_a_board_draws_the_render_and_its_other_lights(lit_box, settings, tmp_path):
    shot, picture = shoot(
        lit_box, settings.model_copy(update={"samples": 64, "backdrop": "gradient"}), tmp_path / "run"
    )
    view, out, backdrop = tmp_path / "views", tmp_path / "plates", tmp_path / "behind.npy"
    told = tasks.plates(str(shot.files["lights"]), str(shot.files["ground"]), str(view), str(out))
    tasks.behind(settings.model_copy(update={"backdrop": "gradient"}).model_dump(mode="json"), str(backdrop))
    load = lambda name: np.load(out / f"{name}.npy")  # noqa: E731
    angle = board.Plates(
        {name: load(f"share.{name}") for name in told["kelvins"]}, told["window"], load("ground"), load("place")
    )
    floor = board.Floor(
        *({name: load(f"{kind}.{name}") for name in told["ground"]} for kind in ("lit", "open")), load("before")
    )
    table = board.Table(*(np.load(view / f"{told['view']}.{part}.npy") for part in ("greys", "corrections")))
    behind = np.load(backdrop)
    found = files.read_lights(shot.files["lights"])
    mixed = Mixed(found, passes.view_of(colour_scene(settings)), behind[::-1], files.read_ground(shot.files["ground"]))
    for lights in ({}, OTHERS):
        drawn = board.shown(angle, floor, table, gains(lights, told["kelvins"]), behind)[::-1]
        assert psnr(drawn, mixed.mix(lights)[..., :3]) > 45.0
    assert psnr(board.shown(angle, floor, table, {}, behind)[::-1], picture) > 45.0
    assert told["look"] == {"backdrop": "gradient"}


def test_the_shadow_is_the_one_that_a_shadow_catcher_catches(lit_box, settings, tmp_path):
    """It is made of the light on the ground, which all angles share. At so few pixels as here its edges are coarse."""
    shot, _ = shoot(lit_box, settings, tmp_path / "made")
    scene = render_scene(settings, devices.find("cpu"))
    with scratch_file() as file:
        finish(render(scene, camera_for(VIEW.name), file, "references", "rendering"))
        caught = passes.read(file)
    made = files.read_lights(shot.files["lights"])
    assert np.abs(made.coverage - caught.mask).max() < 0.05, "the ground is in the product's mask"
    lost = [references.settled_shadow(references.shadow_density(shadow)) for shadow in (made.shadow, caught.shadow)]
    assert lost[1].max() > 0.3, "nothing casts a shadow"
    over_white = [references.darkened(np.full((SIZE, SIZE, 3), 255, np.uint8), each) for each in lost]
    beside = caught.mask < 0.5
    assert psnr(over_white[0][beside], over_white[1][beside]) >= 40.0
