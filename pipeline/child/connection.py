# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parent's end of a child process: start it, send commands, read what it says without ever waiting too long.

Commands and answers are JSON, one to a line, on standard input and output. Lines that are no JSON objects are passed over:
Blender greets whoever starts it.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ..errors import TryAgainLater
from ..json_object import JsonObject

ENTRY_POINT = Path(__file__).with_name("entry_point.py")  # what the child runs
FINISH = {"do": "finish"}  # the line that lets a child leave
TICK = 0.05  # seconds between two looks where a pipe can't be waited on


class Connection:
    """A running child: ``command`` runs ``ENTRY_POINT``, which hands over to ``main`` of the module ``program``.

    ``hello`` is its first line; ``program`` and the parent's module search path are added to it. ``environment``: in place
    of the parent's own.

    Raises TryAgainLater where the process can't be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        program: str,
        hello: JsonObject,
        environment: dict[str, str] | None = None,
    ) -> None:
        _reap()
        flags = 0
        if sys.platform == "win32":
            flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=Path(__file__).parent.anchor,
                start_new_session=True,  # the terminal's Ctrl-C is for the parent, which then cancels in order
                creationflags=flags,
                env=environment,
            )
        except OSError as error:
            name, why = Path(command[0]).name, error.strerror or error
            raise TryAgainLater(f"{name} could not be started as a second process ({why}); try again") from error
        assert self._process.stdout is not None
        self._pipe = self._process.stdout
        if sys.platform != "win32":
            os.set_blocking(self._pipe.fileno(), False)
        self._rest = b""
        self._ended = False
        self.send({**hello, "program": program, "paths": sys.path})

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        """True once the child has left and everything it said has been read."""
        return self._ended

    @property
    def has_left(self) -> bool:
        """True once the process has ended, whether what it said has been read or not."""
        return self._process.poll() is not None

    def send(self, command: JsonObject) -> bool:
        """Send one command; False where nobody is there to take it."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(command).encode() + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            return False
        return True

    def read(self, wait: float = 0.0) -> list[JsonObject]:
        """What the child has said since the last call, blocking up to ``wait`` seconds for the first word."""
        deadline = time.monotonic() + wait
        while not self._pipe.closed:
            messages = self._parse(self._available(max(0.0, deadline - time.monotonic())))
            if messages or self._ended or time.monotonic() >= deadline:
                return messages
        return []

    def _available(self, wait: float) -> bytes:
        if sys.platform == "win32":
            return self._available_on_windows(wait)
        import select

        ready, _, _ = select.select([self._pipe], [], [], wait)
        if not ready:
            return b""
        data = self._pipe.read(1 << 20)
        if data == b"":
            self._end()
        return data or b""

    def _available_on_windows(self, wait: float) -> bytes:
        # A pipe can't be waited on there, and Python 3.11 can't make it non-blocking: ask how much there is.
        import ctypes
        import msvcrt

        handle = msvcrt.get_osfhandle(self._pipe.fileno())  # type: ignore[attr-defined,unused-ignore]
        count = ctypes.c_ulong()
        if not ctypes.windll.kernel32.PeekNamedPipe(handle, None, 0, None, ctypes.byref(count), None):  # type: ignore[attr-defined,unused-ignore]
            self._end()
            return b""
        if count.value == 0:
            time.sleep(min(wait, TICK))
            return b""
        return os.read(self._pipe.fileno(), count.value)

    def _parse(self, data: bytes) -> list[JsonObject]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        messages = []
        for line in lines:
            with contextlib.suppress(ValueError):
                message = json.loads(line)
                if isinstance(message, dict):
                    messages.append(message)
        return messages

    def _end(self) -> None:
        self._ended = True

    def close(self, patience: float = 5.0) -> None:
        """Let the child leave, waiting ``patience`` seconds. It is never killed: it may still save what was paid for."""
        self.send(FINISH)
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience)
        self._pipe.close()
        self._ended = True
        if self._process.poll() is None:
            _still_at_work.append(self._process)

    def kill(self) -> None:
        """End a child that saves nothing of value, at once."""
        self._process.kill()
        self.close()


# Children that go on without us, which is the promise, until they have left and can be forgotten.
_still_at_work: list[subprocess.Popen[bytes]] = []


def _reap() -> None:
    _still_at_work[:] = [process for process in _still_at_work if process.poll() is None]


@atexit.register
def _let_go() -> None:
    for process in _still_at_work:
        process.returncode = 0  # Popen would warn about each when it is collected
