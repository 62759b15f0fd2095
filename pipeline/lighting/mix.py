# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pictures of other strengths and colours of their lights, without rendering them anew.

Light adds up: a picture is the sum of what each light gives it, each times its change. A ``Mixed`` angle keeps that sum, and
adds the difference where a light changes; then the sum goes through the view transform and over the backdrop.

The shadow is a factor on the backdrop: what the ground gets with the product, over what it gets without it. Cycles tells
only that of all lights together; by the ground's own lights it is brought to the mix at hand.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from .. import references
from ..settings.lights import AS_IT_IS, Light
from ..settings.temperature import relative
from .files import Ground, Lights, Place
from .files import View as Seen
from .view import View, Work

Plane = NDArray[np.float32]
Pixels = NDArray[np.uint8]
AT_ONCE = 1 << 14  # pixels that stay in the processor's cache while they are worked on
SOLID = 0.999  # coverage from which nothing of the backdrop is seen
FRESH = 512  # changes of a light after which the sum is added up anew: each leaves a rounding


def gain(light: Light, kelvin: float) -> Plane:
    """(3,) factors on the light of a group that was rendered with ``kelvin``."""
    colour = np.array(light.tint, np.float32) * np.float32(light.strength if light.on else 0.0)
    return colour if light.kelvin is None else colour * np.array(relative(light.kelvin, kelvin), np.float32)


def gains(lights: Mapping[str, Light], rendered: Mapping[str, float]) -> dict[str, Plane]:
    """Factors of each group in ``rendered`` (its kelvin by name); 1 where ``lights`` says nothing of it."""
    return {name: gain(lights.get(name, AS_IT_IS), kelvin) for name, kelvin in rendered.items()}


def shadow_change(ground: Ground, factors: Mapping[str, Plane]) -> Plane:
    """(N, N, 3): what the shadow's factor on the ground becomes with ``factors``, as a share of what it was."""

    def left(weights: Mapping[str, Plane]) -> Plane:
        nothing = np.zeros_like(next(iter(ground.lit.values())))
        lit, free = (
            sum((planes[name] * weights[name] for name in planes if name in weights), nothing)
            for planes in (ground.lit, ground.open)
        )
        return np.where(free > 1e-6, np.maximum(lit, 0.0) / np.maximum(free, 1e-6), 1.0)

    before = left(dict.fromkeys(ground.lit, np.ones(3, np.float32)))
    return np.clip(left(factors) / np.maximum(before, 1e-3), 0.0, 100.0).astype(np.float32)


def ground_pixels(place: Place, seen: Seen, shape: tuple[int, int]) -> tuple[NDArray[np.int64], Plane, Plane]:
    """The pixels of an angle that look at the ground's square: their indices in the flat picture of ``shape`` (H, W), and where
    on the square, x and y, each 0..1 from its lowest corner.

    A pixel's ray meets the plane z = height: the inverse of the camera's projection takes two points of it to the world.
    """
    height, width = shape
    y, x = np.mgrid[:height, :width]
    clip = np.stack([(x + 0.5) / width * 2.0 - 1.0, 1.0 - (y + 0.5) / height * 2.0], axis=-1).reshape(-1, 2)
    back = np.array(seen.matrix_world) @ np.linalg.inv(np.array(seen.projection))
    near, far = (np.c_[clip, np.full(len(clip), depth), np.ones(len(clip))] @ back.T for depth in (-1.0, 1.0))
    start, end = near[:, :3] / near[:, 3:], far[:, :3] / far[:, 3:]
    down = end[:, 2] - start[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        along = (place.height - start[:, 2]) / down
        meets = start + along[:, None] * (end - start)
        u, v = ((meets[:, axis] - middle) / (2.0 * place.reach) + 0.5 for axis, middle in enumerate((place.x, place.y)))
        inside = (down < 0.0) & (along > 0.0) & (u >= 0.0) & (u <= 1.0) & (v >= 0.0) & (v <= 1.0)
    index = np.flatnonzero(inside)
    return index, u[index].astype(np.float32), v[index].astype(np.float32)


class Mixed:
    """One angle, mixed. ``picture`` is (H, W, 4) 8-bit sRGB; it is changed in place, and so is what a caller holds of it.

    ``backdrop``: (H, W, 3) or one value for all, 8-bit. ``ground``: None where the product stands on none.
    """

    def __init__(self, lights: Lights, view: View, backdrop: Pixels | int = 255, ground: Ground | None = None) -> None:
        self._view = view
        self._rendered = lights.view.lights
        self._shape = lights.coverage.shape
        coverage = lights.coverage.ravel()
        covered = np.flatnonzero(coverage > 1e-4)
        solid = coverage[covered] >= SOLID
        self._index = np.concatenate([covered[solid], covered[~solid]])  # those at the rim last
        self._rim = int(solid.sum())
        self._cover = coverage[self._index[self._rim :], None].astype(np.float32)
        self._shares = {
            name: (share.reshape(-1, 3)[self._index] / coverage[self._index, None]).T.astype(np.float16)
            for name, share in lights.shares.items()
        }
        self._at_hand: tuple[str, Plane] = ("", np.empty((3, 0), np.float32))  # the share that was changed last
        self._gains: dict[str, Plane] = {}
        self._sum = np.zeros((3, len(self._index)), np.float32)
        self._changes = FRESH
        self._work = Work(AT_ONCE)
        self._shadow = lights.shadow
        self._ground = ground
        if ground is not None:
            self._pixels, u, v = ground_pixels(ground.place, lights.view, self._shape)
            side = len(next(iter(ground.lit.values())))
            self._spot = _corners(u, v, side)
            self._matt = _matt(ground.place, u, v)
        self.picture = np.empty((*self._shape, 4), np.uint8)
        self._lost = np.zeros(self._shape, np.float32)
        self.stand_before(backdrop)
        self.mix({})

    @property
    def bytes(self) -> int:
        """What the lights of this angle take in memory."""
        return sum(share.nbytes for share in self._shares.values())

    def stand_before(self, backdrop: Pixels | int) -> None:
        """Another backdrop; ``mix`` shows it."""
        height, width = self._shape
        self._backdrop = np.broadcast_to(np.asarray(backdrop, np.uint8), (height, width, 3))
        self._behind: Pixels | None = None

    def mix(self, lights: Mapping[str, Light]) -> Pixels:
        """The picture with ``lights``, by their groups' names, on top of what was rendered: ``picture``."""
        factors = gains(lights, self._rendered)
        changed = [name for name, factor in factors.items() if not np.array_equal(factor, self._gains.get(name))]
        if changed:
            self._add_up(factors, changed)
        if changed or self._behind is None:
            self._set_ground(factors if changed else None)
            self._develop()
        self._gains = factors
        return self.picture

    def _add_up(self, factors: Mapping[str, Plane], changed: list[str]) -> None:
        if self._changes >= FRESH or len(changed) == len(factors):
            self._sum[:] = 0.0
            self._gains, self._changes = {}, 0
            changed = list(factors)
        for name in changed:
            share = self._share(name, keep=len(changed) == 1)
            step = factors[name] - self._gains.get(name, np.zeros(3, np.float32))
            for channel in range(3):
                for start in range(0, share.shape[1], AT_ONCE):
                    part = slice(start, start + AT_ONCE)
                    self._sum[channel, part] += share[channel, part] * step[channel]
            self._changes += 1

    def _share(self, name: str, *, keep: bool) -> Plane:
        """A light's share; in single precision at hand where one light is being changed again and again."""
        if self._at_hand[0] == name:
            return self._at_hand[1]
        share = self._shares[name].astype(np.float32)
        if keep:
            self._at_hand = (name, share)
        return share

    def _develop(self) -> None:
        flat = self.picture.reshape(-1, 4).view(np.uint32).ravel()
        for start in range(0, len(self._index), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            shown = self._view.shown(self._sum[:, part], self._work)
            index = self._index[part]
            over = max(0, self._rim - start)
            if over < len(index):
                edge = self._behind_at(index[over:])
                cover = self._cover[start + over - self._rim :][: len(index) - over]
                shown[over:, :3] = np.rint(edge + (shown[over:, :3] - edge) * cover)
            flat[index] = shown.view(np.uint32).ravel()

    def _behind_at(self, index: NDArray[np.int64]) -> Plane:
        assert self._behind is not None
        return self._behind.reshape(-1, 4)[index, :3].astype(np.float32)

    def _set_ground(self, factors: Mapping[str, Plane] | None) -> None:
        """The backdrop in its shadow, that of other ``factors`` where they are given, behind the product."""
        lost = self._lost if factors is None else self._shadow_of(factors)
        if self._behind is not None and np.array_equal(lost, self._lost):
            return
        self._lost = lost
        self._behind = np.full((*self._shape, 4), 255, np.uint8)
        self._behind[..., :3] = np.rint(references.darkened(self._backdrop, lost))
        self.picture[:] = self._behind

    def _shadow_of(self, factors: Mapping[str, Plane]) -> Plane:
        """(H, W): the share of light that the ground loses."""
        if self._ground is None:
            return np.zeros(self._shape, np.float32)
        shadow = self._shadow.copy()
        change = shadow_change(self._ground, factors)
        if not np.allclose(change, 1.0, atol=1e-3):
            flat = shadow.reshape(-1, 3)
            weights, corners = self._spot
            changed = (change.reshape(-1, 3)[corners] * weights[..., None]).sum(axis=0)
            # Cycles lays the ground's factor over 1, by how matt it is there.
            flat[self._pixels] = (1.0 - self._matt) + (flat[self._pixels] - 1.0 + self._matt) * changed
        return references.settled_shadow(references.shadow_density(shadow))


def _matt(place: Place, u: Plane, v: Plane) -> Plane:
    """(N, 1) by how much a spot on the ground shows its shadow: it is matt in part, the rest clear (studio.scene.backdrop), and
    Cycles counts that twice, in the shadow and in laying it over white."""
    away = np.hypot(2.0 * u - 1.0, 2.0 * v - 1.0)
    share = np.clip((away - place.fade) / max(1.0 - place.fade, 1e-6), 0.0, 1.0)
    matt = 1.0 - share * share * (3.0 - 2.0 * share)
    return (matt * matt)[:, None].astype(np.float32)


def _corners(u: Plane, v: Plane, side: int) -> tuple[Plane, NDArray[np.int32]]:
    """Bilinear weights (4, N) and flat indices (4, N) into a square picture of ``side``, whose top is v = 1."""
    x = np.clip(u * side - 0.5, 0.0, side - 1.001)
    y = np.clip((1.0 - v) * side - 0.5, 0.0, side - 1.001)
    left, top = x.astype(np.int32), y.astype(np.int32)
    right_share, low_share = x - left, y - top
    weights = np.stack(
        [
            (1 - right_share) * (1 - low_share),
            right_share * (1 - low_share),
            (1 - right_share) * low_share,
            right_share * low_share,
        ]
    ).astype(np.float32)
    first = top * side + left
    return weights, np.stack([first, first + 1, first + side, first + side + 1])
