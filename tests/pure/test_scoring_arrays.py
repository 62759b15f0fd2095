# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The image arithmetic against OpenCV and scikit-image."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import color

from consistency_pipeline.pipeline.gate.scoring.pixels import arrays, colour

pytestmark = pytest.mark.by_turns

RANDOM = np.random.default_rng(5)
PICTURE = RANDOM.random((61, 83, 3)).astype(np.float32)
BLOTS = arrays.blur(RANDOM.random((61, 83)).astype(np.float32), 2.0) > 0.5


@pytest.mark.parametrize("sigma", [0.7, 1.0, 2.5])
def test_blur_is_opencvs_gaussian(sigma: float) -> None:
    side = 2 * int(np.ceil(3 * sigma)) + 1
    known = cv2.GaussianBlur(PICTURE, (side, side), sigma, borderType=cv2.BORDER_REPLICATE)
    assert np.abs(arrays.blur(PICTURE, sigma) - known).max() < 1e-5


def test_wide_blur_is_close_to_a_gaussian() -> None:
    smooth = cv2.GaussianBlur(PICTURE, (0, 0), 2.0)
    known = cv2.GaussianBlur(smooth, (49, 49), 6.0, borderType=cv2.BORDER_REPLICATE)
    inner = np.s_[18:-18, 18:-18]
    assert np.abs(arrays.blur(smooth, 6.0) - known)[inner].max() < 0.01


def test_lookup_between_pixels_is_opencvs_remap() -> None:
    x, y = (RANDOM.uniform(1, 50, (40, 30)).astype(np.float32) for _ in range(2))
    known = cv2.remap(PICTURE, x, y, cv2.INTER_LINEAR)
    assert np.abs(arrays.sample(PICTURE, x, y) - known).max() < 0.03  # OpenCV rounds to 1/32 pixel


def test_enlarging_is_opencvs_bilinear() -> None:
    known = cv2.resize(PICTURE, (200, 150), interpolation=cv2.INTER_LINEAR)
    assert np.abs(arrays.resize(PICTURE, 150, 200) - known).max() < 1e-4


def test_distance_is_exact() -> None:
    known = cv2.distanceTransform((~BLOTS).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    assert np.abs(arrays.distance_to(BLOTS, 8) - np.minimum(known, 8)).max() < 1e-4


def test_regions_are_opencvs_components() -> None:
    count, known = cv2.connectedComponents(BLOTS.astype(np.uint8), connectivity=8)
    names, found = arrays.regions(BLOTS)
    assert found == count - 1
    assert len(np.unique(np.stack([names.ravel(), known.ravel()], axis=1), axis=0)) == count


@pytest.mark.parametrize("fill", [False, True])
def test_regions_of_nothing_and_of_everything(fill: bool) -> None:
    names, found = arrays.regions(np.full((5, 7), fill))
    assert found == int(fill)
    assert (names == int(fill)).all()


def test_pulled_colours_fill_the_unknown_and_keep_the_known() -> None:
    known = np.zeros((40, 40), dtype=np.float32)
    known[:, :20] = 1.0
    image = np.zeros((40, 40, 3), dtype=np.float32)
    image[:, :20] = (0.2, 0.5, 0.9)
    image[:, 20:] = 77.0
    filled = arrays.pull_outward(image, known)
    assert np.abs(filled - (0.2, 0.5, 0.9)).max() < 1e-4


def test_colour_differences_are_ciede2000() -> None:
    other = RANDOM.random(PICTURE.shape).astype(np.float32)
    one, two = (color.rgb2lab(picture.astype(np.float64)) for picture in (PICTURE, other))
    assert np.abs(colour.to_lab(PICTURE) - one).max() < 0.05
    assert np.abs(colour.delta_e(one, two) - color.deltaE_ciede2000(one, two)).max() < 1e-6


def test_a_published_pair_of_colours() -> None:
    # Sharma, Wu & Dalal 2005, table 1, pairs 1, 17 and 25.
    one = np.array([[50.0, 2.6772, -79.7751], [50.0, 2.5, 0.0], [60.2574, -34.0099, 36.2677]])
    two = np.array([[50.0, 0.0, -82.7485], [73.0, 25.0, -18.0], [60.4626, -34.1751, 39.4387]])
    assert colour.delta_e(one, two) == pytest.approx([2.0425, 27.1492, 1.2644], abs=5e-5)


def test_srgb_and_back() -> None:
    assert np.abs(colour.to_srgb(colour.to_linear(PICTURE)) - PICTURE).max() < 1e-5
