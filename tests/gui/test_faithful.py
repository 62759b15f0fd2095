# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The slider from as it came to faithful in the real window: a draft while it moves, a take once it rests."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_sidebar import cube_glb

from tests.fake_fal import API_KEY, FakeFal


@pytest.mark.long
@pytest.mark.timeout(460)
def test_moving_the_slider_makes_a_take_without_a_purchase(window, fake: FakeFal, tmp_path: Path):
    model = cube_glb(tmp_path / "cube.glb")
    seen = window.play("slides_to_faithful", model=str(model), key=API_KEY, timeout=400, patience=300)
    assert seen["kept"] == "01 02", "a slider that moved in four steps left more than the take it came to rest at"
    assert (seen["chosen"], seen["takes"]) == (3, "01 03"), "trying another share leaves one file"
    assert 0 < seen["dragged"] < 89, "the slider was dragged to the left"
    assert round(100 * seen["share"]) == round(seen["dragged"])
    assert f"faithful to the render, {seen['dragged']:.0f} %" in seen["verdict"]
    assert (seen["draft"], seen["said"]) == ("", "")
    assert len(fake.books) == 1, "moving a slider cost something"
