# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The light board in the real window, by mouse."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_sidebar import cube_glb

from tests.fake_fal import API_KEY, FakeFal


@pytest.mark.long
@pytest.mark.timeout(900)
def test_lights_are_mixed_on_the_board_and_bought_in_full(window, fake: FakeFal, tmp_path: Path):
    model = cube_glb(tmp_path / "cube.glb")
    seen = window.play("board_by_mouse", model=str(model), key=API_KEY, timeout=800, patience=300)
    assert seen["psnr"] >= 45.0, seen
