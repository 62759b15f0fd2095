# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ledger: quoted, billed and uncertain, per file and in sum, and the same as fal's own books."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from consistency_pipeline.command_line import main
from consistency_pipeline.fal_backend.endpoints.catalogue import name_of
from consistency_pipeline.pipeline.errors import RunFolderError
from consistency_pipeline.pipeline.money.ledger import Ledger, usd
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from tests.fake_fal import FakeFal

from .shop import buy, buy_one, new_folder, stills

pytestmark = pytest.mark.by_turns


def test_every_outcome_has_its_word_and_its_money(folder: RunFolder, fake: FakeFal, near: None):
    fake.bill_refused = True
    fake.fault("submit", "drop_before", times=1)
    buy_one(folder, stills(folder, "front")[0])
    fake.fault("submit", "content_policy", times=1)
    buy_one(folder, stills(folder, "side")[0])
    fake.fault("submit", "locked", times=1)
    buy_one(folder, stills(folder, "top")[0])
    buy_one(folder, stills(folder, "detail")[0])
    ledger = Ledger.read([folder.root])
    assert {Path(line.file).name.split(".")[0]: line.state for line in ledger.lines} == {
        "front": "uncertain",
        "side": "failed",
        "top": "not billed",
        "detail": "done",
    }
    assert (ledger.quoted_usd, ledger.uncertain_usd) == (pytest.approx(0.1), pytest.approx(0.025))
    assert ledger.billed_usd == 0.05  # with what fal charged for the one it refused: its answer counts units, too
    assert ledger.billed_usd <= fake.wait().usd <= ledger.billed_usd + ledger.uncertain_usd
    table = ledger.table()
    assert "PolicyRefusal" in table
    assert table.splitlines()[-1].split() == ["total", "$0.10", "$0.05", "$0.025"]


def test_several_runs_in_one_ledger(tmp_path: Path, fake: FakeFal, near: None):
    roots = []
    for name in ("one", "two"):
        folder = new_folder(tmp_path / name)
        buy(folder, stills(folder, "front", "side"))
        roots.append(folder.root)
    ledger = Ledger.read(roots)
    assert len(ledger.lines) == 4
    assert round(ledger.billed_usd, 6) == fake.books.usd == 0.1
    assert {line.request_id for line in ledger.lines} == {entry.request_id for entry in fake.books}


def test_the_command_says_the_same_as_fal(folder: RunFolder, fake: FakeFal, near: None, capfd):
    buy(folder, stills(folder, "front", "side"))
    assert main(["ledger", str(folder.root), "--json"]) == 0
    facts = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert facts["billed_usd"] == fake.books.usd == 0.05
    assert [line["billed_usd"] for line in facts["lines"]] == [0.025, 0.025]
    assert {line["endpoint"] for line in facts["lines"]} == {"fal-ai/flux-kontext/dev"}
    table = Ledger.read([folder.root]).table(name_of)
    assert "FLUX Kontext dev" in table
    assert "fal-ai/" not in table


def test_nothing_bought_and_no_run(tmp_path: Path):
    folder = new_folder(tmp_path / "run")
    assert Ledger.read([folder.root]).table() == "nothing was bought"
    with pytest.raises(RunFolderError, match="not a run folder"):
        Ledger.read([tmp_path / "elsewhere"])


@pytest.mark.parametrize(
    ("amount", "words"),
    [(None, "-"), (0.0, "$0.00"), (0.5, "$0.50"), (0.025, "$0.025"), (12.345, "$12.345"), (0.1 + 0.2, "$0.30")],
)
def test_amounts_are_written_to_the_last_cent_that_counts(amount: float | None, words: str):
    assert usd(amount) == words
