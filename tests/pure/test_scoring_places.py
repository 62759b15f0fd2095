# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a fault is: the sentence says it, and the heat map has a ring there that a thumbnail shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from consistency_pipeline.pipeline.gate.scoring import gate, places
from consistency_pipeline.pipeline.gate.scoring.heatmap import FINE, KEY, UNKNOWN, heatmap, key_of
from consistency_pipeline.pipeline.gate.scoring.pixels.arrays import shrink
from consistency_pipeline.pipeline.gate.scoring.pixels.placement import Similarity
from consistency_pipeline.pipeline.gate.scoring.pixels.unwarp import unwarp
from consistency_pipeline.pipeline.gate.scoring.verdict import Numbers, Thresholds, Verdict, judge

from . import faulty
from . import scoring_scene as scene

pytestmark = pytest.mark.by_turns

PLACES = [words for row in places.NINTHS for words in row]
SIDE = (158, 192, 190, 224)  # rows and columns of the body's plain side, at faulty.SIZE


def part_of(kind: str) -> np.ndarray:
    """(H, W): where the picture of a kind of fault departs from the product."""
    changed = {"missing part": scene.without("spout"), "added part": {**scene.PRODUCT, "extra": faulty.EXTRA}}[kind]
    masks = [scene.render(parts, scene.camera(), faulty.SIZE)["mask"] for parts in (changed, scene.PRODUCT)]
    return np.abs(masks[0] - masks[1]) > 0.5


@pytest.mark.parametrize(("kind", "words"), [("missing part", "at the right"), ("added part", "at the upper left")])
def test_what_is_gone_or_added_is_named_and_ringed_where_it_is(kind: str, words: str):
    scored = faulty.scored(kind)
    assert scored.verdict.reason.startswith(f"{words}, "), scored.verdict.reason
    rows, columns = np.nonzero(part_of(kind))
    assert scored.place is not None
    assert np.hypot(scored.place.x - columns.mean(), scored.place.y - rows.mean()) < 0.04 * faulty.SIZE


def test_the_ring_is_found_on_a_thumbnail_and_there_is_none_where_nothing_is_wrong():
    def lighter(kind: str) -> np.ndarray:
        drawn = heatmap(faulty.picture(kind), faulty.known(), faulty.scored(kind))[..., :3]
        return shrink(drawn, 3).min(axis=-1) > 0.7  # 96 pixels, lighter than the dimmed still ever is

    assert not lighter("").any()
    rows, columns = np.nonzero(lighter("missing part"))
    place = faulty.scored("missing part").place
    assert place is not None
    assert len(rows) > 20
    assert np.hypot(rows.mean() * 3 - place.y, columns.mean() * 3 - place.x) < 0.03 * faulty.SIZE


def test_a_still_that_passes_shows_a_green_outline_and_nothing_else():
    drawn = heatmap(faulty.picture(""), faulty.known(), faulty.scored(""))
    assert {colour for colour, _ in key_of(drawn)} <= {FINE, UNKNOWN}


@pytest.mark.parametrize("kind", ["missing part", "label changed", "recoloured", "wrong product"])
def test_the_key_has_just_the_colours_that_are_drawn(kind: str):
    drawn = heatmap(faulty.picture(kind), faulty.known(), faulty.scored(kind))
    key = dict(key_of(drawn))
    assert KEY.items() >= key.items()
    assert ("what the verdict names" in key.values()) == (kind != "wrong product"), (
        "of another product no place is the worst"
    )
    wanted = {"missing part": "gone or changed", "label changed": "gone or changed", "recoloured": "another colour"}
    assert wanted.get(kind, "doesn't belong") in key.values()


def scribbled(picture: np.ndarray) -> np.ndarray:
    top, low, left, right = SIDE
    out = picture.copy()
    out[top:low:6, left:right] = 0.05
    return out


def test_what_is_wrong_inside_the_outline_is_found_where_it_is():
    still = scribbled(faulty.picture(""))
    scored = gate.score(still, faulty.known())
    place = places.find("new", faulty.known().work, scored.pose, found_of(scored))
    assert place is not None
    changed = np.abs(still - faulty.picture("")).max(axis=-1)
    rows, columns = np.nonzero(changed > 0.3 * changed.max())
    assert np.hypot(place.x - columns.mean(), place.y - rows.mean()) < 0.08 * faulty.SIZE
    assert place.words == "at the lower right"


def found_of(scored: gate.Score) -> places.Found:
    return places.Found(*(getattr(scored, name) for name in places.Found._fields))


def test_places_are_those_of_the_picture_where_the_product_is_moved():
    """The maps lie on the render's grid, the heat map on the picture's."""
    moved = Similarity(9.0, -7.0, 1.0, 0.0, faulty.MIDDLE)
    still = faulty.picture("label changed")
    scored, there = (gate.score(each, faulty.known()) for each in (still, pushed(still, moved)))
    for number in ("label_patch", "label_worst", "recoloured"):
        one, two = (places.find(number, faulty.known().work, each.pose, found_of(each)) for each in (scored, there))
        assert one is not None
        assert two is not None
        assert (two.x - one.x, two.y - one.y) == pytest.approx((9.0, -7.0), abs=3.0), number
        assert one.words == two.words


def pushed(still: np.ndarray, by: Similarity) -> np.ndarray:
    back = Similarity(-by.dx, -by.dy, 1.0, 0.0, by.pivot)
    return unwarp(still, back)


FAULTY: dict[str, Numbers] = {
    "worst_px": Numbers(worst_px=40.0),
    "p95_px": Numbers(p95_px=30.0),
    "bad_share": Numbers(bad_share=0.5),
    "inner_centred": Numbers(inner_centred=0.05),
    "inner_recall": Numbers(inner_recall=0.1),
    "label_changed": Numbers(label_area=0.2, label_changed=0.9),
    "label_worst": Numbers(label_area=0.2, label_worst=0.0),
    "label_patch": Numbers(label_area=0.2, label_patch=0.0),
    "label_shift_px": Numbers(label_area=0.2, label_shift_px=20.0),
    "recoloured": Numbers(recoloured=90.0),
    "new": Numbers(new=40.0),
    "lost": Numbers(lost=1.0),
    "moved_px": Numbers(moved_px=12.0),
    "added_share": Numbers(added_share=0.2),
    "unseen_run": Numbers(unseen_run=0.3),
    "hollow_share": Numbers(hollow_share=0.2, missing_share=0.3),
    "faded_share": Numbers(faded_share=0.5),
}


@pytest.mark.parametrize("name", FAULTY)
def test_a_verdict_rests_on_the_number_that_its_sentence_is_about(name: str):
    limits = Thresholds()
    verdict = judge(FAULTY[name], limits)
    assert verdict.outcome != "pass"
    assert places.rests_on(verdict, FAULTY[name], lambda numbers: judge(numbers, limits)) == name


def test_edges_that_few_are_found_of_hide_no_other_place():
    """Were they found, it would be said that they lie elsewhere: and yet it is the print that is spoken of."""
    numbers = Numbers(label_area=0.2, label_changed=0.9, inner_recall=0.2, inner_centred=0.1)
    verdict = judge(numbers, Thresholds())
    assert "print" in verdict.reason
    assert places.rests_on(verdict, numbers, lambda other: judge(other, Thresholds())) == "label_changed"


@pytest.mark.parametrize("numbers", [Numbers(), Numbers(dx_px=9.0), Numbers(contrast=0.0), Numbers(coverage=0.1)])
def test_what_is_the_whole_pictures_has_no_place(numbers: Numbers):
    verdict = judge(numbers, Thresholds())
    assert places.rests_on(verdict, numbers, lambda other: judge(other, Thresholds())) == ""
    assert places.located(verdict, None) == verdict


def test_every_place_of_a_local_fault_is_a_ninth_of_the_products_box():
    prepared, scored = faulty.known(), faulty.scored("wrong product")
    for number in (*places.LOCAL, *places.SHARES, *places.LAST):
        place = places.find(number, prepared.work, scored.pose, found_of(scored))
        if place is not None:
            assert place.words in PLACES, number
            assert np.isfinite([place.x, place.y, place.radius]).all()


def test_where_nothing_was_found_there_is_no_place():
    prepared, scored = faulty.known(), faulty.scored("")
    nothing = np.zeros_like(scored.within.new_at)
    found = found_of(scored)._replace(within=replace(scored.within, new_at=nothing, lost_at=nothing, moved_at=nothing))
    for number in ("new", "lost", "moved_px", "added_share", "hollow_share"):
        assert places.find(number, prepared.work, scored.pose, found) is None


def test_the_sentence_keeps_what_the_rules_say_and_has_the_place_where_a_narrow_panel_shows_it():
    verdict = Verdict("fail", "one stretch of the outline is off by 9.0 px", "shape")
    local, share = (places.Place(1.0, 2.0, 3.0, "at the top", number) for number in ("worst_px", "bad_share"))
    assert places.located(verdict, local).reason == "at the top, one stretch of the outline is off by 9.0 px"
    assert places.located(verdict, share).reason == "one stretch of the outline is off by 9.0 px (most at the top)"
