# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math

import pytest

from consistency_pipeline.pipeline.lighting.pointing import Aim, direction_to_lamp, power_for
from consistency_pipeline.pipeline.settings.lamps import AddedLamp


def test_a_highlight_is_the_lamp_mirrored_where_one_points():
    # A mirror that lies flat, looked at from 45° in front: the lamp is at 45° behind.
    found = direction_to_lamp((0, 0, 1), (0, -1, 1), Aim.HIGHLIGHT)
    assert found == pytest.approx((0, math.sqrt(0.5), math.sqrt(0.5)))
    assert direction_to_lamp((0, 0, -3), (0, -1, 1), Aim.HIGHLIGHT) == pytest.approx(found), "the side that is seen"


def test_light_stands_straight_above_the_side_that_is_seen():
    assert direction_to_lamp((0, 0, 5), (0, -1, 1), Aim.LIGHT) == pytest.approx((0, 0, 1))
    assert direction_to_lamp((0, 0, -5), (0, -1, 1), Aim.LIGHT) == pytest.approx((0, 0, 1))


def test_a_lamp_twice_as_far_gives_the_same_light():
    assert power_for(0.5, 2.0) == pytest.approx(4 * power_for(0.5, 1.0))


@pytest.mark.parametrize(
    "wrong", [{"turn": (0, 0, 0, 0)}, {"size": (1, -1)}, {"place": (math.nan, 0, 0)}, {"power": -1}, {"kelvin": 10}]
)
def test_a_lamp_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="lamp|power|kelvin"):
        AddedLamp(**wrong)
