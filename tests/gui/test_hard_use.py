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
