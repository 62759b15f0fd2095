# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The light board in the real window, by mouse."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from test_sidebar import cube_glb

from tests.fake_fal import API_KEY, FakeFal


def sky_hdr(path: Path) -> Path:
    """A Radiance picture, blue above and warm below, without run lengths."""
    wide, high = 4, 8
    rows = b"".join(bytes((60, 90, 200, 129) if row < high // 2 else (200, 150, 90, 128)) * wide for row in range(high))
    path.write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 8 +X 4\n" + rows)
    return path


@pytest.mark.long
@pytest.mark.timeout(1700)
def test_lights_are_mixed_on_the_board_and_bought_in_full(window, fake: FakeFal, tmp_path: Path):
    sky_hdr(tmp_path / "sky.hdr")
    model, size, samples = os.environ.get("CONSISTENCY_BOARD_MODEL") or cube_glb(tmp_path / "cube.glb"), 96, 8
    if "CONSISTENCY_BOARD_MODEL" in os.environ:  # for the screenshots in docs
        size, samples = 192, 24
    options = {"model": str(model), "size": size, "samples": samples}
    seen = window.play("board_by_mouse", **options, key=API_KEY, timeout=1600, patience=400)
    assert seen["kinds"] == ["draft"]
    for name in ("rendered", "mixed", "after", "at_end"):
        assert seen[name] >= 45.0, f"{name}: the GPU draws another picture than the mix"
    key, fill, rim = seen["strengths"]
    assert key < 100.0 < min(fill, rim)
    assert seen["changed"] < 40.0, "three sliders change nothing"
    assert seen["before"] >= 60.0, "before is not the picture without the mix"
    assert seen["rim_undone"] == pytest.approx(100.0)
    assert seen["rim_redone"] == pytest.approx(rim)
    assert seen["looks"] == ["Look"]
    wanted = {"Light key": key, "Light fill": fill, "Light rim": rim}
    assert seen["to_scene"] == pytest.approx({name: value / 100.0 for name, value in wanted.items()}, abs=0.01)
    assert seen["to_scene_undone"]
    for name in ("same_after_redo", "same_after_to_scene", "same_after_undo"):
        assert seen[name] >= 50.0, name
    assert seen["through"] == ["Camera side", True, "CAMERA"]
    assert seen["preset"] != "studio"
    assert seen["stale"]
    assert seen["stale_undone"] == ["studio", []]
    assert seen["environment"].endswith("sky.hdr")
    assert seen["stale_by_drop"] == ["another environment"]
    assert seen["stale_after_drafts"] == []
    assert seen["run_before"] == [], "a draft is in the run"
    assert seen["bought"] == [True] * 5
    assert len(fake.books) == 5
    assert (seen["full"], seen["stale_at_end"]) == (["rendered"], [])
    assert seen["as_rendered"] >= 40.0, "the board shows another picture than the reference"
    assert (seen["said"], seen["closed"]) == ("", True)


@pytest.mark.long
def test_an_environment_is_dropped_and_what_is_none_is_refused(window, tmp_path: Path):
    sky_hdr(tmp_path / "sky.hdr")
    (tmp_path / "text.hdr").write_text("not a picture")
    seen = window.play("environments_are_dropped", timeout=300)
    assert seen["sky.hdr"] == ["sky.hdr", ""]
    assert seen["text.hdr"][0] == "sky.hdr", "the light stays"
    assert seen["text.hdr"][1].startswith("text.hdr is not an environment picture")


@pytest.mark.long
@pytest.mark.timeout(1700)
def test_what_is_done_to_lamps_by_hand_is_what_the_board_and_a_run_go_by(window, tmp_path: Path):
    seen = window.play("lamps_by_hand", model=str(cube_glb(tmp_path / "cube.glb")), timeout=1600, patience=400)
    assert seen["fresh"] == []
    assert seen["moved"]
    assert seen["stale_by_moving"] == ["key moved"], "the board says nothing of it"
    assert seen["undone"] == [True, []]
    assert seen["stale_after_drafts"] == []
    assert seen["changed"] < 45.0, "drafts show the lamp where it was"
    assert seen["after_slider"] == [True, []], "a slider takes it from the artist"
    assert seen["after_run"] == [True, []], "a run takes it from the artist"
    assert seen["run_as_drafts"] > seen["changed"], "what is bought is lit otherwise than the draft"
    assert seen["put_back"] == [True, ["key moved"]]
    assert seen["hidden"] == [0.0] * 3
    ours = ["Light fill", "Light key", "Light rim"]
    assert seen["copied"] == [["Light fill", "Light fill.001", *ours[1:]], ["key moved", "Light_fill_001 new"]]
    assert seen["copy_deleted"] == [ours, ["key moved"]]
    assert seen["no_backdrop"].startswith("gone.png is not a picture"), "it is said and gone again"
    assert seen["backdrop_again"] == ""
    assert seen["said"] == ""
