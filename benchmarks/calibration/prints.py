# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What generators do to print: the kinds of fault that are painted where a product carries a label."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from consistency_pipeline.pipeline.gate.scoring.pixels.arrays import blur, dilate, pull_outward, sample

Picture = np.ndarray  # (H, W, 3) sRGB in 0..1
Box = tuple[slice, slice]


def painted(kind: str, picture: Picture, label: np.ndarray, random: np.random.Generator) -> Picture:
    """``picture`` with the fault ``kind`` of KINDS. ``label``: (H, W) bool, where the print is."""
    rows, cols = np.nonzero(label)
    box = (slice(rows.min(), rows.max() + 1), slice(cols.min(), cols.max() + 1))
    made, where = KINDS[kind](picture, label, box, random)
    soft = blur(where.astype(np.float32), 0.8)[..., None]
    return np.clip(picture * (1 - soft) + made * soft, 0, 1).astype(np.float32)


Made = tuple[Picture, np.ndarray]


def _mirrored(picture: Picture, label: np.ndarray, box: Box, _random: np.random.Generator) -> Made:
    made = picture.copy()
    made[box] = picture[box][:, ::-1]
    return made, dilate(label, 2)


def _blank(picture: Picture, label: np.ndarray, _box: Box, _random: np.random.Generator) -> Made:
    return pull_outward(picture, (~dilate(label, 3)).astype(np.float32)), dilate(label, 2)


def _bent(picture: Picture, label: np.ndarray, box: Box, random: np.random.Generator) -> Made:
    """Along a wave, by 6 to 14 px at 1024."""
    height, width = label.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    size = random.uniform(6, 14) * max(label.shape) / 1024
    along = (x - box[1].start) / max(1, box[1].stop - box[1].start) * np.pi * random.uniform(1, 2.5)
    return sample(picture, x, np.clip(y + size * np.sin(along), 0, height - 1)), dilate(label, 2)


def _changed(picture: Picture, label: np.ndarray, box: Box, random: np.random.Generator) -> Made:
    """Something else of the same look: the print upside down and further round."""
    made = picture.copy()
    width = box[1].stop - box[1].start
    made[box] = np.roll(picture[box][::-1], int(width * random.uniform(0.2, 0.6)), axis=1)
    return made, dilate(label, 2)


def _letter(picture: Picture, label: np.ndarray, _box: Box, random: np.random.Generator) -> Made:
    """One spot of the size of a letter shows another one."""
    half = max(3, int(random.uniform(7, 15) * max(label.shape) / 1024))
    rows, cols = np.nonzero(label)
    (y, to_y), (x, to_x) = (
        np.clip(part[random.integers(len(part), size=2)], half, side - half - 1)
        for part, side in zip((rows, cols), label.shape, strict=True)
    )
    made, where = picture.copy(), np.zeros(label.shape, dtype=bool)
    spot = (slice(to_y - half, to_y + half), slice(to_x - half, to_x + half))
    made[spot] = picture[y - half : y + half, x - half : x + half]
    where[spot] = True
    return made, where


def _garbled(picture: Picture, label: np.ndarray, box: Box, random: np.random.Generator) -> Made:
    """Spots of the size of letters in another order, half of them mirrored."""
    side = max(4, int(random.uniform(10, 22) * max(label.shape) / 1024))
    made = picture.copy()
    tops = range(box[0].start, box[0].stop - side + 1, side)
    lefts = range(box[1].start, box[1].stop - side + 1, side)
    spots = [(slice(top, top + side), slice(left, left + side)) for top in tops for left in lefts]
    for spot, source in zip(spots, random.permutation(len(spots)), strict=True):
        piece = picture[spots[source]]
        made[spot] = piece[:, ::-1] if random.random() < 0.5 else piece
    return made, dilate(label, 2)


KINDS: dict[str, Callable[[Picture, np.ndarray, Box, np.random.Generator], Made]] = {
    "label garbled": _garbled,
    "label mirrored": _mirrored,
    "label changed": _changed,
    "label letter": _letter,
    "label blank": _blank,
    "label bent": _bent,
}
