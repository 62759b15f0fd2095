# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One limit over all rows holds for every process that sees the folder, whoever is killed when."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from consistency_pipeline.pipeline.catalogue import budget as budgets
from consistency_pipeline.pipeline.catalogue.budget import ENTRY, Share, SharedBudget
from consistency_pipeline.pipeline.errors import BudgetExceeded, RunFolderError

pytestmark = pytest.mark.by_turns

SPEND = """
import sys
from pathlib import Path
from consistency_pipeline.pipeline.catalogue.budget import SharedBudget
from consistency_pipeline.pipeline.errors import BudgetExceeded
budget = SharedBudget(Path(sys.argv[1]))
for number in range(12):
    try:
        budget.allot(f"{sys.argv[2]}-{number}", 1.0, 10.0)
        print("allotted", flush=True)
    except BudgetExceeded:
        pass
"""


def test_what_a_row_may_cost_is_set_aside_until_it_is_known_what_it_did_cost(tmp_path):
    budget = SharedBudget(tmp_path)
    budget.allot("a", 3.0, 5.0)
    with pytest.raises(BudgetExceeded, match=r"\$5.00 would be passed: \$3.00 .* may cost \$2.50"):
        budget.allot("b", 2.5, 5.0)
    budget.settle("a", 1.0)
    budget.allot("b", 2.5, 5.0)
    budget.allot("b", 4.0, 5.0)  # in place of what it had
    assert SharedBudget(tmp_path).shares() == {"a": Share(1.0, is_open=False), "b": Share(4.0, is_open=True)}
    with pytest.raises(BudgetExceeded):
        SharedBudget(tmp_path).allot("c", 0.01, 5.0)


def test_processes_that_add_at_the_same_moment_never_pass_the_limit(tmp_path):
    command = [sys.executable, "-c", SPEND, str(tmp_path)]
    going = [subprocess.Popen([*command, str(n)], stdout=subprocess.PIPE, text=True) for n in range(3)]
    said = [process.communicate(timeout=60)[0] for process in going]
    assert sum(text.count("allotted") for text in said) == 10
    assert SharedBudget(tmp_path).committed() == 10.0


def test_threads_that_add_at_the_same_moment_lose_nothing(tmp_path):
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda n: SharedBudget(tmp_path).allot(f"row-{n}", 0.5, None), range(30)))
    assert SharedBudget(tmp_path).committed() == 15.0


def test_a_killed_writer_leaves_nothing_that_counts(tmp_path):
    budget = SharedBudget(tmp_path)
    budget.allot("a", 1.0, 5.0)
    torn = budget.folder / ".0011.part"
    torn.mkdir()
    (torn / ENTRY).write_text('{"row": "b", "us')
    assert SharedBudget(tmp_path).committed() == 1.0
    SharedBudget(tmp_path).allot("b", 1.0, 5.0)
    assert sorted(path.name for path in budget.folder.glob("0*")) == ["000001", "000002"]


def test_an_answer_to_a_rename_that_was_lost_is_no_second_entry(tmp_path, monkeypatch):
    rename = Path.rename

    def lost(self: Path, target: Path) -> Path:
        rename(self, target)
        raise OSError(116, "Stale file handle")

    monkeypatch.setattr(Path, "rename", lost)
    SharedBudget(tmp_path).allot("a", 1.0, 5.0)
    monkeypatch.undo()
    assert SharedBudget(tmp_path).shares() == {"a": Share(1.0, is_open=True)}


def test_what_can_t_be_read_is_not_spent_again(tmp_path, monkeypatch):
    monkeypatch.setattr(budgets, "UNSEEN", 0.1)
    budget = SharedBudget(tmp_path)
    budget.allot("a", 4.0, 5.0)
    (budget.folder / "000001" / ENTRY).write_bytes(b"\x00\x01")
    with pytest.raises(RunFolderError, match="restore it"):
        SharedBudget(tmp_path).allot("b", 4.0, 5.0)
    (budget.folder / "000001" / ENTRY).write_text("{}")
    with pytest.raises(RunFolderError, match="no entry"):
        SharedBudget(tmp_path).allot("b", 4.0, 5.0)


def test_a_folder_that_can_t_be_written_is_told(tmp_path):
    (tmp_path / budgets.FOLDER).write_text("a file")
    with pytest.raises(RunFolderError):
        SharedBudget(tmp_path).allot("a", 1.0, 5.0)


def test_many_entries_are_not_all_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(budgets, "WHOLE", 8)
    budget = SharedBudget(tmp_path)
    for number in range(20):
        budget.allot(f"row-{number % 5}", float(number), None)
    known = budget.shares()
    for number in range(1, 16):
        shutil.rmtree(budget.folder / f"{number:06d}")  # none of these is needed
    assert SharedBudget(tmp_path).shares() == known
    assert json.loads((budget.folder / "000016" / ENTRY).read_bytes())["pid"] == os.getpid()
