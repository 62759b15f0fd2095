# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stills with each kind of fault, really measured, in a whole run: it ends as the verdict demands, and within its limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from consistency_pipeline.fal_backend import quote
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.system.disk import read_lines
from tests.fake_fal import FakeFal

from .faulty import FAULTS, Faulty, scored
from .shop import go
from .test_acceptance import bought, decisions, new_run

pytestmark = [pytest.mark.by_turns, pytest.mark.usefixtures("near")]
PRICE = 0.025  # USD of a still
SURE = ("shift", "scale", "shape", "missing part", "label changed", "wrong product", "blank")  # never a matter of doubt


def told(folder: RunFolder) -> dict:
    return json.loads(folder.report.read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", SURE)
def test_it_is_a_fault(kind: str):
    assert scored(kind).verdict.outcome == "fail", scored(kind).verdict.reason
    assert scored("").verdict.outcome == "pass", scored("").verdict.reason


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_that_comes_once_ends_as_its_verdict_demands(fake: FakeFal, tmp_path: Path, kind: str):
    folder = new_run(tmp_path, motion="none", gate={"retakes": 2})
    most = quote.estimate(folder.settings, folder.prices).most
    go(folder, Faulty(kind, ""))
    found, report = scored(kind).verdict, told(folder)
    seen = [(action, outcome_of(folder, take)) for take, action in decisions(folder)]
    extra = sum(bought(fake).values()) - 5
    if found.outcome != "fail":  # flagged where it can't be told, and nothing is bought in its place
        assert seen == [("accept" if found.outcome == "pass" else "flag", found.outcome)]
        assert extra == 0
    elif found.repairable:
        assert seen[0] == ("unwarp", "fail")
        assert (extra == 0) == (outcome_of(folder, "take-02") != "fail")
    elif found.cause in ("label", "detail"):  # mended with the render's detail, where that is then seen to be right
        assert seen[0] == ("faithful", "fail")
        assert (extra == 0) == (outcome_of(folder, "take-02") == "pass")
        assert seen[-1] == ("accept", "pass")
        assert report["verdicts"]["photoreal/front"]["made_by"] == ("first" if extra else "faithful")
    else:
        assert seen == [("reroll", "fail"), ("accept", "pass")]
        assert extra == 1
    assert fake.books.usd == pytest.approx((5 + extra) * PRICE)
    assert fake.books.usd <= most
    assert report["billed_usd"] == pytest.approx(fake.books.usd)
    first = next(p for p in report["pictures"] if p["key"] == "photoreal/front/take-01")
    assert (first["scores"]["outcome"], first["scores"]["reason"]) == (found.outcome, found.reason)
    assert all((folder.root / entry.heatmap).is_file() for entry in folder.entries("photoreal/front"))


@pytest.mark.parametrize("kind", ["missing part", "label changed", "wrong product"])
def test_a_fault_that_always_comes_stays_within_the_limit_and_is_never_called_on_model(
    fake: FakeFal, tmp_path: Path, kind: str
):
    gate = {"retakes": 4, "rungs": ("reroll",), "retake_budget": 2.4 * PRICE, "local": False, "unwarp": False}
    gate["mend_detail"] = False  # which makes the label right
    folder = new_run(tmp_path, motion="none", gate=gate)
    go(folder, Faulty(kind))
    assert sum(bought(fake).values()) == 7, "money for two retakes"
    assert decisions(folder)[-1][1] == "flag"
    report = told(folder)
    assert report["headline"] == folder.headline == f"4 of 5 on model; front: {scored(kind).verdict.reason}"
    assert report["verdicts"]["photoreal/front"]["outcome"] == "fail"
    lines = [line for line in read_lines(folder.journal) if line["event"] == "decided" and line["angle"] == "front"]
    assert lines[-1]["reason"].startswith(scored(kind).verdict.reason)
    assert "budget" in lines[-1]["reason"]


def outcome_of(folder: RunFolder, take: str) -> str | None:
    number = int(take.rpartition("-")[2])
    return next(entry.outcome for entry in folder.entries("photoreal/front") if entry.take == number)
