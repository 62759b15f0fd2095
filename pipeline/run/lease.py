# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One worker at a time on a run folder.

The operating system's lock on a file beside the lease, held for as long as the work lasts, is what counts: it holds
between containers of one machine and, on most network drives, between machines; a frozen process keeps it, and one that
was killed has none. The lease itself is a file that says who holds it. It decides only where locks can't be relied on,
which is between machines, and on drives that have none; its age is told by the drive's own time, never by a machine's.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import threading
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import RunInUse
from ..sentences import not_writable
from ..system.disk import age as age_of
from ..system.disk import write_json
from ..system.file_lock import lock_within
from ..system.processes import birth, is_alive, machine, namespace

LIFETIME = 15 * 60.0  # seconds without a renewal after which a holder whose lock can't be seen is taken for gone
RENEW_EVERY = 20.0  # seconds
LONGEST_LOOK = 0.25  # seconds in which somebody who only looks whether the lock is free has let go of it again
SETTLING = 0.3  # seconds in which another that took the same lease without a lock has written its name, too


@dataclass
class _Hold:
    """This process's hold on a lease. Several Lease objects of one process share it."""

    id: str
    lock: int | None  # the open, locked file; None where the drive has no locks
    users: int = 0
    renewed: float = 0.0  # by time.monotonic()


@dataclass(frozen=True)
class _Holder:
    """Whom the lease's file names. Another version may have written it, so all but the id may be anything."""

    id: str
    role: object = None
    host: object = None
    pid: object = None
    birth: object = None  # of the process, since numbers are used again
    namespace: object = None  # in which the number holds
    machine: object = None  # names of the machine

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host} ({self.role})"


_holds: dict[str, _Hold] = {}  # by the lock's real path
_guard = threading.RLock()


def _forget() -> None:
    """A forked process holds nothing, and keeps nothing locked when its parent has gone."""
    global _guard
    _guard = threading.RLock()
    for hold in _holds.values():
        _close(hold.lock)
    _holds.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


class Lease:
    """Held by one process for its life; taken over only when its holder is gone."""

    def __init__(self, path: Path, role: str) -> None:
        self.path = path
        self.role = role
        self._lock = path.with_name(f"{path.name}.lock")  # it stays: if removed, two processes could lock two files
        self._hold: _Hold | None = None

    def acquire(self) -> None:
        """Raises RunInUse when another process holds it, RunFolderError when the folder can't be written."""
        with _guard:
            hold = _holds.get(self._key)
            if hold is None:
                hold = self._take()
                _holds[self._key] = hold
            if self._hold is not hold:
                hold.users += 1
            self._hold = hold

    def check(self) -> None:
        """Raises RunInUse when another process holds it: then nothing in the folder is to be changed."""
        with _guard:
            if self._key in _holds:
                return
            lock, has_locks = None, True
            try:
                lock = self._open(os.O_RDWR)
                has_locks = self._try(lock, shared=True)
            except FileNotFoundError:
                pass
            except OSError:
                has_locks = False  # not ours to write: then it is not ours to work on either
            finally:
                _close(lock)
            self._refuse_if_live(has_locks)

    @property
    def is_held_here(self) -> bool:
        """This process holds it, by whichever object."""
        with _guard:
            return self._key in _holds

    def renew(self) -> None:
        """Cheap enough to call at every step: writes only when it is time.

        Raises RunInUse where another machine has taken over, because this one slept or lost the drive for too long.
        """
        with _guard:
            hold = self._hold
            if hold is None or _holds.get(self._key) is not hold or time.monotonic() - hold.renewed <= RENEW_EVERY:
                return
            written = self._written()
            if written is not None and written.id != hold.id:
                self._let_go(hold)
                raise RunInUse(
                    f"this run has been taken over by {written}, since this one was not heard of for too long; "
                    "wait for it, then resume"
                )
            self._write(hold)

    def release(self) -> None:
        with _guard:
            hold, self._hold = self._hold, None
            if hold is None or _holds.get(self._key) is not hold:
                return
            hold.users -= 1
            if hold.users == 0:
                written = self._written()
                if written is not None and written.id == hold.id:
                    with contextlib.suppress(OSError):
                        self.path.unlink()
                self._let_go(hold)

    # the lock

    @property
    def _key(self) -> str:
        return os.path.normcase(os.path.realpath(self._lock))

    def _open(self, flags: int) -> int:
        return os.open(self._lock, flags, 0o666)  # Python lets no child process inherit it (PEP 446)

    def _try(self, lock: int, *, shared: bool = False) -> bool:
        """Lock it; False where the drive has no locks. Raises RunInUse."""
        try:
            is_free = lock_within(lock, LONGEST_LOOK, shared=shared)
        except OSError:
            return False
        if not is_free:
            raise _in_use(self._written())
        return True

    def _take(self) -> _Hold:
        try:
            self._lock.parent.mkdir(parents=True, exist_ok=True)
            lock = self._open(os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise not_writable(self._lock, error) from error
        try:
            has_locks = self._try(lock)
            self._refuse_if_live(has_locks)
            hold = _Hold(secrets.token_hex(16), lock if has_locks else None)
            self._write(hold)
            if not has_locks:
                self._settle(hold)
        except BaseException:
            _close(lock)
            raise
        if not has_locks:
            _close(lock)
        return hold

    def _settle(self, hold: _Hold) -> None:
        """Where two take the lease at one moment and nothing can be locked, the one who wrote last has it."""
        time.sleep(SETTLING)
        written = self._written()
        if written is None or written.id != hold.id:
            raise _in_use(written)

    def _let_go(self, hold: _Hold) -> None:
        _holds.pop(self._key, None)
        _close(hold.lock)
        self._hold = None

    # what is written

    def _written(self) -> _Holder | None:
        try:
            written = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(written, dict) or not isinstance(written.get("id"), str):
            return None
        facts: dict[str, Any] = {each.name: written.get(each.name) for each in fields(_Holder)}
        return _Holder(**facts)

    def _write(self, hold: _Hold) -> None:
        pid = os.getpid()
        holder = _Holder(hold.id, self.role, socket.gethostname(), pid, birth(pid), namespace(), machine())
        write_json(self.path, asdict(holder))
        hold.renewed = time.monotonic()

    def _refuse_if_live(self, has_locks: bool) -> None:
        """Raises RunInUse where whoever is written must be taken for being at work, though no lock of it is seen."""
        written = self._written()
        if written is None:
            return
        if isinstance(written.machine, list) and set(map(str, written.machine)) & set(machine()):
            if has_locks:
                return  # its lock would be seen here
            if isinstance(written.pid, int) and written.namespace == namespace() != "":
                if is_alive(written.pid) and written.birth == birth(written.pid):
                    raise _in_use(written)
                return
        age = age_of(self.path)
        # A drive whose clock jumped back must not make a lease eternal.
        if age is not None and abs(age) < LIFETIME:
            minutes = max(1, round((LIFETIME - age) / 60))
            raise _in_use(written, f"; if it is gone, the run is free in {minutes} min")


def _close(file: int | None) -> None:
    if file is not None:
        with contextlib.suppress(OSError):
            os.close(file)


def _in_use(written: _Holder | None, more: str = "") -> RunInUse:
    return RunInUse(
        f"this run is being worked on by {written or 'another process'}; wait for it or stop it, then try again{more}"
    )
