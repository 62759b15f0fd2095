# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files behind Blender's pictures: tiles, frames, and whether bytes are a picture at all."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path

import bpy
from bpy.types import Image

from ...pipeline.formats.gltf_file import MAX_BYTES


def read_file(path: Path) -> bytes | None:
    """The bytes of a plain file; None where there is none, or one that no picture is as large as."""
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_BYTES:  # a named pipe would never end
            return None
        return path.read_bytes()
    except (OSError, ValueError):
        return None


def tile_files(image: Image) -> Iterator[tuple[int, Path]]:
    """(number, file) of a picture's UDIM tiles, by the pattern in its path."""
    pattern = bpy.path.abspath(image.filepath, library=image.library)
    for tile in image.tiles:
        u, v = (tile.number - 1001) % 10 + 1, (tile.number - 1001) // 10 + 1
        yield tile.number, Path(pattern.replace("<UDIM>", str(tile.number)).replace("<UVTILE>", f"u{u}_v{v}"))


def file_of_frame(path: Path, frame: int) -> Path:
    """The file of a sequence's ``frame``: the last number in the name of any of its files, as Blender counts."""
    found = re.search(r"\d+(?=\D*$)", path.stem)
    if found is None:
        return path
    number = str(frame).zfill(len(found.group()))
    return path.with_name(f"{path.stem[: found.start()]}{number}{path.stem[found.end() :]}{path.suffix}")


def decodes(data: bytes) -> bool:
    """Whether Blender makes a picture of these bytes."""
    if not data:
        return False
    image = bpy.data.images.new("Consistency Decoding", 1, 1)
    try:
        image.pack(data=data, data_len=len(data))
        image.source = "FILE"
        return 0 not in image.size
    finally:
        bpy.data.images.remove(image)
