# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of one view: its render with passes, and of a still what it changed about that render.

The change is log(still + e) − log(render + e) in linear light. Where a surface both scatters and mirrors, only the scattered
light carries the surface's own colour; ``own_change`` takes the mirrored part out, ``gain_of`` puts it back as another
view has it. So a highlight is neither glued to the surface nor carried to where the light doesn't make one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..gate.scoring.measures.edges import DEPTH_STEP
from ..gate.scoring.pixels.arrays import Array, Bools, distance_to, shrink
from ..gate.scoring.pixels.colour import to_linear, to_srgb
from ..gate.scoring.reference import SIZE, Camera

LARGE = 512  # px of the longer side from which weights are found for four pixels together
FLOOR = 0.02  # linear light that is added before the logarithm: what is darker says little, and says it with noise
SOLID = 0.98  # coverage from which a pixel shows the product alone
RIM, STEP = 16.0, 10.0  # px at 1024 over which a source's weight rises from its outline, and from a step in depth
LEAST = 3.0  # px that these are at least, however small the picture
MOST = 1.6  # log light: a change beyond a factor of five is another thing, not another look
MIRRORS = 0.35  # share of scattered light below which a pixel tells of the mirrored light
SCATTERS = 0.08  # share of scattered light below which a pixel says nothing of the surface's own colour


@dataclass(frozen=True)
class Render:
    """One view. ``rgb``: (H, W, 3) sRGB 0..1, the product's own colours, not multiplied by ``mask``, (H, W) 0..1.

    ``depth``: (H, W) metres along the optical axis. ``position``, ``normal``: (H, W, 3) in world axes, metres. ``diffuse``:
    (H, W) 0..1, the share of the light that the surface scatters: 0 on glass and metal, and in a highlight near it.
    """

    rgb: Array
    mask: Array
    depth: Array
    position: Array
    normal: Array
    diffuse: Array
    camera: Camera

    @property
    def unit(self) -> float:
        """Pixels of this view per pixel at a longer side of 1024."""
        return max(self.mask.shape) / SIZE

    @property
    def solid(self) -> Bools:
        return self.mask > SOLID

    def reduced(self, factor: int) -> Render:
        """This view with its sides ``factor`` times shorter: colours averaged, one pixel of each block standing for the rest."""
        if factor <= 1:
            return self
        height, width = (side // factor for side in self.mask.shape)
        middle = factor // 2
        picked = {
            name: getattr(self, name)[middle::factor, middle::factor][:height, :width]
            for name in ("depth", "position", "normal")
        }
        meant = {name: shrink(getattr(self, name), factor) for name in ("rgb", "mask", "diffuse")}
        return Render(**meant, **picked, camera=self.camera)

    def seen_from(self, spin: NDArray[np.float64]) -> Render:
        """This view in the axes of a product that ``spin`` (4, 4) has moved: as if the camera had gone round the other way."""
        back = np.linalg.inv(spin)
        turned = back[:3, :3].T.astype(np.float32)
        camera = Camera(back @ self.camera.matrix_world, self.camera.projection)
        position = self.position @ turned + back[:3, 3].astype(np.float32)
        return replace(self, position=position, normal=self.normal @ turned, camera=camera)


@dataclass(frozen=True)
class Source:
    """A still as a source. ``planes``: (5, H, W) float32: the surface's own change (3), its weight 0..1, its depth in metres."""

    planes: Array
    camera: Camera

    @property
    def change(self) -> Array:
        """(H, W, 3)."""
        return self.planes[:3].transpose(1, 2, 0)

    @property
    def weight(self) -> Array:
        return self.planes[3]

    @cached_property
    def coarse(self) -> Array:
        """The planes as weights are found from: of a large still half as wide and high."""
        if max(self.weight.shape) < LARGE:
            return self.planes
        return np.stack([shrink(plane, 2) for plane in self.planes])


def log_light(picture: Array) -> Array:
    """(H, W, 3) sRGB 0..1 as the logarithm of linear light above ``FLOOR``."""
    return np.log(to_linear(picture) + np.float32(FLOOR)).astype(np.float32)


def change_of(still: Array, render: Render) -> Array:
    """(H, W, 3) log light: what ``still``, sRGB 0..1 on the render's grid, changed; 0 outside the outline."""
    changed = log_light(still) - log_light(render.rgb)
    return np.clip(changed, -MOST, MOST) * render.solid[..., None]


def own_change(change: Array, diffuse: Array, light: Array) -> Array:
    """(..., 3) log: the change of the scattered light alone, the rest having changed by ``light`` (3,), log of a factor."""
    share = np.maximum(diffuse, np.float32(SCATTERS))[..., None]
    grown = np.maximum(np.expm1(change - light) / share, np.float32(-0.8))
    return np.clip(light + np.log1p(grown), -MOST, MOST).astype(np.float32)


def gain_of(own: Array, diffuse: Array, light: Array) -> Array:
    """``own_change`` undone, with another view's ``diffuse`` (...): by what its light grows, (..., 3); exactly 1 where nothing
    changed."""
    gain = np.exp(own - light)
    gain -= 1.0
    gain *= diffuse[..., None]
    gain += 1.0
    gain *= np.exp(light)
    return gain


def brightened(rgb: Array, gain: Array) -> Array:
    """(..., 3) sRGB with its light grown by ``gain``; where that is 1, to the last bit what it was."""
    light = (to_linear(rgb) + np.float32(FLOOR)) * gain - np.float32(FLOOR)
    made: Array = np.where(gain == 1.0, rgb, np.clip(to_srgb(np.clip(light, 0.0, 1.0)), 0.0, 1.0)).astype(np.float32)
    return made


def light_change(changes: list[tuple[Array, Render]]) -> NDArray[np.float32]:
    """(3,) log: by what factor the light as a whole differs, the mirrored too: as much as all stills show alike, each by the
    median of its pixels. What only some of them show is theirs, and no other light.

    Where few pixels mirror, little is known of the mirrored light, and it is taken for what the whole changed by.
    """
    found = []
    for change, render in changes:
        inside = render.solid
        if not inside.any():
            continue
        step = max(1, int(inside.sum()) // 20_000)
        whole = change[inside][::step]
        mirrored = whole[render.diffuse[inside][::step] < MIRRORS]
        trust = len(mirrored) / (len(mirrored) + 0.05 * len(whole))
        overall = np.median(whole, axis=0)
        found.append(trust * np.median(mirrored, axis=0) + (1.0 - trust) * overall if len(mirrored) else overall)
    if not found:
        return np.zeros(3, np.float32)
    least, most = np.min(found, axis=0), np.max(found, axis=0)
    return (np.maximum(least, 0.0) + np.minimum(most, 0.0)).astype(np.float32)


def source(still: Array, render: Render, light: Array, change: Array | None = None) -> Source:
    """``still`` (H, W, 3), sRGB 0..1 on the render's grid, as a source; ``light``: (3,) log, of ``light_change``."""
    change = change_of(still, render) if change is None else change
    own = own_change(change, render.diffuse, light)
    depth = np.where(render.solid, np.nan_to_num(render.depth), 0.0).astype(np.float32)
    return Source(np.stack([*np.moveaxis(own, -1, 0), _weight(render), depth]).astype(np.float32), render.camera)


def _weight(render: Render) -> Array:
    """(H, W) 0..1: how much a pixel may say: little near the outline and near depth steps, and where little is scattered."""
    solid = render.solid
    rim, step = (max(LEAST, length * render.unit) for length in (RIM, STEP))
    inside = distance_to(~solid, int(np.ceil(rim)) + 1)
    away = distance_to(_steps(render, solid), int(np.ceil(step)) + 1)
    weight = np.clip((inside - 1.0) / rim, 0.0, 1.0) ** 2 * np.clip(away / step, 0.0, 1.0) ** 2
    scatter = np.clip(render.diffuse, 0.0, 1.0) ** 2 * (render.diffuse > SCATTERS)
    return (weight * scatter * solid).astype(np.float32)


def _steps(render: Render, solid: Bools) -> Bools:
    """(H, W): pixels beside a step in depth, inside the outline."""
    depth = np.nan_to_num(render.depth)
    points = render.position[solid]
    size = float(np.linalg.norm(np.ptp(points, axis=0))) if len(points) else 1.0
    found = np.zeros(depth.shape, bool)
    for axis in (0, 1):
        first, second = (np.take(depth, range(*cut), axis=axis) for cut in ((0, depth.shape[axis] - 1), (1, depth.shape[axis])))  # fmt: skip
        both = np.take(solid, range(depth.shape[axis] - 1), axis=axis) & np.take(
            solid, range(1, depth.shape[axis]), axis=axis
        )
        jump = (np.abs(second - first) > DEPTH_STEP * size) & both
        rest = [(0, 0), (0, 0)]
        rest[axis] = (0, 1)
        found |= np.pad(jump, rest)
        rest[axis] = (1, 0)
        found |= np.pad(jump, rest)
    return found
