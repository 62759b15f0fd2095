# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A further still from any place, with the look of the run's stills, and nothing left in the scene but the picture."""

from __future__ import annotations

import math

import bpy
import numpy as np
import pytest
from mathutils import Matrix

from consistency_pipeline.pipeline import names
from consistency_pipeline.pipeline.errors import BadInput
from consistency_pipeline.pipeline.formats import marks, png
from consistency_pipeline.studio.rendering import passes
from consistency_pipeline.studio.view_picture import View, take_picture

from .test_exact_turntable import SIZE, finish, greenness, table  # noqa: F401 - the fixture


def looking(azimuth: float, away: float = 1.5, *, is_flat: bool = False) -> View:
    """At the middle of the box, from ``azimuth`` degrees to the right of its front."""
    turn = Matrix.Rotation(math.radians(azimuth), 4, "Z")
    place = Matrix.Translation((0.0, 0.0, 0.15)) @ turn @ Matrix.Translation((0.0, -away, 0.0))
    return View(place @ Matrix.Rotation(math.radians(90.0), 4, "X"), (0.3, 0.3) if is_flat else (0.2, 0.4), is_flat)


def taken(table, view):  # noqa: F811
    return finish(take_picture(table.folder, view, table.device, table.worker))


@pytest.fixture
def run(table):  # noqa: F811
    for shot in table.shots.values():
        table.folder.keep_shot(shot)
    return table


@pytest.mark.parametrize("is_flat", [False, True])
def test_a_view_takes_the_look_of_the_stills_that_see_it(run, is_flat):
    before = len(bpy.data.objects)
    front = taken(run, looking(10.0, is_flat=is_flat))
    assert front.picture == run.folder.root / "views" / "view-001.png"
    assert "front" in front.look_of
    assert front.seen > 0.5
    back = taken(run, looking(180.0, is_flat=is_flat))
    assert back.picture.name == "view-002.png"
    pictures = [passes.load(each.picture) for each in (front, back)]
    assert pictures[0].shape[:2] == (SIZE, SIZE)
    assert greenness(pictures[0]) > 1.3 * greenness(pictures[1])
    assert marks.COMPOSITE in png.read_text(front.picture)[marks.XMP]
    assert len(bpy.data.objects) == before
    assert bpy.data.images["Still view-001"].has_data or bpy.data.images["Still view-001"].filepath


def test_a_view_that_misses_the_product_is_refused_before_it_is_rendered(run):
    away = looking(0.0)
    behind = View(
        Matrix.Translation((0.0, -9.0, 0.0)) @ away.matrix_world @ Matrix.Rotation(math.pi, 4, "Y"), away.half
    )
    with pytest.raises(BadInput, match="turn the view to it"):
        taken(run, behind)
    assert not (run.folder.root / "views").exists()
    assert not np.any(["Consistency View" in camera.name for camera in bpy.data.cameras])


def test_a_product_that_nothing_lights_is_refused_rather_than_black(run):
    """As where a run's settings were loaded and its model, and its rig not yet."""
    bpy.data.worlds.remove(bpy.data.worlds[names.WORLD])
    with pytest.raises(BadInput, match="no light yet"):
        taken(run, looking(0.0))
