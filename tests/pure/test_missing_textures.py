# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A product that is shown without its textures is never called on model, whoever makes its pictures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from consistency_pipeline.pipeline import chain
from consistency_pipeline.pipeline.backend.local import LocalBackend
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.arguments import make_parser, settings_from
from consistency_pipeline.pipeline.settings.groups import RunSettings
from tests.fake_fal import FakeFal
from tests.fake_fal.model import glb

from .shop import KONTEXT, go
from .stand_in import write
from .test_acceptance import Seeing, bought, new_run

pytestmark = pytest.mark.by_turns

LACK = "the texture 'label.png' of the material 'Paper' is missing"


class Lacking(Seeing):
    """Its product stands there without its label."""

    def load_product(self, model: Path):
        product = yield from super().load_product(model)
        return replace(product, missing=(LACK, "another"))


def assert_nothing_is_on_model(folder: RunFolder) -> None:
    report = json.loads(folder.report.read_text(encoding="utf-8"))
    assert report["headline"].startswith("5 to look at")
    assert LACK in report["headline"]
    assert all(verdict["outcome"] == "unsure" for verdict in report["verdicts"].values())


@pytest.mark.parametrize("gate", [{}, {"unsure": "accept"}, {"unsure": "climb", "retakes": 3}])
@pytest.mark.usefixtures("near")
def test_bought_stills_are_not_and_none_is_bought_again_for_it(fake: FakeFal, tmp_path: Path, gate: dict):
    folder = new_run(tmp_path, gate=gate, motion="none", allow_missing_textures=True)
    go(folder, Lacking())
    assert bought(fake) == {KONTEXT: 5}
    assert_nothing_is_on_model(folder)


@pytest.mark.parametrize("enabled", [True, False])
def test_renders_of_this_machine_are_not_either(tmp_path: Path, enabled: bool):
    own = write(tmp_path / "duck.glb", glb(200, (9, 9, 9)))
    settings = RunSettings(inputs=(str(own),), size=64, motion="none", gate={"enabled": enabled})
    folder = RunFolder.create(tmp_path / "run", settings, {})
    studio = Lacking()
    for _ in chain.run(folder, studio, LocalBackend(studio, settings)):
        pass
    assert_nothing_is_on_model(folder)


def test_the_option_is_off_unless_asked_for_and_older_runs_have_none():
    def chosen(*words: str) -> bool:
        options = make_parser().parse_args(["run", "a.glb", "--out", "x", *words])
        return settings_from(options, has_key=False).inputs.allow_missing_textures

    assert not chosen()
    assert chosen("--allow-missing-textures")
    older = RunSettings().model_dump(mode="json")
    del older["allow_missing_textures"]
    assert not RunSettings.model_validate(older).inputs.allow_missing_textures
