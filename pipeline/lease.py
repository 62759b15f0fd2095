"""One worker at a time on a run folder: a file that says who, where, and until when."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from pathlib import Path

from .disk import locked, write_json
from .errors import RunFolderError, RunInUse

LIFETIME = 15 * 60.0  # seconds; counts only for other machines, where a process can't be looked up
RENEW_EVERY = 20.0  # seconds


def process_is_alive(pid: int) -> bool:
    """Whether a process of this machine still runs."""
    if sys.platform == "win32":
        import ctypes

        still_active, query_limited_information = 259, 0x1000
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(query_limited_information, False, pid)
        if not handle:
            return False
        code = ctypes.c_ulong()
        kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        kernel.CloseHandle(handle)
        return code.value == still_active
    with contextlib.suppress(OSError):  # a zombie has ended, though its number is still taken
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
        return state not in "ZX"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _birth(pid: int) -> str:
    """Something that differs between two processes that had the same number; empty where the system doesn't tell."""
    with contextlib.suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[19]
    return ""


class Lease:
    """Held by one process; taken over only when its holder is gone.

    On this machine the holder is gone when its process is; from another machine, when it has not renewed in time.
    """

    def __init__(self, path: Path, role: str) -> None:
        self.path = path
        self.role = role
        self._renewed = 0.0
        self._held = False

    def holder(self) -> dict[str, object] | None:
        """Who holds the lease now, None when nobody does."""
        try:
            holder = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(holder, dict):
            return None
        if holder.get("host") == socket.gethostname():
            pid = holder.get("pid")
            alive = isinstance(pid, int) and process_is_alive(pid) and holder.get("birth", "") == _birth(pid)
            return holder if alive else None
        expires = holder.get("expires")
        # A clock that jumped back must not make a lease eternal: nothing expires later than one lifetime from now.
        live = isinstance(expires, (int, float)) and time.time() < expires <= time.time() + 2 * LIFETIME
        return holder if live else None

    def acquire(self) -> None:
        """Raises RunInUse when another process holds it, RunFolderError when the folder can't be written."""
        try:
            with locked(self.path.with_suffix(".lock")):
                holder = self.holder()
                if holder is not None and (holder.get("host"), holder.get("pid")) != (
                    socket.gethostname(),
                    os.getpid(),
                ):
                    raise RunInUse(
                        f"this run is being worked on by process {holder.get('pid')} on {holder.get('host')} "
                        f"({holder.get('role')}); wait for it or stop it, then try again"
                    )
                self._write()
        except OSError as error:
            raise RunFolderError(f"{self.path.parent} can't be written ({error.strerror or error}); check its permissions or choose another folder") from error  # fmt: skip
        self._held = True

    def _write(self) -> None:
        pid = os.getpid()
        write_json(
            self.path,
            {"host": socket.gethostname(), "pid": pid, "birth": _birth(pid), "role": self.role, "expires": time.time() + LIFETIME},
        )  # fmt: skip
        self._renewed = time.monotonic()

    def renew(self) -> None:
        """Cheap enough to call at every step: writes only when it is time."""
        if self._held and time.monotonic() - self._renewed > RENEW_EVERY:
            self._write()

    def release(self) -> None:
        if self._held:
            self._held = False
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)  # the .lock stays: removing it would let two processes lock two files
