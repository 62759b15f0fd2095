# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blender's own environments, and files of one's own, in the real window."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_sidebar import cube_glb


@pytest.mark.long
@pytest.mark.timeout(700)
def test_one_of_blenders_environments_is_chosen_from_its_list(window, tmp_path: Path):
    wrong = tmp_path / "wrong" / "text.hdr"
    wrong.parent.mkdir()
    wrong.write_text("not a picture")
    seen = window.play("surroundings_by_mouse", model=str(cube_glb(tmp_path / "cube.glb")), timeout=600)
    assert seen["chosen"] == ["forest.exr", 1.0, 0.0]
    turned = ["forest.exr", 0.4, 90.0]
    assert seen["turned"] == turned
    assert seen["drafted"] == [], "the drafts show another environment"
    assert seen["none"] == ["", ["", 0.0, 0.0], ["another environment"]]
    assert seen["undone"] == [turned, [], 5], "the choice alone is taken back, and the mix stays"
    assert seen["refused"][:2] == ["text.hdr", turned], "the light stays"
    assert seen["refused"][2].startswith("text.hdr is not an environment picture")
    assert seen["refused"][3] == "rig"
    assert seen["refusal_undone"] == ["forest.exr", turned, ""]
    assert seen["reopened"] == [True, False, turned, 5], "no board is left of the file before"
    assert "Traceback" not in window.log
