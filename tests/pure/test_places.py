# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""No more requests at fal.ai at a time than was said, over all processes of the machine, whatever becomes of them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from consistency_pipeline.fal_backend.buying.places import Places
from consistency_pipeline.pipeline.errors import Cancelled, TryAgainLater
from tests.fake_fal import FakeFal

from .catalogues import write_table
from .shop import until

ROOT = Path(__file__).resolve().parents[2]
DRIVER = [sys.executable, str(ROOT / "benchmarks" / "catalogue_driver.py"), "catalogue"]
HOLDER = """
import sys, threading, time
from consistency_pipeline.fal_backend.buying.places import Places
count, times, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
for _ in range(times):
    with Places(count).one(lambda *_: None, threading.Event(), threading.Event()):
        began = time.time()
        print("has it", began, flush=True)
        time.sleep(seconds)
        print("lets go", began, time.time(), flush=True)
"""


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("CONSISTENCY_STATE_FOLDER", str(tmp_path / "state"))
    return tmp_path / "state"


def holder(count: int, times: int, seconds: float) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", HOLDER, str(count), str(times), str(seconds)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=dict(os.environ))


def most_at_once(spans: Iterable[tuple[float, float]]) -> int:
    """Of (begin, end) in seconds: how many there are at the fullest moment."""
    spans = list(spans)
    return max(sum(begin <= at < end for begin, end in spans) for at, _ in spans)


def test_processes_share_the_places_and_all_of_them_are_used(state):
    processes = [holder(2, 4, 0.15) for _ in range(3)]
    lines = [line.split() for process in processes for line in process.communicate(timeout=60)[0].splitlines()]
    spans = [(float(words[2]), float(words[3])) for words in lines if words[0] == "lets"]
    assert len(spans) == 12
    assert most_at_once(spans) == 2


def test_the_place_of_a_process_that_was_killed_is_free_again(state):
    process = holder(1, 1, 60.0)
    assert process.stdout is not None
    with process, process.stdout:
        assert process.stdout.readline().startswith("has it")
        threading.Timer(0.3, process.kill).start()
        began = time.monotonic()
        with Places(1).one(lambda *_: None, threading.Event(), threading.Event()):
            assert time.monotonic() - began < 30


def test_whoever_waits_says_so_once_and_can_be_told_to_stop(state):
    said: list[str] = []
    cancel, leaving = threading.Event(), threading.Event()
    with contextlib.ExitStack() as held:
        held.enter_context(Places(1).one(lambda *_: None, cancel, leaving))
        threading.Timer(0.5, cancel.set).start()
        with (
            pytest.raises(Cancelled),
            Places(1).one(lambda _state, text: said.append(text), cancel, threading.Event()),
        ):
            pass
        leaving.set()
        with pytest.raises(TryAgainLater), Places(1).one(lambda *_: None, threading.Event(), leaving):
            pass
        with Places(None).one(lambda *_: None, cancel, leaving):  # no limit: nothing to wait for
            pass
    assert said == ["waiting for one of 1 places at fal.ai"]


def catalogue(place: Path, fake: FakeFal, row: int) -> subprocess.Popen[bytes]:
    """One row of three stills, in a process of its own, of which two may be at fal.ai at a time."""
    table = write_table(place, 2, "angles,motion", "front|side|top,none")
    words = ["--out", str(place / "out"), "--yes", "--backend", "fal", "--concurrency", "2", "--rows", str(row)]
    environment = {**os.environ, **fake.environment()}
    return subprocess.Popen([*DRIVER, str(table), *words], env=environment, stderr=subprocess.DEVNULL)


def spans_of(fake: FakeFal) -> list[tuple[float, float]]:
    return [(entry.submitted_at, entry.finished_at or float("inf")) for entry in fake.books]


@pytest.mark.by_turns
def test_two_catalogues_hold_fal_to_what_was_said(state, tmp_path):
    with FakeFal(latency=0.5) as fake:
        running = [catalogue(tmp_path, fake, row) for row in range(2)]
        assert [process.wait(timeout=120) for process in running] == [0, 0]
        spans = spans_of(fake)
    assert len(spans) == 6
    assert most_at_once(spans) == 2  # each would have had three by itself


@pytest.mark.by_turns
@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("with_child", [True, False], ids=["with its child", "alone"])
def test_a_catalogue_that_is_killed_with_all_places_leaves_them_to_another(state, tmp_path, with_child):
    waits = "waiting for one of 2 places"
    with FakeFal(latency=3600.0) as fake:
        first = catalogue(tmp_path, fake, 0)
        until(lambda: len(fake.books) == 2 and waits in (tmp_path / "out/P-0/log.txt").read_text())
        second = catalogue(tmp_path, fake, 1)
        log = tmp_path / "out" / "P-1" / "log.txt"
        until(lambda: log.is_file() and log.read_text().count(waits) == 3)
        assert len(fake.books) == 2
        fake.latency = 0.5
        child = json.loads((tmp_path / "out/P-0/.purchases.lease").read_text())["pid"]
        for pid in (first.pid, child) if with_child else (first.pid,):
            os.kill(pid, signal.SIGKILL)
        assert first.wait(timeout=30) == -signal.SIGKILL
        if not with_child:  # it keeps the places, since what it waits for is at fal.ai still
            leaving = threading.Event()
            leaving.set()
            with pytest.raises(TryAgainLater), Places(2).one(lambda *_: None, threading.Event(), leaving):
                pass
            fake.clock.advance(3600.0)
        assert second.wait(timeout=120) == 0
        left, own = spans_of(fake)[:2], spans_of(fake)[2:]
    assert len(own) == 3
    assert most_at_once(own) == 2
    if with_child:  # nobody knows any more what it had at fal.ai, where the two go on
        assert [end for _, end in left] == [float("inf")] * 2
    else:
        assert most_at_once([*left, *own]) == 2
