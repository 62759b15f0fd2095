# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""RUN/deliver/PRESET: made beside its place and renamed, so that it is there whole or as it was before."""

from __future__ import annotations

import contextlib
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import RunFolderError
from ..sentences import not_writable, not_written
from ..system.disk import replace, sync_folder, whole_file

SHOP = "shop.json"
ORIGINALS = "originals"


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """An empty folder that takes the place of ``path`` when all went well, and is gone otherwise.

    Raises RunFolderError where nothing can be written, or where ``path`` holds what was not delivered.
    """
    if path.exists() and not (path.is_dir() and ((path / SHOP).is_file() or not any(path.iterdir()))):
        raise RunFolderError(f"{path} holds something else than delivered pictures; choose another folder with --out")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    old = path.with_name(f".{path.name}.{os.getpid()}.old.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as error:
        raise not_writable(path, error) from error
    try:
        yield part
        try:
            if path.exists():
                replace(path, old)
            try:
                replace(part, path)
            except OSError:
                if old.exists():
                    replace(old, path)
                raise
            sync_folder(path.parent)
        except OSError as error:
            raise not_written(path, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def settle_zip(folder: Path, names: list[str], *, wanted: bool) -> Path | None:
    """The files ``names`` of ``folder`` as FOLDER.zip beside it; where none is ``wanted`` or nothing is in it, one of an
    earlier delivery goes, since it no longer is what stands beside it. Raises RunFolderError."""
    path = folder.with_name(f"{folder.name}.zip")
    if not (wanted and names):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise not_written(path, error) from error
        return None
    with (
        whole_file(path) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive,
    ):  # pictures don't get smaller
        for name in names:
            archive.write(folder / name, name)
    return path
