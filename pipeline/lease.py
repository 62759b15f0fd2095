"""One worker at a time on a run folder: a file that says who, where, and until when."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from pathlib import Path

from .disk import locked, write_json
from .errors import RunFolderError, RunInUse
from .processes import birth, is_alive

LIFETIME = 15 * 60.0  # seconds; counts only for other machines, where a process can't be looked up
RENEW_EVERY = 20.0  # seconds


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
        holder = self._written()
        if holder is None or holder.get("host") == socket.gethostname():
            pid = holder.get("pid") if holder else None
            alive = isinstance(pid, int) and is_alive(pid) and holder is not None and holder.get("birth") == birth(pid)
            return holder if alive else None
        expires = holder.get("expires")
        # A clock that jumped back must not make a lease eternal: nothing expires later than one lifetime from now.
        live = isinstance(expires, (int, float)) and time.time() < expires <= time.time() + 2 * LIFETIME
        return holder if live else None

    def _written(self) -> dict[str, object] | None:
        try:
            holder = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return holder if isinstance(holder, dict) else None

    def acquire(self) -> None:
        """Raises RunInUse when another process holds it, RunFolderError when the folder can't be written."""
        with self._locked():
            self.check()
            self._write()
        self._held = True

    def check(self) -> None:
        """Raises RunInUse when another process holds it: then nothing in the folder is to be changed."""
        holder = self.holder()
        if holder is not None and not _is_ours(holder):
            raise RunInUse(
                f"this run is being worked on by process {holder.get('pid')} on {holder.get('host')} "
                f"({holder.get('role')}); wait for it or stop it, then try again"
            )

    def _locked(self) -> contextlib.AbstractContextManager[None]:
        return locked(self.path.with_suffix(".lock"))

    def _write(self) -> None:
        pid = os.getpid()
        write_json(
            self.path,
            {"host": socket.gethostname(), "pid": pid, "birth": birth(pid), "role": self.role, "expires": time.time() + LIFETIME},
        )  # fmt: skip
        self._renewed = time.monotonic()

    def renew(self) -> None:
        """Cheap enough to call at every step: writes only when it is time.

        Raises RunInUse where another machine has taken over, because this one slept or lost the drive for too long.
        """
        if not self._held or time.monotonic() - self._renewed <= RENEW_EVERY:
            return
        with self._locked():
            holder = self._written()
            if holder is not None and not _is_ours(holder):
                self._held = False
                raise RunInUse(
                    f"this run has been taken over by process {holder.get('pid')} on {holder.get('host')}, since this "
                    "one was not heard of for too long; wait for it, then resume"
                )
            self._write()

    def release(self) -> None:
        if not self._held:
            return
        self._held = False
        with contextlib.suppress(OSError, RunFolderError), self._locked():
            if _is_ours(self._written() or {}):
                self.path.unlink(missing_ok=True)  # the .lock stays: removing it would let two processes lock two files


def _is_ours(holder: dict[str, object]) -> bool:
    return (holder.get("host"), holder.get("pid")) == (socket.gethostname(), os.getpid())
