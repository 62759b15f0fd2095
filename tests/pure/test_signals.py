# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a signal does to the program and to its child: a run ends in order, and nothing that is paid for is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from consistency_pipeline.fal_backend.backend import FalBackend
from consistency_pipeline.pipeline.backend.requests import Event
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from tests.fake_fal import API_KEY, FakeFal

from .shop import PATIENCE, agrees, buy_one, kinds, purchases, stills, until

pytestmark = [pytest.mark.by_turns, pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")]

STILL = "photoreal/front/take-01"


@pytest.fixture(autouse=True)
def own_terminal() -> Iterator[None]:
    """Tests that are started with nohup hand its deafness on to every program that they start."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


# the child alone


@pytest.fixture
def backend(folder: RunFolder, fake: FakeFal) -> Iterator[FalBackend]:
    backend = FalBackend(folder, API_KEY)
    yield backend
    backend.close()


def begin(backend: FalBackend, folder: RunFolder) -> None:
    backend.start(stills(folder)[0])
    until(lambda: "submitted" in kinds(folder))


def ends(backend: FalBackend) -> list[Event]:
    ended: list[Event] = []
    until(lambda: ended.extend(event for event in backend.poll(0.1) if event.ends) or not backend.in_flight)
    return ended


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_child_that_is_to_end_saves_what_is_in_flight_and_sends_nothing_new(
    folder: RunFolder, fake: FakeFal, backend: FalBackend, number: int
):
    fake.latency = 0.5
    begin(backend, folder)
    os.kill(backend._connection.pid, number)
    time.sleep(0.1)
    backend.start(stills(folder, "side")[0])
    told = {event.key: event for event in ends(backend)}
    assert told[STILL].kind == "done"
    assert "resume" in told["photoreal/side/take-01"].text
    until(lambda: backend.poll(0.1) or backend._connection.ended)  # by itself: nobody closed its orders
    assert len(fake.of("submit")) == 1
    agrees(folder, fake)
    assert not (folder.root / ".purchases.lease").exists()
    assert buy_one(folder, stills(folder, "side")[0]).kind == "done"


def test_a_child_that_is_to_end_can_still_be_told_to_cancel(folder: RunFolder, fake: FakeFal, backend: FalBackend):
    fake.queue_wait = 60.0
    begin(backend, folder)
    os.kill(backend._connection.pid, signal.SIGTERM)
    time.sleep(0.1)
    backend.cancel()
    [event] = ends(backend)
    assert "not billed" in event.text
    assert fake.wait().billed == []


def test_ctrl_c_is_not_the_childs_to_answer(folder: RunFolder, fake: FakeFal, backend: FalBackend):
    fake.latency = 0.5
    begin(backend, folder)
    os.kill(backend._connection.pid, signal.SIGINT)
    time.sleep(0.1)
    backend.start(stills(folder, "side")[0])
    assert {event.kind for event in ends(backend)} == {"done"}
    agrees(folder, fake)


# the program, as a terminal runs it

PROGRAM = """
import sys
from pathlib import Path
from consistency_pipeline.fal_backend.backend import FalBackend
from consistency_pipeline.pipeline import chain
from consistency_pipeline.pipeline.errors import Cancelled
from consistency_pipeline.pipeline.run.run_folder import RunFolder
from consistency_pipeline.pipeline.terminal import Stop, run_to_end
from tests.fake_fal import API_KEY
from tests.pure.stand_in import StandInStudio
folder, stop = RunFolder.open(Path(sys.argv[1])), Stop()
backend = FalBackend(folder, API_KEY)
try:
    run_to_end(chain.run(folder, StandInStudio(), backend, wait=0.02), backend, stop, folder.root)
except Cancelled:
    sys.exit(130)
finally:
    backend.close()
"""


def start(folder: RunFolder, prefix: str = "", **options: Any) -> subprocess.Popen[bytes]:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", prefix + PROGRAM, str(folder.root)]
    return subprocess.Popen(command, cwd=root, start_new_session=True, **options)


@pytest.fixture
def words(fake: FakeFal, tmp_path: Path) -> RunFolder:
    """A run whose first request stands in fal's queue for a long time."""
    from consistency_pipeline.pipeline.settings.groups import RunSettings

    fake.queue_wait = 300.0
    return RunFolder.create(tmp_path / "words", RunSettings(text="a duck", backend="fal", size=64), {})


@pytest.mark.parametrize(
    ("number", "whole_group"), [(signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGHUP, True)]
)
def test_the_program_cancels_in_order(words: RunFolder, fake: FakeFal, number: int, whole_group: bool):
    with start(words, stderr=subprocess.PIPE) as program:
        until(lambda: "state" in kinds(words))
        (os.killpg if whole_group else os.kill)(program.pid, number)
        said = program.communicate(timeout=PATIENCE)[1].decode()
    assert program.returncode == 130
    assert "removed from fal's queue; not billed" in said
    assert fake.wait().billed == []
    assert purchases(words).committed_usd == 0.0


def test_a_terminal_that_has_gone_does_not_hinder_it(words: RunFolder, fake: FakeFal):
    """As where ``| tee`` ends with the same Ctrl-C: the next word finds nobody to read it."""
    with start(words, stderr=subprocess.PIPE) as program:
        until(lambda: "state" in kinds(words))
        assert program.stderr is not None
        program.stderr.close()
        os.kill(program.pid, signal.SIGHUP)
        assert program.wait(PATIENCE) == 130
    assert len(fake.of("cancel")) == 1
    assert fake.wait().billed == []


def test_nohup_outlives_its_terminal(words: RunFolder, fake: FakeFal):
    ignoring = "import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
    with start(words, ignoring, stderr=subprocess.DEVNULL) as program:
        until(lambda: "state" in kinds(words))
        os.killpg(program.pid, signal.SIGHUP)
        time.sleep(0.3)
        fake.queue_wait = 0.0
        fake.advance(1000)
        assert program.wait(PATIENCE) == 0
    assert words.report.is_file()
