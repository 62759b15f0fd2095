# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One still from each of several models, side by side, beside a run that is left as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline import command_line
from consistency_pipeline.fal_backend import consent
from consistency_pipeline.fal_backend.backend import FalBackend
from consistency_pipeline.fal_backend.child import questions
from consistency_pipeline.pipeline import compare, driver
from consistency_pipeline.pipeline.errors import ConsistencyError, UsageError
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.stages import Stage
from tests.fake_fal import API_KEY, FakeFal
from tests.fake_fal.model import glb

from .shop import KONTEXT, NearQuestion, agrees, go
from .stand_in import StandInStudio, verdict, write
from .test_chain import new_run

pytestmark = [pytest.mark.by_turns, pytest.mark.usefixtures("near")]
OTHERS = [KONTEXT, "fal-ai/flux-2/edit", "reve/2.1/edit"]
ANGLE = ({"name": "front"}, {"name": "three-quarter", "azimuth": 40.0})


@pytest.fixture
def done(fake: FakeFal, tmp_path: Path) -> RunFolder:
    """A run with its references and stills, and no clip."""
    own = str(write(tmp_path / "duck.glb", glb(200, (9, 9, 9))))
    folder = new_run(tmp_path, inputs=(own,), size=512, angles=ANGLE, motion="none", gate={"second_opinion": "none"})
    go(folder)
    return folder


def lay(folder: RunFolder, endpoints: list[str], budget: float | None = None, **more: Any) -> list[compare.Candidate]:
    place = compare.beside(folder.root, budget)

    def ask(names: list[str], to_send: Any) -> Any:
        return questions.ask_prices(API_KEY, names, purchases=to_send)

    costs = driver.finish(
        consent.estimate_of(lambda: compare.requests(place, endpoints, ["front"]), place.settings, place, ask), 0.02
    )
    place.note(prices={**place.prices, **costs.prices})
    backend = FalBackend(place, API_KEY)
    try:
        studio = more.get("studio") or StandInStudio()
        return driver.finish(compare.compare(place, endpoints, ["front"], studio, backend, 0.02), 0.0)
    finally:
        backend.close()


@pytest.fixture(autouse=True)
def asks_near(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "connect", NearQuestion)


def test_each_model_makes_the_same_angle_and_the_run_is_left_as_it_was(fake: FakeFal, done: RunFolder) -> None:
    before = (done.root / "run.json").read_bytes(), done.still("front").read_bytes(), done.report.read_bytes()
    bought = len(fake.books)

    class Judging(StandInStudio):
        def look(self, task: str, job: dict[str, Any]) -> dict[str, Any]:
            return (
                verdict("fail", "the outline is off", p95_px=9.0)
                if "reve" in str(job.get("still"))
                else verdict("pass", p95_px=0.5)
            )

    found = lay(done, OTHERS, studio=Judging())
    assert [each.endpoint for each in found] == OTHERS
    assert [each.outcome for each in found] == ["pass", "pass", "fail"]
    assert [each.numbers for each in found] == [{"p95_px": 0.5}, {"p95_px": 0.5}, {"p95_px": 9.0}]
    assert all(each.billed_usd and each.seconds is not None for each in found)
    assert len(fake.books) == bought + 3
    sent = [entry.arguments for entry in fake.wait()][bought:]
    assert len({arguments["prompt"] for arguments in sent}) == 1
    assert [entry.endpoint for entry in fake.books][bought:] == OTHERS or {e.endpoint for e in fake.books} >= set(
        OTHERS
    )
    for each in found:
        assert (done.root / each.file).is_file()
    kept = json.loads((done.root / "compare/front/comparison.json").read_text())
    assert [row["name"] for row in kept["candidates"]] == [each.name for each in found]
    assert before == ((done.root / "run.json").read_bytes(), done.still("front").read_bytes(), done.report.read_bytes())
    agrees(done, fake)
    again = lay(done, OTHERS, studio=Judging())  # looked at again, and not paid again
    assert len(fake.books) == bought + 3
    assert [each.billed_usd for each in again] == [each.billed_usd for each in found]
    assert [each.seconds for each in again] == [each.seconds for each in found]
    (done.root / "compare/front/comparison.json").write_text("[]")
    assert [each.seconds for each in lay(done, OTHERS, studio=Judging())] == [None, None, None]


def test_one_that_cannot_be_had_is_said_beside_the_others(fake: FakeFal, done: RunFolder) -> None:
    fake.fault("submit:fal-ai/flux-2/edit", "content_policy")
    kontext, refused = lay(done, OTHERS[:2])
    assert (kontext.outcome, kontext.file is not None) == ("pass", True)
    assert (refused.outcome, refused.file) == ("fail", None)
    assert "content check" in refused.reason
    fake.fault("submit", "content_policy", times=None)
    with pytest.raises(ConsistencyError, match="content check"):
        lay(done, [OTHERS[2]])


def test_no_more_is_spent_than_the_budget_of_the_comparison(
    fake: FakeFal, done: RunFolder, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_line, "_need_fal", lambda: API_KEY)
    monkeypatch.setattr(command_line, "python_args", tuple)
    monkeypatch.setattr(command_line, "_compared", lambda *_: {"status": "done"})
    bought = len(fake.books)
    command = ["compare", str(done.root), "--image-endpoints", ",".join(OTHERS), "--angles", "front"]
    assert command_line.main([*command, "--budget", "0.03", "--yes"]) == 3
    assert "--budget allows $0.03" in capfd.readouterr().err
    assert command_line.main([*command, "--budget", "1"]) == 2  # nobody to ask
    assert "confirm with --yes" in capfd.readouterr().err
    assert command_line.main([*command, "--budget", "1", "--yes"]) == 0
    assert len(fake.books) == bought
    place = compare.beside(done.root, 0.05)
    spent = done.read_journal().purchases.billed_usd
    assert place.settings.money.budget == pytest.approx(spent + 0.05)
    assert done.settings.money.budget is None
    found = lay(done, [KONTEXT, "fal-ai/nano-banana-pro/edit"], 0.05)
    assert [each.file is not None for each in found] == [True, False]
    assert "limit" in found[1].reason


def test_what_there_is_nothing_to_compare_by_is_said(done: RunFolder) -> None:
    place = compare.beside(done.root, None)
    for endpoints, angles, said in (
        ([""], ["front"], "no endpoint was named"),
        ([KONTEXT], ["back"], "no angle 'back'; it has front, three-quarter"),
    ):
        with pytest.raises(UsageError, match=said):
            compare.requests(place, endpoints, angles)
    (done.references / "front.png").unlink()
    with pytest.raises(UsageError, match="front has no reference yet"):
        compare.requests(place, [KONTEXT], ["front"])
    assert place.stage(Stage.REFERENCES).shots
