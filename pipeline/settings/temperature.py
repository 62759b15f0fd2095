# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Colour temperatures as linear light."""

from __future__ import annotations

import math
from functools import lru_cache

RGB = tuple[float, float, float]

# XYZ (D65) to linear Rec. 709: IEC 61966-2-1.
_TO_RGB = ((3.2404542, -1.5371385, -0.4985314), (-0.9692660, 1.8760108, 0.0415560), (0.0556434, -0.2040259, 1.0572252))
_SECOND_CONSTANT = 1.4387769e7  # of radiation, nanometre kelvin (CODATA 2018)
# The 1931 colour matching functions as sums of lopsided Gaussians: weight, peak and the two widths in nm
# (Wyman, Sloan, Shirley: Simple Analytic Approximations to the CIE XYZ Color Matching Functions, JCGT 2013).
_MATCHING = (
    ((1.056, 599.8, 37.9, 31.0), (0.362, 442.0, 16.0, 26.7), (-0.065, 501.1, 20.4, 26.2)),
    ((0.821, 568.8, 46.9, 40.5), (0.286, 530.9, 16.3, 31.1)),
    ((1.217, 437.0, 11.8, 36.0), (0.681, 459.0, 26.0, 13.8)),
)


BLUEST = 12000.0  # kelvin, above which Blender's lamps, and so these, get no bluer


@lru_cache(maxsize=256)
def blackbody(kelvin: float) -> RGB:
    """Linear Rec. 709 of a black body's light, of luminance 1; what lies outside that gamut is cut off at 0 (below 1,900 K)."""
    kelvin = min(kelvin, BLUEST)
    xyz = [0.0, 0.0, 0.0]
    for nanometres in range(360, 831, 5):
        # Planck's law; constant factors go with the luminance.
        radiance = nanometres**-5.0 / math.expm1(_SECOND_CONSTANT / (nanometres * kelvin))
        for axis, lobes in enumerate(_MATCHING):
            xyz[axis] += radiance * sum(
                weight * math.exp(-0.5 * ((nanometres - peak) / (low if nanometres < peak else high)) ** 2)
                for weight, peak, low, high in lobes
            )
    r, g, b = (max(0.0, sum(m * c for m, c in zip(row, xyz, strict=True)) / xyz[1]) for row in _TO_RGB)
    return r, g, b


def relative(kelvin: float, to: float) -> RGB:
    """Factors of red, green and blue that make the light of a lamp of ``to`` kelvin one of ``kelvin``, as bright."""
    mine, theirs = blackbody(kelvin), blackbody(to)
    r, g, b = (m / max(t, 1e-3) for m, t in zip(mine, theirs, strict=True))
    return r, g, b
