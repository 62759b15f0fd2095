# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Exact mode: the picture's product under the renderer's own alpha, over a backdrop of exactly the colour asked for.

The outline is then the render's by construction, whatever the generator did to it. Needs a picture on the render's grid
(unwarp first), and a product whose shape passed: a right outline around a wrong object is still a wrong object.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import BadInput
from .pixels.arrays import Array, erode, luma, pull_outward
from .pixels.colour import to_linear, to_srgb
from .pixels.thin import thin_parts, unmixed

RIM = 2.5  # px at 1024 of the picture's rim that old backdrop may have bled into


def recomposite(
    picture: Array, mask: Array, backdrop: tuple[float, float, float] | Array, shadow: Array | None = None
) -> Array:
    """(H, W, 3) sRGB 0..1, exact outside the mask: ``backdrop`` times ``shadow``, to the last bit where alpha is 0.

    ``picture``: (H, W, 3) sRGB, on the render's grid. ``mask``: (H, W) the renderer's alpha. ``backdrop``: one sRGB colour
    or (H, W, 3). ``shadow``: (H, W) or (H, W, 3) linear factor 0..1 of the render's shadow catcher; None: no shadow.
    Colours of the product are pulled outward from inside the rim (push-pull) before alpha is applied, so that no trace of the old
    backdrop is left. The blend is of coded values, as the references' is, whose rim the picture was made from. Raises BadInput for arrays of unequal size.
    """
    if picture.shape[:2] != mask.shape or (shadow is not None and shadow.shape[:2] != mask.shape):
        raise BadInput("picture, mask and shadow are not of one size; un-warp the picture onto the render's grid first")
    unit = max(mask.shape) / 1024
    product = _pulled(picture, mask, unit)
    behind = np.broadcast_to(np.asarray(backdrop, dtype=np.float32), picture.shape)
    coded = behind
    if shadow is not None:
        factor: Any = shadow[..., None] if shadow.ndim == 2 else shadow
        # Light that nothing dims keeps its code exactly; there and back through linear it would not.
        dimmed = np.asarray(to_linear(behind) * factor, dtype=np.float32)
        coded = np.where(factor >= 1.0, behind, to_srgb(dimmed))
    alpha = np.clip(mask, 0, 1)[..., None]
    return np.clip(np.where(alpha > 0, product * alpha + coded * (1 - alpha), coded), 0, 1).astype(np.float32)


def _pulled(picture: Array, mask: Array, unit: float) -> Array:
    """The picture with its rim replaced by what lies further in, where the product is thick enough to know it.

    A part thinner than twice the rim has no inside; its own middle, where alpha is full, has to do, and where that isn't either,
    what the picture shows over its old backdrop.
    """
    solid = mask > 0.98
    core = erode(solid, RIM * unit)
    # Thin parts: what erosion and regrowing lose entirely.
    thin = solid & ~_near(core, 2.0 * RIM * unit + 1.5)
    known = core | (thin & erode(solid, 0.9)) if (thin & erode(solid, 0.9)).any() else core | thin
    spread = pull_outward(picture, known.astype(np.float32)) if known.any() else picture
    pulled = np.where(known[..., None], picture, spread)
    lone = thin_parts(mask, known, 2.0 * RIM * unit + 2.5)
    if not lone.any():
        return pulled
    beside = pull_outward(picture, (mask < 0.005).astype(np.float32))
    return np.where(lone[..., None], unmixed(picture, mask, beside), pulled)


def _near(region: np.ndarray, radius: float) -> np.ndarray:
    return ~erode(~region, radius)


def shadow_factor(rgb: Array, mask: Array, backdrop: tuple[float, float, float] | Array) -> Array:
    """(H, W) linear factor 0..1 of the shadow in a render over ``backdrop`` (sRGB, one colour or (H, W, 3)), for where no catcher
    was rendered.

    ``rgb``: (H, W, 3) sRGB of the reference over ``backdrop``. Under the product it is pulled in from around it.
    """
    light = luma(to_linear(np.asarray(backdrop, dtype=np.float32)).astype(np.float32))
    factor = np.clip(luma(to_linear(rgb).astype(np.float32)) / np.maximum(light, 1e-4), 0, 1)
    outside = (mask < 0.005).astype(np.float32)
    return pull_outward(factor[..., None], outside)[..., 0]
