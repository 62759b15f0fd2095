# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One picture from a still and its mask to a marked file and what was measured of it. Who encodes and decodes is handed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import BadInput
from ..formats import marks, picture_marks
from ..formats.srgb_profile import srgb_profile
from ..gate.scoring.pixels.arrays import Array, resize
from .colour_words import colour_word
from .matting import BAND, SEEN, SOLID, Matte, box_of, cut_off, matte
from .placing import Layout, Placed, is_even, layout, place
from .presets import Rules
from .quality import Decode, Encode, Pixels, Tries
from .rules import Finding, colour_change, findings

NAMED = 250_000  # pixels of a still that its product's colour is told by
ROOM = 8  # pixels around a product that its edges are resampled from


@dataclass(frozen=True)
class Made:
    """``quality`` of the encoder, None where it has none."""

    data: bytes
    alt: str
    placed: Placed
    quality: int | None
    rules: list[Finding]


def make(
    still: Array,
    mask: Array,
    rules: Rules,
    encode: Encode,
    decode: Decode,
    *,
    exact: bool,
    crops: bool,
    mark: str,
    alt: Callable[[str], str],
    enlarge: bool = False,
) -> Made:
    """``still`` (H, W, 3) sRGB 0..1, ``mask`` of the same shape of frame. ``alt``: from the product's colour to what is seen.

    Raises BadInput where the mask shows no product, or nothing can be placed.
    """
    if mask.shape != still.shape[:2]:
        mask = resize(mask, *still.shape[:2])
    keeps_ground = rules.ground == "keep" or rules.shadow
    if not keeps_ground and not crops:
        still, mask = _around(still, mask)
    found = matte(still, mask, exact=exact, ground=keeps_ground)
    covers = rules.ground == "keep" and not is_even(still)
    where = layout(found.alpha, rules, crops=crops, enlarge=enlarge, covers=covers)
    return finished(found, still, where, rules, encode, decode, crops=crops, mark=mark, alt=alt)


def _around(still: Array, mask: Array) -> tuple[Array, Array]:
    """The part of both that the product is in, with room for its outline to be looked for."""
    box = box_of(mask, SEEN)
    if box is None:
        return still, mask
    room = ROOM + round(2.0 * BAND * max(mask.shape) / 1024.0)
    rows, columns = (slice(max(0, low - room), high + room) for low, high in ((box[1], box[3]), (box[0], box[2])))
    return still[rows, columns], mask[rows, columns]


def cut_out(pixels: Pixels) -> Matte:
    """Of a picture (H, W, 4) that has its own alpha."""
    values = pixels.astype(np.float32) / np.float32(255.0)
    return Matte(values[..., 3], values[..., :3], np.ones_like(values[..., :3]))


def finished(
    found: Matte,
    still: Array,
    where: Layout,
    rules: Rules,
    encode: Encode,
    decode: Decode,
    *,
    crops: bool,
    mark: str,
    alt: Callable[[str], str],
) -> Made:
    """The product placed ``where`` it goes."""
    placed = place(found, still, where, rules)
    cut = cut_off(found.alpha)
    some = slice(None, None, max(1, round((found.alpha.size / NAMED) ** 0.5)))
    words = alt(colour_word(found.colour[some, some][found.alpha[some, some] > SOLID]))
    data, quality, decoded, change = _encoded(placed, rules, encode, decode)
    data = picture_marks.with_marks(data, marks.packet(mark, words), srgb_profile(), rules.dpi)
    return Made(
        data, words, placed, quality, findings(data, decoded, placed, rules, mark, change, crops=crops, cut=cut)
    )


def _encoded(placed: Placed, rules: Rules, encode: Encode, decode: Decode) -> tuple[bytes, int | None, Pixels, float]:
    """At the preset's quality: higher where the colours would suffer, lower where the file would be too heavy. The file, its
    quality, its pixels and how much its colours changed."""
    if rules.format == "png":
        data = encode(placed.pixels, "png", 100)
        decoded = decode(data)
        return data, None, decoded, colour_change(decoded, placed)
    return Tries(placed, rules, encode, decode).best()


def check_shapes(still: Array, mask: Array) -> None:
    """Raises BadInput where a mask can't be a still's."""
    if abs(still.shape[1] * mask.shape[0] / (still.shape[0] * mask.shape[1]) - 1.0) > 0.01:
        raise BadInput("still and mask are not of one shape; render this angle again")
