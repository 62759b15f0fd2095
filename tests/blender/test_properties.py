# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scene's settings: to a run's settings and back, and through a saved file."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

from consistency_pipeline.pipeline.errors import UsageError
from consistency_pipeline.pipeline.rig import ANGLE_SETS
from consistency_pipeline.pipeline.settings.choices import MotionName
from consistency_pipeline.pipeline.settings.groups import Gate, LightRig, RunSettings
from consistency_pipeline.pipeline.settings.lighting import PRESETS
from consistency_pipeline.pipeline.settings.options import find

EVERYTHING = RunSettings(
    inputs=("/photos/front.png", "/photos/back.jpg"),
    backend="fal",
    angles=ANGLE_SETS["jewellery"],
    one_scale=True,
    lighting="dramatic",
    light_rig=LightRig(key=1.5, fill=0.25, rim=2, environment=0.5, temperature=-900, rotation=-45, softness=0.3),
    backdrop="grey",
    shadow=False,
    size=768,
    aspect=1.5,
    samples=64,
    prompt="silver ring",
    materials=("metal", "gem"),
    seed=1234,
    takes=3,
    model_endpoint="fal-ai/meshy/v6/image-to-3d",
    image_endpoint="fal-ai/flux-kontext/dev",
    overrides={
        "fal-ai/flux-kontext/dev": {"guidance_scale": 3.5, "output_format": "png", "enable_safety_checker": False},
        "fal-ai/somebody/elses": {"strength": 0.5, "words": ["a", "b"]},
    },
    motion="light_sweep",
    video_angle="profile",
    video_end_angle="front",
    video_elements=True,
    duration=8.0,
    audio=True,
    budget=2.5,
    daily_budget=10.0,
    product_budget=4.0,
    private=True,
    gate=Gate(
        enabled=False,
        retakes=3,
        retake_budget=0.5,
        local=False,
        exact=True,
        restore="label",
        rungs=("depth",),
        unsure="climb",
        second_opinion="vision",
        regions={"front": "/photos/label.png"},
        details={"profile": "/photos/side.jpg"},
    ),
)


def read(scene=None):
    from consistency_pipeline.operators.editing import scene_settings

    return scene_settings.to_settings(scene or bpy.context.scene)


def load(settings):
    from consistency_pipeline.operators.editing import scene_settings

    scene_settings.from_settings(bpy.context.scene, settings)


def test_a_new_scene_says_what_the_command_line_says_by_default(sidebar):
    sidebar.source, sidebar.file = "FILE", "/models/duck.glb"
    settings = read()
    assert settings == RunSettings(inputs=("/models/duck.glb",), budget=settings.money.budget)
    assert settings.money.budget == 5.0  # an artist's first run has a limit


def test_every_setting_survives_the_panels(sidebar):
    load(EVERYTHING)
    assert read() == EVERYTHING


def test_every_setting_survives_saving_and_loading(sidebar, tmp_path):
    load(EVERYTHING)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work.blend"))
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert len(bpy.context.scene.consistency.parameters) == 0
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "work.blend"))
    assert read() == EVERYTHING


def test_words_and_a_file_survive_too(sidebar):
    for settings in (
        RunSettings(text="a red kettle", backend="fal", picture_endpoint="fal-ai/flux/dev", seed=None),
        RunSettings(inputs=("/models/duck.blend",), motion="none", samples=None),
    ):
        load(settings)
        assert read() == settings


def test_a_run_that_may_spend_nothing_is_not_loaded_as_one_without_a_limit(sidebar):
    load(EVERYTHING.model_copy(update={"budget": 0.0, "daily_budget": None, "gate": {"retake_budget": 0.0}}))
    settings = read()
    assert 0.0 < settings.money.budget < 0.001
    assert 0.0 < settings.gate.retake_budget < 0.001
    assert settings.money.daily_budget is None


def test_lists_in_the_panels_are_those_of_the_pipeline(sidebar):
    def ids(name):
        return [item.identifier for item in sidebar.bl_rna.properties[name].enum_items]

    from consistency_pipeline.operators.buttons import rig

    assert ids("lighting") == list(PRESETS)
    assert ids("motion") == list(MotionName)
    for name in ("restore", "unsure"):
        assert ids(name) == list(find(name).words)
    assert [name for name, *_ in rig.SETS] == list(ANGLE_SETS)


def test_the_clip_follows_an_angle_that_is_renamed(sidebar):
    from consistency_pipeline.operators.editing import scene_settings

    sidebar.video_angle, sidebar.video_end_angle = "front", "side"
    sidebar.angles[0].name = "Größe"
    assert (sidebar.video_angle, sidebar.video_end_angle) == ("grosse", "side")
    scene_settings.from_settings(bpy.context.scene, scene_settings.to_settings(bpy.context.scene))
    assert (sidebar.video_angle, sidebar.video_end_angle) == ("grosse", "side")


def test_names_of_angles_become_file_names_and_stay_apart(sidebar):
    sidebar.angles[0].name = "Ça, c'est: le Front!"
    assert sidebar.angles[0].name == "ca-c-est-le-front"
    sidebar.angles[1].name = "ca c'est le front"
    assert sidebar.angles[1].name == "ca-c-est-le-front-2"
    sidebar.angles[2].name = "///"
    assert sidebar.angles[2].name == "angle"
    read_names = [angle.name for angle in read_with_file(sidebar).studio.angles]
    assert len(set(read_names)) == 5


def read_with_file(sidebar):
    sidebar.source, sidebar.file = "FILE", "/models/duck.glb"
    return read()


def test_what_makes_no_sense_is_one_sentence(sidebar):
    sidebar.video_angle = "nowhere"
    with pytest.raises(UsageError, match="'nowhere' is not one of this run's angles: front"):
        read_with_file(sidebar)


def test_fields_of_an_endpoint_have_its_ranges(sidebar):
    from consistency_pipeline.operators.editing import parameters

    scene = bpy.context.scene
    endpoint = parameters.find("fal-ai/flux-kontext/dev", "photoreal")
    steps = parameters.add(scene, endpoint, "num_inference_steps")
    facts = steps.id_properties_ui("value").as_dict()
    assert (facts["min"], facts["max"], steps["value"]) == (10, 50, 28)
    assert "whole number from 10 to 50" in facts["description"]
    again = parameters.add(scene, endpoint, "num_inference_steps")
    assert len(sidebar.parameters) == 1
    assert again == steps
    choice = parameters.add(scene, endpoint, "output_format")
    assert parameters.value_of(choice) == "jpeg"
    assert parameters.to_overrides(scene) == {
        endpoint.id: {"num_inference_steps": 28, "output_format": "jpeg"},
    }


def test_fields_the_pipeline_fills_can_not_be_overridden(sidebar):
    from consistency_pipeline.fal_backend.endpoints.catalogue import ENDPOINTS
    from consistency_pipeline.operators.editing import parameters

    for endpoint in ENDPOINTS:
        offered = parameters.own_fields(endpoint)
        assert not {"prompt", "image_url", "sync_mode", "num_images"} & set(offered), endpoint.id
        for name in offered:
            entry = parameters.add(bpy.context.scene, endpoint, name)
            assert entry.kind in ("int", "float", "bool", "choice", "text", "json")


def test_every_property_has_a_description_that_is_a_sentence_without_a_period(sidebar):
    for owner in (sidebar, sidebar.light, sidebar.angles[0]):
        for prop in owner.bl_rna.properties:
            if prop.identifier in (
                "rna_type",
                "name",
                "photos",
                "angles",
                "parameters",
                "light",
                "photo_index",
                "angle_index",
            ):
                continue
            assert prop.description, prop.identifier
            assert not prop.description.endswith("."), prop.identifier


@pytest.mark.parametrize(
    ("chosen", "blend", "home"),
    [
        ("", "", "HOME/consistency-runs"),
        ("", "work.blend", "HERE/consistency-runs"),
        ("//runs", "work.blend", "HERE/runs"),
        ("//runs", "", "HOME/consistency-runs"),
    ],
)
def test_runs_are_kept_at_a_place_that_does_not_hang_on_where_blender_was_started(
    addon, tmp_path, monkeypatch, chosen, blend, home
):
    from consistency_pipeline.operators.editing import preferences
    from consistency_pipeline.operators.runs import run_request

    monkeypatch.setattr(preferences, "preferences", lambda: SimpleNamespace(folder=chosen))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "HOME")
    if blend:
        (tmp_path / "HERE").mkdir()
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "HERE" / blend))
    assert run_request.runs_home() == tmp_path / home


def test_fields_of_an_endpoint_that_is_in_no_catalogue_are_those_that_the_service_describes():
    from consistency_pipeline.fal_backend.endpoints import input_schema, kept
    from consistency_pipeline.operators.editing import parameters

    name, scene = "somebody/new-edit", bpy.context.scene
    assert not parameters.own_fields(parameters.find(name, "photoreal"))
    fields = {
        "prompt": {"type": "string"},
        "steps": {"type": "integer", "minimum": 4, "maximum": 12, "default": 8, "description": "How many steps"},
        "style": {"anyOf": [{"type": "string", "enum": ["plain", "rich"]}, {"type": "null"}], "default": "rich"},
        "sizes": {"type": "array", "items": {"type": "integer"}, "description": "Sides"},
        "copy": {"type": "boolean"},  # a name that pydantic has for itself
        "bad name": {"type": "boolean"},
    }
    content = {"application/json": {"schema": {"type": "object", "properties": fields}}}
    document = {"paths": {f"/{name}": {"post": {"requestBody": {"content": content}}}}}
    kept.keep(name, input_schema.read(document, name))
    endpoint = parameters.find(name, "photoreal")
    offered = parameters.own_fields(endpoint)
    assert offered.keys() == {"steps", "style", "sizes"}
    assert parameters.describe(offered["steps"]) == "How many steps; a whole number from 4 to 12"
    for field in ("steps", "style"):
        parameters.add(scene, endpoint, field)
    steps = scene.consistency.parameters[0]
    facts = steps.id_properties_ui("value").as_dict()
    assert (steps["value"], facts["min"], facts["max"]) == (8, 4, 12)
    assert parameters.to_overrides(scene) == {name: {"steps": 8, "style": "rich"}}
    parameters.from_overrides(scene, {name: {"steps": 5}})
    [again] = scene.consistency.parameters
    assert (again.kind, again["value"], again.id_properties_ui("value").as_dict()["max"]) == ("int", 5, 12)
