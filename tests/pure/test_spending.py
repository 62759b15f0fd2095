# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits: no sum of reservations and bills ever passes one, whoever asks, and whatever the clock says."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from consistency_pipeline.pipeline.errors import BudgetExceeded, RunFolderError
from consistency_pipeline.pipeline.money import spending
from consistency_pipeline.pipeline.money.spending import Entry, Limits, SpendingBook, local_day
from consistency_pipeline.pipeline.system import disk, file_lock
from consistency_pipeline.pipeline.system.disk import append_line, read_lines

RACE = """
import sys, time
from pathlib import Path
from consistency_pipeline.pipeline.errors import BudgetExceeded
from consistency_pipeline.pipeline.money.spending import Entry, Limits, SpendingBook, local_day
read = SpendingBook.entries
SpendingBook.entries = lambda self: (read(self), time.sleep(0.003))[0]  # the others look at the same moment
book, name, got = SpendingBook(Path(sys.argv[1])), sys.argv[2], 0
print("ready", flush=True)
sys.stdin.readline()
for n in range(20):
    try:
        entry = Entry(local_day(), name, "duck", f"{name}/p{n}", 0.1)
        book.reserve(entry, Limits(day=1.0), set, lambda: None)
        got += 1
    except BudgetExceeded:
        pass
print(got)
"""


@pytest.fixture
def book(tmp_path: Path) -> SpendingBook:
    return SpendingBook(tmp_path)


def day(offset: int) -> str:
    return (datetime.now().astimezone().date() + timedelta(days=offset)).isoformat()


def spent(book: SpendingBook, usd: float, *, on: str, run: str = "earlier", product: str = "duck") -> None:
    append_line(book.path, {"day": on, "run": run, "product": product, "purchase": f"x{usd}", "usd": usd})


def reserve(book: SpendingBook, run: str, product: str, attempt: str, usd: float, limits: Limits) -> None:
    """As an attempt of ``run`` does whose name begins with the run's."""
    entry = Entry(local_day(), run, product, f"{run}/{attempt}", usd)
    book.reserve(entry, limits, lambda: {e.attempt for e in book.entries() if e.run == run}, lambda: None)


def settle(book: SpendingBook, run: str, product: str, attempt: str, on: str, usd: float, request: str = "") -> None:
    book.settle([Entry(on, run, product, f"{run}/{attempt}", usd, request)])


@pytest.mark.parametrize("limits", [Limits(run=0.10), Limits(day=0.10), Limits(product=0.10)])
def test_a_request_that_would_pass_a_limit_is_refused_and_sets_nothing_aside(book: SpendingBook, limits: Limits):
    reserve(book, "run", "duck", "a#1", 0.05, limits)
    reserve(book, "run", "duck", "b#1", 0.05, limits)  # to the last cent, though 0.05 is no exact float
    with pytest.raises(BudgetExceeded, match=r"\$0\.10 is spent or set aside.*raise the limit and resume") as refusal:
        reserve(book, "run", "duck", "c#1", 0.01, limits)
    assert refusal.value.exit_status == 3
    assert [entry.attempt for entry in book.entries()] == ["run/a#1", "run/b#1"]


def test_each_limit_looks_at_its_own_sum(book: SpendingBook):
    reserve(book, "other run", "other product", "a#1", 0.50, Limits())
    reserve(book, "run", "duck", "a#1", 0.10, Limits(run=0.10, product=0.10, day=0.60))
    with pytest.raises(BudgetExceeded, match="the day's limit"):
        reserve(book, "third", "third", "a#1", 0.01, Limits(run=1.0, product=1.0, day=0.60))
    with pytest.raises(BudgetExceeded, match="the product's limit"):
        reserve(book, "third", "duck", "a#1", 0.01, Limits(product=0.10))


def test_retries_count_and_the_same_attempt_counts_once(book: SpendingBook):
    limits = Limits(run=0.10)
    reserve(book, "run", "duck", "a#1", 0.05, limits)
    reserve(book, "run", "duck", "a#1", 0.05, limits)  # a crash came between this and the journal's line
    reserve(book, "run", "duck", "a#2", 0.05, limits)
    with pytest.raises(BudgetExceeded):
        reserve(book, "run", "duck", "a#3", 0.05, limits)


def test_what_was_not_billed_is_free_again_and_a_higher_bill_counts(book: SpendingBook):
    limits = Limits(run=0.10)
    reserve(book, "run", "duck", "a#1", 0.10, limits)
    settle(book, "run", "duck", "a#1", day(0), 0.0)
    reserve(book, "run", "duck", "b#1", 0.04, limits)
    settle(book, "run", "duck", "b#1", day(0), 0.08)
    with pytest.raises(BudgetExceeded):
        reserve(book, "run", "duck", "c#1", 0.04, limits)


def test_yesterday_does_not_count_today_and_a_late_bill_belongs_to_the_day_of_its_request(book: SpendingBook):
    settle(book, "r", "d", "a#1", day(-1), 5.0)
    settle(book, "r", "d", "a#1", day(0), 6.0)
    reserve(book, "r2", "d", "b#1", 1.0, Limits(day=1.0))
    assert {entry.attempt: entry.day for entry in book.entries()} == {"r/a#1": day(-1), "r2/b#1": day(0)}


def test_a_clock_that_was_set_back_does_not_open_the_purse_again(book: SpendingBook):
    spent(book, 0.9, on=day(+1))
    with pytest.raises(BudgetExceeded):
        reserve(book, "run", "duck", "a#1", 0.2, Limits(day=1.0))


def test_two_processes_cannot_both_have_the_last_dollar(tmp_path: Path):
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(tmp_path), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in ("one", "two", "three")
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    got = [int(racer.communicate(timeout=60)[0]) for racer in racers]
    assert sum(got) == 10
    assert round(sum(entry.usd for entry in SpendingBook(tmp_path).entries()), 6) == 1.0


def test_the_book_of_another_machine_is_taken_over_on_the_day_of_the_purchase(book: SpendingBook):
    settle(book, "moved here", "duck", "a#1", day(-3), 0.7)
    with pytest.raises(BudgetExceeded):
        reserve(book, "moved here", "duck", "b#1", 0.4, Limits(run=1.0))
    reserve(book, "moved here", "duck", "b#1", 0.4, Limits(day=0.4))


def test_settling_what_is_known_writes_nothing(book: SpendingBook):
    reserve(book, "run", "duck", "a#1", 0.05, Limits())
    for _ in range(3):
        settle(book, "run", "duck", "a#1", day(0), 0.05)
    assert len(read_lines(book.path)) == 1


def test_lines_of_an_early_version_count_by_their_run_and_purchase(book: SpendingBook):
    append_line(book.path, {"day": day(0), "run": "r", "product": "d", "purchase": "a#1", "usd": 0.5})
    append_line(book.path, {"day": day(0), "run": "r", "product": "d", "purchase": "a#1", "usd": 0.6})
    assert [(entry.attempt, entry.usd) for entry in book.entries()] == [("r:a#1", 0.6)]


def test_a_request_belongs_to_one_attempt_and_its_bill_does_not_take_it_away(book: SpendingBook):
    settle(book, "run", "duck", "a#1", day(0), 0.05, request="r1")
    settle(book, "run", "duck", "a#1", day(0), 0.04)
    assert book.requests() == {"r1": "run/a#1"}


def test_an_intention_that_passes_a_limit_is_not_even_written_down(book: SpendingBook):
    written: list[str] = []
    entry = Entry(local_day(), "run", "duck", "a", 0.2)
    with pytest.raises(BudgetExceeded):
        book.reserve(entry, Limits(day=0.1), set, lambda: written.append("a"))
    assert written == []
    book.reserve(entry, Limits(day=0.2), set, lambda: written.append(str(len(book.entries()))))
    assert written == ["0"]  # before its reservation: a crash between the two leaves nothing that nobody would release


def test_torn_and_foreign_lines_are_passed_over(book: SpendingBook):
    spent(book, 0.9, on=day(0))
    with book.path.open("ab") as file:
        file.write(json.dumps({"day": day(0), "run": "r", "usd": "nothing"}).encode() + b'\n{"day": "20')
    with pytest.raises(BudgetExceeded):
        reserve(book, "run", "duck", "a#1", 0.2, Limits(day=1.0))
    reserve(book, "run", "duck", "b#1", 0.1, Limits(day=1.0))


def test_a_book_that_cannot_be_written_stops_before_spending(tmp_path: Path):
    (tmp_path / "state").write_bytes(b"a file where the folder should be")
    book = SpendingBook(tmp_path / "state")
    with pytest.raises(RunFolderError, match="can't be written"):
        reserve(book, "run", "duck", "a#1", 0.05, Limits())
    with pytest.raises(RunFolderError, match="what was spent.*can't be written.*CONSISTENCY_STATE_FOLDER"):
        book.check()


def test_a_state_folder_that_is_missing_is_made(tmp_path: Path):
    book = SpendingBook(tmp_path / "not" / "yet")
    book.check()
    reserve(book, "run", "duck", "a#1", 0.05, Limits())
    assert [entry.usd for entry in book.entries()] == [0.05]


def test_a_full_disk_stops_before_spending(book: SpendingBook, monkeypatch: pytest.MonkeyPatch):
    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunFolderError, match="No space left"):
        reserve(book, "run", "duck", "a#1", 0.05, Limits())
    monkeypatch.undo()
    assert book.entries() == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))
    with pytest.raises(RunFolderError, match="what was spent.*free some space"):
        book.check()


def test_a_drive_that_cannot_lock_files_keeps_no_book(book: SpendingBook, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(file_lock, "try_lock", refuse)
    for attempt in (book.check, lambda: reserve(book, "run", "duck", "a#1", 0.05, Limits())):
        with pytest.raises(RunFolderError, match="can't be locked.*No locks available"):
            attempt()


def test_a_process_that_hangs_with_the_book_stops_nobody_for_ever(book: SpendingBook, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(file_lock, "try_lock", lambda *_, **__: False)
    with pytest.raises(RunFolderError, match="kept locked by another process"), disk.locked(book.path, patience=0.0):
        pass


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch):
    def nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("CONSISTENCY_STATE_FOLDER", "XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", nobody)
    with pytest.raises(RunFolderError, match="set CONSISTENCY_STATE_FOLDER"):
        SpendingBook()


def test_the_day_is_the_local_one(monkeypatch: pytest.MonkeyPatch):
    import time

    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        assert local_day("2026-03-01T20:00:00+00:00") == "2026-03-02"
        assert local_day("not a moment") == datetime.now().astimezone().date().isoformat()
    finally:
        monkeypatch.undo()
        time.tzset()


def test_the_book_lies_where_every_blender_of_the_user_finds_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("CONSISTENCY_STATE_FOLDER", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert spending.state_folder() == tmp_path / "consistency-pipeline"
