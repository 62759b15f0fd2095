# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several runs have one Blender in turn: each finds its own product, and nothing of a run is left once it has ended."""

from __future__ import annotations

import bpy
import pytest

from consistency_pipeline.pipeline.backend.ports import Studio
from consistency_pipeline.pipeline.driver import finish
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.studio import BlenderStudio
from consistency_pipeline.studio.turns import SharedBlender, TurnStudio

BESIDE = {"finish_reference", "convert_picture"}  # by the second Blender alone, from files


def blocks() -> dict[str, int]:
    """How many data blocks of each kind there are."""
    kinds = {name: getattr(bpy.data, name) for name in dir(bpy.data)}
    return {name: len(kind) for name, kind in kinds.items() if hasattr(kind, "foreach_get") and len(kind)}


def products() -> list[str]:
    return sorted(thing.name for thing in bpy.data.objects if thing.type == "MESH" and thing.name.startswith("Box"))


@pytest.fixture
def models(add_box, save_glb):
    paths = []
    for name in ("Box red", "Box blue"):
        add_box(name)
        paths.append(save_glb(f"{name[4:]}.glb"))
    return paths


def test_a_run_that_gave_way_finds_its_product_and_its_cameras_again(models):
    blender, settings = SharedBlender(), RunSettings(size=64, samples=1, device="cpu")
    red, blue = blender.studio(settings), blender.studio(settings)
    finish(red.load_product(models[0]))
    finish(red.place_rig(settings))
    before = {thing.name: [list(row) for row in thing.matrix_world] for thing in bpy.data.objects}
    finish(blue.load_product(models[1]))
    assert products() == ["Box blue"]
    finish(red.export_product(models[0].with_name("again.glb")))
    assert products() == ["Box red"]
    assert {thing.name: [list(row) for row in thing.matrix_world] for thing in bpy.data.objects} == before
    finish(blue.place_rig(settings))
    assert products() == ["Box blue"]
    red.close()
    assert products() == ["Box blue"]  # what is another's is not touched
    blue.close()


def test_nothing_of_a_product_is_left_for_the_next(models):
    blender, settings, counted = SharedBlender(), RunSettings(size=64, samples=1, device="cpu"), []
    for _ in range(3):
        studio = blender.studio(settings)
        finish(studio.load_product(models[0]))
        finish(studio.place_rig(settings))
        counted.append(blocks())
        studio.close()
    assert counted[0] == counted[1] == counted[2]


def test_nobody_comes_between_the_steps_of_another(models):
    blender, settings = SharedBlender(), RunSettings()
    red, blue = blender.studio(settings), blender.studio(settings)
    steps = red.load_product(models[0])
    next(steps)
    other = blue.load_product(models[1])
    assert next(other).idle
    assert next(other).idle
    finish(steps)
    finish(other)
    assert products() == ["Box blue"]
    red.close()
    blue.close()


def test_nothing_of_a_run_uses_blender_out_of_turn():
    wanted = {name for name in vars(Studio) if not name.startswith("_")}
    assert wanted <= set(dir(BlenderStudio))
    assert wanted - vars(TurnStudio).keys() == BESIDE
