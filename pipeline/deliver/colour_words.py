# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A product's colour as people say it, for those who are read a picture aloud."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..gate.scoring.pixels.colour import to_lab

# Hue angles in CIELAB, degrees, at which a name begins, such that the CSS colours of these names have them (navy is blue, at 306);
# greys, browns and beiges are told by chroma and lightness.
_HUES = ((15, "red"), (46, "orange"), (79, "yellow"), (108, "green"), (180, "turquoise"), (230, "blue"), (309, "purple"), (335, "pink"), (361, "red"))  # fmt: skip
_GREY = 9.0  # chroma below which nothing has a hue
_WARM = (18.0, 112.0)  # hues of leather, wood and linen
_DULL = 30.0  # chroma below which these are brown, or beige where they are lighter than _BEIGE
_BEIGE = 60.0
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
    warm = (hue > _WARM[0]) & (hue < _WARM[1])
    dull = warm & (hue > 40) & (chroma < _DULL)
    leather = warm & (light < 40) & (chroma < 25)
    brown = (light < 55) & (hue > 40) & (hue < 90) & (chroma < 55)
    found = np.where((found == "yellow") & (hue > 95) & (light < _BEIGE), "green", found)  # olive
    found = np.where(dull & (light >= _BEIGE), "beige", np.where(brown | dull | leather, "brown", found))
    grey = np.where(light > 85, "white", np.where(light < 25, "black", "grey"))
    least = np.where(
        warm, np.minimum(_GREY, 3.0 + light / 5.0), _GREY
    )  # dark leather has little chroma, and is no grey
    return np.where((chroma < least) | (light < 12), grey, found).astype("<U12")
