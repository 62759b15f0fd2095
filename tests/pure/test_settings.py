# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run's settings: in groups for who reads them, flat in run.json, as ever."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from consistency_pipeline.pipeline.settings.groups import Gate, LightRig, RunSettings

# What a run.json of version 0.1.0 has under "settings"; nothing in it is a default, but for what has no second value.
KEPT = """
{"inputs": ["/photos/front.png", "/photos/back.jpg"], "leave_out": ["Floor"], "text": "", "allow_missing_textures": true,
 "backend": "fal", "name": "Ring", "turn": [0.0, 0.0, 90.0], "angles": [{"name": "front", "azimuth": 0.0, "elevation": 20.0,
 "fill": 0.8, "focal_length": 100.0, "aim": [0.5, 0.5, 0.5], "prompt": ""}, {"name": "profile", "azimuth": 90.0, "elevation":
 8.0, "fill": 1.6, "focal_length": 85.0, "aim": [0.5, 0.5, 0.6], "prompt": "a ring"}], "one_scale": true, "lighting":
 "dramatic", "light_rig": {"key": 1.5, "fill": 0.25, "rim": 2.0, "environment": 0.5, "temperature": -900.0, "rotation": -45.0,
 "softness": 0.3}, "backdrop": "grey", "shadow": false, "view_transform": "AgX", "size": 768, "aspect": 1.5, "samples": 64,
 "device": "cpu", "prompt": "silver ring", "materials": ["metal", "gem"], "seed": 1234, "takes": 3, "model_endpoint":
 "fal-ai/meshy/v6/image-to-3d", "picture_endpoint": "fal-ai/flux/schnell", "image_endpoint": "fal-ai/flux-2/edit",
 "video_endpoint": "fal-ai/veo3.1/image-to-video", "overrides": {"fal-ai/flux-2/edit": {"guidance_scale": 3.5, "words": ["a"]}},
 "motion": "light_sweep", "video_angle": "profile", "video_end_angle": "front", "video_elements": true, "duration": 8.0, "audio":
 true, "gate": {"enabled": false, "retakes": 3, "retake_budget": 0.5, "rungs": ["depth"], "depth_endpoint":
 "fal-ai/sdxl-controlnet-union", "unwarp": false, "local": false, "mend_detail": false, "faithful": 0.25,
 "faithful_at": {"front": 0.5}, "faithful_print": false, "unsure": "climb", "second_opinion": "vision",
 "opinion_endpoint": "openrouter/router/vision/enterprise", "exact": true, "restore": "label",
 "regions": {"front": "/photos/label.png"}, "details": {"profile": "/photos/side.jpg"}}, "budget": 2.5, "daily_budget": 10.0,
 "product_budget": 4.0, "private": true}
"""
SINCE = {
    "lights",
    "lamps",
    "environment",
    "environment_rotation",
    "environment_strength",
    "quality",
    "check_inputs",
    "retexture_endpoint",
    "frame_rate",
    "clip_alpha",
    "variant",
    "cover",
}  # options that 0.1.0 did not have


def test_settings_of_an_earlier_version_are_read_and_written_as_they_were():
    kept = json.loads(KEPT)
    defaults = RunSettings().model_dump(mode="json")
    assert defaults.keys() - SINCE == kept.keys()
    settings = RunSettings.model_validate(kept)
    written = {**kept, **{name: defaults[name] for name in SINCE}}
    assert settings.model_dump(mode="json") == json.loads(settings.model_dump_json()) == written
    assert (settings.inputs.files, settings.studio.size, settings.stills.takes) == (tuple(kept["inputs"]), 768, 3)
    assert (settings.clip.motion, settings.money.daily_budget, settings.privacy.private) == ("light_sweep", 10.0, True)
    assert settings.studio.angles[1].fill == 1.6


def test_what_an_older_run_lacks_has_its_default():
    kept = json.loads(KEPT)
    for name in ("takes", "private", "light_rig"):
        del kept[name]
    for name in (
        "unsure",
        "mend_detail",
        "faithful",
        "faithful_at",
        "faithful_print",
        "second_opinion",
        "opinion_endpoint",
    ):
        del kept["gate"][name]
    settings = RunSettings.model_validate(kept)
    assert (settings.stills.takes, settings.privacy.private, settings.gate.unsure) == (1, False, "flag")
    assert settings.studio.light_rig == LightRig()
    assert settings.gate.retakes == 3
    assert (settings.gate.mend_detail, settings.gate.faithful, settings.gate.faithful_at) == (True, 0.0, {})
    assert settings.gate.second_opinion == "none"


@pytest.mark.parametrize(
    "wrong",
    [
        {"sise": 64},
        {"size": 63},
        {"gate": {"retake": 1}},
        {"gate": Gate(retakes=9)},
        {"light_rig": LightRig(key=11.0)},
        {"light_rig": {"kay": 1.0}},
        {"angles": []},
        {"angles": [{"name": "front"}, {"name": "front"}]},
        {"angles": [{"name": "Front"}]},
        {"angles": [{"name": "front", "elevation": 91}]},
        {"angles": [{"name": "front", "fill": 0}]},
        {"video_angle": "nowhere"},
        {"budget": -0.01},
        {"backdrop": "pink"},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_also_in_a_copy(wrong):
    with pytest.raises(ValidationError):
        RunSettings(**wrong)
    with pytest.raises(ValidationError):
        RunSettings().model_copy(update=wrong)


def test_a_copy_changes_what_it_is_told_and_nothing_else():
    settings = RunSettings.model_validate(json.loads(KEPT))
    copy = settings.model_copy(update={"size": 512, "budget": None, "gate": Gate(retakes=1)})
    changed = {name for name, value in copy.model_dump().items() if value != settings.model_dump()[name]}
    assert changed == {"size", "budget", "gate"}
    assert (copy.studio.size, copy.money.budget, copy.gate) == (512, None, Gate(retakes=1))
