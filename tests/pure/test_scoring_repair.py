# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repairs: un-warp, exact mode, detail from the reference, a backdrop that shows the rim, one tint over all views."""

from __future__ import annotations

import numpy as np
import pytest

from consistency_pipeline.pipeline.errors import BadInput
from consistency_pipeline.pipeline.gate.scoring import crossview, gate
from consistency_pipeline.pipeline.gate.scoring.measures.detail import edge_region, restore
from consistency_pipeline.pipeline.gate.scoring.measures.edges import geometry_edges
from consistency_pipeline.pipeline.gate.scoring.pixels.arrays import erode
from consistency_pipeline.pipeline.gate.scoring.pixels.backdrop import backdrop_choice
from consistency_pipeline.pipeline.gate.scoring.pixels.placement import Similarity
from consistency_pipeline.pipeline.gate.scoring.pixels.unwarp import unwarp
from consistency_pipeline.pipeline.gate.scoring.recomposite import recomposite, shadow_factor
from consistency_pipeline.pipeline.gate.scoring.verdict import Thresholds

from . import scoring_scene as scene

pytestmark = pytest.mark.by_turns

MIDDLE = (scene.SIZE / 2 - 0.5, scene.SIZE / 2 - 0.5)
MOVED = Similarity(6.0, -4.0, 1.03, 0.0, MIDDLE)


@pytest.fixture(scope="module")
def known() -> gate.Prepared:
    return gate.Prepared(scene.reference())


def test_unwarp_and_recomposite_bring_a_moved_still_back_to_half_a_pixel(known: gate.Prepared) -> None:
    still = scene.restyle(seed=6, move=MOVED.matrix())
    found = gate.score(still, known)
    assert found.verdict.repairable
    straight = unwarp(still, found.pose)
    again = gate.score(straight, known)
    assert again.verdict.outcome == "pass"
    assert again.numbers.shift_px < 0.3
    exact = gate.score(recomposite(straight, known.work.mask, (0.85, 0.85, 0.85)), known)
    assert exact.numbers.p95_px * scene.UNIT <= 0.25  # pixels of this small picture
    assert exact.verdict.outcome == "pass"


def test_unwarping_by_nothing_changes_nothing() -> None:
    still = scene.restyle(seed=1)
    assert np.array_equal(unwarp(still, Similarity(pivot=MIDDLE)), still)


def test_exact_mode_gives_the_backdrop_to_the_last_bit_and_no_trace_of_the_old_one(known: gate.Prepared) -> None:
    mask = known.work.mask
    green = np.where(mask[..., None] > 0.6, np.float32([0.5, 0.2, 0.1]), np.float32([0.0, 1.0, 0.0])).astype(np.float32)
    exact = recomposite(green, mask, (1.0, 1.0, 1.0))
    assert (exact[mask == 0] == 1.0).all()
    # Between brown and white, no pixel may be greener than the line between the two.
    rim = (mask > 0.02) & (mask < 0.98)
    assert (exact[rim][:, 1] <= np.maximum(exact[rim][:, 0], 0.2) + 0.01).all()


def test_exact_mode_keeps_the_inside_of_the_picture(known: gate.Prepared) -> None:
    still, mask = scene.restyle(seed=2), known.work.mask
    exact = recomposite(still, mask, (1.0, 1.0, 1.0))
    core = erode(mask > 0.99, 3.0)
    assert np.abs(exact - still)[core].max() < 1e-4


def test_the_shadow_of_the_render_is_laid_on_the_new_backdrop(known: gate.Prepared) -> None:
    mask = known.work.mask
    shadow = np.ones_like(mask)
    shadow[300:330, 50:120] = 0.25
    exact = recomposite(scene.restyle(seed=2), mask, (1.0, 1.0, 1.0), shadow)
    assert exact[310, 80] == pytest.approx([0.5371] * 3, abs=1e-3)  # sRGB of a quarter of the light
    assert (exact[10, 10] == 1.0).all()


def test_a_shadow_is_read_from_a_render_over_a_flat_backdrop() -> None:
    rgb = np.full((64, 64, 3), 0.8, dtype=np.float32)
    rgb[50:60, 10:50] *= 0.7
    factor = shadow_factor(rgb, np.zeros((64, 64), dtype=np.float32), (0.8, 0.8, 0.8))
    assert factor[5, 5] == pytest.approx(1.0, abs=1e-3)
    assert 0.4 < factor[55, 30] < 0.55


def test_sizes_that_differ_are_refused(known: gate.Prepared) -> None:
    with pytest.raises(BadInput, match="un-warp"):
        recomposite(np.zeros((10, 10, 3), dtype=np.float32), known.work.mask, (1, 1, 1))


def test_detail_comes_back_without_changing_the_light(known: gate.Prepared) -> None:
    other_print = scene.restyle(parts=scene.changed("body", print_seed=9), seed=4)
    before = gate.score(other_print, known).numbers
    mended = restore(other_print, known.work.rgb, known.work.mask)
    after = gate.score(mended, known).numbers
    assert before.label_changed > 0.4
    assert after.label_changed < 0.1
    inside = known.work.mask > 0.99
    assert abs(mended[inside].mean() - other_print[inside].mean()) < 0.04
    assert np.array_equal(mended[known.work.mask < 0.01], other_print[known.work.mask < 0.01])


def test_detail_is_restored_in_the_chosen_region_only(known: gate.Prepared) -> None:
    still = scene.restyle(parts=scene.changed("body", print_seed=9), seed=4)
    region = np.zeros_like(known.work.mask)
    region[:, : scene.SIZE // 2 - 20] = 1.0
    mended = restore(still, known.work.rgb, known.work.mask, region)
    assert np.array_equal(mended[:, scene.SIZE // 2 :], still[:, scene.SIZE // 2 :])
    assert not np.array_equal(mended, still)


def test_a_region_along_the_geometrys_edges_lies_on_the_product(known: gate.Prepared) -> None:
    region = edge_region(geometry_edges(known.work)[0], known.work.mask.shape)
    assert 0.01 < region.mean() < 0.3
    assert (known.work.mask[region] > 0.5).mean() > 0.99


@pytest.mark.parametrize(("product", "wanted", "stays"), [(0.2, 1.0, True), (0.97, 0.95, False), (0.9, 0.5, True)])
def test_the_backdrop_leaves_the_wanted_grey_only_where_the_rim_would_drown(
    known: gate.Prepared, product: float, wanted: float, stays: bool
) -> None:
    rgb = np.full((*known.work.mask.shape, 3), product, dtype=np.float32)
    grey, covered = backdrop_choice(rgb, known.work.mask, wanted)
    assert (grey == wanted) == stays
    assert covered == 1.0
    assert abs(grey - product) >= 0.15


VIEWS = {"front": 0.0, "three-quarter": 35.0, "side": 70.0}


def stills(tints: dict[str, tuple[float, float, float]]) -> dict[str, tuple]:
    views = {}
    for name, azimuth in VIEWS.items():
        view = scene.camera(azimuth)
        views[name] = (scene.reference(view), scene.restyle(seed=len(name), view=view, tint=tints.get(name, (1, 1, 1))))
    return views


def test_own_cameras_agree_to_a_thousandth_of_a_pixel() -> None:
    reference = scene.reference()
    x, y, rows, cols = crossview.shared(reference, reference)
    assert len(rows) > 1000
    assert np.hypot(x - cols, y - rows).max() < 2e-3


def test_views_of_one_colour_agree() -> None:
    found = crossview.tint(stills({}), Thresholds())
    assert (found.outlier, found.action) == ("", "")
    assert len(found.pairs) >= 2


def test_a_tinted_view_is_named_and_its_gain_brings_it_back() -> None:
    views = stills({"side": (1.25, 1.0, 0.72)})
    found = crossview.tint(views, Thresholds())
    assert (found.outlier, found.action) == ("side", "gain"), found.reason
    reference, still = views["side"]
    views["side"] = (reference, crossview.apply_gain(still, reference.mask, found.gains["side"]))
    again = crossview.tint(views, Thresholds())
    assert again.outlier == ""
    assert again.offsets["side"] < found.offsets["side"] / 3


def test_a_view_of_quite_another_colour_is_taken_again() -> None:
    found = crossview.tint(stills({"side": (0.35, 1.0, 2.6)}), Thresholds())
    assert (found.outlier, found.action) == ("side", "reroll")


def test_of_two_views_neither_is_blamed() -> None:
    views = stills({"side": (1.4, 1.0, 0.6)})
    del views["front"]
    found = crossview.tint(views, Thresholds())
    assert found.outlier == ""
    assert "no third" in found.reason


def test_views_that_share_nothing_say_so() -> None:
    front, back = scene.camera(0.0), scene.camera(180.0, elevation=-20)
    views = {
        name: (scene.reference(view), scene.restyle(view=view)) for name, view in (("front", front), ("back", back))
    }
    found = crossview.tint(views, Thresholds())
    assert found.outlier == ""
    assert "share" in found.reason
