# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The board without its window: where its parts are, what is drawn of which light, and drafts that no run knows of."""

from __future__ import annotations

from types import SimpleNamespace

import bpy
import numpy as np
import pytest

from consistency_pipeline.operators import startup
from consistency_pipeline.operators.display.board import drafts, overlay, sheet, sources, wanted
from consistency_pipeline.operators.editing import angles, lights, scene_settings
from consistency_pipeline.pipeline import names
from consistency_pipeline.pipeline.driver import finish
from consistency_pipeline.pipeline.rig import ANGLE_SETS
from consistency_pipeline.pipeline.settings.lights import AS_IT_IS, Light
from consistency_pipeline.studio import rig
from consistency_pipeline.studio.model import load_product

FIVE = ["front", "three-quarter", "side", "top", "detail"]


@pytest.mark.parametrize("strip", [False, True], ids=["large", "strip"])
@pytest.mark.parametrize("size", [(1600, 900), (700, 900), (320, 200)])
@pytest.mark.parametrize("aspect", [1.0, 0.6, 2.0])
def test_every_picture_and_button_has_its_place(size, aspect, strip):
    free = sheet.Box(40.0, 0.0, 40.0 + size[0], float(size[1]))
    laid = sheet.laid_out(free, FIVE, aspect, 1.0, strip=strip)
    boxes = {**{f"picture:{name}": box for name, box in laid.pictures.items()}}
    boxes |= {f"button:{name}": box for name, box in laid.buttons.items()}
    assert len(boxes) == 5 + len(sheet.BUTTONS)
    for name, box in boxes.items():
        assert free.left <= box.left < box.right <= free.right
        assert laid.plates[0].bottom <= box.bottom < box.top <= laid.plates[0].top
        assert laid.at((box.left + box.right) / 2, (box.bottom + box.top) / 2) == name, "nothing else lies there"
    for box in laid.pictures.values():
        assert (box.right - box.left) / (box.top - box.bottom) == pytest.approx(aspect)
    assert laid.at(free.left - 1, 5) is None
    assert laid.at(free.left + 1, laid.plates[0].top - 1) == "", "between them"
    assert (laid.plates[0].top < free.top) == strip, "a strip leaves room for what a camera sees"


def test_blenders_own_handles_keep_the_upper_right_corner():
    free = sheet.Box(40.0, 0.0, 1040.0, 800.0)
    laid = sheet.laid_out(free, FIVE, 1.0, 1.0, strip=False, handles=(110.0, 240.0))
    assert laid.at(1000.0, 700.0) is None, "the board takes their clicks"
    assert laid.at(1000.0, 300.0) == "", "what is behind the board takes clicks below them"
    assert all(box.right <= 930.0 for box in (*laid.pictures.values(), *laid.buttons.values()))
    row = sheet.laid_out(free, FIVE, 1.0, 1.0, strip=True, handles=(110.0, 240.0))
    assert len(row.plates) == 1
    assert row.plates[0].right == 1040.0


def test_pictures_are_as_large_as_they_fit():
    laid = sheet.laid_out(sheet.Box(0.0, 0.0, 1500.0, 900.0), FIVE, 1.0, 1.0, strip=False)
    area = sum((box.right - box.left) * (box.top - box.bottom) for box in laid.pictures.values())
    assert area > 0.5 * 1500 * 900


def test_without_a_window_the_button_says_why(sidebar):
    assert not bpy.ops.consistency.board.poll()
    assert overlay.why_not(bpy.context) == overlay.NO_GPU
    with pytest.raises(RuntimeError, match="board needs a window"):
        bpy.ops.consistency.board()


@pytest.fixture
def standing(box_glb, sidebar):
    """A product with two angles, and a lamp of the artist's beside ours."""
    sidebar.source, sidebar.file, sidebar.size = "FILE", str(box_glb), 64
    angles.set_angles(bpy.context.scene, ANGLE_SETS["product"][:2])
    finish(load_product(box_glb))
    finish(rig.place_rig(scene_settings.to_settings(bpy.context.scene)))
    own = bpy.data.objects.new("Kicker", bpy.data.lights.new("Kicker", "POINT"))
    own.data.energy, own.location = 5.0, (0.5, -0.5, 0.5)
    bpy.data.collections[names.LIGHTING].objects.link(own)
    yield sidebar
    drafts.unregister()
    sources.forget()


def told(source):
    """What the second Blender says of a picture; without a window it is done here."""
    preparing, answers = sources.Preparing(), []
    try:
        preparing.plates(source, lambda said, folder: answers.append((said, np.load(folder / "share.key.npy"))))
        while preparing.is_busy:
            preparing.step()
    finally:
        preparing.close()
    return answers[0]


def test_drafts_are_rendered_apart_from_any_run_and_mixed(standing, tmp_path):
    scene = bpy.context.scene
    before = {thing.name for thing in bpy.data.objects}, len(bpy.data.scenes), scene.render.engine
    bpy.ops.consistency.drafts()
    assert ({thing.name for thing in bpy.data.objects}, len(bpy.data.scenes), scene.render.engine) == before
    assert not standing.run_folder, "no run knows of a draft"
    found = sources.found(scene)
    assert {name: source.kind for name, source in found.items()} == {"front": "draft", "three-quarter": "draft"}
    said, key = told(found["front"])
    assert key.max() > 0.01
    assert {"key", "fill", "rim", "environment", "Kicker"} <= set(said["kelvins"])

    def factors(mix=standing.mix):
        now, needs = wanted.factors(said, wanted.now(scene), mix)
        return {name: [float(value) for value in factor] for name, factor in now.items()}, needs

    ones, needs = factors()
    assert not needs
    assert all(value == pytest.approx(1.0, rel=1e-4) for factor in ones.values() for value in factor)

    bpy.ops.consistency.begin_mix()
    lights.set_change(standing.mix, "key", Light(strength=1.5, tint=(1.0, 0.5, 0.25)))
    lights.set_change(standing.mix, "Kicker", Light(strength=2.0))
    mixed, needs = factors()
    assert mixed["key"] == pytest.approx([1.5, 0.75, 0.375])
    assert mixed["Kicker"] == pytest.approx([2.0] * 3)
    assert not needs
    assert wanted.before(scene).studio.lights == {}, "before is without the mix"
    bpy.ops.consistency.keep_look(name="Warm")
    bpy.ops.consistency.mix_to_scene()
    again, needs = factors()
    for name, factor in mixed.items():
        assert again[name] == pytest.approx(factor, rel=1e-3), "the board shows the same after To Scene"
    assert not needs

    standing.light.softness = 200.0
    assert "key, fill, rim moved" in factors()[1]
    standing.light.softness = 100.0
    bpy.data.objects["Kicker"].location.x += 0.1
    bpy.context.view_layer.update()
    assert factors()[1] == ["Kicker moved"]
    bpy.data.objects.remove(bpy.data.objects["Kicker"])
    assert factors()[1] == ["Kicker gone"]
    standing.lights.clear()
    standing.compared_look = "Warm"
    assert wanted.before(scene).studio.lights["key"] == Light(strength=1.5, tint=(1.0, 0.5, 0.25)), "a look has its mix"


def test_what_is_rendered_later_is_shown(standing, tmp_path):
    files = []
    for name in ("draft", "run"):
        path = tmp_path / f"{name}.lights.exr"
        path.write_bytes(b"")
        files.append(path)
    shot = SimpleNamespace(angle="front", files={"lights": files[0]})
    sources.keep_draft(bpy.context.scene, shot)
    assert sources.found(bpy.context.scene)["front"].lights == files[0]
    files[0].unlink()
    assert sources.found(bpy.context.scene) == {}, "a draft that is gone is not shown"
    assert sources.source_of(SimpleNamespace(angle="front", files={}), "draft") is None, (
        "an earlier version kept no lights"
    )


def test_a_look_takes_the_mix_along_and_the_mix_begins_anew(standing):
    bpy.ops.consistency.begin_mix()
    lights.set_change(standing.mix, "fill", Light(strength=0.25))
    bpy.ops.consistency.keep_look(name="Dim")
    assert not standing.lights, "keeping changes no lamp"
    bpy.ops.consistency.apply_look(name="Dim")
    assert lights.light_of(standing.lights["fill"]) == Light(strength=0.25)
    assert all(lights.light_of(change) == AS_IT_IS for change in standing.mix)
    standing.compared_look = "Dim"
    bpy.ops.consistency.remove_look(name="Dim")
    assert (len(standing.looks), standing.compared_look) == (0, "")


def test_a_look_goes_to_another_scene_as_a_file(standing, tmp_path):
    bpy.ops.consistency.begin_mix()
    lights.set_change(standing.mix, "fill", Light(strength=0.25))
    bpy.ops.consistency.save_look(filepath=str(tmp_path / "Dim"))
    other = bpy.data.scenes.new("Other")
    startup.give_default_angles(other)
    with bpy.context.temp_override(scene=other):
        bpy.ops.consistency.open_look(filepath=str(tmp_path / "Dim.json"))
        bpy.ops.consistency.apply_look(name="Dim")
    assert lights.light_of(other.consistency.lights["fill"]) == Light(strength=0.25)
    (tmp_path / "notes.json").write_text("[]")
    with pytest.raises(RuntimeError, match="notes.json is not a look file"):
        bpy.ops.consistency.open_look(filepath=str(tmp_path / "notes.json"))


def hdr(path, value=1.0):
    image = bpy.data.images.new("sky", 16, 8, float_buffer=True)
    image.pixels.foreach_set(np.full(16 * 8 * 4, value, np.float32))
    image.filepath_raw, image.file_format = str(path), "HDR"
    image.save()
    bpy.data.images.remove(image)
    return path


def test_a_dropped_environment_lights_the_product(standing, tmp_path):
    picture = hdr(tmp_path / "sky.hdr")
    bpy.ops.consistency.drop_environment(filepath=str(picture))
    assert standing.environment == str(picture)
    nodes = bpy.data.worlds[names.WORLD].node_tree.nodes
    assert nodes["Picture"].image.filepath.endswith("sky.hdr")
    assert "another environment" in wanted_needs(standing)


def wanted_needs(own):
    said = {"look": {}, "sent": {}, "kelvins": {}}
    return wanted.factors(said, wanted.now(bpy.context.scene), own.mix)[1]


def test_an_environment_that_is_gone_is_said_and_no_draft_is_rendered_in_pink(standing, tmp_path):
    picture = hdr(tmp_path / "sky.hdr")
    bpy.ops.consistency.drop_environment(filepath=str(picture))
    picture.unlink()
    now = bpy.context.window_manager.consistency
    standing.environment_strength = 50.0
    assert "sky.hdr doesn't exist" in now.error
    now.error = ""
    with pytest.raises(RuntimeError, match="sky.hdr doesn't exist"):
        bpy.ops.consistency.drafts()
    assert not sources.found(bpy.context.scene)


@pytest.mark.parametrize(
    ("name", "data", "word"),
    [
        ("notes.txt", b"notes", "no .exr or .hdr"),
        ("torn.exr", b"\x76\x2f", "torn.exr"),
        ("text.hdr", b"hello", "text.hdr"),
    ],
)
def test_what_is_no_environment_is_refused_and_the_light_stays(standing, tmp_path, name, data, word):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(RuntimeError, match=word):
        bpy.ops.consistency.drop_environment(filepath=str(path))
    assert standing.environment == ""
