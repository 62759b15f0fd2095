# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Try Others in the real window: one still from each of several models, and the sheet where an artist sees it."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_sidebar import cube_glb

from tests.fake_fal import API_KEY, FakeFal


@pytest.mark.long
@pytest.mark.timeout(460)
def test_three_models_lie_side_by_side_and_the_run_is_left_as_it_was(window, fake: FakeFal, tmp_path: Path):
    model = cube_glb(tmp_path / "cube.glb")
    seen = window.play("tries_others", model=str(model), key=API_KEY, timeout=400, patience=200)
    assert len(fake.books) == 3, seen
    assert len({entry.endpoint for entry in fake.books}) == 3
    assert seen["said"] == ""
    assert [Path(path).name for path in seen["shown"]] == ["comparison.png"]
    assert seen["chosen"] == [0], "the run's own still was chosen for it"
