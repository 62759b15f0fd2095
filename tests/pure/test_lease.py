"""Two Blenders or two shells on one run folder: only one of them works on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from consistency_pipeline.pipeline import lease as leases
from consistency_pipeline.pipeline.errors import RunFolderError, RunInUse
from consistency_pipeline.pipeline.lease import LIFETIME, Lease

HOLD = """
import sys, time
from pathlib import Path
from consistency_pipeline.pipeline.lease import Lease
Lease(Path(sys.argv[1]), "other run").acquire()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".run.lease"


@pytest.fixture
def other(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process of this machine that holds the lease."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def written(path: Path, **facts: object) -> None:
    path.write_text(json.dumps({"host": "elsewhere", "pid": 1, "birth": "", "role": "run", "expires": 0, **facts}))


def test_a_second_process_is_told_who_is_at_work(path: Path, other: subprocess.Popen[str]):
    with pytest.raises(RunInUse, match=rf"process {other.pid} .*\(other run\).*then try again") as refusal:
        Lease(path, "mine").acquire()
    assert refusal.value.exit_status == 75


def test_a_killed_holder_is_followed_at_once(path: Path, other: subprocess.Popen[str]):
    other.kill()
    other.wait(10)
    Lease(path, "mine").acquire()
    assert json.loads(path.read_text())["pid"] == os.getpid()


def test_a_process_that_only_inherited_the_number_holds_nothing(path: Path, other: subprocess.Popen[str]):
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, "birth": "another life"}))
    Lease(path, "mine").acquire()


def test_a_zombie_holds_nothing(path: Path, other: subprocess.Popen[str]):
    os.kill(other.pid, 9)
    deadline = time.monotonic() + 10
    while Lease(path, "mine").holder() is not None:  # not reaped yet: its number is still taken
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("expires_in", "is_held"), [(LIFETIME - 60, True), (-1, False), (10 * LIFETIME, False), (1e12, False)]
)
def test_another_machine_holds_it_until_it_expires_and_never_for_ever(path: Path, expires_in: float, is_held: bool):
    written(path, expires=time.time() + expires_in)
    mine = Lease(path, "mine")
    if is_held:
        with pytest.raises(RunInUse):
            mine.acquire()
    else:
        mine.acquire()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"host": 1}', '{"pid": "x"}'])
def test_a_damaged_lease_holds_nobody_up(path: Path, text: str):
    path.write_text(text)
    Lease(path, "mine").acquire()


def test_a_holder_that_was_taken_over_notices_and_keeps_its_hands_off(path: Path, monkeypatch: pytest.MonkeyPatch):
    mine = Lease(path, "mine")
    mine.acquire()
    written(path, expires=time.time() + LIFETIME)
    monkeypatch.setattr(leases, "RENEW_EVERY", -1.0)
    with pytest.raises(RunInUse, match="taken over"):
        mine.renew()
    mine.release()
    assert json.loads(path.read_text())["host"] == "elsewhere"


def test_renewing_and_releasing(path: Path, monkeypatch: pytest.MonkeyPatch):
    mine = Lease(path, "mine")
    mine.acquire()
    first = json.loads(path.read_text())["expires"]
    monkeypatch.setattr(leases, "RENEW_EVERY", -1.0)
    mine.renew()
    assert json.loads(path.read_text())["expires"] > first
    mine.release()
    assert not path.exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RunFolderError, match="can't be written"):
        Lease(tmp_path / "file" / ".run.lease", "mine").acquire()
