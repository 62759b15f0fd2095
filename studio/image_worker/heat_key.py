# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The key of a heat map, in the picture itself: what each colour says that it shows, along the edge where least is drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...pipeline.gate.scoring.heatmap import key_of
from ..rendering.lettering import Words, width_of, with_words

SMALLEST, SHARE = 11, 0.02  # of a line of text, in pixels and of the picture's longer side
PAPER, INK = 24, (236, 236, 236)


def with_key(drawn: NDArray[np.float32]) -> NDArray[np.float32]:
    """``drawn`` (H, W, 3) sRGB 0..1, of heatmap(), with its key; of the same size, so that it lies over its still."""
    entries = key_of(drawn)
    picture = np.clip(np.rint(drawn * 255), 0, 255).astype(np.uint8)
    height, width = picture.shape[:2]
    size = max(SMALLEST, round(SHARE * max(height, width)))
    step, x, y = round(1.7 * size), size, size
    placed = []
    for colour, words in entries:
        wide = round(1.5 * size + width_of(words, size))
        if x + wide > width - size and x > size:
            x, y = size, y + step
        placed.append((x, y, colour, words))
        x += wide + size
    band = y + step
    if not entries or band > height // 3:  # of a very small picture it would be the most
        return drawn
    at_top = _colourful(drawn[:band]) < _colourful(drawn[height - band :])
    top = 0 if at_top else height - band
    picture[top : top + band] = PAPER
    for x, y, colour, _ in placed:
        picture[top + y - size // 4 : top + y + size - size // 4, x : x + size] = np.rint(np.array(colour) * 255)
    lines = [Words(words, x + round(1.5 * size), top + y + round(0.6 * size), size, INK) for x, y, _, words in placed]
    return (with_words(picture, lines) / np.float32(255)).astype(np.float32)


def _colourful(part: NDArray[np.float32]) -> int:
    return int((np.ptp(part, axis=-1) > 0.05).sum())
