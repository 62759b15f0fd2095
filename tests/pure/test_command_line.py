# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command as a shell sees it: exit statuses, one sentence on standard error, one JSON object on standard output."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from consistency_pipeline import command_line
from consistency_pipeline.pipeline.errors import UsageError
from consistency_pipeline.pipeline.rig import ANGLE_SETS, parse_angles
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings import arguments
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.pipeline.settings.options import OPTIONS
from tests.fake_fal import API_KEY, media
from tests.fake_fal.model import glb


@pytest.fixture(autouse=True)
def _no_key(monkeypatch, tmp_path):
    for name in ("FAL_KEY", "FAL_KEY_ID", "FAL_KEY_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CONSISTENCY_STATE_FOLDER", str(tmp_path / "state"))


def consistency(capfd, *arguments: str) -> tuple[int, str, str]:
    status = command_line.main([str(argument) for argument in arguments])
    out, err = capfd.readouterr()
    return status, out, err


def one_sentence(err: str) -> str:
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("consistency: ")
    assert "Traceback" not in err
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "COMMAND"),
        (("run", "duck.glb"), "--out"),
        (("run", "duck.glb", "--out", "x", "--backend", "cloud"), "invalid choice"),
        (("run", "--out", "x"), "--text"),
        (("run", "a.glb", "--out", "x", "--angles", "frnt"), "did you mean 'front'"),
        (("run", "a.glb", "--out", "x", "--angles", "back:180"), "name:azimuth:elevation"),
        (("run", "a.glb", "--out", "x", "--angle-set", "shoes"), "product"),
        (("run", "a.glb", "--out", "x", "--lighting", "disco"), "choose from"),
        (("run", "a.glb", "--out", "x", "--set", "nonsense"), "ENDPOINT.field=value"),
        (("run", "a.glb", "--out", "x", "--size", "1"), "--size"),
        (("run", "a.glb", "--out", "x", "--takes", "0"), "--takes"),
        (("run", "a.glb", "--out", "x", "--video-angle", "back"), "angles"),
        (("run", "a.glb", "--out", "x", "--budget", "-1"), "USD"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error_in_one_sentence(capfd, tmp_path, monkeypatch, arguments, word):
    monkeypatch.chdir(tmp_path)
    status, out, err = consistency(capfd, *arguments)
    assert status == 2
    assert word in one_sentence(err)
    assert out == ""
    assert not (tmp_path / "x").exists()


def test_json_is_the_last_line_of_standard_output_also_when_it_fails(capfd, tmp_path):
    status, out, _ = consistency(capfd, "run", tmp_path / "missing.glb", "--out", tmp_path / "run", "--json")
    last = json.loads(out.splitlines()[-1])
    assert status == last["exit"] == 1
    assert "missing.glb" in last["error"]


def test_a_folder_that_is_no_run_is_named(capfd, tmp_path):
    for command in ("resume", "ledger"):
        status, _, err = consistency(capfd, command, tmp_path)
        assert status == 1
        assert "run.json" in one_sentence(err)


def test_a_run_that_another_process_works_on_is_left_as_it_is(capfd, tmp_path):
    folder = RunFolder.create(tmp_path / "run", RunSettings(inputs=("/duck.glb",)), {})
    folder.lease.path.write_text(json.dumps({"id": "theirs", "host": "elsewhere", "pid": 1}))
    before = (folder.root / "run.json").read_bytes()
    status, _, err = consistency(capfd, "resume", folder.root, "--budget", "9")
    assert status == 75
    assert "elsewhere" in one_sentence(err)
    assert (folder.root / "run.json").read_bytes() == before


def test_photos_without_a_key_say_what_a_key_is_for(capfd, tmp_path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(media.photo())
    status, _, err = consistency(capfd, "run", photo, "--out", tmp_path / "run")
    assert status == 1
    assert "FAL_KEY" in one_sentence(err)
    assert not (tmp_path / "run").exists()


def test_endpoints_lists_what_can_be_chosen(capfd):
    status, out, _ = consistency(capfd, "endpoints", "--json")
    endpoints = {row["id"]: row for row in json.loads(out.splitlines()[-1])["endpoints"]}
    assert status == 0
    assert endpoints["fal-ai/flux-kontext/dev"]["inputs"]["guidance_scale"] == 2.5
    assert endpoints["fal-ai/kling-video/v1/pro/image-to-video"]["retired"]


def test_endpoints_lists_the_prices_that_are_to_be_looked_up_again(capfd):
    status, out, _ = consistency(capfd, "endpoints", "--stale", "--json")
    stale = json.loads(out.splitlines()[-1])["endpoints"]
    assert status == 0
    assert all(row["price_days"] > 90 and row["price_source"] and row["usd"] for row in stale)
    status, out, err = consistency(capfd, "endpoints", "--stale")
    assert (status, err) == (0, "")
    missing = [row["id"] for row in stale if row["id"] not in out or row["price_date"] not in out]
    assert not missing, out
    assert stale or "no stored price is older than 90 days" in out


LIMITS = {"budget": 9.5, "daily_budget": 0.0, "product_budget": 3.25, "retakes": 3, "retake_budget": 0.5}


def flags(limits):
    return [word for name, value in limits.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def limits_of(settings):
    return {name: getattr(settings.gate if name.startswith("retake") else settings.money, name) for name in LIMITS}


def test_run_sets_every_limit():
    parsed = arguments.make_parser().parse_args(["run", "photo.jpg", "--out", "run", *flags(LIMITS)])
    assert limits_of(arguments.settings_from(parsed, has_key=True)) == LIMITS


def test_every_limit_in_the_settings_is_one_that_run_and_resume_take():
    known = [option.name for option in OPTIONS]
    assert {name for name in known if "budget" in name or name == "retakes"} == set(LIMITS)


@pytest.mark.parametrize("names", [LIMITS, *([name] for name in LIMITS)], ids=str)
def test_resume_sets_the_limits_it_is_given_and_leaves_the_others(capfd, tmp_path, names):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(media.photo())
    gate = {"retakes": 2, "retake_budget": 0.1, "rungs": ("reroll",)}
    old = RunSettings(inputs=(str(photo),), backend="fal", prompt="cup", budget=1.0, product_budget=1.0, gate=gate)
    folder = RunFolder.create(tmp_path / "run", old, {})
    given = {name: LIMITS[name] for name in names}
    status, _, err = consistency(capfd, "resume", folder.root, *flags(given))
    assert (status, "FAL_KEY" in err) == (1, True)
    new = RunFolder.open(folder.root).settings
    assert limits_of(new) == {**limits_of(old), **given}
    others = [option for option in OPTIONS if option.group not in ("gate", "money")]
    assert [option.value_in(new) for option in others] == [option.value_in(old) for option in others]
    assert new.gate.rungs == old.gate.rungs


def test_a_limit_that_cannot_be_is_refused_and_changes_nothing(capfd, tmp_path):
    folder = RunFolder.create(tmp_path / "run", RunSettings(inputs=("/duck.glb",)), {})
    before = (folder.root / "run.json").read_bytes()
    for words in (["--retakes", "-1"], ["--budget", "-1"], ["--retakes", "99"]):
        status, _, err = consistency(capfd, "resume", folder.root, *words)
        assert status == 2
        assert words[0] in one_sentence(err)
    assert (folder.root / "run.json").read_bytes() == before


def test_set_reads_json_where_it_is_json():
    overrides = arguments.overrides_from(
        ["fal-ai/flux-pro/v1.1.raw=true", "a/b.n=3", "a/b.s=hello world", 'a/b.list=["x"]', "a/b.d=v1.1=2"]
    )
    assert overrides == {
        "fal-ai/flux-pro/v1.1": {"raw": True},
        "a/b": {"n": 3, "s": "hello world", "list": ["x"], "d": "v1.1=2"},
    }


def test_angles_can_be_chosen_and_added():
    chosen = parse_angles("side,back:180:15,macro:20:5:1.8:100", ANGLE_SETS["product"])
    assert [angle.name for angle in chosen] == ["side", "back", "macro"]
    assert (chosen[1].azimuth, chosen[1].elevation, chosen[1].fill) == (180, 15, 0.8)
    assert (chosen[2].fill, chosen[2].focal_length) == (1.8, 100)
    with pytest.raises(UsageError, match="lower-case"):
        parse_angles("Bad Name:1:2", ANGLE_SETS["product"])


@pytest.mark.parametrize(
    "endpoint", ["fal-ai/flux-kontext/dev", "somebody/made-this"], ids=["a price", "an unknown price"]
)
def test_nothing_is_bought_that_nobody_agreed_to(fake, capfd, tmp_path, monkeypatch, endpoint):
    monkeypatch.setattr(command_line, "_need_fal", lambda: API_KEY)
    monkeypatch.setattr(command_line, "_finish", lambda *_arguments: pytest.fail("it was begun"))
    if endpoint not in fake.endpoints:
        fake.add_endpoint(replace(fake.endpoints["fal-ai/flux-kontext/dev"], id=endpoint))
        fake.fault("pricing", "odd", each={"unit_price": None}, times=None)
    model, run = tmp_path / "duck.glb", tmp_path / "run"
    model.write_bytes(glb(200, (9, 9, 9)))
    status, _, err = consistency(
        capfd, "run", model, "--out", run, "--backend", "fal", "--motion", "none", "--image-endpoint", endpoint
    )
    assert status == 2
    assert "confirm with --yes" in err
    assert not run.exists()


def test_help_comes_without_the_settings():
    """What every command reads first is quick: pydantic and all that needs it are for commands that have settings."""
    program = (
        "import sys\nfrom consistency_pipeline.command_line import main\nassert main(['--help']) == 0\n"
        "sys.exit(str(sorted({'pydantic', 'bpy', 'numpy', 'requests', 'fal_client'} & set(sys.modules))))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert said.stderr.strip() == "[]"
