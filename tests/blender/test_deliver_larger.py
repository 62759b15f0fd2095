# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Larger pictures for shops: a render is rendered larger, an upscaler's picture is bought once and measured."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from PIL import Image

from consistency_pipeline import command_line
from consistency_pipeline.fal_backend import prices
from consistency_pipeline.pipeline.deliver.larger import render_size
from consistency_pipeline.pipeline.formats import png
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from tests.fake_fal import API_KEY, FakeFal
from tests.pure.shop import bring_near

TOPAZ = "topaz/upscale/image/precision"


@pytest.fixture
def fake(monkeypatch, tmp_path):
    bring_near(monkeypatch)
    with FakeFal(latency=0.02, clip_side=64) as service:
        for name, value in service.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("CONSISTENCY_STATE_FOLDER", str(tmp_path / "state"))

        def ask(endpoints, _to_send=()):
            yield
            return prices.with_remembered(prices.fetch(API_KEY, endpoints), endpoints)

        monkeypatch.setattr(command_line, "_need_fal", lambda: API_KEY)
        monkeypatch.setattr(command_line, "_ask_prices", ask)
        yield service


@pytest.fixture
def command(capfd):
    def command(*words):
        output = os.dup(1)  # a command with Blender in it leaves it shut, for what Blender says at its end
        status = command_line.main([*map(str, words), "--json"])
        answer = json.loads(capfd.readouterr().out.splitlines()[-1])
        os.dup2(output, 1)
        os.close(output)
        assert answer["exit"] == status
        return answer

    return command


@pytest.fixture
def run(command, add_box, save_glb, tmp_path):
    """A local run of 256 pixels, and a shop that wants 400."""
    add_box("Case", (0.3, 0.2, 0.4), (0, 0, 0.2), (0.1, 0.2, 0.5))
    add_box("Label", (0.15, 0.02, 0.15), (0, -0.1, 0.2), (0.7, 0.1, 0.05))
    options = ("--angles", "front", "--motion", "none", "--size", 256, "--samples", 8, "--backend", "local")
    assert command("run", save_glb(), "--out", tmp_path / "run", *options)["exit"] == 0
    rules = {"title": "Shop", "source": "ours", "date": "2026-11-26", "first_hand": True, "advised": 400}
    (tmp_path / "shop.json").write_text(json.dumps({**rules, "format": "png", "fill": {"wanted": 0.86}}))
    return RunFolder.open(tmp_path / "run")


def picture_of(folder, answer):
    (told,) = answer["sets"]["shop"]["pictures"]
    with Image.open(folder.root / "deliver" / "shop" / told["file"]) as seen:
        return told, np.asarray(seen.convert("RGB")).astype(float)


def rule(told, name):
    return next(each for each in told["rules"] if each["rule"] == name)


def test_a_render_is_rendered_larger_and_shows_the_same(run, command, tmp_path):
    before = run.still("front").read_bytes()
    small, pixels = picture_of(run, command("deliver", run.root, "--for", tmp_path / "shop.json"))
    assert (small["width"], rule(small, "advised pixels")["outcome"]) == (pixels.shape[1], "advice")
    assert small["width"] < 260
    answer = command("deliver", run.root, "--for", tmp_path / "shop.json", "--larger", "render")
    told, larger = picture_of(run, answer)
    assert (told["width"], told["height"]) == (400, 400)
    assert told["scale"] <= 1.0
    assert "rendered anew" in rule(told, "larger picture")["found"]
    assert told["digital_source_type"].endswith("/digitalCreation")
    assert run.still("front").read_bytes() == before
    side = small["width"]
    shrunk = np.asarray(Image.fromarray(larger.astype(np.uint8)).resize((side, side), Image.Resampling.LANCZOS))
    assert np.abs(shrunk.astype(float) - pixels).mean() < 4.0
    # Sharper than a filter makes it.
    _, filtered = picture_of(run, command("deliver", run.root, "--for", tmp_path / "shop.json", "--larger", "filter"))
    assert np.abs(np.diff(larger, axis=1)).max() > 1.05 * np.abs(np.diff(filtered, axis=1)).max()
    # A scene that has changed since is not passed off as the still.
    png.write(run.still("front"), 255 - np.asarray(Image.open(run.still("front")).convert("RGB")))
    told, _ = picture_of(run, command("deliver", run.root, "--for", tmp_path / "shop.json", "--larger", "render"))
    assert told["width"] == side
    assert "its colours are others" in rule(told, "larger picture")["found"]


@pytest.mark.long
def test_an_upscaler_is_paid_once_and_what_it_invents_is_not_delivered(run, command, fake, tmp_path):
    words = ("deliver", run.root, "--for", tmp_path / "shop.json", "--larger", TOPAZ)
    assert "confirm with --yes" in command(*words)["error"]
    assert command(*words, "--yes", "--budget", "0.01")["exit"] == 3
    assert fake.books.usd == 0.0
    told, _ = picture_of(run, command(*words, "--yes", "--budget", "0.10"))
    assert fake.books.usd == pytest.approx(0.08)
    assert told["width"] == 400, told
    assert "measured against a render" in rule(told, "larger picture")["found"]
    assert told["digital_source_type"].endswith("/compositeWithTrainedAlgorithmicMedia")
    command(*words, "--yes")
    assert fake.books.usd == pytest.approx(0.08)
    assert run.read_journal().purchases.committed_usd == pytest.approx(0.08)
    bought = next((run.root / "larger").glob("*.png"))
    drawn = np.asarray(Image.open(bought).convert("RGB")).copy()
    height, width = drawn.shape[:2]
    drawn[height // 3 : height * 2 // 3, width // 3 : width * 2 // 3] = (20, 160, 60)  # another label
    png.write(bought, drawn)
    told, _ = picture_of(run, command(*words, "--yes"))
    assert "has changed the product" in rule(told, "larger picture")["found"]
    assert told["width"] < 260
    assert told["digital_source_type"].endswith("/digitalCreation")


def test_sides_that_can_be_rendered_keep_the_shape():
    assert render_size(1024, 1024, 1.3) == (1344, 1344)
    assert render_size(880, 1184, 1.3) == (1760, 2368)
    assert render_size(320, 512, 2.0) == (720, 1152)  # 1024 has sizes of its own
    assert render_size(2048, 2048, 9.0) == (4096, 4096)
    assert render_size(4096, 4096, 1.5) is None
