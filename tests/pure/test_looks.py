# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lights, backdrops and looks as they are said: on the command line, in run.json, in a look file."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from consistency_pipeline.pipeline.backdrops import behind
from consistency_pipeline.pipeline.errors import BadInput, UsageError
from consistency_pipeline.pipeline.run.preflight import check, check_light_files
from consistency_pipeline.pipeline.settings.arguments import make_parser, settings_from
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.pipeline.settings.lights import Light
from consistency_pipeline.pipeline.settings.look import look_of, read_look, save_look, with_look

pytestmark = pytest.mark.by_turns


def run(*words):
    return settings_from(make_parser().parse_args(["run", "duck.glb", "--out", "x", *words]), has_key=False)


def test_lights_are_said_one_by_one_and_kept():
    settings = run("--light", "key=1.2,rim=off", "--light", "fill=4500K,fill=#ffffff,environment=0")
    assert settings.studio.lights == {
        "key": Light(strength=1.2),
        "rim": Light(on=False),
        "fill": Light(kelvin=4500.0),
        "environment": Light(strength=0.0),
    }
    assert RunSettings.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--light", "key"), "LIGHT=VALUE"),
        (("--light", "key=warm"), "strength, on, off"),
        (("--light", "key=90000K"), "1000 to 20000"),
        (("--light", "key=-1"), "0 to 100"),
        (("--backdrop", "pink"), "is no backdrop"),
        (("--backdrop", "#12"), "is no backdrop"),
        (("--quality", "best"), "draft"),
    ],
)
def test_what_is_none_is_refused_in_a_sentence(words, said):
    with pytest.raises(UsageError, match=said):
        run(*words)


def test_a_light_that_the_lighting_lacks_is_refused_before_anything_is_made():
    with pytest.raises(UsageError, match="no light 'key'; its lights are environment and glow"):
        check(run("--light", "key=2", "--lighting", "hdri"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("room.hdr", b"hello", "room.hdr is not an environment picture"),
        ("room.exr", b"", "room.exr is not an environment picture"),
        ("room.png", b"\x89PNG\r\n\x1a\n", "room.png is no .exr or .hdr file"),
        ("gone.hdr", None, "gone.hdr doesn't exist"),
    ],
)
def test_an_environment_that_is_none_is_refused(tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=said):
        check(run("--environment", str(tmp_path / name)))


def test_an_environment_with_layers_is_refused_with_its_own_cure(tmp_path):
    path = tmp_path / "room.exr"

    def exr(channel):
        channels = channel.encode() + bytes(17) + b"\0"
        head = b"\x76\x2f\x31\x01\2\0\0\0channels\0chlist\0" + struct.pack("<I", len(channels)) + channels + b"\0"
        return head + struct.pack("<QiI", len(head) + 8, 0, 4) + b"line"

    path.write_bytes(exr("R"))
    check_light_files(run("--environment", str(path)))
    path.write_bytes(exr("View Layer.Combined.R"))
    with pytest.raises(BadInput, match="room.exr has layers.*save it again as OpenEXR, not as OpenEXR MultiLayer"):
        check_light_files(run("--environment", str(path)))


def test_a_look_goes_through_its_file_and_takes_its_files_along(tmp_path):
    settings = run(
        *("--lighting", "dramatic", "--light", "key=0.5,glow=off", "--backdrop", str(tmp_path / "wall.png")),
        *("--environment", str(tmp_path / "room.exr"), "--environment-rotation", "30"),
    )
    save_look(tmp_path / "night.json", "Night", look_of(settings))
    assert json.loads((tmp_path / "night.json").read_text())["environment"] == "room.exr", "beside the look"
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (tmp_path / "night.json").rename(moved / "night.json")
    name, look = read_look(moved / "night.json")
    assert (name, look["environment"]) == ("Night", str(moved / "room.exr"))
    here = {"environment": settings.studio.environment, "backdrop": settings.studio.backdrop}
    assert with_look(RunSettings(), {**look, **here}).studio == settings.studio
    given = run("--look", str(moved / "night.json"), "--light", "key=2")
    assert given.studio.lighting == "dramatic"
    assert given.studio.lights == {"key": Light(strength=2.0)}, "what is given beside a look goes before it"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no json", "is not a look file"),
        ("[]", "is not a look file"),
        ('{"lighting": "studio"}', "is not a look file"),
        ('{"consistency_look": 2}', "is a look of format 2"),
        ('{"consistency_look": 1, "prompt": "x"}', "sets 'prompt', which no look has"),
        ('{"consistency_look": 1, "lights": {"key": {"strength": -1}}}', "look.json: lights"),
    ],
)
def test_a_look_file_that_is_none_is_refused_in_a_sentence(tmp_path, text, said):
    path = tmp_path / "look.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        read_look(path)


def test_nothing_is_bought_from_drafts(tmp_path):
    with pytest.raises(UsageError, match="nothing is bought from drafts"):
        check(run("--quality", "draft", "--backend", "fal"))


def test_a_picture_covers_the_frame_and_a_gradient_is_lighter_below():
    tall = np.zeros((40, 10, 3), np.float32)
    tall[15:25] = 1.0  # what is left of it in a wide frame
    assert behind("wall.png", (10, 10), lambda _: tall).min() == 255
    gradient = behind("gradient", (64, 32), lambda _: tall)
    assert gradient.shape == (64, 32, 3)
    assert np.all(np.diff(gradient[:, 0, 0].astype(int)) >= 0)
    assert behind("#ff8000", (4, 4), lambda _: tall)[0, 0].tolist() == [255, 128, 0]
