# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sources made to agree where they see the same surface: a slow gain for each of them, by least squares over all overlaps.

Each source's gain is a + b·x + c·y in log light, for each channel, x and y from −1 to 1 over its frame. What departs from the
rest counts less, so that a swapped detail moves no gain. Only differences between sources can be seen, so the median source
keeps what it is: one odd still among many is corrected, not the many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .lookup import DEPTH_OFF, DEPTH_SLANT, FACES, radius, sampled, unit
from .views import Render, Source

PER_PAIR = 300  # places looked at that two sources share
FEWEST = 24  # below that a pair says nothing
ODD = 0.08  # log light by which a place departs from the rest at which it counts half
ROUNDS = 6
HELD = (1e-3, 0.02, 0.02)  # ridge on a, b and c, by the number of places: what few places say moves little
MOST = 0.3  # log light: more is no drift


def equalised(sources: Sequence[Source], renders: Sequence[Render]) -> list[Source]:
    """The sources with their gains taken out; as they are where no two share surface."""
    rows = [_shared(first, second, sources, renders) for first, second in combinations(range(len(sources)), 2)]
    found = [row for row in rows if row is not None]
    if not found:
        return list(sources)
    design = np.concatenate([row[0] for row in found])
    apart = np.concatenate([row[1] for row in found])
    if not apart.any():
        return list(sources)
    gains = np.stack([_solved(design, apart[:, channel]) for channel in range(3)], axis=-1)
    gains = gains.reshape(len(sources), 3, 3)  # source, term, channel
    gains[:, 0] -= np.median(gains[:, 0], axis=0)
    return [_corrected(source, gain) for source, gain in zip(sources, gains, strict=True)]


def _corrected(source: Source, gain: NDArray[np.float64]) -> Source:
    height, width = source.weight.shape
    rows, columns = np.indices((height, width))
    terms = _terms(columns, rows, height, width)
    planes = source.planes.copy()
    planes[:3] -= np.moveaxis(np.clip(terms @ gain, -MOST, MOST), -1, 0).astype(np.float32)
    return replace(source, planes=planes)


def _terms(x: NDArray[np.generic], y: NDArray[np.generic], height: int, width: int) -> NDArray[np.float64]:
    across = 2.0 * (np.asarray(x, np.float64) + 0.5) / width - 1.0
    down = 2.0 * (np.asarray(y, np.float64) + 0.5) / height - 1.0
    return np.stack([np.ones_like(across), across, down], axis=-1)


def _shared(
    first: int, second: int, sources: Sequence[Source], renders: Sequence[Render]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Rows of the design, (N, 3 per source), and (N, 3) by how much the first source's change is above the second's."""
    one, other, render = sources[first], sources[second], renders[first]
    rows, columns = np.nonzero(one.weight > 0.05)
    if len(rows) < FEWEST:
        return None
    step = max(1, len(rows) // (PER_PAIR * 4))
    rows, columns = rows[::step], columns[::step]
    points, normals = render.position[rows, columns], render.normal[rows, columns]
    facing = np.einsum("ij,ij->i", normals, unit(other.camera.position.astype(np.float32) - points))
    height, width = other.weight.shape
    x, y, depth = other.camera.project(points, width, height)
    within = (facing > FACES) & (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1) & (depth > 0)
    found = np.zeros((len(points), 5), np.float32)
    if not within.any():
        return None
    found[within] = sampled(other.planes, x[within], y[within]).T
    allowed = radius(render.position[render.solid]) * (DEPTH_OFF + DEPTH_SLANT * (1.0 - facing))
    both = within & (found[:, 3] > 0.05) & (np.abs(found[:, 4] - depth) < allowed)
    if both.sum() < FEWEST:
        return None
    both = np.flatnonzero(both)[:: max(1, int(both.sum()) // PER_PAIR)]
    here = one.planes[:, rows[both], columns[both]].T
    root = np.sqrt(here[:, 3] * found[both, 3])[:, None]
    design = np.zeros((len(both), 3 * len(sources)))
    own_height, own_width = one.weight.shape
    design[:, 3 * first : 3 * first + 3] = _terms(columns[both], rows[both], own_height, own_width) * root
    design[:, 3 * second : 3 * second + 3] = -_terms(x[both], y[both], height, width) * root
    return design, ((here[:, :3] - found[both, :3]) * root).astype(np.float64)


def _solved(design: NDArray[np.float64], apart: NDArray[np.float64]) -> NDArray[np.float64]:
    held = np.tile(HELD, design.shape[1] // 3) * len(apart) / (design.shape[1] // 3)
    weight = np.ones(len(apart))
    gains = np.zeros(design.shape[1])
    for _ in range(ROUNDS):
        weighed = design * weight[:, None]
        gains = np.linalg.solve(design.T @ weighed + np.diag(held), weighed.T @ apart)
        weight = 1.0 / (1.0 + ((apart - design @ gains) / ODD) ** 2)
    return gains
