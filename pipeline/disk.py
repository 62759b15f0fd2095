"""Writing so that a crash, a power cut or a full disk never leaves something that looks finished."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from .errors import RunFolderError


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


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Write beside, sync, rename: ``path`` appears whole or not at all.

    Raises RunFolderError where the disk is full or the folder can't be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise RunFolderError(f"{path} could not be written ({error.strerror or error}); free some space or choose another folder") from error  # fmt: skip
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Replace ``path`` by ``value`` as JSON, atomically."""
    with whole_file(path) as file:
        file.write(json.dumps(value, indent=2, ensure_ascii=False, default=str).encode() + b"\n")


def copy_file(source: Path, target: Path) -> None:
    """Copy ``source`` to ``target`` atomically; a target with the same bytes is left as it is."""
    data = source.read_bytes()
    if target.is_file() and target.stat().st_size == len(data) and target.read_bytes() == data:
        return
    with whole_file(target) as file:
        file.write(data)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the operating system's own lock on ``path`` (created when missing) for a few short steps."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
            try:
                yield
            finally:
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
            yield  # closing the file lets go


def append_line(path: Path, value: dict[str, Any]) -> None:
    """Append ``value`` as one JSON line and sync it. A torn line left by a crash is closed off first.

    Raises RunFolderError where it can't be written; then nothing that depends on the line may happen.
    """
    line = json.dumps(value, ensure_ascii=False, default=str).encode() + b"\n"
    try:
        is_new = not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
                if file.read(1) != b"\n":
                    line = b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            sync_folder(path.parent)
    except OSError as error:
        raise RunFolderError(f"{path} could not be written ({error.strerror or error}); free some space or choose another folder") from error  # fmt: skip


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Every whole JSON object of a line file; torn lines (a crash while writing) are passed over."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunFolderError(f"{path} could not be read ({error.strerror or error}); check the drive and its permissions") from error  # fmt: skip
    values = []
    for line in raw.split(b"\n"):
        with contextlib.suppress(ValueError):
            value = json.loads(line)
            if isinstance(value, dict):
                values.append(value)
    return values
