# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lamps by pointing: they are where the highlight is, part of the settings and of looks, and stand alike around any product."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
from mathutils import Vector

from consistency_pipeline.operators.editing import scene_settings
from consistency_pipeline.pipeline import names
from consistency_pipeline.pipeline.driver import finish
from consistency_pipeline.pipeline.settings.look import look_of, read_look, save_look, with_look
from consistency_pipeline.studio import lamps, rig
from consistency_pipeline.studio.model import load_product, product_points


@pytest.fixture
def placed(box_glb, sidebar):
    sidebar.source, sidebar.file = "FILE", str(box_glb)
    finish(load_product(box_glb))
    finish(rig.place_rig(settings()))
    return sidebar


def settings():
    return scene_settings.to_settings(bpy.context.scene)


def front():
    """A spot in the middle of the product's front, and the way there from before it."""
    low, high = product_points().min(axis=0), product_points().max(axis=0)
    middle, size = (low + high) / 2, float(np.linalg.norm(high - low))
    origin = Vector((middle[0], low[1] - 5 * size, middle[2]))
    graph = bpy.context.evaluated_depsgraph_get()
    return lamps.spot_on_product(bpy.context.scene, graph, origin, Vector((0, 1, 0))), low


def test_what_stands_before_the_product_is_no_spot(placed):
    bpy.ops.mesh.primitive_plane_add(size=100, location=(0, -50, 0), rotation=(1.5708, 0, 0))
    spot, low = front()
    assert spot.place.y == pytest.approx(low[1], abs=1e-4)
    assert abs(spot.normal.y) == pytest.approx(1.0, abs=1e-3)
    graph = bpy.context.evaluated_depsgraph_get()
    assert lamps.spot_on_product(bpy.context.scene, graph, Vector((1e3, -10, 0)), Vector((0, 1, 0))) is None


def test_the_lamp_is_mirrored_where_one_points_and_comes_with_a_look(placed, tmp_path):
    spot, _ = front()
    before = set(bpy.data.objects)
    eye = Vector((1.0, -1.0, 0.0)).normalized()
    bpy.ops.consistency.point_lamp(spot=spot.place, normal=spot.normal, eye=eye, distance=400, size=50, strength=80)
    (lamp,) = set(bpy.data.objects) - before
    _, radius = lamps.span()
    away = lamp.matrix_world.translation - spot.place
    assert away.length == pytest.approx(4.0 * radius, rel=1e-3)
    assert tuple(away.normalized()) == pytest.approx((-(0.5**0.5), -(0.5**0.5), 0.0), abs=1e-3)
    shines = lamp.matrix_world.to_quaternion() @ Vector((0, 0, -1))
    assert tuple(shines) == pytest.approx(tuple(-away.normalized()), abs=1e-3)
    assert lamp.name in bpy.data.collections[names.LIGHTING].objects

    chosen = settings()
    assert chosen.studio.lamps[lamp.name].size == pytest.approx((0.5, 0.5), abs=1e-3)
    save_look(tmp_path / "warm.json", "Warm", look_of(chosen))
    _, look = read_look(tmp_path / "warm.json")
    assert with_look(settings(), look).studio.lamps == chosen.studio.lamps
    for part in bpy.data.collections[names.PRODUCT].all_objects:
        if part.parent is None:
            part.scale *= 10.0
    bpy.context.view_layer.update()
    finish(rig.place_rig(chosen))
    assert lamps.span()[1] == pytest.approx(10.0 * radius, rel=1e-3)
    assert settings().studio.lamps == chosen.studio.lamps, "around a product ten times as large it is the same look"

    scene_settings.set_look(bpy.context.scene, with_look(chosen, {}))
    assert not lamps.added_lamps(), "a look without the lamp"
    scene_settings.set_look(bpy.context.scene, with_look(chosen, look))
    assert settings().studio.lamps == chosen.studio.lamps


def test_a_lamp_is_placed_anew(placed):
    spot, _ = front()
    where = {"spot": spot.place, "normal": spot.normal, "eye": (0, -1, 0)}
    bpy.ops.consistency.point_lamp(**where)
    (lamp,) = lamps.added_lamps()
    bpy.ops.consistency.point_lamp(lamp=lamp.name, **{**where, "eye": (0, -1, 1)}, aim="light")
    assert len(lamps.added_lamps()) == 1
    away = (lamp.matrix_world.translation - spot.place).normalized()
    assert tuple(away) == pytest.approx((0, -1, 0), abs=1e-3)
    with pytest.raises(RuntimeError, match="no added lamp 'Key'"):
        bpy.ops.consistency.point_lamp(lamp="Key", **where)


def test_blenders_own_surroundings_light_the_product(placed):
    from consistency_pipeline.studio.lighting import studio_environments

    names_of_pictures = list(studio_environments())
    assert "Forest" in names_of_pictures
    bpy.ops.consistency.studio_environment(name="Forest")
    image = bpy.data.worlds[names.WORLD].node_tree.nodes["Picture"].image
    assert image.filepath.endswith("forest.exr")
    assert settings().studio.environment.endswith("forest.exr")
    with pytest.raises(RuntimeError, match="no surroundings 'Moon'; it has .*Forest"):
        bpy.ops.consistency.studio_environment(name="Moon")
    bpy.ops.consistency.studio_environment()
    assert settings().studio.environment is None


def test_what_is_said_of_an_environment_ends_with_its_choice(placed, tmp_path):
    now, world = bpy.context.window_manager.consistency, bpy.data.worlds[names.WORLD]
    bpy.ops.consistency.studio_environment(name="Forest")
    wrong = tmp_path / "wall.hdr"
    wrong.write_bytes(b"\x89PNG\r\n\x1a\n")
    placed.environment = str(wrong)
    assert now.error.startswith("wall.hdr is not an environment picture")
    placed.shadow = False
    assert not bpy.data.collections[names.BACKDROP].objects, "the backdrop follows nevertheless"
    placed.environment = str(tmp_path / "gone.hdr")
    assert "gone.hdr doesn't exist; check the spelling" in now.error
    assert world.node_tree.nodes["Picture"].image.filepath.endswith("forest.exr"), "the light stays"
    bpy.ops.consistency.studio_environment(name="Forest")
    assert (now.error, now.details) == ("", "")


def test_the_panel_says_which_environment_is_chosen(placed, tmp_path):
    from consistency_pipeline.panels.rig import _shown_environment

    assert _shown_environment(bpy.context) == "The Preset's Own"
    placed.environment = str(tmp_path / "Küche bei Nacht.hdr")
    assert _shown_environment(bpy.context) == "Küche bei Nacht.hdr"
    bpy.ops.consistency.studio_environment(name="Forest")
    found = {light.name for light in bpy.context.preferences.studio_lights if light.type == "WORLD"}
    assert _shown_environment(bpy.context) == ("Forest" if "forest.exr" in found else "forest.exr")
