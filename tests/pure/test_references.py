# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from consistency_pipeline.pipeline import references
from consistency_pipeline.pipeline.errors import BadRender

GREY = 120


def frame(size: int = 32, inner: slice = slice(8, 24), value: int = GREY) -> tuple[np.ndarray, np.ndarray]:
    coverage = np.zeros((size, size), np.float32)
    coverage[inner, inner] = 1.0
    picture = np.full((size, size, 3), 255, np.uint8)
    picture[coverage > 0] = value
    return picture, coverage


def test_an_ordinary_frame_passes():
    references.check_frame(*frame(), "front")


def test_a_frame_without_product_is_refused():
    picture, coverage = frame()
    with pytest.raises(BadRender, match="front reference shows no product"):
        references.check_frame(picture, coverage * 0, "front")


@pytest.mark.parametrize("inner", [slice(0, 16), slice(16, 32)])
def test_a_clipped_product_is_refused_unless_the_angle_crops(inner):
    with pytest.raises(BadRender, match="cuts the product off"):
        references.check_frame(*frame(inner=inner), "side")
    references.check_frame(*frame(inner=inner), "side", crops=True)


def test_black_and_blown_out_are_refused():
    with pytest.raises(BadRender, match="black"):
        references.check_frame(*frame(value=2), "front")
    with pytest.raises(BadRender, match="blown out"):
        references.check_frame(*frame(value=255), "front")


def test_a_dark_product_with_a_highlight_and_a_white_one_with_shading_pass():
    picture, coverage = frame(value=0)
    picture[10, 10] = 60
    references.check_frame(picture, coverage, "front")
    picture, coverage = frame(value=255)
    picture[12:24, 8:24] = 235
    references.check_frame(picture, coverage, "front")


@pytest.mark.parametrize(("backdrop", "value"), [("white", 255), ("grey", 128)])
def test_the_backdrop_is_exact(backdrop, value):
    picture, coverage = frame()
    for shadow in (None, np.zeros_like(coverage)):
        made = references.composite(picture, coverage, shadow, references.BACKDROPS[backdrop])
        assert made.dtype == np.uint8
        assert (made[coverage == 0] == value).all()
        assert (made[coverage == 1] == GREY).all()


def test_the_shadow_halves_the_light_and_not_the_number():
    picture, coverage = frame()
    made = references.composite(picture, coverage, np.full_like(coverage, 0.5), 255)
    assert (made[coverage == 0] == 188).all()  # half of white's light is sRGB 188, not 128
    assert (made[coverage == 1] == GREY).all()  # never on the product itself


def test_an_edge_is_mixed_by_its_coverage():
    picture, coverage = frame(value=0)
    coverage[8, 8] = 0.25
    assert references.composite(picture, coverage, None, 255)[8, 8].tolist() == [191, 191, 191]


def test_noise_of_the_catcher_is_no_shadow():
    catcher = np.ones((4, 4, 3), np.float32)
    catcher[0] -= 0.02
    catcher[1] += 0.3
    catcher[2] = 0.5
    catcher[3] = -0.1
    lost = references.shadow_density(catcher)
    assert (lost[:2] == 0).all()
    assert lost[2] == pytest.approx(0.5, abs=0.02)
    assert (lost[3] == 1.0).all()


def test_a_shadow_ends_before_the_border_and_specks_are_none():
    lost = np.zeros((128, 128), np.float32)
    lost[40:, 30:90] = 0.6  # runs out of the frame at the bottom
    lost[3, 3] = lost[2:6, 120:126] = 0.04  # pale
    lost[60, 120] = 0.9  # a single pixel
    made = references.settled_shadow(lost)
    assert made[[0, -1]].max() == made[:, [0, -1]].max() == 0.0
    assert made[:10].max() == made[:, 100:].max() == 0.0
    assert (made[40:100, 30:90] == np.float32(0.6)).all()
    column = made[100:, 60]
    assert (np.diff(column) <= 0).all(), "it fades"
    assert np.abs(np.diff(column)).max() < 0.12


def test_two_shadows_stay_two_and_none_stays_none():
    lost = np.zeros((64, 64), np.float32)
    assert references.settled_shadow(lost).max() == 0.0
    lost[20:30, 20:30], lost[40:50, 40:50] = 0.5, 0.2
    assert references.settled_shadow(lost) == pytest.approx(lost)


def test_depth_map_is_near_white_and_keeps_the_product_off_the_backdrop():
    depth = np.full((10, 10), 1e10, np.float32)
    coverage = np.zeros((10, 10), np.float32)
    depth[2:8, 2:8] = np.linspace(1.0, 2.0, 6)[:, None]
    coverage[2:8, 2:8] = 1.0
    grey = references.depth_map(depth, coverage)
    assert (grey[coverage == 0] == 0).all()
    column = grey[2:8, 4].astype(int)
    assert column[0] == 255
    assert column[-1] == references.FARTHEST
    assert (np.diff(column) < 0).all()
    assert abs(column[3] - (25 + 230 * (1 / 1.6 - 0.5) / 0.5)) <= 1  # linear in 1/depth


def test_depth_map_of_a_flat_or_missing_product():
    flat = np.full((4, 4), 2.0, np.float32)
    assert set(np.unique(references.depth_map(flat, np.ones((4, 4))))) <= set(range(references.FARTHEST, 256))
    assert references.depth_map(flat, np.zeros((4, 4))).max() == 0


def test_the_picture_is_the_last_file():
    files = references.reference_files(Path("references"), "three-quarter")
    assert list(files)[-1] == "image"
    assert files["image"].as_posix() == "references/three-quarter.png"
    assert files["mask"].name == "three-quarter.mask.png"
    assert files["depth_map"].name == "three-quarter.depth_map.png"
