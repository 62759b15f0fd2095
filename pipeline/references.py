# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A reference picture from render passes: the exact backdrop, the shadow on it, the depth map, and what is refused.

Arrays have the top row first. Pictures are uint8 and display-referred (sRGB); coverage, shadow and depth are float.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .errors import BadRender
from .gate.scoring.pixels.arrays import regions

BACKDROPS = {"white": 255, "grey": 128}  # the value of all three channels, in the file
SHADOW_NOISE = 0.03  # share of light; what a shadow catcher's noise stays below, so that the backdrop stays exact
SHADOW_CORE = 0.08  # share of light that a shadow takes somewhere; what is paler everywhere is noise, grey 245 on white
SHADOW_AREA = 2e-4  # share of the frame that a shadow covers at least
SHADOW_FADE = 0.1  # share of the frame's longer side over which a shadow fades away before the border
FARTHEST = 25  # grey of the product's farthest point in the depth map; the backdrop is 0
BLACK, BLOWN = 8, 254  # 8-bit values that count as no light and as too much
BLOWN_SHARE = 0.99
EDGE = 0.05  # coverage from which a pixel at the frame's border counts as product

KINDS = {
    "mask": "mask.png",
    "depth": "depth.exr",
    "normal": "normal.exr",
    "position": "position.exr",
    "surface": "surface.png",
    "scatter": "scatter.png",
    "depth_map": "depth_map.png",
    "lights": "lights.exr",  # lighting.files
    "image": "png",  # last: who finds the picture finds everything
}


def reference_files(folder: Path, angle: str) -> dict[str, Path]:
    """Where an angle's files lie, in the order in which they are written."""
    return {kind: folder / f"{angle}.{ending}" for kind, ending in KINDS.items()}


def composite(
    picture: np.ndarray, coverage: np.ndarray, shadow: np.ndarray | None, backdrop: int | np.ndarray
) -> np.ndarray:
    """``picture`` (h, w, 3) uint8, its colours not multiplied by ``coverage`` (h, w), over ``backdrop``, which is a grey or (h, w,
    3) uint8: (h, w, 3) uint8.

    ``shadow`` (h, w) is the share of light that the ground lost, 0..1; it darkens the backdrop in linear light.
    """
    whole = np.broadcast_to(np.asarray(backdrop, np.uint8), (*coverage.shape, 3))
    ground = whole.astype(np.float32) if shadow is None else darkened(whole, shadow)
    weight = coverage[..., None].astype(np.float32)
    mixed = ground + (picture - ground) * weight
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def darkened(backdrop: np.ndarray, shadow: np.ndarray) -> np.ndarray:
    """``backdrop`` (h, w, 3) uint8 in the ``shadow`` (h, w), the share of linear light that it lost, 0..1: (h, w, 3) float32, 0..255,
    exactly what it was where nothing is lost."""
    ground = backdrop.astype(np.float32)
    dark = shadow > 0.0
    if dark.any():
        light = np.asarray(_LINEAR[backdrop[dark]]) * (1.0 - shadow[dark])[:, None]
        ground[dark] = _srgb(light) * 255.0
    return ground


def shadow_density(catcher: np.ndarray) -> np.ndarray:
    """The shadow-catcher pass (h, w, 3), a factor on the ground's light, as the share of light lost (h, w), 0..1.

    Neutral, so that the backdrop keeps its colour, and exactly 0 where only the pass's noise speaks.
    """
    lost = 1.0 - np.clip(catcher, 0.0, 1.0).mean(axis=-1)  # what the product adds to the ground's light is not shown
    return np.clip((lost - SHADOW_NOISE) / (1.0 - SHADOW_NOISE), 0.0, 1.0)


def settled_shadow(lost: np.ndarray) -> np.ndarray:
    """``shadow_density`` (h, w) as it goes into a picture: without specks of noise, and 0 before the frame's border.

    A shadow that ran into the border would end there in a straight line, and the picture could stand on no page.
    """
    found, count = regions(lost > 0.0)
    if count:
        darkest = np.zeros(count + 1, np.float32)
        np.maximum.at(darkest, found.ravel(), lost.ravel())
        kept = (darkest >= SHADOW_CORE) & (np.bincount(found.ravel(), minlength=count + 1) >= SHADOW_AREA * lost.size)
        lost = np.where(kept[found], lost, 0.0)
    down, across = (np.arange(side) for side in lost.shape)
    return (lost * border_fade(down[:, None], across[None, :], lost.shape)).astype(np.float32)


def border_fade(down: np.ndarray, across: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """What is left of a shadow in the pixels ``down`` and ``across`` of a frame of ``shape`` (h, w): 0..1, float32."""
    fades = []
    for place, side in zip((down, across), shape, strict=True):
        share = np.clip(np.minimum(place, side - 1 - place) / (SHADOW_FADE * max(shape)), 0.0, 1.0)
        fades.append((share * share * (3.0 - 2.0 * share)).astype(np.float32))  # smoothstep: no edge on either side
    return np.asarray(fades[0] * fades[1])  # so that it is round in the corners


def depth_range(depth: np.ndarray, coverage: np.ndarray) -> tuple[float, float] | None:
    """The least and the greatest 1/depth of the product, 1/metres; None where none is seen."""
    inside = (coverage >= 0.5) & np.isfinite(depth) & (depth > 0.0)
    if not inside.any():
        return None
    far, near = np.percentile(1.0 / depth[inside], (0.1, 99.9))  # an edge pixel may hold a sample of the ground
    return float(far), float(near)


def depth_map(depth: np.ndarray, coverage: np.ndarray, scale: tuple[float, float] | None = None) -> np.ndarray:
    """``depth`` (h, w) in metres as 8-bit grey (h, w): the product's nearest point 255, its farthest 25, the backdrop 0.

    ``scale``: the ``depth_range`` of all pictures that are to be comparable; the picture's own where there is none.

    Linear in 1/depth, as the estimators are that depth-conditioned models were trained with (Ranftl et al., MiDaS, 2020).
    """
    result = np.zeros(depth.shape, np.uint8)
    found = depth_range(depth, coverage) if scale is None else scale
    inside = (coverage >= 0.5) & np.isfinite(depth) & (depth > 0.0)
    if found is not None and inside.any():
        disparity, (far, near) = 1.0 / depth[inside], found
        near = max(near, far * (1.0 + 1e-6))
        share = np.clip((disparity - far) / (near - far), 0.0, 1.0)
        result[inside] = np.rint(FARTHEST + share * (255 - FARTHEST)).astype(np.uint8)
    return result


def check_frame(picture: np.ndarray, coverage: np.ndarray, angle: str, crops: bool = False) -> None:
    """Raises BadRender for a frame that no money should be spent on: empty, clipped, black or blown out.

    ``picture`` (h, w, 3) uint8, ``coverage`` (h, w) 0..1; ``crops``: the frame cuts the product on purpose.
    """
    inside = coverage >= 0.5
    if not inside.any():
        raise BadRender(
            f"the {angle} reference shows no product; "
            "check that the product is not hidden from render and place the rig again"
        )
    border = np.concatenate([coverage[0], coverage[-1], coverage[:, 0], coverage[:, -1]])
    if not crops and border.max() >= EDGE:
        raise BadRender(
            f"the {angle} reference cuts the product off at the frame's border; "
            "let it fill less of the frame, or place the rig again"
        )
    whole = coverage >= 0.99  # at the rim the backdrop shines through
    seen = picture[whole if whole.any() else inside]
    if seen.max() < BLACK:
        raise BadRender(
            f"the {angle} reference is black; raise the lights, or give the product's materials a surface that is not black"
        )
    if (seen.min(axis=-1) >= BLOWN).mean() > BLOWN_SHARE:
        raise BadRender(f"the {angle} reference is blown out to white; lower the lights or the environment")


_BYTES = np.arange(256) / 255.0
# 8-bit sRGB as linear light (IEC 61966-2-1).
_LINEAR = np.where(_BYTES <= 0.04045, _BYTES / 12.92, ((_BYTES + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _srgb(light: np.ndarray) -> np.ndarray:
    """Linear light 0..1 as sRGB values 0..1 (IEC 61966-2-1)."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055)
