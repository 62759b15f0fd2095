# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The mix becomes the lamps' values, looks are kept with the scene, and lamps of the artist's stay."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from consistency_pipeline.operators.editing import lights, scene_settings
from consistency_pipeline.pipeline import names
from consistency_pipeline.pipeline.driver import finish
from consistency_pipeline.pipeline.lighting.mix import gain
from consistency_pipeline.pipeline.settings.lights import Light
from consistency_pipeline.studio import rig
from consistency_pipeline.studio.model import load_product


@pytest.fixture
def lit(box_glb, sidebar):
    """A rig with a lamp of the artist's beside ours."""
    sidebar.source, sidebar.file = "FILE", str(box_glb)
    finish(load_product(box_glb))
    finish(rig.place_rig(scene_settings.to_settings(bpy.context.scene)))
    own = bpy.data.objects.new("Kicker", bpy.data.lights.new("Kicker", "POINT"))
    own.data.energy = 10.0
    bpy.data.collections[names.LIGHTING].objects.link(own)
    return sidebar


def lamps():
    return {thing.get(names.ROLE, thing.name): thing.data for thing in bpy.data.collections[names.LIGHTING].objects}


def colour(lamp):
    """What the lamp sends out in each channel."""
    warmth = np.array(lamp.temperature_color) if lamp.use_temperature else np.ones(3)
    return np.array(lamp.color) * warmth * lamp.energy


def test_the_mix_becomes_the_lamps_values(lit):
    bpy.ops.consistency.begin_mix()
    assert [change.name for change in lit.mix] == ["key", "fill", "rim", "environment", "glow", "Kicker"]
    before = {name: (colour(lamp), lamp.temperature) for name, lamp in lamps().items()}
    wanted = {
        "key": Light(strength=1.5, tint=(1.0, 0.5, 0.25)),
        "fill": Light(kelvin=4500.0),
        "rim": Light(on=False),
        "Kicker": Light(strength=2.0, kelvin=3000.0),
    }
    for name, light in wanted.items():
        lights.set_change(lit.mix, name, light)
    bpy.ops.consistency.mix_to_scene()
    for name, light in wanted.items():
        sent, kelvin = before[name]
        assert colour(lamps()[name]) == pytest.approx(
            sent * gain(light, kelvin if name != "Kicker" else 6500.0), rel=0.01, abs=1e-6
        ), name
    assert all(lights.light_of(change).changes_nothing for change in lit.mix), "the mix begins anew"
    assert scene_settings.to_settings(bpy.context.scene).studio.lights["rim"] == Light(on=False), "as will a run's"


def test_a_second_mix_goes_on_from_the_first(lit):
    bpy.ops.consistency.begin_mix()
    before = lamps()["key"].energy
    for _ in range(2):
        lights.set_change(lit.mix, "key", Light(strength=1.5))
        bpy.ops.consistency.mix_to_scene()
    assert lamps()["key"].energy == pytest.approx(before * 2.25, rel=1e-4)


def test_looks_are_kept_and_applied(lit):
    lit.lighting, lit.backdrop, lit.backdrop_colour = "dramatic", "colour", (1.0, 0.5, 0.0)
    lights.set_change(lit.lights, "key", Light(strength=0.5))
    bpy.ops.consistency.keep_look(name="Night")
    settings = scene_settings.to_settings(bpy.context.scene)
    lit.lighting, lit.backdrop = "studio", "white"
    lit.lights.clear()
    bpy.ops.consistency.apply_look(name="Night")
    assert scene_settings.to_settings(bpy.context.scene) == settings
    assert settings.studio.backdrop == "#ff8000"
    assert "Kicker" in bpy.data.objects, "a lamp of the artist's stays when the lighting changes"
