# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pixels to a file and back: Blender has the encoders that Python here lacks. The values are those of the file, no more.

Blender itself writes JPEG with colour at half the size. The library that it brings along can keep it whole.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import bpy
import numpy as np
from numpy.typing import NDArray

from ...pipeline.errors import BadInput
from ...pipeline.formats import png
from ...pipeline.formats.picture_bytes import kind_of
from .. import compat

_SUFFIX = {"PNG": ".png", "JPEG": ".jpg", "WebP": ".webp"}


def encode(pixels: NDArray[np.uint8], kind: str, quality: int) -> bytes:
    """(H, W, 3 or 4) sRGB, not premultiplied, as a "jpeg", "png" or "webp" file; ``quality`` 1..100, of a WebP 100 is lossless."""
    if kind == "png":
        return png.encode(pixels)
    with tempfile.TemporaryDirectory(prefix="consistency-") as folder:
        path = Path(folder) / f"picture.{kind}"
        if kind != "jpeg" or not _save_with_whole_colour(pixels, path, quality):
            _save(pixels, path, kind, quality)
        return path.read_bytes()


def _save_with_whole_colour(pixels: NDArray[np.uint8], path: Path, quality: int) -> bool:
    """As a JPEG; False where it can't be done here. https://docs.openimageio.org/en/latest/builtinplugins.html, JPEG."""
    library = compat.open_image_io()
    if library is None:
        return False
    height, width, channels = pixels.shape
    about = library.ImageSpec(width, height, channels, "uint8")
    about.attribute("Compression", f"jpeg:{quality}")
    about.attribute("jpeg:subsampling", "4:4:4")
    file = library.ImageOutput.create(str(path))
    return bool(
        file is not None
        and file.open(str(path), about)
        and file.write_image(np.ascontiguousarray(pixels))
        and file.close()
    )


def _save(pixels: NDArray[np.uint8], path: Path, kind: str, quality: int) -> None:
    height, width, channels = pixels.shape
    values = np.ones((height, width, 4), np.float32)
    np.multiply(pixels[::-1], np.float32(1.0 / 255.0), out=values[..., :channels])
    image = bpy.data.images.new("Consistency Delivery", width, height, alpha=channels == 4, float_buffer=False)
    try:
        image.pixels.foreach_set(values.ravel())
        image.file_format = kind.upper()
        image.save(filepath=str(path), quality=quality)
    finally:
        bpy.data.images.remove(image)


def decode(data: bytes) -> NDArray[np.uint8]:
    """(H, W, 4), top row first. Raises BadInput for what is no picture."""
    with tempfile.TemporaryDirectory(prefix="consistency-") as folder:
        path = Path(folder) / f"picture{_SUFFIX.get(kind_of(data), '')}"
        path.write_bytes(data)
        try:
            image = bpy.data.images.load(str(path))
        except RuntimeError as error:
            raise BadInput("what was encoded can't be read again; deliver it again") from error
        try:
            image.colorspace_settings.name = "Non-Color"
            width, height = image.size
            values = np.empty(width * height * 4, np.float32)
            image.pixels.foreach_get(values)
        finally:
            bpy.data.images.remove(image)
    values *= 255.0
    values += 0.5
    return np.ascontiguousarray(values.astype(np.uint8).reshape(height, width, 4)[::-1])
