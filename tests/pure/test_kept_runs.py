# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run folders of earlier versions: they open, are reported, and go on without paying for anything again.

tests/kept_runs has one folder of each format and backend, as that version wrote it; what was large in it (pictures, the clip,
EXRs, the scene) is replaced by a few bytes or left out.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline import command_line
from consistency_pipeline.fal_backend import quote
from consistency_pipeline.pipeline import chain
from consistency_pipeline.pipeline.backend.local import LocalBackend
from consistency_pipeline.pipeline.errors import RunFolderError
from consistency_pipeline.pipeline.run import migrations
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.pipeline.stages import StageState
from consistency_pipeline.pipeline.verdicts import MadeBy, Outcome
from tests.fake_fal import FakeFal

from .shop import KONTEXT, go
from .stand_in import StandInStudio
from .test_acceptance import GOOD, Seeing

KEPT = Path(__file__).parent.parent / "kept_runs"
PAID = 0.635  # USD for three stills and a clip


@pytest.fixture(params=["fal", "local"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(KEPT / request.param, tmp_path / request.param))


@pytest.fixture
def fal_run(tmp_path: Path) -> Path:
    """Two angles were finished, a third was added, and the run was stopped while its reference was rendered."""
    return Path(shutil.copytree(KEPT / "fal", tmp_path / "fal"))


def raw(root: Path) -> dict[str, Any]:
    return json.loads((root / "run.json").read_text(encoding="utf-8"))


def rewrite(root: Path, record: dict[str, Any]) -> None:
    (root / "run.json").write_text(json.dumps(record), encoding="utf-8")


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object in ``value``, itself included."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(each)


def test_a_run_of_an_earlier_version_tells_what_it_did(fal_run: Path):
    folder = RunFolder.open(fal_run)
    assert folder.states["references"] == folder.states["photoreal"] == StageState.CANCELLED
    assert folder.all_chosen == {"photoreal/front": 2, "photoreal/side": 2, "video/turntable": 1}
    first, second = folder.entries("photoreal/front")
    assert (first.outcome, first.numbers, second.made_by) == (Outcome.FAIL, {"bad_share": 0.2}, MadeBy.REROLL)
    assert folder.decisions["photoreal/side"].made_by == MadeBy.GAIN
    assert folder.shot("side") is not None
    assert folder.headline == "2 of 2 on model"
    assert not folder.is_finished


def test_the_ledger_of_an_earlier_version_is_read(root: Path, capfd):
    assert command_line.main(["ledger", str(root), "--json"]) == 0
    told = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert told["billed_usd"] == pytest.approx(PAID if root.name == "fal" else 0.0)


def test_a_finished_run_of_an_earlier_version_is_reported_and_left_as_it_is(root: Path, capfd):
    (root / "scene.blend").touch()
    (root / "contact_sheet.png").touch()
    record = raw(root)
    for stage in record["stages"].values():
        stage["state"] = "done"
    rewrite(root, record)
    before = (root / "run.json").read_bytes()
    assert command_line.main(["resume", str(root), "--json"]) == 0
    told = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert (told["status"], told["headline"], len(told["stills"])) == ("done", "2 of 2 on model", 2)
    assert (root / "run.json").read_bytes() == before, "nothing was to be done, so nothing is written"


@pytest.mark.usefixtures("near")
def test_a_stopped_run_of_an_earlier_version_goes_on_and_pays_for_what_is_new_alone(fake: FakeFal, fal_run: Path):
    made = {path: path.read_bytes() for path in (*fal_run.glob("photoreal/*.png"), *fal_run.glob("video/*"))}
    folder = RunFolder.open(fal_run)
    estimate = quote.estimate(folder.settings, folder.prices, folder)
    assert [line.key for line in estimate.lines] == ["photoreal/top/take-01"]
    report = go(folder, Seeing(GOOD))
    assert [entry.endpoint for entry in fake.books] == [KONTEXT]
    assert report["billed_usd"] == pytest.approx(PAID + fake.books.usd)
    assert report["headline"] == "3 of 3 on model"
    assert all(path.read_bytes() == data for path, data in made.items())
    again = RunFolder.open(fal_run)
    assert again.is_finished
    assert raw(fal_run)["schema"] == migrations.FORMAT
    scores = {picture["key"]: picture["scores"]["outcome"] for picture in report["pictures"]}
    assert scores.pop("photoreal/front/take-01") == "fail"
    assert set(scores.values()) == {"pass"}
    assert len(scores) == 4


def test_a_local_run_of_an_earlier_version_goes_on_with_the_stills_it_has(tmp_path: Path):
    folder = RunFolder.open(Path(shutil.copytree(KEPT / "local", tmp_path / "run")))
    studio = StandInStudio()
    for _ in chain.run(folder, studio, LocalBackend(studio, folder.settings), wait=0.0):
        pass
    assert "finish_reference" not in studio.calls
    assert folder.is_finished


def test_all_that_was_written_is_written_again_and_what_is_unknown_here_too(root: Path):
    before = raw(root)
    facts = {"state", "matrix_world", "take", "dx", "outlier", "reason"}  # of records; other objects are tables
    records = [each for each in objects(before) if facts & each.keys()]
    assert len(records) > 10
    for each in (before, *records):
        each["of a later day"] = {"kept": [1, None, "so"]}
    rewrite(root, before)
    RunFolder.open(root).save()
    after = raw(root)
    plain = RunSettings().model_dump(mode="json")
    for now, earlier, default in (
        (after["settings"]["gate"], before["settings"]["gate"], plain["gate"]),
        (after["settings"], before["settings"], plain),
    ):
        newer = {name: now.pop(name) for name in now.keys() - earlier.keys()}
        assert newer == {name: default[name] for name in newer}, "what an earlier version did not know is as by default"
    assert {**after, "schema": 1} == {**before, **{name: after[name] for name in after.keys() - before.keys()}}
    assert not any(after[name] for name in after.keys() - before.keys()), "nothing is made up"


def test_a_run_of_a_newer_version_is_left_alone_and_the_cure_is_said(root: Path, capfd):
    rewrite(root, {**raw(root), "schema": migrations.FORMAT + 1})
    before = (root / "run.json").read_bytes()
    with pytest.raises(RunFolderError, match="newer version.*update the extension"):
        RunFolder.open(root)
    assert command_line.main(["resume", str(root)]) == 1
    assert len(capfd.readouterr().err.strip().splitlines()) == 1
    assert (root / "run.json").read_bytes() == before


@pytest.mark.parametrize("record", [[], {}, {"schema": "1"}, {"schema": 0}, {"schema": 1}, {"schema": 1, "stages": 5}])
def test_what_is_no_record_is_said_to_be_none(tmp_path: Path, record: Any):
    (tmp_path / "run.json").write_text(json.dumps(record))
    with pytest.raises(RunFolderError, match="can't be read as a run"):
        RunFolder.open(tmp_path)


def test_every_format_that_there_was_is_brought_to_the_next():
    assert list(migrations.MIGRATIONS) == list(range(1, migrations.FORMAT))
