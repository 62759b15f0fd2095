# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which quality of a lossy format keeps a picture's colours and its weight: looked for on a sample of it, and seen on the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .half_colour import for_half_colour
from .matting import SOLID
from .placing import Placed
from .presets import Rules
from .rules import TRUE, colour_change

Pixels = NDArray[np.uint8]
Encode = Callable[[Pixels, str, int], bytes]  # (H, W, 3 or 4), "jpeg", "png" or "webp", quality 1..100
Decode = Callable[[bytes], Pixels]  # to (H, W, 4)
LOWEST = 50  # quality below which a picture is no longer worth showing
BETTER = (96, 98, 99, 100)  # tried where a quality doesn't keep the colours; of a WebP the last is lossless
MARK_ROOM = 8192  # bytes that profile and XMP take at most
TILE = 128  # pixels of a sample's piece: whole blocks of both formats
TILES = 4  # of them along each side of a sample
SEAM = 8  # pixels at the edge of a piece: half a block
PINK = 15.0  # 8-bit values by which such lines are off in the mean; of whole ones by less than 1
CLOSE = 0.97  # share of the weight limit that is aimed at, as a sample says it nearly


class Tries:
    """Of one picture ``placed`` under the ``rules`` of a lossy format."""

    def __init__(self, placed: Placed, rules: Rules, encode: Encode, decode: Decode) -> None:
        self._placed, self._rules, self._encode, self._decode = placed, rules, encode, decode
        self._most = None if rules.most_bytes is None else rules.most_bytes - MARK_ROOM
        self._wholes: dict[int, bytes] = {}

    def best(self) -> tuple[bytes, int, Pixels, float]:
        """At the preset's quality; at the least above it that keeps the colours, where one does; at the highest that is light
        enough. The file, its quality, its pixels and how much its colours changed."""
        wanted = self._rules.quality
        ladder = [wanted, *(each for each in BETTER if each > wanted)]
        first = next((n for n, each in enumerate(ladder) if self._change(each) <= TRUE), len(ladder) - 1)
        for step in ladder[first:]:
            quality = step
            while self._most is not None and quality > LOWEST and len(self._whole(quality)) > self._most:
                quality = self._lighter(quality, self._most)
            decoded = self._decode(self._whole(quality))
            change = colour_change(decoded, self._placed)
            if change <= TRUE or quality < step:  # a sample says it nearly
                break
        return self._whole(quality), quality, decoded, change

    def _whole(self, quality: int) -> bytes:
        if quality not in self._wholes:
            self._wholes[quality] = self._encode(self._given(self._placed, quality), self._rules.format, quality)
        return self._wholes[quality]

    def _given(self, placed: Placed, quality: int) -> Pixels:
        lossless = self._rules.format == "webp" and quality == 100
        if lossless or not self._halves_colour:
            return placed.pixels
        return self._halved if placed is self._placed else self._sample_halved

    @cached_property
    def _halves_colour(self) -> bool:
        """Whether the encoder keeps colour at half the size: of red lines a pixel wide on white it makes pink ones. WebP does by its
        format, a JPEG's may or may not."""
        lines = np.full((32, 32, 3), 255, np.uint8)
        lines[:, ::2, 1:] = 0
        shown = self._decode(self._encode(lines, self._rules.format, BETTER[0]))[..., :3]
        return bool(np.abs(shown.astype(np.int16) - lines).mean() > PINK)

    @cached_property
    def _halved(self) -> Pixels:
        return for_half_colour(self._placed.pixels, self._placed.alpha)

    @cached_property
    def _sample(self) -> Placed:
        return sample_of(self._placed)

    @cached_property
    def _sample_halved(self) -> Pixels:
        return for_half_colour(self._sample.pixels, self._sample.alpha)

    def _of_sample(self, quality: int) -> bytes:
        if self._sample is self._placed:
            return self._whole(quality)
        return self._encode(self._given(self._sample, quality), self._rules.format, quality)

    @cached_property
    def _compared(self) -> Placed:
        """The sample without the pixels at its seams, which stand beside others than in the picture."""
        if self._sample is self._placed:
            return self._placed
        inside = np.zeros(TILE, np.float32)
        inside[SEAM:-SEAM] = 1.0
        inside = np.tile(inside, TILES)
        return replace(self._sample, alpha=self._sample.alpha * inside * inside[:, None])

    def _change(self, quality: int) -> float:
        return colour_change(self._decode(self._of_sample(quality)), self._compared)

    def _lighter(self, quality: int, most: int) -> int:
        """The highest quality below one that is too heavy which, as far as the sample says, is light enough."""
        most_of_sample = CLOSE * most * len(self._of_sample(quality)) / len(self._whole(quality))
        low, high = LOWEST, quality
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if len(self._of_sample(middle)) <= most_of_sample else (low, middle)
        return low


def sample_of(placed: Placed) -> Placed:
    """Pieces from all over the product, side by side; the whole where that is hardly more."""
    height, width = placed.alpha.shape
    if height * width <= 2 * (TILES * TILE) ** 2:
        return placed
    rows, columns = height // TILE, width // TILE
    solid = placed.alpha[: rows * TILE : 8, : columns * TILE : 8] > SOLID
    step = TILE // 8
    share = solid.reshape(rows, step, columns, step).mean(axis=(1, 3))
    there = np.argwhere(share > 0.0)
    if len(there) < TILES * TILES:  # a slim product: pieces with nothing of it are as good as any
        there = np.argwhere(share >= 0.0)[np.argsort(-share, axis=None, kind="stable")]
        there = there[: TILES * TILES]
    chosen = there[np.linspace(0, len(there) - 1, TILES * TILES).round().astype(int)]

    def cut(plane: NDArray) -> NDArray:
        pieces = [plane[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE] for row, column in chosen]
        return np.concatenate(
            [np.concatenate(pieces[n : n + TILES], axis=1) for n in range(0, len(pieces), TILES)], axis=0
        )

    return Placed(cut(placed.pixels), cut(placed.alpha), placed.where)
