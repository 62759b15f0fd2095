# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known exactly about one picture: the render and its passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import BadInput, BadRender
from .pixels.arrays import Array, resize, shrink
from .pixels.silhouette import Silhouette, trace

SIZE = 1024  # lengths named _px are measured at this longer side
MATT = 0.11  # sRGB-coded colour of a surface below which glass, metal or black reflects more light than it scatters
SMALLEST = 48  # pixels of the shorter side below which nothing can be measured


@dataclass(frozen=True)
class Camera:
    """``matrix_world``: (4, 4) camera to world, metres. ``projection``: (4, 4) camera to clip space, as OpenGL's."""

    matrix_world: NDArray[np.float64]
    projection: NDArray[np.float64]

    @classmethod
    def of(cls, matrix_world: Sequence[Sequence[float]], projection: Sequence[Sequence[float]]) -> Camera:
        return cls(np.array(matrix_world, dtype=np.float64), np.array(projection, dtype=np.float64))

    @property
    def position(self) -> NDArray[np.float64]:
        """(3,) metres in the world."""
        return self.matrix_world[:3, 3]

    def project(self, points: NDArray[Any], width: int, height: int) -> tuple[Array, Array, Array]:
        """World points (..., 3) in metres -> x, y in array coordinates, and depth in metres along the optical axis."""
        world_to_clip = self.projection @ np.linalg.inv(self.matrix_world)
        clip = points @ world_to_clip[:, :3].T + world_to_clip[:, 3]
        world_to_camera = np.linalg.inv(self.matrix_world)
        depth = -(points @ world_to_camera[2, :3] + world_to_camera[2, 3])
        w = np.where(np.abs(clip[..., 3]) < 1e-9, 1e-9, clip[..., 3])
        x = (clip[..., 0] / w + 1) / 2 * width - 0.5
        y = (1 - clip[..., 1] / w) / 2 * height - 0.5
        return x.astype(np.float32), y.astype(np.float32), depth.astype(np.float32)


@dataclass(frozen=True)
class Reference:
    """One render with its passes, all of one size. Passes that are None are not tested against.

    ``rgb``: (H, W, 3) sRGB 0..1. ``mask``: (H, W) 0..1, the renderer's alpha of the product. ``depth``: (H, W) metres along
    the optical axis. ``normal``, ``position``: (H, W, 3) in world axes, metres. ``surface``: (H, W, 3) sRGB 0..1, the colour
    of the surface without any light (Cycles' diffuse colour; black where it is glass or metal). ``solid``:
    (N, 3) metres in the world, points all over the product, also where this view doesn't see it. ``label``: (H, W) 0..1,
    regions whose print must not change; None: found in ``surface``, else in ``rgb``. Raises BadRender for an empty mask, BadInput for arrays of unequal size.
    """

    rgb: Array
    mask: Array
    depth: Array | None = None
    normal: Array | None = None
    position: Array | None = None
    camera: Camera | None = None
    label: Array | None = None
    surface: Array | None = None
    solid: Array | None = None

    def __post_init__(self) -> None:
        height, width = self.mask.shape[:2]
        for name in ("rgb", "depth", "normal", "position", "label", "surface"):
            array = getattr(self, name)
            if array is not None and array.shape[:2] != (height, width):
                raise BadInput(f"the reference's {name} is not of its mask's size, {width} × {height}; render it again")
        if min(height, width) < SMALLEST:
            raise BadInput(f"a reference of {width} × {height} is too small to measure; render at least {SMALLEST} px")
        if not np.isfinite(self.mask).all() or (self.mask > 0.5).mean() < 2e-4:
            raise BadRender(
                "the reference's mask is empty: the camera sees no product; check the rig and render it again"
            )

    @property
    def unit(self) -> float:
        """Pixels of this reference per pixel at a longer side of 1024."""
        return max(self.mask.shape) / SIZE

    @cached_property
    def silhouette(self) -> Silhouette:
        return trace(self.mask, self.unit)

    @cached_property
    def inside(self) -> NDArray[np.bool_]:
        return self.mask > 0.5

    @cached_property
    def matt(self) -> NDArray[np.bool_]:
        """(H, W): where the light that the render shows is mostly the surface's own colour, lit: no glass, no mirror.

        A highlight is lighter than the surface's colour under any light that the rest of the picture has.
        """
        if self.surface is None:
            return np.zeros(self.mask.shape, dtype=bool)
        return self.inside & (self.surface.max(axis=-1) > MATT)

    def at_working_size(self) -> Reference:
        """This reference at a longer side below 2 × 1024, where more pixels would cost time and add nothing."""
        factor = max(self.mask.shape) // SIZE
        if factor < 2:
            return self
        parts = {name: getattr(self, name) for name in ("depth", "normal", "position")}
        # Depth and position must not be averaged over an edge; one pixel of the block stands for it.
        picked = {name: None if part is None else part[::factor, ::factor] for name, part in parts.items()}
        height, width = (side // factor for side in self.mask.shape)
        picked = {name: None if part is None else part[:height, :width] for name, part in picked.items()}
        label = None if self.label is None else shrink(self.label, factor)
        surface = None if self.surface is None else shrink(self.surface, factor)
        return Reference(
            shrink(self.rgb, factor),
            shrink(self.mask, factor),
            **picked,
            camera=self.camera,
            label=label,
            surface=surface,
            solid=self.solid,
        )


def as_picture(pixels: NDArray[Any], height: int, width: int) -> Array:
    """A fetched picture as (height, width, 3) float32 in 0..1. Alpha is dropped, another size of the same shape resampled.

    Raises BadInput for another aspect (a crop can't be measured against its reference), for values that are not numbers,
    and for what is no picture at all.
    """
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=-1)
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4) or min(pixels.shape[:2]) < 2:
        raise BadInput(f"an array of shape {pixels.shape} is not a picture; it needs height, width and 3 or 4 channels")
    if np.issubdtype(pixels.dtype, np.integer):
        picture = pixels[..., :3].astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    else:
        picture = pixels[..., :3].astype(np.float32)
    if not np.isfinite(picture).all():
        raise BadInput("the picture holds values that are not numbers; fetch it again")
    if picture.shape[:2] == (height, width):
        return np.clip(picture, 0, 1)
    if abs(picture.shape[1] / picture.shape[0] / (width / height) - 1) > 0.01:
        raise BadInput(
            f"the picture is {picture.shape[1]} × {picture.shape[0]} and its reference {width} × {height}, another shape;"
            " ask the endpoint for the reference's aspect ratio"
        )
    return np.clip(resize(picture, height, width), 0, 1)
