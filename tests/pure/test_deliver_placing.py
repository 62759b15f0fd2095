# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a product and its shadow come to stand on a canvas."""

from __future__ import annotations

import numpy as np

from consistency_pipeline.pipeline.deliver.matting import matte
from consistency_pipeline.pipeline.deliver.placing import layout, place
from consistency_pipeline.pipeline.deliver.presets import Fill, Rules


def test_a_shadow_is_kept_beside_the_product_and_ends_before_the_canvas_does():
    side = 200
    y, x = np.mgrid[0:side, 0:side] - side / 2.0
    mask = ((np.abs(x) < 50) & (np.abs(y) < 50)).astype(np.float32)
    shadow = 1.0 - 0.4 * np.clip(1.0 - np.abs(y - 50) / 30.0, 0.0, 1.0) * (np.abs(x) < 95)  # wider than any canvas
    still = (np.stack([shadow] * 3, axis=-1) * (1.0 - mask[..., None])).astype(np.float32)
    rules = Rules(shadow=True, fill=Fill(wanted=0.88), advised=1000)
    found = matte(still, mask, exact=True)
    placed = place(found, still, layout(found.alpha, rules, crops=False), rules)
    pixels = placed.pixels
    rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert (rim == 255).all()
    below = np.nonzero((placed.alpha > 0.5).any(axis=1))[0][-1] + 1
    assert pixels[below, pixels.shape[1] // 2].max() < 240
    assert (np.diff(pixels[below + 1 :, pixels.shape[1] // 2, 0].astype(int)) >= 0).all()  # it ends softly
