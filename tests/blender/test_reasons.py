# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a button can't work, and the cure that it names."""

from __future__ import annotations

import bpy

from .stand_in import status


def test_each_reason_names_its_cure(sidebar):
    from consistency_pipeline.operators.display import reasons

    context = bpy.context
    sidebar.source = "PHOTOS"
    assert reasons.no_input(context) == "There are no photos; add one to four, or drop them on the viewport"
    assert bpy.ops.consistency.run.poll() is False
    sidebar.photos.add().path = "/photos/front.png"
    assert "need fal.ai; enter a key in the preferences" in reasons.no_input(context)
    sidebar.backend = "fal"
    assert reasons.no_input(context) is None
    assert "FAL_KEY" in reasons.cannot_run(context)
    sidebar.source = "WORDS"
    assert "describe the product" in reasons.no_input(context)
    sidebar.source = "FILE"
    assert "choose a GLB" in reasons.no_input(context)
    sidebar.source = "OBJECTS"
    assert "Use Selected Objects" in reasons.no_input(context)
    sidebar.angles.clear()
    assert "add one, or load a set" in reasons.cannot_run(context)


def test_a_key_in_the_environment_is_enough(sidebar, monkeypatch):
    from consistency_pipeline.operators.display import reasons
    from consistency_pipeline.operators.editing import scene_settings

    sidebar.source, sidebar.file = "FILE", "/models/duck.glb"
    assert scene_settings.chosen_backend(bpy.context.scene) == "local"
    monkeypatch.setenv("FAL_KEY", "id:secret")
    assert scene_settings.chosen_backend(bpy.context.scene) == "fal"
    assert reasons.cannot_run(bpy.context) is None


def test_online_access_that_is_off_is_said_with_the_way_to_turn_it_on(sidebar, monkeypatch):
    from consistency_pipeline.operators.display import reasons
    from consistency_pipeline.studio import compat

    monkeypatch.setenv("FAL_KEY", "id:secret")
    monkeypatch.setattr(compat, "online_access", lambda: False)
    sidebar.source, sidebar.file = "FILE", "/models/duck.glb"
    assert reasons.cannot_run(bpy.context) is None, "a key makes the free way the harder one"
    sidebar.backend = "fal"
    assert "Allow Online Access" in reasons.cannot_run(bpy.context)
    sidebar.backend = "local"
    assert reasons.cannot_run(bpy.context) is None


def test_nothing_that_changes_a_run_works_while_one_is_active(studio):
    assert bpy.ops.consistency.run.poll()
    status().running = True
    try:
        for name in (
            "run",
            "estimate",
            "add_photos",
            "add_angle",
            "load_angles",
            "use_selected",
            "load_run",
            "new_run",
        ):
            assert not getattr(bpy.ops.consistency, name).poll(), name
        assert bpy.ops.consistency.cancel.poll()
    finally:
        status().running = False
    assert not bpy.ops.consistency.cancel.poll()
