# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of a still is the same wherever it is said: report, contact sheet, panel, headline and heat map, and a
person's word above the check's in all of them."""

from __future__ import annotations

import json
from pathlib import Path

import bpy
import pytest

from consistency_pipeline import command_line
from consistency_pipeline.operators.display import refresh
from consistency_pipeline.panels.photoreal import OUTCOMES
from consistency_pipeline.pipeline import opinions
from consistency_pipeline.pipeline.formats import png
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.system.disk import read_lines
from consistency_pipeline.pipeline.verdicts import Said
from consistency_pipeline.studio.rendering import contact_sheet
from tests.fake_fal import FakeFal
from tests.pure.faulty import Faulty, scored
from tests.pure.shop import bring_near, go
from tests.pure.stand_in import verdict
from tests.pure.test_acceptance import Seeing, new_run

from .stand_in import save_picture, status
from .test_panels import draw_all, labels

pytestmark = pytest.mark.by_turns

WORDS = {"pass": "on model", "unsure": "to look at", "fail": "not on model"}


@pytest.fixture
def fake(monkeypatch, tmp_path):
    bring_near(monkeypatch)
    with FakeFal(latency=0.02, clip_side=64) as service:
        for name, value in service.environment().items():
            monkeypatch.setenv(name, value)
        yield service


@pytest.fixture
def shown(sidebar, monkeypatch):
    """The panel's words on the front still of a run."""
    monkeypatch.setattr(refresh, "is_about", lambda _scene, _folder: True)

    def show(folder):
        bpy.context.scene.consistency.run_folder = str(folder.root)
        sidebar.angle_index = sidebar.angles.find("front")
        refresh.everything(bpy.context.scene, RunFolder.open(folder.root))
        return status().shots["front"]

    return show


def everywhere(folder, shot):
    """(outcome, sentence) of the front still by where it is said."""
    report = json.loads(folder.report.read_text(encoding="utf-8"))
    verdict = report["verdicts"]["photoreal/front"]
    caption = contact_sheet._captions(report, "front", False)[-1][0]
    line = next((part for part in report["headline"].split("; ") if part.startswith("front: ")), "front: ")
    return {
        "report": (WORDS[verdict["outcome"]], verdict["reason"]),
        "sheet": tuple(caption.split(": ", 1)),
        "panel": (WORDS[shot.outcome], shot.verdict),
        "headline": (WORDS[shot.outcome], line.removeprefix("front: ")),
        "client": (contact_sheet._captions(report, "front", True) or [("on model",)])[-1][0],
    }


def decided(folder):
    """(outcome, sentence) of the journal's last decision about the front still."""
    lines = [line for line in read_lines(folder.journal) if line["event"] == "decided" and line["angle"] == "front"]
    return WORDS[lines[-1]["outcome"]], lines[-1]["reason"]


KINDS = ["shift", "missing part", "label changed", "recoloured"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_is_told_alike_in_every_place(fake, tmp_path, shown, kind):
    gate = {"retakes": 0, "local": False, "unwarp": False, "mend_detail": False}
    folder, console = new_run(tmp_path, motion="none", gate=gate), []
    go(folder, Faulty(kind), on_progress=lambda progress, _backend: console.append(progress.text))
    found, shot = scored(kind).verdict, shown(folder)
    assert f"front.take-01.png: {found.outcome}, {found.reason}" in console
    assert decided(folder)[0] == WORDS[found.outcome]
    assert found.reason in decided(folder)[1]
    assert folder.headline in command_line._summary(folder, 0.0)["text"]
    assert (found.outcome == "pass") == (found.reason not in folder.headline)
    told = everywhere(folder, shot)
    assert told.pop("client") == WORDS[found.outcome]
    if found.outcome == "pass":
        told.pop("headline")
    for place, (outcome, sentence) in told.items():
        assert outcome == WORDS[found.outcome], place
        assert found.reason in sentence, place
    assert Path(shot.heatmap) == folder.heatmap("front", 1)
    assert folder.decision("photoreal/front").heatmap == "photoreal/heatmaps/front.take-01.png"
    assert png.size_of(Path(shot.heatmap))[0] > 100
    place = scored(kind).place
    folded = labels(draw_all()["CONSISTENCY_PT_photoreal"])
    assert found.reason[:20] in folded
    assert place is None or place.is_most or place.words in folded
    status().unfolded = f"verdict: {OUTCOMES[found.outcome]}: {shot.verdict}"
    assert found.reason in labels(draw_all()["CONSISTENCY_PT_photoreal"])
    assert status().headline.startswith("5 of 5" if found.outcome == "pass" else "4 of 5")


def test_a_mended_label_is_told_as_what_it_is_in_every_place(fake, tmp_path, shown):
    """What is shown passes, and that its print is the render's is said beside."""
    folder = new_run(tmp_path, motion="none", gate={"retakes": 0, "local": False})
    go(folder, Faulty("label changed"))
    shot = shown(folder)
    told = everywhere(folder, shot)
    assert {told[place][0] for place in ("report", "sheet", "panel")} == {"on model"}
    assert decided(folder)[0] == "on model"
    assert len({told["report"][1], told["sheet"][1], folder.entries("photoreal/front")[-1].reason}) == 1
    report = json.loads(folder.report.read_text(encoding="utf-8"))
    assert "faithful to the render, 60 %" in contact_sheet._captions(report, "front", False)[0][0]
    assert "faithful to the render, 60 %" in shot.verdict
    journal = [line["reason"] for line in read_lines(folder.journal) if line["event"] == "decided"]
    assert any(scored("label changed").verdict.reason in reason for reason in journal), "mended in silence"


def test_a_take_chosen_in_the_panel_is_told_at_once_in_report_and_headline(fake, tmp_path, shown):
    folder = new_run(tmp_path, motion="none", takes=2, gate={"retakes": 0, "local": False})
    go(folder, Faulty("", "missing part"))
    shown(folder)
    folder.contact_sheet.unlink()  # the stand-in's
    for take, outcome in ((2, "fail"), (1, "pass")):
        assert bpy.ops.consistency.choose_take(angle="front", take=take) == {"FINISHED"}
        again = RunFolder.open(folder.root)
        told = everywhere(again, status().shots["front"])
        assert {told[place][0] for place in ("report", "sheet", "panel")} == {WORDS[outcome]}
        assert again.headline.startswith("5 of 5" if outcome == "pass" else "4 of 5")


def test_another_take_that_a_person_chose_is_told_with_its_own_verdict(fake, tmp_path, shown):
    folder = new_run(tmp_path, motion="none", takes=2, gate={"retakes": 0, "local": False})
    go(folder, Faulty("", "missing part"))
    assert folder.chosen("photoreal/front") == 1
    again = RunFolder.open(folder.root)
    again.choose("photoreal/front", 2)
    again.mark("results", "waiting")
    go(again, Faulty("", "missing part"))
    told = everywhere(again, shown(again))
    assert {told[place][0] for place in ("report", "sheet", "panel")} == {"not on model"}
    assert all(scored("missing part").verdict.reason in told[place][1] for place in ("report", "sheet", "panel"))
    assert Path(status().shots["front"].heatmap) == again.heatmap("front", 2)


def test_a_persons_word_is_told_alike_in_every_place(fake, tmp_path, shown):
    folder = new_run(tmp_path, motion="none", gate={"retakes": 0, "local": False})
    go(folder, Faulty("missing part"))
    reason = scored("missing part").verdict.reason
    for said, outcome in ((Said.RIGHT, "pass"), (Said.WRONG, "fail")):
        opinions.say(RunFolder.open(folder.root), "front", said)
        told = everywhere(folder, shown(folder))
        assert told.pop("client") == WORDS[outcome]
        for place, (word, sentence) in told.items():
            assert word == WORDS[outcome], place
            assert f"you said: {said}" in sentence, place
            assert (reason in sentence) == (said == Said.RIGHT), place


@pytest.mark.parametrize("word", ["no"])
def test_a_second_witness_is_told_alike_in_every_place(fake, tmp_path, shown, word):
    vague = verdict("unsure", "only 40 % of the outline can be seen", "coverage")
    folder = new_run(tmp_path, motion="none", gate={"second_opinion": "vision"})
    answer = {"same": word, "shape": word, "print": "yes", "colour": "yes", "reason": "The handle decides."}
    fake.fault("submit:openrouter/*", "says", text=json.dumps(answer))
    go(folder, Seeing(vague))
    told = everywhere(folder, shown(folder))
    assert told.pop("client") == WORDS["unsure"]
    for place, (outcome, sentence) in told.items():
        assert outcome == WORDS["unsure"], place
        assert "only 40 % of the outline can be seen" in sentence, place
        product = {"yes": "the same product", "no": "another product"}[word]
        assert f"second opinion of OpenRouter Vision: {product}, “The handle decides.”" in sentence, place
    assert "second opinion" in labels(draw_all()["CONSISTENCY_PT_photoreal"])


def test_the_buttons_say_it_take_it_back_and_draw_the_sheet_anew(studio):
    bpy.ops.consistency.run(until="photoreal")
    folder = RunFolder.open(Path(bpy.context.scene.consistency.run_folder))
    own = bpy.context.scene.consistency
    own.angle_index = own.angles.find("front")
    save_picture(folder.contact_sheet)
    report = {"product": {"name": "box"}, "backend": "local", "pictures": [], "headline": folder.headline}
    folder.report.write_text(json.dumps(report))
    before = folder.contact_sheet.read_bytes()
    assert bpy.ops.consistency.say(angle="front", said="wrong") == {"FINISHED"}
    shot = status().shots["front"]
    assert (shot.outcome, shot.said) == ("fail", "wrong")
    assert "you said: wrong" in shot.verdict
    drawn = folder.contact_sheet.read_bytes()
    assert drawn != before
    assert json.loads(folder.report.read_text())["verdicts"]["photoreal/front"]["said"] == "wrong"
    panel = draw_all()["CONSISTENCY_PT_photoreal"]
    assert panel.count(("operator", "say")) == 2
    assert "Off model: you said: wrong" in labels(panel)
    bpy.ops.consistency.say(angle="front", said="right")
    assert (status().shots["front"].outcome, status().shots["front"].said) == ("pass", "right")
    bpy.ops.consistency.say(angle="front", said="right")
    assert (status().shots["front"].outcome, status().shots["front"].said) == ("pass", "")
    assert RunFolder.open(folder.root).opinion("photoreal/front", 1) is None


def test_each_of_the_buttons_tells_what_it_does(sidebar):
    from consistency_pipeline.operators.buttons.viewing.opinion import CONSISTENCY_OT_say

    class Properties:
        said = "right"

    right = CONSISTENCY_OT_say.description(bpy.context, Properties)
    Properties.said = "wrong"
    wrong = CONSISTENCY_OT_say.description(bpy.context, Properties)
    assert "may start from it" in right
    assert "no clip starts from it" in wrong


def test_the_command_draws_the_sheet_anew(studio, capfd):
    bpy.ops.consistency.run(until="photoreal")
    folder = RunFolder.open(Path(bpy.context.scene.consistency.run_folder))
    save_picture(folder.contact_sheet)
    folder.report.write_text(json.dumps({"product": {}, "backend": "local", "pictures": []}))
    before = folder.contact_sheet.read_bytes()
    assert command_line.main(["say", str(folder.root), "side", "wrong", "--json"]) == 0
    told = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert told["headline"].startswith("4 of 5 on model; side: you said: wrong")
    assert folder.contact_sheet.read_bytes() != before
    assert (folder.root / "contact_sheet_client.png").is_file()
