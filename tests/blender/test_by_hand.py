# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an artist does to lamps by hand: the board says what needs a render, runs and looks have it, and theirs stay theirs."""

from __future__ import annotations

import bpy
import numpy as np
import pytest

from consistency_pipeline.operators.display.board import wanted
from consistency_pipeline.operators.editing import lights, scene_settings
from consistency_pipeline.pipeline import names
from consistency_pipeline.pipeline.driver import finish
from consistency_pipeline.pipeline.lighting.files import Lights, View, read_lights, write_lights
from consistency_pipeline.pipeline.settings.lights import Light, Moved
from consistency_pipeline.pipeline.settings.look import look_of, read_look, save_look, with_look
from consistency_pipeline.studio import lamps, rig
from consistency_pipeline.studio.lighting import change_added_lamps
from consistency_pipeline.studio.model import load_product
from consistency_pipeline.studio.scene.light_groups import group_lights, sent_by_added_lamps


@pytest.fixture
def placed(box_glb, sidebar):
    sidebar.source, sidebar.file = "FILE", str(box_glb)
    finish(load_product(box_glb))
    finish(rig.place_rig(settings()))
    bpy.context.view_layer.update()
    return sidebar


def settings():
    return scene_settings.to_settings(bpy.context.scene)


def seen():
    """What the second Blender tells of a picture that is rendered now."""
    now = settings()
    return {"look": look_of(now), "kelvins": group_lights(now), "sent": sent_by_added_lamps()}


def factors(told, mix=None):
    bpy.context.view_layer.update()
    found, needs = wanted.factors(told, wanted.now(bpy.context.scene), mix)
    return {name: [float(value) for value in factor] for name, factor in found.items()}, needs


def where(thing):
    bpy.context.view_layer.update()
    return np.array(thing.matrix_world.translation)


def added(name, home=names.LIGHTING, kind="AREA"):
    thing = bpy.data.objects.new(name, bpy.data.lights.new(name, kind))
    thing.data.energy, thing.location = 20.0, (0.5, -0.6, 0.8)
    bpy.data.collections[home].objects.link(thing)
    return thing


def test_a_lamp_of_the_lighting_that_is_moved_by_hand_stays_there(placed, tmp_path):
    key, told = bpy.data.objects["Light key"], seen()
    before, size = where(key), key.data.size
    key.location.x += 0.5
    key.scale = (2.0, 2.0, 2.0)
    assert factors(told) == ({name: [1.0] * 3 for name in ("key", "fill", "rim", "environment", "glow")}, ["key moved"])
    finish(rig.place_rig(settings()))
    after = where(key)
    assert after == pytest.approx(before + np.array([0.5, 0.0, 0.0]), abs=1e-3), "a run takes it from the artist"
    assert key.data.size * key.scale.x == pytest.approx(2.0 * size, rel=1e-3)
    placed.light.key = 150.0
    assert where(key) == pytest.approx(after, abs=1e-3), "a slider takes it from the artist"
    assert factors(seen())[1] == []

    _, radius = lamps.span()
    save_look(tmp_path / "moved.json", "Moved", look_of(settings()))
    bpy.ops.consistency.reset_light()
    assert where(key) == pytest.approx(before, abs=1e-4)
    assert settings().studio.lights == {}
    look = read_look(tmp_path / "moved.json")[1]
    scene_settings.set_look(bpy.context.scene, with_look(settings(), look))
    assert where(key) == pytest.approx(after, abs=2e-4 * radius), "a look has it"
    assert factors(seen())[1] == []
    scene_settings.set_look(bpy.context.scene, with_look(settings(), {}))
    assert where(key) == pytest.approx(before, abs=1e-4), "another look has another place"


def test_another_lighting_has_its_own_places_and_a_look_of_it_has_those_of_the_look(placed):
    key = bpy.data.objects["Light key"]
    key.location.x += 0.5
    bpy.context.view_layer.update()
    placed.lighting = "softbox"
    assert settings().studio.lights == {}
    plain = where(key)
    placed.lighting = "jewellery"
    spark = bpy.data.objects["Light spark"]
    spark.location.z += 0.7
    there, look = where(spark), look_of(settings())
    placed.lighting = "studio"
    assert where(bpy.data.objects["Light key"])[2] > 0.0
    scene_settings.set_look(bpy.context.scene, with_look(settings(), look))
    assert where(bpy.data.objects["Light spark"]) == pytest.approx(there, abs=1e-3)
    placed.lighting = "softbox"
    assert where(bpy.data.objects["Light key"]) == pytest.approx(plain, abs=1e-4)


def test_a_card_is_moved_and_a_parent_moves_nothing_twice(placed):
    placed.lighting = "bank"
    card, key = bpy.data.objects["Light card"], bpy.data.objects["Light key"]
    card.location.z += 0.2
    there, above = where(card), where(key)
    stand = bpy.data.objects.new("Stand", None)
    bpy.context.scene.collection.objects.link(stand)
    stand.location, stand.rotation_euler = (1.0, 2.0, 3.0), (0.0, 0.0, 1.0)
    bpy.context.view_layer.update()
    key.parent, key.matrix_parent_inverse = stand, stand.matrix_world.inverted()
    assert where(key) == pytest.approx(above, abs=1e-4)
    placed.light.rim = 150.0
    assert where(card) == pytest.approx(there, abs=1e-3)
    assert where(key) == pytest.approx(above, abs=1e-4)
    assert set(settings().studio.lights) == {"card"}
    stand.location.x += 1.0
    moved = where(key)
    placed.light.rim = 100.0
    assert where(key) == pytest.approx(moved, abs=1e-3), "it goes with its stand"
    assert set(settings().studio.lights) == {"card", "key"}


def test_a_hidden_lamp_is_off_until_it_is_shown(placed):
    key, told = bpy.data.objects["Light key"], seen()
    power = key.data.energy
    key.hide_render = True
    assert factors(told)[0]["key"] == [0.0] * 3
    finish(rig.place_rig(settings()))
    key.hide_render = False
    assert key.data.energy == power, "shown again it is dark"
    assert factors(told) == ({name: [1.0] * 3 for name in ("key", "fill", "rim", "environment", "glow")}, [])


def test_a_copy_of_a_lamp_is_the_artists_own(placed):
    key, told = bpy.data.objects["Light key"], seen()
    copy = key.copy()
    copy.data = key.data.copy()
    bpy.data.collections[names.LIGHTING].objects.link(copy)
    copy.location.x += 1.0
    before, there = where(key), where(copy)
    assert factors(told)[1] == ["Light_key_001 new"]
    placed.light.key = 150.0
    assert where(key) == pytest.approx(before, abs=1e-4)
    assert where(copy) == pytest.approx(there, abs=1e-4), "the copy is taken for the lamp"
    assert copy.name in settings().studio.lamps
    bpy.ops.consistency.begin_mix()
    assert "Light_key_001" in placed.mix
    assert group_lights(settings())["Light_key_001"] == pytest.approx(6500.0)
    assert (key.lightgroup, copy.lightgroup) == ("key", "Light_key_001")


@pytest.mark.parametrize("name", ["key", "Environment", "shadow", "coverage", "glow"])
def test_a_lamp_of_a_name_that_is_taken_is_mixed_by_itself(placed, name, tmp_path):
    added(name)
    bpy.ops.consistency.begin_mix()
    (own,) = [each.name for each in placed.mix if each.name.lower().startswith(name.lower() + "_")]
    told = seen()
    assert own in told["kelvins"]
    lights.set_change(placed.mix, own, Light(strength=2.0))
    mixed = factors(told, placed.mix)
    bpy.ops.consistency.mix_to_scene()
    after = factors(told, placed.mix)
    assert after[0].keys() == mixed[0].keys()
    assert all(after[0][each] == pytest.approx(mixed[0][each], rel=1e-3) for each in after[0])
    share = np.full((4, 4, 3), 0.25, np.float32)
    view = View({own: 6500.0}, "Standard", [], [])
    write_lights(tmp_path / "a.exr", Lights(view, {own: share}, np.ones((4, 4), np.float32), np.ones((4, 4, 3))))
    assert np.array_equal(read_lights(tmp_path / "a.exr").shares[own], share)


def test_a_first_lamp_is_said_to_be_new_and_what_only_a_render_shows_to_be_moved(placed):
    told = seen()
    lamp = added("Kicker", kind="SPOT")
    assert factors(told)[1] == ["Kicker new"]
    told = seen()
    lamp.data.spot_size = 0.3
    assert factors(told)[1] == ["Kicker moved"]
    told = seen()
    lamp.hide_render = True
    assert factors(told)[0]["Kicker"] == [0.0] * 3
    told = seen()
    lamp.hide_render = False
    assert factors(told)[1] == ["Kicker off before"]
    if hasattr(lamp.data, "exposure"):
        told = seen()
        lamp.data.exposure = 1.0
        found, needs = factors(told)
        assert (found["Kicker"], needs) == ([pytest.approx(2.0)] * 3, [])


def test_a_look_takes_no_lamp_out_of_the_artists_scene(placed):
    own = bpy.data.collections.new("Own")
    bpy.context.scene.collection.children.link(own)
    lamp = added("Their Lamp", "Own")
    bpy.data.collections[names.LIGHTING].objects.link(lamp)
    scene_settings.set_look(bpy.context.scene, with_look(settings(), {}))
    assert list(own.objects) == [lamp]
    assert "Their Lamp" not in bpy.data.collections[names.LIGHTING].objects, "it lights the product in another look"


def test_to_scene_changes_no_lamp_of_a_library_and_none_that_shares_its_data(placed, tmp_path):
    source = bpy.data.collections.new("Linked Lamps")
    lamp = added("Lib", "Linked Lamps")
    bpy.data.libraries.write(str(tmp_path / "lamps.blend"), {source})
    bpy.data.objects.remove(lamp)
    bpy.data.collections.remove(source)
    with bpy.data.libraries.load(str(tmp_path / "lamps.blend"), link=True) as (_, to):
        to.collections = ["Linked Lamps"]
    (linked,) = to.collections
    bpy.data.collections[names.LIGHTING].children.link(linked)
    other = added("Elsewhere", names.BACKDROP)
    own = added("Own")
    own.data = other.data
    bpy.ops.consistency.begin_mix()
    for name in ("Lib", "Own"):
        lights.set_change(placed.mix, name, Light(strength=3.0))
    told = seen()
    before = factors(told, placed.mix)
    bpy.ops.consistency.mix_to_scene()
    assert [thing.data.energy for thing in linked.objects] == [20.0]
    assert (own.data.energy, other.data.energy) == (60.0, 20.0)
    assert lights.light_of(placed.mix["Lib"]).strength == 3.0, "what no lamp can have stays in the mix"
    assert lights.light_of(placed.mix["Own"]).changes_nothing
    after = factors(told, placed.mix)[0]
    assert all(after[name] == pytest.approx(before[0][name]) for name in after)
    scene_settings.set_look(bpy.context.scene, with_look(settings(), {}))
    assert [thing.name for thing in linked.objects] == ["Lib"]
    assert not change_added_lamps("Lib", Light(strength=2.0))


def test_drafts_have_the_lamps_that_a_run_has(placed):
    bpy.data.objects.remove(bpy.data.objects["Light fill"])
    placed.size = 64
    while len(placed.angles) > 1:
        placed.angles.remove(1)
    bpy.ops.consistency.drafts()
    assert "Light fill" in bpy.data.collections[names.LIGHTING].objects


def test_the_mix_has_a_row_for_each_light_after_drafts(placed):
    from consistency_pipeline.operators.buttons.lighting import keep_rows

    bpy.ops.consistency.begin_mix()
    lights.set_change(placed.mix, "key", Light(strength=2.0))
    added("Kicker")
    placed.lighting = "bank"
    keep_rows(bpy.context.scene)
    assert list(placed.mix.keys()) == ["key", "fill", "card", "environment", "glow", "Kicker"]
    assert lights.light_of(placed.mix["key"]) == Light(strength=2.0)


def test_a_place_that_is_none_is_refused_in_a_look_file(tmp_path):
    from consistency_pipeline.pipeline.errors import UsageError

    for moved in ({"turn": [0, 0, 0, 0]}, {"size": [-1, 1]}, {"place": [1e9, 0, 0]}, {"place": "here"}):
        save_look(tmp_path / "bad.json", "Bad", {"lights": {"key": {"moved": moved}}})
        with pytest.raises(UsageError, match=r"bad\.json"):
            read_look(tmp_path / "bad.json")
    assert Light(moved=Moved()).after(Light(strength=2.0)) == Light(strength=2.0, moved=Moved())


def test_a_lamp_that_is_moved_while_its_picture_is_rendered_is_said_to_be_moved(placed, monkeypatch, tmp_path):
    from consistency_pipeline.pipeline.lighting.files import read_lights
    from consistency_pipeline.studio import BlenderStudio, references

    lamp, placed.size = added("Kicker"), 64
    render = references.render

    def moved_meanwhile(*arguments):
        yield from render(*arguments)
        lamp.location.x += 1.0
        bpy.context.view_layer.update()

    monkeypatch.setattr(references, "render", moved_meanwhile)
    now = settings().model_copy(update={"quality": "draft"})
    shot = finish(BlenderStudio(now).render_reference(now.studio.angles[0], now, tmp_path))
    view = read_lights(shot.files["lights"]).view
    assert factors({"look": view.look, "kelvins": view.lights, "sent": view.sent})[1] == ["Kicker moved"]


@pytest.mark.parametrize("written", ["nonsense", [1.0, 2.0], 3])
def test_a_note_on_a_lamp_that_somebody_else_wrote_moves_nothing(placed, written):
    bpy.data.objects["Light key"][names.PUT] = written
    assert settings().studio.lights.get("key", Light()).moved is None
