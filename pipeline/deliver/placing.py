# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Crop, scale and set a product on a canvas so that its box takes the wanted share, in the middle, with nothing cut off."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput
from ..gate.scoring.pixels.arrays import Array
from .matting import Matte, box_of
from .presets import Rules

LOBES = 3.0  # of the Lanczos filter
EVEN = 0.02  # how much a border may differ from its own median, 0..1, and still be continued beyond the picture
FADE = 0.05  # of the shorter side, over which a kept shadow ends before the canvas does
NOISE = 0.015  # share of light that a ground may lose and still be white
_BLOCK = 32  # pixels that are resampled at a time: from few of the source's


@dataclass(frozen=True)
class Layout:
    """Where the still goes: ``scale`` times as large, its pixel (``x``, ``y``) at the canvas's top left corner.

    ``width`` and ``height`` of the canvas in pixels; x and y are of the still, and may lie outside of it.
    """

    width: int
    height: int
    scale: float
    x: float
    y: float


def layout(alpha: Array, rules: Rules, *, crops: bool, enlarge: bool = False, covers: bool = False) -> Layout:
    """Where a still whose product has ``alpha`` (H, W) goes.

    A canvas as large as its pixels fill by themselves, up to the advised size; only where that is less than the rules' least,
    or with ``enlarge``, is it made larger. ``crops``: the still cuts the product on purpose, so all of it is placed.
    ``covers``: nothing beyond the still may be shown. Raises BadInput where there is no product.
    """
    box = box_of(alpha)
    if box is None:
        raise BadInput("the mask shows no product; render this angle again")
    return layout_of(box, alpha.shape, rules, crops=crops, enlarge=enlarge, covers=covers)


def layout_of(
    box: tuple[int, int, int, int],
    shape: tuple[int, ...],
    rules: Rules,
    *,
    crops: bool = False,
    enlarge: bool = False,
    covers: bool = False,
) -> Layout:
    """``layout`` of a product's box (left, top, right, bottom) in a still of ``shape`` (H, W)."""
    height, width = shape
    if crops:  # as much as the canvas's shape lets through, around the product's middle
        share = min(width / rules.aspect, height)
        high, wide = share, share * rules.aspect
    else:
        high = max((box[3] - box[1]), (box[2] - box[0]) / rules.aspect) / rules.fill.wanted
        wide = high * rules.aspect
        if covers:
            high = min(high, height, width / rules.aspect)
            wide = high * rules.aspect
    native = max(high, wide)
    long = round(native) if not enlarge else rules.advised
    long = min(max(long, rules.least), rules.advised if rules.advised >= rules.least else rules.most)
    scale = 1.0 if long == round(native) else long / native
    canvas_w = long if rules.aspect >= 1.0 else round(long * rules.aspect)
    canvas_h = round(long / rules.aspect) if rules.aspect >= 1.0 else long
    x = (box[0] + box[2]) / 2.0 - canvas_w / scale / 2.0
    y = (box[1] + box[3]) / 2.0 - canvas_h / scale / 2.0
    if crops or covers:
        x = min(max(x, 0.0), max(0.0, width - canvas_w / scale))
        y = min(max(y, 0.0), max(0.0, height - canvas_h / scale))
    if scale == 1.0:  # pixel on pixel
        x, y = math.floor(x), math.floor(y)
    return Layout(canvas_w, canvas_h, scale, float(x), float(y))


def resample(planes: list[Array], where: Layout) -> list[Array]:
    """Planes (H, W) on the canvas, what lies beyond their border as the border is. Lanczos, widened where it shrinks (Turkowski,
    1990)."""
    if where.scale == 1.0:
        return [_cut(plane, where) for plane in planes]
    height, width = planes[0].shape
    down = _weights(where.height, where.scale, where.y, height)
    across = _weights(where.width, where.scale, where.x, width)
    made = []
    for plane in planes:
        tall = np.empty((where.height, width), np.float32)
        for out, source, weight in down:
            np.matmul(weight, plane[source], out=tall[out])
        wide = np.empty((where.height, where.width), np.float32)
        for out, source, weight in across:
            wide[:, out] = tall[:, source] @ weight.T
        made.append(wide)
    return made


def _cut(plane: Array, where: Layout) -> Array:
    """Pixel on pixel, what lies beyond the plane's border as the border is."""
    top, left = int(where.y), int(where.x)
    low, right = top + where.height, left + where.width
    inside = plane[max(0, top) : max(1, low), max(0, left) : max(1, right)]
    missing = (
        (max(0, -top), max(0, where.height - max(0, -top) - inside.shape[0])),
        (max(0, -left), max(0, where.width - max(0, -left) - inside.shape[1])),
    )
    return np.pad(inside, missing, mode="edge") if any(map(any, missing)) else inside.copy()


def _weights(length: int, scale: float, start: float, source: int) -> list[tuple[slice, slice, Array]]:
    """A filter along one side, by blocks: (pixels of the canvas, pixels of the source, weights between them)."""
    reach = LOBES * max(1.0, 1.0 / scale)
    found = []
    for first in range(0, length, _BLOCK):
        made = np.arange(first, min(first + _BLOCK, length))
        centre = start + (made + 0.5) / scale - 0.5
        at = np.arange(math.floor(centre[0] - reach), math.ceil(centre[-1] + reach) + 1)
        distance = (at[None] - centre[:, None]) * min(1.0, scale)
        weight = np.where(np.abs(distance) < LOBES, np.sinc(distance) * np.sinc(distance / LOBES), 0.0)
        weight /= weight.sum(axis=1, keepdims=True)
        inside = np.clip(at, 0, source - 1)
        low, high = int(inside[0]), int(inside[-1]) + 1
        folded = np.zeros((len(made), high - low), np.float32)
        np.add.at(folded.T, inside - low, weight.T.astype(np.float32))
        found.append((slice(first, first + len(made)), slice(low, high), folded))
    return found


@dataclass(frozen=True)
class Placed:
    """On the canvas: ``pixels`` (H, W, 3), or (H, W, 4) not premultiplied where it is transparent, 8-bit sRGB; ``alpha`` (H, W)
    0..1 of the product."""

    pixels: NDArray[np.uint8]
    alpha: Array
    where: Layout


def place(found: Matte, picture: Array, where: Layout, rules: Rules) -> Placed:
    """Set the product on the ground that the rules want. ``picture``: the still, of which "keep" keeps the ground."""
    inside = _inside(found.alpha.shape, where)
    if rules.ground == "keep":
        alpha, *shown = resample([found.alpha, *np.moveaxis(picture, -1, 0)], where)
        return Placed(_bytes(shown), _settled(alpha, inside), where)
    planes = [found.alpha, *(found.colour[..., channel] * found.alpha for channel in range(3))]
    if rules.ground == "white" and rules.shadow:
        planes.append((1.0 - _shade(found)) * (1.0 - found.alpha))  # what the shadow takes: nothing, beyond the still
    alpha, *weighted = resample(planes, where)
    alpha = _settled(alpha, inside)
    if rules.ground == "transparent":
        shown = [np.divide(plane, alpha, out=np.zeros_like(plane), where=alpha > 0.0) for plane in weighted]
        return Placed(_bytes([*shown, alpha]), alpha, where)
    white = 1.0 - alpha
    if rules.shadow:
        white -= np.maximum(weighted.pop(), 0.0) * inside * _fade(where)
    seen = alpha > 0.0
    for plane in weighted:
        plane *= seen
        plane += white
    return Placed(_bytes(weighted), alpha, where)


def _settled(alpha: Array, inside: Array) -> Array:
    """Alpha of the canvas, 0 and 1 where 8 bits would say so."""
    alpha = np.clip(alpha, 0.0, 1.0) * inside
    alpha[alpha < 1.0 / 255.0] = 0.0
    alpha[alpha > 254.5 / 255.0] = 1.0
    return alpha


def _inside(shape: tuple[int, ...], where: Layout) -> Array:
    """1 on the canvas where the still is, 0 beyond it."""
    y = where.y + (np.arange(where.height) + 0.5) / where.scale
    x = where.x + (np.arange(where.width) + 0.5) / where.scale
    return (((y > 0) & (y < shape[0]))[:, None] & ((x > 0) & (x < shape[1]))[None]).astype(np.float32)


def _fade(where: Layout) -> Array:
    """1 in the middle of the canvas and 0 at its edge, where a shadow that went on would end in a line on a white page."""
    reach = max(1.0, FADE * min(where.width, where.height))
    sides = []
    for length in (where.height, where.width):
        at = np.arange(length, dtype=np.float32)
        near = np.clip(np.minimum(at, length - 1 - at) / np.float32(reach), 0.0, 1.0)
        sides.append(near * near * (3.0 - 2.0 * near))
    return np.asarray(sides[0][:, None] * sides[1])


def _shade(found: Matte) -> Array:
    """(H, W): the ground over what it is without a shadow, which is what most of its border shows."""
    plain = np.maximum(_border(found.ground), 0.02)
    shade = np.clip((found.ground / plain).mean(axis=-1), 0.0, 1.0)
    return np.where(shade > 1.0 - NOISE, 1.0, shade).astype(np.float32)


def _border(picture: Array) -> Array:
    """The median colour of a picture's border."""
    return np.median(np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]), axis=0)


def is_even(picture: Array) -> bool:
    """Whether the border is one colour, so that more of it can be added."""
    rim = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    return bool(np.percentile(np.abs(rim - np.median(rim, axis=0)), 98) < EVEN)


def _bytes(planes: list[Array]) -> NDArray[np.uint8]:
    out = np.empty((*planes[0].shape, len(planes)), np.uint8)
    scratch = np.empty_like(planes[0])
    for number, plane in enumerate(planes):
        np.multiply(plane, 255.0, out=scratch)
        scratch += 0.5
        out[..., number] = np.clip(scratch, 0.0, 255.0, out=scratch)
    return out
