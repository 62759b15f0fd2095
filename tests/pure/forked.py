# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backend's child as a real process that is quick to start and can be killed at a chosen moment.

A ``Nursery`` is a process with everything imported, that forks a child in milliseconds, with its pauses shortened. A
kill is SIGKILL, sent by the process to itself at its n-th effect on the world: a line synced, a file renamed, a request
sent.
"""

from __future__ import annotations

import gc
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import httpx
import pytest
import requests

from consistency_pipeline.fal_backend.buying import patience
from consistency_pipeline.fal_backend.child import program
from consistency_pipeline.pipeline.child.connection import Connection

from .shop import bring_near

TORN = 7  # bytes that are missing from the end of a line that was being written
# fal_backend.patience in smaller yet: thousands of lives are lived in bad weather.
PATIENCES = {"WEATHER": 0.4, "LOOK": 0.1, "LOOK_UP": (0.02, 0.04, 0.08), "GRACE": 0.5, "LONGEST_PAUSE": 0.1}
LARGEST = 1 << 20  # bytes of an order to the nursery


@dataclass(frozen=True)
class Kill:
    """``effect`` counts from 1. ``torn``: in the middle of writing, where the effect is a line of a journal or book."""

    effect: int
    moment: Literal["before", "after", "torn"]


def available() -> bool:
    return hasattr(os, "fork") and hasattr(socket, "SOCK_SEQPACKET")


class Nursery:
    """The process that forks children. For one thread; use it as a context manager."""

    def __init__(self) -> None:
        self._here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-m", __name__, str(there.fileno())]
        self._process = subprocess.Popen(command, pass_fds=[there.fileno()], cwd=pathlib.Path(__file__).parents[2])
        there.close()
        self._ended: dict[int, int] = {}

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self._here.close()
        self._process.wait(30)

    def bear(self, hello: dict[str, Any], kill: Kill | None, orders: int, words: int) -> int:
        """Fork a child that reads one descriptor and writes the other; its process id."""
        order = {"hello": hello, "environment": dict(os.environ), "kill": kill and asdict(kill)}
        socket.send_fds(self._here, [json.dumps(order).encode()], [orders, words])
        while "born" not in (answer := self._hear(60.0)):
            pass
        return int(answer["born"])

    def wait(self, pid: int, patience: float) -> int | None:
        """How a child has ended: 0, or the negative number of the signal; None where it is still alive."""
        deadline = time.monotonic() + patience
        while pid not in self._ended and (left := deadline - time.monotonic()) > 0:
            self._hear(left)
        return self._ended.get(pid)

    def _hear(self, wait: float) -> dict[str, int]:
        if not select.select([self._here], [], [], wait)[0]:
            return {}
        answer: dict[str, int] = json.loads(self._here.recv(LARGEST))
        if "ended" in answer:
            self._ended[answer["ended"]] = answer["status"]
        return answer


class ForkedChild(Connection):
    """The child's own program behind the same two pipes."""

    def __init__(self, nursery: Nursery, hello: dict[str, Any], kill: Kill | None = None) -> None:
        orders, self._orders = os.pipe()
        pipe, words = os.pipe()
        self._pipe = os.fdopen(pipe, "rb", buffering=0)
        os.set_blocking(pipe, False)
        self._rest, self._ended = b"", False
        self._nursery = nursery
        self._pid = nursery.bear(hello, kill, orders, words)
        os.close(orders)
        os.close(words)

    @property
    def pid(self) -> int:
        return self._pid

    def send(self, order: dict[str, Any]) -> bool:
        try:
            os.write(self._orders, json.dumps(order).encode() + b"\n")
        except OSError:
            return False
        return True

    def let_go(self) -> None:
        """As when this process dies: the child finds its orders at an end, and nobody listens."""
        if not self._pipe.closed:
            os.close(self._orders)
            self._pipe.close()
            self._ended = True

    @property
    def has_left(self) -> bool:
        return self.wait(0.0) is not None

    def wait(self, patience: float) -> int | None:
        return self._nursery.wait(self._pid, patience)

    def kill(self) -> None:
        if self.wait(0.0) is None:
            os.kill(self._pid, signal.SIGKILL)

    def close(self, patience: float = 60.0) -> None:
        self.send({"do": "finish"})
        self.let_go()
        if self.wait(patience) is None:
            self.kill()
            self.wait(patience)


def nurse(here: socket.socket) -> None:
    """The nursery's own loop, in a process without threads: fork on demand, and tell who has ended."""
    httpx.Client().close()  # imports what httpx imports late, once for all children
    gc.freeze()
    woken, wakes = os.pipe()
    for end in (woken, wakes):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready = select.select([here, woken], [], [])[0]
        if woken in ready:
            os.read(woken, 1024)
            while (ended := _ended()) is not None:
                here.send(json.dumps({"ended": ended[0], "status": ended[1]}).encode())
        if here in ready:
            order, files, _, _ = socket.recv_fds(here, LARGEST, 2)
            if not order:
                return
            if (pid := os.fork()) == 0:
                _live(here, json.loads(order), *files)
            here.send(json.dumps({"born": pid}).encode())
            for file in files:
                os.close(file)


def _ended() -> tuple[int, int] | None:
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, os.waitstatus_to_exitcode(status)) if pid else None


def _live(here: socket.socket, order: dict[str, Any], orders: int, words: int) -> None:
    here.close()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        os.environ.clear()
        os.environ.update(order["environment"])
        patch = pytest.MonkeyPatch()
        bring_near(patch)
        for name, seconds in PATIENCES.items():
            patch.setattr(patience, name, seconds)
        patch.setattr("fal_client.client.BASE_DELAY", 0.02, raising=False)
        if order["kill"]:
            _arm(Kill(**order["kill"]))
        with os.fdopen(orders, encoding="utf-8") as incoming, os.fdopen(words, "w", encoding="utf-8") as outgoing:
            program.main(order["hello"], incoming, outgoing)
    finally:
        os._exit(0)


def _arm(kill: Kill) -> None:
    """From now on the process counts its effects, and dies at the one that ``kill`` names."""
    count, lock = 0, threading.Lock()

    def wrap(function: Callable[..., Any], tear: Callable[..., None] = lambda *_: None) -> Callable[..., Any]:
        def effect(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            with lock:
                count += 1
                dies = count == kill.effect
            if dies and kill.moment != "after":
                if kill.moment == "torn":
                    tear(*arguments)
                _die()
            result = function(*arguments, **options)
            if dies:
                _die()
            return result

        return effect

    os.fsync = wrap(os.fsync, _tear)
    pathlib.Path.replace = wrap(pathlib.Path.replace)  # type: ignore[method-assign]
    httpx.HTTPTransport.handle_request = wrap(httpx.HTTPTransport.handle_request)  # type: ignore[method-assign]
    requests.adapters.HTTPAdapter.send = wrap(requests.adapters.HTTPAdapter.send)  # type: ignore[method-assign]


def _tear(file: int) -> None:
    """What was written last is not all there: as when the process dies between two writes, or the drive goes away."""
    if sys.platform == "linux" and str(pathlib.Path(f"/proc/self/fd/{file}").readlink()).endswith(".jsonl"):
        os.ftruncate(file, max(0, os.fstat(file).st_size - TORN))


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    threading.Event().wait()


if __name__ == "__main__":
    nurse(socket.socket(fileno=int(sys.argv[1])))
