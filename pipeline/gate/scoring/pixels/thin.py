# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Colours of what is thinner than a pixel or two: wires, hair, gauze. No pixel shows them alone.

The colour of a rim is known from the pixels further in. A thin part has none, and the nearest ones belong to another part: they
would make a black cable as white as the lamp that it comes from. Its own colour is solved for instead.
"""

from __future__ import annotations

import numpy as np

from .arrays import Array, Bools, blur, dilate

SEEN = 4.0 / 255.0  # alpha below which nothing is seen
AVERAGED = 0.7  # pixels, standard deviation, over which a colour is averaged: along a wire, not across to the next part


def thin_parts(alpha: Array, known: Bools, reach: float) -> Bools:
    """Of a product's ``alpha`` (H, W), what is more than ``reach`` pixels from all whose colour is ``known`` (H, W)."""
    return (alpha >= SEEN) & ~dilate(known, reach)


def unmixed(picture: Array, alpha: Array, ground: Array) -> Array:
    """(H, W, 3) 0..1: colours F with which ``picture`` (H, W, 3) is a mix of them and ``ground`` (H, W, 3) by ``alpha`` (H, W).

    C = alpha·F + (1 − alpha)·B (Porter & Duff, 1984), solved for F by least squares over neighbouring pixels, so that a pixel of
    which little is covered says little. ``ground`` where nothing is covered.
    """
    own = picture - (1.0 - alpha[..., None]) * ground
    weight = blur(alpha * alpha, AVERAGED)[..., None]
    solved = blur(alpha[..., None] * own, AVERAGED) / np.maximum(weight, 1e-6)
    return np.asarray(np.clip(np.where(weight > 1e-6, solved, ground), 0.0, 1.0), dtype=np.float32)
