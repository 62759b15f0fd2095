# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing so that a crash, a power cut or a full disk never leaves something that looks finished."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from ..errors import RunFolderError
from ..json_object import JsonObject
from ..redaction import dumps
from ..sentences import not_writable, not_written
from .file_lock import lock_within

_UTF8 = ("utf-8", "surrogatepass")  # file names need not be valid Unicode
_PROCESS = os.urandom(4).hex()  # containers that share a drive have processes of the same number
LOCK_PATIENCE = 60.0  # seconds; what is done under such a lock takes milliseconds


def sync_folder(folder: Path) -> None:
    """Make renames in ``folder`` durable. Windows has no such call and does not need one."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some network drives refuse to sync folders; the file itself has been synced
    finally:
        os.close(descriptor)


def replace(beside: Path, path: Path) -> None:
    """Rename ``beside`` to ``path``. On Windows a virus scanner may hold a new file for a moment, so it is asked again."""
    for pause in (0.05, 0.2, 0.5) if sys.platform == "win32" else ():
        with contextlib.suppress(PermissionError):
            beside.replace(path)
            return
        time.sleep(pause)
    beside.replace(path)


def beside(path: Path) -> Path:
    """The name under which this thread writes ``path`` until it is whole."""
    return path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}-{_PROCESS}.part")


def age(path: Path) -> float | None:
    """Seconds since ``path`` was written, by the time that the drive itself gives to files; None where that is untold."""
    probe = beside(path)
    try:
        probe.write_bytes(b"now")
        return probe.stat().st_mtime - path.stat().st_mtime
    except OSError:
        return None
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)


def sweep(folder: Path, is_alive: Callable[[int], bool]) -> None:
    """Remove what processes that have died were writing in ``folder`` and its subfolders."""
    for part in [*folder.glob(".*.part"), *folder.glob("*/.*.part")]:
        writer = part.name.split(".")[-3]
        if writer.isdigit() and not is_alive(int(writer)):
            with contextlib.suppress(OSError):
                part.unlink()


def check_writable(folder: Path, free: int) -> None:
    """Raises RunFolderError unless ``folder`` can be written and ``free`` bytes are left on its drive."""
    probe = beside(folder / "probe")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        left = shutil.disk_usage(folder).free
        probe.write_bytes(b"probe")
        probe.unlink()
    except OSError as error:
        raise RunFolderError(
            f"{folder} can't be written ({error.strerror or error}); check the drive and its permissions, then resume. "
            "Nothing was bought"
        ) from error
    if left < free:
        raise RunFolderError(
            f"less than {free >> 20} MiB are free at {folder}; free some space, then resume. Nothing was bought"
        )


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Write beside, sync, rename: ``path`` appears whole or not at all.

    Raises RunFolderError where the disk is full or the folder can't be written.
    """
    part = beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        replace(part, path)
        sync_folder(path.parent)
    except OSError as error:
        raise not_written(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Replace ``path`` by ``value`` as JSON, atomically."""
    with whole_file(path) as file:
        file.write(dumps(value, indent=2, ensure_ascii=False).encode(*_UTF8) + b"\n")


def copy_file(source: Path, target: Path) -> None:
    """Copy ``source`` to ``target`` atomically; a target with the same bytes is left as it is."""
    data = source.read_bytes()
    if target.is_file() and target.stat().st_size == len(data) and target.read_bytes() == data:
        return
    with whole_file(target) as file:
        file.write(data)


@contextlib.contextmanager
def locked(path: Path, patience: float = LOCK_PATIENCE) -> Iterator[None]:
    """Hold the operating system's own lock on ``path`` (created when missing) for a few short steps.

    Raises RunFolderError where the file can't be written or locked, or where another process keeps it for longer than
    ``patience`` seconds.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+b")
    except OSError as error:
        raise not_writable(path, error) from error
    with file:  # closing it lets go
        try:
            is_ours = lock_within(file.fileno(), patience)
        except OSError as error:
            raise RunFolderError(
                f"{path} can't be locked ({error.strerror or error}); "
                "its folder has to be on a drive that can lock files"
            ) from error
        if not is_ours:
            raise RunFolderError(f"{path} is kept locked by another process; stop the one that hangs, then try again")
        yield


def append_line(path: Path, value: JsonObject) -> None:
    """Append ``value`` as one JSON line and sync it. A torn line left by a crash is closed off first.

    Raises RunFolderError where it can't be written; then nothing that depends on the line may happen.
    """
    line = dumps(value, ensure_ascii=False).encode(*_UTF8) + b"\n"
    try:
        is_new = not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b", buffering=0) as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                if file.read(1) != b"\n":
                    line = b"\n" + line
            try:
                rest = memoryview(line)
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
            except OSError:
                with contextlib.suppress(OSError):  # what the caller is told has not happened must not be read later
                    file.truncate(end)
                raise
        if is_new:
            sync_folder(path.parent)
    except OSError as error:
        raise not_written(path, error) from error


def read_lines(path: Path) -> list[JsonObject]:
    """Every whole JSON object of a line file; torn lines (a crash while writing) are passed over."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunFolderError(
            f"{path} could not be read ({error.strerror or error}); check the drive and its permissions"
        ) from error
    values = []
    for line in raw.split(b"\n"):
        with contextlib.suppress(ValueError):
            value = json.loads(line)
            if isinstance(value, dict):
                values.append(value)
    return values
