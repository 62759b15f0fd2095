# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The known outline, and where it lies in a picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from skimage import measure

from consistency_pipeline.pipeline.gate.scoring import gate
from consistency_pipeline.pipeline.gate.scoring.pixels.placement import Similarity, place
from consistency_pipeline.pipeline.gate.scoring.pixels.silhouette import trace
from consistency_pipeline.pipeline.gate.scoring.pixels.unwarp import unwarp

from . import scoring_scene as scene

pytestmark = pytest.mark.by_turns


@pytest.fixture(scope="module")
def known() -> gate.Prepared:
    return gate.Prepared(scene.reference())


def fitted(known: gate.Prepared, still: np.ndarray) -> Similarity:
    return gate.score(still, known).pose


def as_expected(known: gate.Prepared, got: Similarity, true: Similarity) -> None:
    """Within 0.1 px and 0.3 %, at the product's centre."""
    centre = np.array([known.work.silhouette.centre], dtype=np.float32)
    assert np.hypot(*(got.apply(centre) - true.apply(centre))[0]) < 0.1
    assert got.scale == pytest.approx(true.scale, rel=0.003)


@pytest.mark.parametrize(
    ("dx", "dy", "scale", "turn"),
    [
        (0, 0, 1, 0),
        (3, -2, 1, 0),
        (-9, 6, 1, 0),
        (0, 0, 1.03, 0),
        (2, 2, 0.95, 0),
        (1, 0, 1.0, 1.5),
        (-3, 2, 1.02, -1.0),
    ],
)
def test_shift_scale_and_rotation_are_recovered(
    known: gate.Prepared, dx: float, dy: float, scale: float, turn: float
) -> None:
    true = Similarity(dx, dy, scale, turn, (scene.SIZE / 2 - 0.5, scene.SIZE / 2 - 0.5))
    got = fitted(known, scene.restyle(seed=4, move=true.matrix()))
    as_expected(known, got, true)
    assert got.rotation == pytest.approx(turn, abs=0.15)


@settings(max_examples=8, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
@given(st.floats(-8, 8), st.floats(-8, 8), st.floats(0.95, 1.05), st.integers(0, 99))
def test_any_small_move_is_recovered(known: gate.Prepared, dx: float, dy: float, scale: float, seed: int) -> None:
    true = Similarity(dx, dy, scale, 0.0, (scene.SIZE / 2 - 0.5, scene.SIZE / 2 - 0.5))
    as_expected(known, fitted(known, scene.restyle(seed=seed, move=true.matrix())), true)


def test_a_picture_warped_by_opencv_is_found_and_unwarped_like_opencvs(known: gate.Prepared) -> None:
    true = Similarity(4.0, -3.0, 1.02, 0.8, (190.0, 190.0))
    still = scene.restyle(seed=7)
    side = (scene.SIZE, scene.SIZE)
    moved = cv2.warpAffine(still, true.matrix(), side, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    got = fitted(known, moved)
    as_expected(known, got, true)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    oracle = cv2.warpAffine(moved, got.matrix(), side, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    inner = np.s_[20:-20, 20:-20]
    assert np.abs(unwarp(moved, got) - np.clip(oracle, 0, 1))[inner].mean() < 0.004


def test_the_outline_is_scikit_images_contour(known: gate.Prepared) -> None:
    mask = known.work.mask
    contours = np.concatenate([c[:, ::-1] for c in measure.find_contours(mask, 0.5) if len(c) > 30])
    points = trace(mask, scene.UNIT).points
    nearest = np.min(np.hypot(*(points[:, None] - contours[None]).transpose(2, 0, 1)), axis=1)
    assert nearest.max() < 0.6  # between two of the contour's own points
    assert np.median(nearest) < 0.3


def test_normals_point_away_from_the_product_also_around_a_hole() -> None:
    y, x = np.mgrid[:200, :200]
    radius = np.hypot(x - 100, y - 100)
    outline = trace(((radius < 80) & (radius > 40)).astype(np.float32), 0.2)
    assert len(outline.chains) == 2
    assert all(closed for _, _, closed in outline.chains)
    away = ((outline.points - 100) * outline.normals).sum(axis=1)
    outer = np.hypot(*(outline.points - 100).T) > 60
    assert (away[outer] > 0).all()
    assert (away[~outer] < 0).all()


def test_an_outline_cut_by_the_frame_leaves_the_frame_out() -> None:
    mask = np.zeros((200, 200), dtype=np.float32)
    mask[50:150, 60:] = 1.0
    outline = trace(mask, 0.2)
    assert outline.points[:, 0].max() < 198
    assert not any(closed for _, _, closed in outline.chains)


def test_a_product_that_fills_the_frame_has_no_outline_and_is_left_in_place() -> None:
    outline = trace(np.ones((128, 128), dtype=np.float32), 0.125)
    assert len(outline) == 0
    pose = place(np.zeros((128, 128, 3), dtype=np.float32), outline, 0.125)
    assert (pose.dx, pose.dy, pose.scale) == (0.0, 0.0, 1.0)
