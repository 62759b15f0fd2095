# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Blender lives through what frees things: cancelled renders, undo, deleting, and other files opened meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_sidebar import cube_glb

ROUNDS = 15


@pytest.mark.long
@pytest.mark.timeout(2460)
def test_blender_lives_through_renders_that_are_cancelled_undone_and_deleted_and_opens_a_file_after_it(
    window, tmp_path: Path
):
    model = cube_glb(tmp_path / "cube.glb")
    seen = window.play("render_cancel_undo_delete", model=str(model), rounds=ROUNDS, timeout=2400, patience=240)
    assert len(seen["rounds"]) == ROUNDS
    assert all(state == "done" for state, _, _ in seen["rounds"]), "a run that follows a cancelled one does not end"
    assert sum(studio for _, studio, _ in seen["rounds"]) >= ROUNDS // 2
    assert sum(compared == "front" for _, _, compared in seen["rounds"]) >= ROUNDS // 4
    assert seen["unforeseen"] == []
    assert seen["last"]["photoreal"] == "done"
    assert seen["scenes"] == ["Scene"], "a scene of ours was left behind"


@pytest.mark.long
def test_the_studio_view_comes_and_goes_while_renders_begin(window, tmp_path: Path):
    """Another engine for a scene, while a render has its engine but has not begun, is the end of that engine and Blender."""
    seen = window.play("studio_view_while_renders_begin", model=str(cube_glb(tmp_path / "cube.glb")), timeout=300)
    assert seen["run"]["error"] == ""
    assert seen["run"]["stages"]["references"] == "done"
    assert seen["run"]["toggled"] > 1
    assert seen["after"] == seen["before"], "the scene kept the studio view's engine"


@pytest.mark.long
def test_a_run_waits_for_the_artists_own_render_and_does_not_stop_it(window, tmp_path: Path):
    seen = window.play("run_beside_an_own_render", model=str(cube_glb(tmp_path / "cube.glb")), timeout=300)
    own = [["render_init", "Scene"], *[["render_write", "Scene"]] * 3, ["render_complete", "Scene"]]
    assert seen["events"][: len(own)] == own, "the artist's render was stopped, or did not come first"
    assert seen["own"] == 3
    for run in (seen["first"], seen["script"]):
        assert run["error"] == ""
        assert run["stages"]["references"] == "done"
