# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From linear light to displayed colours through any view transform, fast enough for five pictures in a frame.

Each channel goes through the curve that greys go through, and what a view transform makes differently of colours is looked
up in a cube of ``CELLS``³ corrections. Blender itself is asked for both once (studio.rendering.passes.view_of). A board on a
GPU may take the cube as a 3D texture: ``View.cube``, by ``shaped`` colours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

CELLS = 64  # of the cube's side
BRIGHTEST = 8.0  # linear light; all above is shown alike
CURVE = 48.0  # how much finer the cells are in the dark: log(1 + CURVE·x)
FINE = 4096  # levels of the curve, and of displayed values while they are computed; 16 of them are one of 8 bits
STEPS = 65535  # of linear light up to BRIGHTEST, before the curve

Pixels = NDArray[np.uint8]
Display = Callable[[NDArray[np.float32]], NDArray[np.float32]]  # linear (H, W, 3) → displayed, sRGB 0..1


def shaped(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """The curve: linear light 0..BRIGHTEST as 0..1."""
    return np.log1p(CURVE * np.clip(light, 0.0, BRIGHTEST)) / np.float32(np.log1p(CURVE * BRIGHTEST))


def _unshaped(value: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.expm1(value * np.log1p(CURVE * BRIGHTEST)) / CURVE


_LIGHT = np.arange(STEPS + 1, dtype=np.float32) * np.float32(BRIGHTEST / STEPS)
_CELL = np.minimum(shaped(_LIGHT) * CELLS, CELLS - 1).astype(np.int32)
_CELLS = (_CELL * CELLS * CELLS, _CELL * CELLS, _CELL)  # what red, green and blue add to the number of a cell
_MIDDLES = _unshaped((np.arange(CELLS) + 0.5) / CELLS).astype(np.float32)


@dataclass(frozen=True)
class View:
    """``greys``: displayed sRGB 0..1 of greys, by their light in steps of BRIGHTEST / 65535. ``cube``: of colours at the cells'
    middles, (CELLS, CELLS, CELLS, 3), by the cell of red, green and blue."""

    greys: NDArray[np.float32]
    cube: NDArray[np.float32]
    _corrections: NDArray[np.int64] = field(init=False, repr=False)  # each four 16-bit numbers
    _curve: NDArray[np.int16] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        alone = np.interp(_MIDDLES, _LIGHT, self.greys)
        corrections = np.zeros((CELLS,) * 3 + (4,), np.int16)
        for axis, channel in enumerate(np.meshgrid(alone, alone, alone, indexing="ij")):
            corrections[..., axis] = np.rint((self.cube[..., axis] - channel) * (FINE - 1))
        object.__setattr__(self, "_corrections", corrections.reshape(-1, 4).view(np.int64).ravel())
        # Half a step of 8 bits is added here, so that what is cut off below rounds.
        object.__setattr__(self, "_curve", np.rint(self.greys * (FINE - 16) + 8).astype(np.int16))

    def shown(self, light: NDArray[np.float32], work: Work) -> Pixels:
        """(3, N) linear light in steps of BRIGHTEST / STEPS, none of it negative, as (N, 4) 8-bit sRGB with alpha 255, in ``work``'s
        memory."""
        count = light.shape[1]
        levels, scaled, cells = work.levels[:count], work.scaled[:, :count], work.cells[:count]
        np.minimum(light, STEPS, out=scaled)
        steps = scaled.astype(np.uint16)
        for channel, (step, cell_of) in enumerate(zip(steps, _CELLS, strict=True)):
            levels[:, channel] = np.take(self._curve, step, mode="clip")
            if channel == 0:
                np.take(cell_of, step, mode="clip", out=cells)
            else:
                cells += np.take(cell_of, step, mode="clip")
        levels += np.take(self._corrections, cells, mode="clip").view(np.int16).reshape(count, 4)
        np.clip(levels, 0, FINE - 1, out=levels)
        pixels = work.pixels[:count]
        levels >>= 4
        np.copyto(pixels, levels, casting="unsafe")
        pixels[:, 3] = 255
        return pixels


def grey_at(view: View, level: NDArray[np.float64]) -> NDArray[np.float32]:
    """Displayed 0..1 of greys of ``shaped`` light 0..1."""
    return np.interp(_unshaped(level), _LIGHT, view.greys).astype(np.float32)


class Work:
    """Memory for ``size`` pixels at a time: taking it anew each time costs more than the work itself."""

    def __init__(self, size: int) -> None:
        self.levels = np.zeros((size, 4), np.int16)
        self.scaled = np.empty((3, size), np.float32)
        self.cells = np.empty(size, np.int32)
        self.pixels = np.empty((size, 4), np.uint8)


def view_from(display: Display) -> View:
    """The view that ``display`` shows light with; it is asked once, for a picture of CELLS³ + 65,536 pixels."""
    grid = np.stack(np.meshgrid(_MIDDLES, _MIDDLES, _MIDDLES, indexing="ij"), axis=-1).reshape(-1, 3)
    greys = np.repeat(_LIGHT[:, None], 3, axis=1)
    everything = np.concatenate([grid, greys])
    side = 1 << 9
    rows = -(-len(everything) // side)
    everything = np.concatenate([everything, np.zeros((rows * side - len(everything), 3), np.float32)])
    shown = display(everything.reshape(rows, side, 3)).reshape(-1, 3).astype(np.float32)
    return View(
        shown[len(grid) : len(grid) + len(greys)].mean(axis=1), shown[: len(grid)].reshape(CELLS, CELLS, CELLS, 3)
    )
