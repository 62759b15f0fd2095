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
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import references
from ..settings.lights import AS_IT_IS, Light
from ..settings.temperature import relative
from .files import Ground, Lights, Place
from .files import View as Seen
from .view import BRIGHTEST, STEPS, View, Work

Plane = NDArray[np.float32]
Pixels = NDArray[np.uint8]
AT_ONCE = 1 << 14  # pixels that stay in the processor's cache while they are worked on
SOLID = 0.999  # coverage from which nothing of the backdrop is seen
FINER = 2  # times the ground's own pixels, between which its light is interpolated
PALEST = 0.01  # share of a light that the product takes from the ground where its shadow is looked after
SHADES = 4096  # of a backdrop of one colour in shadow
FRESH = 512  # changes of a light after which the sum is added up anew: each leaves a rounding


def gain(light: Light, kelvin: float) -> Plane:
    """(3,) factors on the light of a group that was rendered with ``kelvin``."""
    colour = np.array(light.tint, np.float32) * np.float32(light.strength if light.on else 0.0)
    return colour if light.kelvin is None else colour * np.array(relative(light.kelvin, kelvin), np.float32)


def gains(lights: Mapping[str, Light], rendered: Mapping[str, float]) -> dict[str, Plane]:
    """Factors of each group in ``rendered`` (its kelvin by name); 1 where ``lights`` says nothing of it."""
    return {name: gain(lights.get(name, AS_IT_IS), kelvin) for name, kelvin in rendered.items()}


def ground_light(ground: Ground, factors: Mapping[str, Plane]) -> Plane:
    """(N, N, 3): what the product leaves of the light on the ground with ``factors``, as a factor."""
    nothing = np.zeros_like(next(iter(ground.lit.values())))
    lit, free = (
        sum((planes[name] * factors[name] for name in planes if name in factors), nothing)
        for planes in (ground.lit, ground.open)
    )
    return np.where(free > 1e-6, np.maximum(lit, 0.0) / np.maximum(free, 1e-6), 1.0)


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


def ground_shadow(ground: Ground, seen: Seen, shape: tuple[int, int]) -> Plane:
    """(H, W, 3): what the product leaves of the ground's light in a picture of ``shape`` (H, W), as a factor, as it was lit: 1
    where the ground is not seen.

    A matt ground looks the same from everywhere, so that every angle shows the same shadow, and none has noise of its own.
    """
    fine = _finer(ground_light(ground, dict.fromkeys(ground.lit, np.ones(3, np.float32))))
    pixels, u, v = ground_pixels(ground.place, seen, shape)
    matt = _matt(ground.place, u, v)[:, None]
    whole = np.ones((shape[0] * shape[1], 3), np.float32)
    whole[pixels] = 1.0 - matt + matt * _between(fine, u, v)
    return whole.reshape(*shape, 3)


def _between(plane: Plane, u: Plane, v: Plane) -> Plane:
    """(K, channels): ``plane`` (N, N, channels) at the places (u, v) on its square, linear between its pixels."""
    last = len(plane) - 1
    x, y = (np.clip(share * len(plane) - 0.5, 0.0, last) for share in (u, 1.0 - v))
    left, top = (np.minimum(at.astype(np.int64), max(last - 1, 0)) for at in (x, y))
    right, low = (np.minimum(at + 1, last) for at in (left, top))
    across, down = (x - left)[:, None].astype(np.float32), (y - top)[:, None].astype(np.float32)
    upper = plane[top, left] * (1.0 - across) + plane[top, right] * across
    lower = plane[low, left] * (1.0 - across) + plane[low, right] * across
    return upper * (1.0 - down) + lower * down


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
        self._sum = np.zeros((3, len(self._index)), np.float32)  # in the view's steps
        self._changes = FRESH
        self._work = Work(AT_ONCE)
        rim = self._index[self._rim :]
        self._shadow = None if ground is None else _Shadow(lights, ground, coverage < SOLID, rim)
        self.picture = np.empty((*self._shape, 4), np.uint8)
        self.stand_before(backdrop)
        self.mix({})

    @property
    def bytes(self) -> int:
        """What the lights of this angle take in memory."""
        return sum(share.nbytes for share in self._shares.values())

    def stand_before(self, backdrop: Pixels | int) -> None:
        """Another backdrop; the next ``mix`` shows it."""
        self.picture[..., :3], self.picture[..., 3] = backdrop, 255
        self._edge = self.picture.reshape(-1, 4)[self._index[self._rim :]]  # what is behind the product's rim
        if self._shadow is not None:
            self._shadow.fall_on(self.picture)
        self._gains = {}

    def mix(self, lights: Mapping[str, Light]) -> Pixels:
        """The picture with ``lights``, by their groups' names, on top of what was rendered: ``picture``."""
        factors = gains(lights, self._rendered)
        never = np.full(3, np.nan, np.float32)  # equals nothing
        changed = [name for name, factor in factors.items() if not np.array_equal(factor, self._gains.get(name, never))]
        if changed:
            self._add_up(factors, changed)
            self._gains = factors
            if self._shadow is not None:
                self._shadow.change(factors, self.picture, self._edge)
            self._develop()
        return self.picture

    def _add_up(self, factors: Mapping[str, Plane], changed: list[str]) -> None:
        if self._changes >= FRESH or len(changed) == len(factors):
            self._sum[:] = 0.0
            self._gains, self._changes = {}, 0
            changed = list(factors)
        for name in changed:
            share = self._share(name, keep=len(changed) == 1)
            step = (factors[name] - self._gains.get(name, np.zeros(3, np.float32))) * np.float32(STEPS / BRIGHTEST)
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
                rim = slice(start + over - self._rim, start + len(index) - self._rim)
                edge, cover = self._edge[rim, :3].astype(np.float32), self._cover[rim]
                shown[over:, :3] = np.rint(edge + (shown[over:, :3] - edge) * cover)
            flat[index] = shown.view(np.uint32).ravel()


@dataclass(frozen=True)
class ShadowParts:
    """The pixels of an angle that the product's shadow may be seen in: their indices in the flat picture, where on the ground's
    square each looks (``u``, ``v``), how much no shadow shows there (``base``), the (3, N) ``rest`` of the ground's light as it
    was rendered, and what is left of a shadow before the frame's border (``fade``)."""

    pixels: NDArray[np.int64]
    u: Plane
    v: Plane
    base: Plane
    rest: Plane
    fade: Plane


def shadow_parts(lights: Lights, ground: Ground, seen: NDArray[np.bool_]) -> ShadowParts:
    """Of the pixels in ``seen`` (H, W)."""
    height, width = lights.coverage.shape
    pixels, u, v = ground_pixels(ground.place, lights.view, (height, width))
    matt = _matt(ground.place, u, v)
    dark = np.zeros(next(iter(ground.lit.values())).shape[:2], bool)
    for name, lit in ground.lit.items():
        dark |= (lit < (1.0 - PALEST) * ground.open[name]).any(axis=-1)
    kept = seen.ravel()[pixels] & (matt > 0.0) & _finer(dark[..., None]).reshape(-1)[_spots(ground, u, v)]
    pixels, base = pixels[kept], 1.0 - matt[kept]  # Cycles lays the ground's factor over 1, by how matt it is there
    rest = np.ascontiguousarray((lights.shadow.reshape(-1, 3)[pixels] - base[:, None]).T)
    fade = references.border_fade(pixels // width, pixels % width, (height, width))
    return ShadowParts(pixels, u[kept], v[kept], base, rest, fade)


def _spots(ground: Ground, u: Plane, v: Plane) -> NDArray[np.int32]:
    """Which of the ground's finer pixels, in the flat plane, a place on its square is in."""
    side = FINER * len(next(iter(ground.lit.values())))
    spot = np.minimum((1.0 - v) * side, side - 1).astype(np.int32) * side
    spot += np.minimum(u * side, side - 1).astype(np.int32)
    return spot


class _Shadow:
    """The product's shadow on the ground of an angle, where it is seen."""

    def __init__(self, lights: Lights, ground: Ground, seen: NDArray[np.bool_], rim: NDArray[np.int64]) -> None:
        parts = shadow_parts(lights, ground, seen.reshape(lights.coverage.shape))
        self._light = _GroundLight(ground)
        self._pixels, self._spot = parts.pixels, _spots(ground, parts.u, parts.v)
        self._base, self._rest, self._fade = parts.base, parts.rest, parts.fade
        _, self._at_rim, self._rim = np.intersect1d(parts.pixels, rim, assume_unique=True, return_indices=True)

    def fall_on(self, behind: Pixels) -> None:
        """``behind`` (H, W, 4) is what the shadow falls on."""
        ground = behind.reshape(-1, 4)[self._pixels]
        self._even = bool((ground == ground[:1]).all())
        self._under = ground[:1] if self._even else ground

    def change(self, factors: Mapping[str, Plane], picture: Pixels, edge: Pixels) -> None:
        """Draw the shadow of ``factors`` into ``picture``, and into the ``edge`` behind the product's rim."""
        if not len(self._pixels):  # a close view, or one from below
            return
        change = _finer(self._light.change(factors)).ravel()
        shades = np.full((SHADES, 4), 255, np.uint8)
        if self._even:
            under = np.broadcast_to(self._under[:, :3], (SHADES, 3))
            shades[:, :3] = np.rint(references.darkened(under, np.linspace(0.0, 1.0, SHADES)))
        flat = picture.reshape(-1, 4).view(np.uint32).ravel()
        for start in range(0, len(self._pixels), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            lost = self._lost(np.take(change, self._spot[part], mode="clip"), part)
            if self._even:
                shown = np.take(
                    shades.view(np.uint32).ravel(), (lost * (SHADES - 1) + 0.5).astype(np.int32), mode="clip"
                )
            else:
                dark = self._under[part].copy()
                dark[:, :3] = np.rint(references.darkened(dark[:, :3], lost))
                shown = dark.view(np.uint32).ravel()
            flat[self._pixels[part]] = shown
        edge.view(np.uint32).ravel()[self._rim] = flat[self._pixels[self._at_rim]]

    def _lost(self, change: Plane, part: slice) -> Plane:
        """references.shadow_density of these pixels, where the light on the ground is ``change`` of what it was."""
        left = np.zeros_like(change)
        for rest in self._rest:
            light = rest[part] * change
            light += self._base[part]
            left += np.minimum(light, 1.0)
        left *= np.float32(-1.0 / 3.0)
        left += np.float32(1.0 - references.SHADOW_NOISE)
        left *= np.float32(1.0 / (1.0 - references.SHADOW_NOISE))
        np.maximum(left, 0.0, out=left)
        np.minimum(left, 1.0, out=left)
        left *= self._fade[part]
        return left


class _GroundLight:
    """``ground_light``, averaged over the channels, over what it was in the render: by one product of matrices a channel."""

    def __init__(self, ground: Ground) -> None:
        self._names, self._side = list(ground.lit), len(next(iter(ground.lit.values())))
        both = np.stack([np.stack([ground.lit[name], ground.open[name]]) for name in self._names])
        self._lights = np.ascontiguousarray(both.reshape(len(self._names), -1, 3).transpose(2, 0, 1), np.float32)
        self._before: Plane = np.ones((1, 1, 1), np.float32)
        self._before = np.maximum(self.change(dict.fromkeys(self._names, np.ones(3, np.float32))), 1e-3)

    def change(self, factors: Mapping[str, Plane]) -> Plane:
        """(N, N, 1)"""
        left = np.zeros(self._side**2, np.float32)
        for channel, lights in enumerate(self._lights):
            gains = np.array([factors[name][channel] if name in factors else 1.0 for name in self._names], np.float32)
            lit, free = (gains @ lights).reshape(2, -1)
            np.maximum(lit, 0.0, out=lit)
            dark = free <= 1e-6
            free[dark], lit[dark] = 1.0, 1.0
            lit /= free
            left += lit
        left *= np.float32(1.0 / 3.0)
        shape = (self._side, self._side, 1)
        return np.minimum(left.reshape(shape) / self._before, np.float32(100.0))


def _finer(plane: NDArray[Any]) -> NDArray[Any]:
    """(N, N, channels) with each pixel as FINER² that lead over to its neighbours; of truths, whether any of them is true."""
    if plane.dtype == bool:
        return np.repeat(np.repeat(plane, FINER, 0), FINER, 1)
    for axis in (0, 1):
        before, after = np.roll(plane, 1, axis), np.roll(plane, -1, axis)
        for moved, edge in ((before, 0), (after, -1)):
            index: list[Any] = [slice(None)] * 3
            index[axis] = edge
            moved[tuple(index)] = plane[tuple(index)]
        pair = np.stack([0.75 * plane + 0.25 * before, 0.75 * plane + 0.25 * after], axis=axis + 1)
        shape = list(plane.shape)
        shape[axis] *= FINER
        plane = pair.reshape(shape)
    return plane


def _matt(place: Place, u: Plane, v: Plane) -> Plane:
    """(N,) by how much a spot on the ground shows its shadow: it is matt in part, the rest clear (studio.scene.backdrop), and
    Cycles counts that twice, in the shadow and in laying it over white."""
    away = np.hypot(2.0 * u - 1.0, 2.0 * v - 1.0)
    share = np.clip((away - place.fade) / max(1.0 - place.fade, 1e-6), 0.0, 1.0)
    matt = 1.0 - share * share * (3.0 - 2.0 * share)
    return (matt * matt).astype(np.float32)
