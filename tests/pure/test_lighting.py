# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math

import pytest

from consistency_pipeline.pipeline.settings import lighting
from consistency_pipeline.pipeline.settings.groups import LightRig, RunSettings


def lamps(name="studio", radius=1.0, **corrections):
    return {lamp.role: lamp for lamp in lighting.place(lighting.PRESETS[name], radius, LightRig(**corrections))}


def test_the_default_exists():
    assert RunSettings().studio.lighting in lighting.PRESETS


@pytest.mark.parametrize("name", ["studio", "softbox", "dramatic"])
def test_a_larger_product_gets_the_same_irradiance(name):
    small, large = lamps(name, 0.01), lamps(name, 3.0)
    for role, lamp in small.items():
        assert lamp.power / lamp.distance**2 == pytest.approx(large[role].power / large[role].distance ** 2)
        assert lamp.size / lamp.distance == pytest.approx(large[role].size / large[role].distance)


def test_each_correction_changes_its_own_lamp_only():
    plain = lamps()
    for role in ("key", "fill", "rim"):
        changed = lamps(**{role: 2.0})
        factors = {name: changed[name].power / plain[name].power for name in plain}
        assert factors == pytest.approx({name: 2.0 if name == role else 1.0 for name in plain})


def test_rotation_turns_every_lamp_about_the_vertical():
    for role, lamp in lamps(rotation=90.0).items():
        x, y, z = lamps()[role].direction
        assert lamp.direction == pytest.approx((-y, x, z))


def test_softness_changes_size_and_not_exposure():
    soft, plain = lamps(softness=2.0), lamps()
    assert soft["key"].size == pytest.approx(2 * plain["key"].size)
    assert soft["key"].power == plain["key"].power


def test_temperature_shifts_and_stays_a_temperature():
    assert lamps(temperature=-1500)["key"].kelvin == lighting.DAYLIGHT - 1500
    assert lamps("dramatic", temperature=-4000.0)["key"].kelvin == 5600 - 4000
    assert lamps(temperature=4000)["key"].kelvin == lighting.DAYLIGHT + 4000


def test_environment_is_multiplied():
    preset = lighting.PRESETS["hdri"]
    assert lighting.environment(preset, LightRig(environment=0.5)) == pytest.approx(preset.environment / 2)


@pytest.mark.parametrize("name", lighting.PRESETS)
def test_lamps_stand_outside_the_product_and_above_the_ground(name):
    for lamp in lamps(name).values():
        assert math.hypot(*lamp.direction) == pytest.approx(1.0)
        assert lamp.distance - lamp.size / 2 > 0.5
        assert lamp.direction[2] > 0
