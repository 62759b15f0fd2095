# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The buttons that edit what a run starts from: photos, models, objects, angles and lights."""

from __future__ import annotations

import math

import bpy
import pytest

from consistency_pipeline.pipeline.errors import ConsistencyError


def test_photos_come_in_once_and_at_most_four(sidebar, tmp_path):
    files = [{"name": f"{number}.png"} for number in range(6)]
    bpy.ops.consistency.add_photos(directory=str(tmp_path), files=[files[0], files[0], {"name": "notes.txt"}])
    assert [photo.path for photo in sidebar.photos] == [str(tmp_path / "0.png")]
    bpy.ops.consistency.add_photos(directory=str(tmp_path), files=files)
    assert len(sidebar.photos) == 4
    assert not bpy.ops.consistency.add_photos.poll()
    bpy.ops.consistency.remove_photo()
    assert len(sidebar.photos) == 3


def test_a_dropped_model_is_what_the_run_starts_from(sidebar):
    bpy.ops.consistency.drop_model(filepath="/models/duck.glb")
    assert (sidebar.source, sidebar.file) == ("FILE", "/models/duck.glb")
    with pytest.raises(RuntimeError, match="export it as GLB"):
        bpy.ops.consistency.drop_model(filepath="/models/duck.obj")
    assert sidebar.file == "/models/duck.glb"


def test_selected_objects_are_taken_with_their_modifiers_and_left_untouched(sidebar, add_box):
    from consistency_pipeline.pipeline.model import check_own

    box = add_box(at=(3.0, 0.0, 0.0))
    box.modifiers.new("Bevel", "BEVEL")
    bpy.context.view_layer.update()
    matrix = box.matrix_world.copy()
    box.select_set(True)
    bpy.ops.consistency.use_selected()
    assert sidebar.source == "OBJECTS"
    from pathlib import Path

    check_own(Path(sidebar.objects))
    assert box.matrix_world == matrix
    assert [modifier.type for modifier in box.modifiers] == ["BEVEL"]
    assert bpy.context.scene.collection in box.users_collection


# the rig


def test_angles_are_added_copied_moved_and_removed(sidebar):
    def names():
        return [angle.name for angle in sidebar.angles]

    sidebar.angle_index = 1
    bpy.ops.consistency.duplicate_angle()
    assert names()[-1] == "three-quarter-2"
    assert sidebar.angles[-1].azimuth == pytest.approx(math.radians(45))
    bpy.ops.consistency.move_angle(direction="UP")
    assert names()[-2] == "three-quarter-2"
    sidebar.video_angle = "three-quarter-2"
    bpy.ops.consistency.remove_angle()
    assert "three-quarter-2" not in names()
    assert sidebar.video_angle == ""
    bpy.ops.consistency.add_angle()
    assert names()[-1] == "angle"
    bpy.ops.consistency.load_angles(set="turnaround")
    assert len(names()) == 8


@pytest.mark.parametrize(
    ("euler", "azimuth", "elevation"),
    [((90, 0, 0), 0, 0), ((90, 0, 90), 90, 0), ((0, 0, 0), 0, 90), ((60, 0, 45), 45, 30), ((90, 0, 180), 180, 0)],
)
def test_a_view_becomes_an_angle(sidebar, euler, azimuth, elevation):
    from mathutils import Euler

    from consistency_pipeline.operators.buttons.rig import angle_of_view

    found = angle_of_view(Euler([math.radians(part) for part in euler]).to_quaternion())
    assert found["elevation"] == pytest.approx(elevation, abs=0.05)
    assert math.remainder(found["azimuth"] - azimuth, 360.0) == pytest.approx(0.0, abs=0.05)


def test_editing_an_angle_moves_its_camera_and_a_light_its_lamp(sidebar, box_glb):
    from consistency_pipeline.operators import startup
    from consistency_pipeline.operators.editing.scene_settings import to_settings
    from consistency_pipeline.pipeline.driver import finish
    from consistency_pipeline.studio import model, rig

    startup.give_default_angles(bpy.context.scene)
    own = bpy.context.scene.consistency
    own.source, own.file = "FILE", str(box_glb)
    finish(model.load_product(box_glb))
    finish(rig.place_rig(to_settings(bpy.context.scene)))
    camera = rig.camera_for("front")
    before = camera.location.copy()
    own.angles[0].azimuth = math.radians(180.0)
    assert camera.location.y == pytest.approx(-before.y, rel=1e-3)
    own.angles[0].focal_length = 50.0
    assert camera.data.lens == 50.0
    own.angles[0].name = "back"
    assert rig.camera_for("back")
    with pytest.raises(ConsistencyError):
        rig.camera_for("front")
    key = bpy.data.objects["Light key"].data
    energy = key.energy
    own.light.key = 200.0
    assert key.energy == pytest.approx(2 * energy)
    own.lighting = "hdri"
    assert "Light key" not in bpy.data.objects


def test_own_lightings_are_saved_loaded_and_removed(sidebar, tmp_path, monkeypatch):
    from pathlib import Path

    from consistency_pipeline.operators.buttons import lighting

    monkeypatch.setattr(lighting.CONSISTENCY_OT_save_light_preset, "preset_subdir", "consistency/of-a-test")
    sidebar.lighting, sidebar.light.key, sidebar.light.rotation = "dramatic", 150.0, 0.5
    bpy.ops.consistency.save_light_preset(name="Evening Sun")
    (path,) = (Path(folder) / "Evening_Sun.py" for folder in bpy.utils.preset_paths("consistency/of-a-test"))
    try:
        bpy.ops.consistency.reset_light()
        sidebar.lighting = "studio"
        assert sidebar.light.key == 100.0
        bpy.ops.consistency.load_light_preset(filepath=str(path))
        assert (sidebar.lighting, sidebar.light.key) == ("dramatic", 150.0)
        assert sidebar.light.rotation == pytest.approx(0.5)
        bpy.ops.consistency.save_light_preset(name="Evening_Sun", remove_name=True)
        assert not path.exists()
        with pytest.raises(RuntimeError, match="remove it and save it again"):
            bpy.ops.consistency.load_light_preset(filepath=str(path))
        path.write_text("this is not Python")
        with pytest.raises(RuntimeError, match="remove it and save it again"):
            bpy.ops.consistency.load_light_preset(filepath=str(path))
    finally:
        path.unlink(missing_ok=True)
