# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words on a picture, drawn by Blender's own font: on the contact sheet, and a heat map's key."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import blf
import bpy
import imbuf
import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
INK = (28, 28, 30)


@dataclass(frozen=True)
class Words:
    """A line of text: ``x`` and ``y`` of its baseline's start, from the top left, and its height, in pixels."""

    text: str
    x: int
    y: int
    size: int
    colour: Colour = INK


def width_of(text: str, size: int) -> float:
    """Pixels that ``text`` takes at a height of ``size`` pixels."""
    blf.size(0, size)
    return float(blf.dimensions(0, text)[0])


def with_words(sheet: NDArray[np.uint8], words: list[Words]) -> NDArray[np.uint8]:
    """``sheet`` (H, W, 3) with ``words`` on it."""
    height, width = sheet.shape[:2]
    buffer = imbuf.new((width, height))
    with blf.bind_imbuf(0, buffer):
        for word in words:
            blf.size(0, word.size)
            red, green, blue = (channel / 255.0 for channel in word.colour)
            blf.color(0, red, green, blue, 1.0)
            blf.position(0, word.x, height - word.y, 0)
            blf.draw_buffer(0, word.text)
    with tempfile.TemporaryDirectory(prefix="consistency-") as folder:
        path = Path(folder) / "words.png"
        imbuf.write(buffer, filepath=str(path))
        image = bpy.data.images.load(str(path))
        try:
            image.colorspace_settings.name = "Non-Color"
            image.alpha_mode = "STRAIGHT"
            pixels = np.empty(width * height * 4, np.float32)
            image.pixels.foreach_get(pixels)
        finally:
            bpy.data.images.remove(image)
    layer = pixels.reshape(height, width, 4)[::-1]
    alpha = layer[..., 3:]
    mixed = sheet.astype(np.float32) * (1.0 - alpha) + layer[..., :3] * 255.0 * alpha
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
