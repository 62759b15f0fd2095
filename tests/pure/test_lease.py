# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two Blenders or two shells on one run folder: only one of them works on it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from consistency_pipeline.pipeline.errors import RunFolderError, RunInUse
from consistency_pipeline.pipeline.run import lease as leases
from consistency_pipeline.pipeline.run.lease import LIFETIME, Lease
from consistency_pipeline.pipeline.system import file_lock
from consistency_pipeline.pipeline.system.processes import machine

HOLD = """
import sys, time
from pathlib import Path
from consistency_pipeline.pipeline.run.lease import Lease
Lease(Path(sys.argv[1]), "other run").acquire()
print("held", flush=True)
time.sleep(60)
"""
TRY = """
import sys
from pathlib import Path
from consistency_pipeline.pipeline.run.lease import Lease
try:
    Lease(Path(sys.argv[1]), "other run").acquire()
    print("held")
except Exception as error:
    print(type(error).__name__)
"""


@pytest.fixture(autouse=True)
def _held_by_nobody() -> Iterator[None]:
    yield
    leases._forget()  # what a test took for the life of its process


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
    path.write_text(json.dumps({"id": "theirs", "host": "elsewhere", "pid": 1, "birth": "", "role": "run", **facts}))


def aged(path: Path, seconds: float) -> None:
    """As if the lease had been renewed so long ago by the drive's time."""
    now = path.stat().st_mtime
    os.utime(path, (now - seconds, now - seconds))


def try_it(path: Path, *before: str) -> str:
    """What a process of its own gets to hear when it takes the lease."""
    command = [*before, sys.executable, "-c", TRY, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def is_permitted(*command: str) -> bool:
    return bool(shutil.which(command[0])) and subprocess.run([*command, "true"], check=False).returncode == 0


def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(file_lock, "try_lock", refuse)
    monkeypatch.setattr(leases, "SETTLING", 0.0)


def test_a_second_process_is_told_who_is_at_work(path: Path, other: subprocess.Popen[str]):
    for attempt in (Lease(path, "mine").check, Lease(path, "mine").acquire):
        with pytest.raises(RunInUse, match=rf"process {other.pid} .*\(other run\).*then try again") as refusal:
            attempt()
        assert refusal.value.exit_status == 75


def test_a_killed_holder_is_followed_at_once(path: Path, other: subprocess.Popen[str]):
    other.kill()
    other.wait(10)
    Lease(path, "mine").check()
    Lease(path, "mine").acquire()
    assert json.loads(path.read_text())["pid"] == os.getpid()


def test_a_killed_holder_is_followed_at_once_under_another_host_name(
    path: Path, other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
):
    other.kill()
    other.wait(10)
    monkeypatch.setattr(socket, "gethostname", lambda: "renamed")
    Lease(path, "mine").acquire()


def test_a_changed_host_name_takes_nothing_away(
    path: Path, other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(socket, "gethostname", lambda: "renamed")
    with pytest.raises(RunInUse):
        Lease(path, "mine").acquire()


def test_a_holder_goes_on_under_a_changed_host_name(path: Path, monkeypatch: pytest.MonkeyPatch):
    mine = Lease(path, "mine")
    mine.acquire()
    monkeypatch.setattr(socket, "gethostname", lambda: "renamed")
    monkeypatch.setattr(leases, "RENEW_EVERY", -1.0)
    mine.renew()
    mine.check()
    mine.release()
    assert not path.exists()


@pytest.mark.parametrize("minutes", [-16, 16, -1e6, 1e6])
def test_a_clock_that_is_off_takes_nothing_over(
    path: Path, other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch, minutes: float
):
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + minutes * 60)
    aged(path, minutes * 60)
    with pytest.raises(RunInUse):
        Lease(path, "mine").acquire()


def test_a_frozen_holder_keeps_it_however_long(path: Path, other: subprocess.Popen[str]):
    os.kill(other.pid, signal.SIGSTOP)
    aged(path, 100 * LIFETIME)
    with pytest.raises(RunInUse):
        Lease(path, "mine").acquire()


def test_a_process_that_holds_it_keeps_it_though_the_lease_is_lost_or_damaged(path: Path, other: subprocess.Popen[str]):
    path.write_text("{")
    with pytest.raises(RunInUse, match="another process"):
        Lease(path, "mine").acquire()
    path.unlink()
    with pytest.raises(RunInUse, match="another process"):
        Lease(path, "mine").check()


@pytest.mark.parametrize("apart", [("--pid", "--fork"), ("--uts",), ("--pid", "--fork", "--uts", "--ipc", "--net")])
def test_another_container_with_the_same_or_another_host_name_takes_nothing_over(path: Path, apart: tuple[str, ...]):
    unshare = ("unshare", "--user", "--map-root-user", *apart, "--kill-child")
    if not is_permitted(*unshare):
        pytest.skip("this machine lets nobody make namespaces")
    renamed = (*unshare, "sh", "-c", 'hostname elsewhere 2>/dev/null; exec "$0" "$@"') if "--uts" in apart else unshare
    mine = Lease(path, "mine")
    mine.acquire()
    assert try_it(path, *renamed) == "RunInUse"
    mine.release()
    with subprocess.Popen([*renamed, sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as held:
        assert held.stdout is not None
        assert held.stdout.readline() == "held\n"
        assert try_it(path) == try_it(path, *renamed) == "RunInUse"
        held.kill()  # and with it its container
    until_free(path)


def until_free(path: Path) -> None:
    """A container's processes are ended just after the one that made it."""
    deadline = time.monotonic() + 10
    while try_it(path) != "held":
        assert time.monotonic() < deadline


def test_what_a_holder_starts_does_not_keep_it(path: Path):
    """Neither what it runs nor what it forks: a dead run would stay locked by what it left behind."""
    start = "import subprocess, os\nsleeper = subprocess.Popen(['sleep', '60'])\n"
    fork = "forked = os.fork() or os.execvp('sleep', ['sleep', '60'])\n"
    script = HOLD.replace('print("held"', f'{start}{fork}print(sleeper.pid, forked, "held"')
    with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        *left, held = process.stdout.readline().split()
        assert held == "held"
        process.kill()
        process.wait(10)
        try:
            Lease(path, "mine").acquire()
        finally:
            for pid in left:
                os.kill(int(pid), signal.SIGKILL)


def test_a_fork_neither_holds_it_nor_gives_it_back(path: Path):
    mine = Lease(path, "mine")
    mine.acquire()
    child = os.fork()
    if child == 0:
        mine.release()
        try:
            Lease(path, "fork").acquire()
        except RunInUse:
            os._exit(0)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert json.loads(path.read_text())["pid"] == os.getpid()
    assert try_it(path) == "RunInUse"


def test_one_process_shares_it_with_itself(path: Path):
    first, second = Lease(path, "first"), Lease(path.parent / "." / path.name, "second")
    first.acquire()
    second.check()
    second.acquire()
    second.acquire()
    first.release()
    first.release()
    assert try_it(path) == "RunInUse"
    second.release()
    assert not path.exists()
    assert try_it(path) == "held"


@pytest.mark.parametrize(
    ("age", "is_held"), [(0, True), (LIFETIME - 60, True), (LIFETIME + 1, False), (-10 * LIFETIME, False)]
)
def test_another_machine_holds_it_until_it_was_not_heard_of_for_long_and_never_for_ever(
    path: Path, monkeypatch: pytest.MonkeyPatch, age: float, is_held: bool
):
    """Its lock may not be seen here: not every network drive hands locks on."""
    written(path, machine=["another"])
    aged(path, age)
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + 16 * 60)
    mine = Lease(path, "mine")
    if is_held:
        with pytest.raises(RunInUse, match="elsewhere.*free in 1?[0-9] min"):
            mine.check()
        with pytest.raises(RunInUse):
            mine.acquire()
    else:
        mine.check()
        mine.acquire()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"host": 1}', '{"pid": "x"}', '{"id": 3}'])
def test_a_damaged_lease_holds_nobody_up(path: Path, text: str):
    path.write_text(text)
    Lease(path, "mine").acquire()


def test_a_holder_that_was_taken_over_notices_and_keeps_its_hands_off(path: Path, monkeypatch: pytest.MonkeyPatch):
    mine = Lease(path, "mine")
    mine.acquire()
    written(path)
    monkeypatch.setattr(leases, "RENEW_EVERY", -1.0)
    with pytest.raises(RunInUse, match="taken over"):
        mine.renew()
    mine.release()
    assert json.loads(path.read_text())["host"] == "elsewhere"


def test_renewing_and_releasing(path: Path, monkeypatch: pytest.MonkeyPatch):
    mine = Lease(path, "mine")
    mine.acquire()
    aged(path, LIFETIME)
    old = path.stat().st_mtime
    monkeypatch.setattr(leases, "RENEW_EVERY", -1.0)
    mine.renew()
    assert path.stat().st_mtime > old
    mine.release()
    assert not path.exists()
    Lease(path, "next").acquire()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RunFolderError, match="can't be written"):
        Lease(tmp_path / "file" / ".run.lease", "mine").acquire()


class TestWithoutLocks:
    """A drive that has no locks at all: what is written decides."""

    @pytest.fixture(autouse=True)
    def _no_locks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        without_locks(monkeypatch)

    def test_who_is_written_and_alive_keeps_it_and_who_was_killed_does_not(
        self, path: Path, other: subprocess.Popen[str]
    ):
        aged(path, 2 * LIFETIME)
        with pytest.raises(RunInUse):
            Lease(path, "mine").acquire()
        other.kill()
        other.wait(10)
        Lease(path, "mine").acquire()

    def test_a_process_that_only_inherited_the_number_holds_nothing(self, path: Path, other: subprocess.Popen[str]):
        path.write_text(json.dumps({**json.loads(path.read_text()), "birth": "another life"}))
        Lease(path, "mine").acquire()

    @pytest.mark.parametrize(("age", "is_held"), [(LIFETIME - 60, True), (LIFETIME + 1, False)])
    def test_a_container_of_this_machine_is_judged_by_the_drives_time(self, path: Path, age: float, is_held: bool):
        written(path, machine=machine(), namespace="pid:[1]", pid=2**22 + 1)
        aged(path, age)
        if is_held:
            with pytest.raises(RunInUse):
                Lease(path, "mine").acquire()
        else:
            Lease(path, "mine").acquire()

    def test_of_two_that_take_it_at_one_moment_one_gets_it(self, path: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(time, "sleep", lambda _: written(path))  # while this one lets things settle
        with pytest.raises(RunInUse, match="elsewhere"):
            Lease(path, "mine").acquire()

    def test_it_is_shared_renewed_and_released_like_any(self, path: Path, monkeypatch: pytest.MonkeyPatch):
        test_renewing_and_releasing(path, monkeypatch)
