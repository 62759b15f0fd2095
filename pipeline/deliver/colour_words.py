# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A product's colour as people say it, for those who are read a picture aloud."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..gate.scoring.pixels.colour import to_lab

# Hue angles in CIELAB, degrees, at which a name begins; greys and browns are told by chroma and lightness.
_HUES = ((15, "red"), (50, "orange"), (75, "yellow"), (108, "green"), (180, "turquoise"), (230, "blue"), (305, "purple"), (335, "pink"), (361, "red"))  # fmt: skip
_GREY = 9.0  # chroma below which nothing has a hue
_SEVERAL = 0.35  # share of pixels that the commonest name must have to be the product's


def colour_word(pixels: NDArray[np.floating]) -> str:
    """Of (N, 3) sRGB 0..1: one word, or two with "and"; empty where there are too many to say."""
    if not len(pixels):
        return ""
    lab = to_lab(pixels[:: max(1, len(pixels) // 5000)])
    names, counts = np.unique(_names(lab), return_counts=True)
    order = np.argsort(-counts)
    shares = counts[order] / counts.sum()
    if shares[0] < _SEVERAL:
        return ""
    second = [str(names[order[1]])] if len(order) > 1 and shares[1] > _SEVERAL * 0.7 and shares[0] < 0.6 else []
    return " and ".join([str(names[order[0]]), *second])


def _names(lab: NDArray[np.float64]) -> NDArray[np.str_]:
    light, chroma = lab[:, 0], np.hypot(lab[:, 1], lab[:, 2])
    hue = np.degrees(np.arctan2(lab[:, 2], lab[:, 1])) % 360
    starts = np.array([start for start, _ in _HUES])
    words = np.array([word for _, word in _HUES], dtype="<U12")
    # What lies before the first start is the pink end of red's.
    place = np.searchsorted(starts, hue, side="right") - 1
    found = np.where(place < 0, "pink", words[np.maximum(place, 0)])
    brown = (light < 55) & (hue > 40) & (hue < 90) & (chroma < 55)
    found = np.where(brown, "brown", found)
    grey = np.where(light > 85, "white", np.where(light < 25, "black", "grey"))
    return np.where((chroma < _GREY) | (light < 12), grey, found).astype("<U12")
