# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user sees of the gate: good pictures pass, wrong ones fail for the right reason, hopeless ones are unsure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from consistency_pipeline.pipeline.errors import BadInput, BadRender
from consistency_pipeline.pipeline.gate.scoring import gate
from consistency_pipeline.pipeline.gate.scoring.heatmap import WRONG, heatmap
from consistency_pipeline.pipeline.gate.scoring.pixels.placement import Similarity
from consistency_pipeline.pipeline.gate.scoring.reference import Reference
from consistency_pipeline.pipeline.gate.scoring.verdict import Numbers, Thresholds, judge

from . import scoring_scene as scene

pytestmark = pytest.mark.by_turns

MIDDLE = (scene.SIZE / 2 - 0.5, scene.SIZE / 2 - 0.5)


@pytest.fixture(scope="module")
def known() -> gate.Prepared:
    return gate.Prepared(scene.reference())


@pytest.mark.parametrize("seed", range(4))
def test_a_restyle_of_the_same_product_passes(known: gate.Prepared, seed: int) -> None:
    scored = gate.score(scene.restyle(seed=seed, grey=0.7 + 0.05 * seed), known)
    assert scored.verdict.outcome == "pass", scored.verdict
    assert scored.numbers.p95_px < 1.5
    assert scored.numbers.coverage > 0.9


def test_eight_bit_and_alpha_pictures_are_scored_alike(known: gate.Prepared) -> None:
    still = scene.restyle(seed=1)
    eight = (still * 255 + 0.5).astype(np.uint8)
    with_alpha = np.dstack([eight, np.full(eight.shape[:2], 9, dtype=np.uint8)])
    one, two = gate.score(eight, known), gate.score(with_alpha, known)
    assert one.numbers == two.numbers
    assert one.verdict.outcome == "pass"


EXTRA = scene.PRODUCT | {"extra": scene.Part("box", (-0.38, 0, 0.05), (0.12, 0.06, 0.07), (0.1, 0.3, 0.1))}


@pytest.mark.parametrize(
    ("still", "causes"),
    [
        ({"parts": scene.without("spout")}, {"part", "shape"}),
        ({"parts": scene.without("knob")}, {"part", "shape"}),
        ({"parts": scene.changed("knob", size=(0.12, 0.12, 0.12))}, {"part", "shape"}),
        ({"parts": scene.changed("body", size=(0.30, 0.20, 0.245))}, {"part", "shape"}),
        ({"parts": scene.changed("body", print_seed=9)}, {"label"}),
        ({"parts": EXTRA}, {"part"}),
        ({"yaw": 4.0}, {"part", "shape", "label"}),
        ({"pitch": 4.0}, {"part", "shape", "product"}),
        ({"move": Similarity(5, 0, 1, 0, MIDDLE).matrix()}, {"placement"}),
        ({"move": Similarity(0, 0, 1.03, 0, MIDDLE).matrix()}, {"placement"}),
        ({"move": np.array([[1.04, 0, -0.02 * scene.SIZE], [0, 1, 0]])}, {"shape", "part"}),
    ],
    ids=[
        "no spout",
        "no knob",
        "large knob",
        "tall body",
        "other print",
        "extra part",
        "yaw",
        "pitch",
        "shift",
        "scale",
        "stretch",
    ],
)
def test_a_fault_is_flagged_with_its_cause(known: gate.Prepared, still: dict, causes: set[str]) -> None:
    verdict = gate.score(scene.restyle(seed=3, **still), known).verdict
    assert verdict.outcome == "fail", verdict
    assert verdict.cause in causes
    assert any(digit in verdict.reason for digit in "123456789")


def test_only_a_misplaced_product_is_repairable(known: gate.Prepared) -> None:
    shift = Similarity(5, 0, 1, 0, MIDDLE).matrix()
    assert gate.score(scene.restyle(seed=3, move=shift), known).verdict.repairable
    worse = gate.score(scene.restyle(seed=3, move=shift, parts=scene.without("spout")), known).verdict
    assert worse.outcome == "fail"
    assert not worse.repairable


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_blank_picture_fails_as_blank(known: gate.Prepared, level: float) -> None:
    verdict = gate.score(np.full((scene.SIZE, scene.SIZE, 3), level, dtype=np.float32), known).verdict
    assert (verdict.outcome, verdict.cause) == ("fail", "blank")


def test_another_product_fails(known: gate.Prepared) -> None:
    other = {"one": scene.Part("ball", (0, 0, 0), (0.2, 0.2, 0.4), (0.2, 0.2, 0.2))}
    assert gate.score(scene.restyle(parts=other), known).verdict.outcome == "fail"


def test_a_product_in_the_backdrops_colour_is_unsure_and_says_how_much_is_seen() -> None:
    grey = 0.8
    pale = {"body": scene.Part("box", (0, 0, 0), (0.3, 0.2, 0.25), (0.62, 0.62, 0.62))}
    shot = scene.render(pale, scene.camera())
    mask = shot["mask"][..., None]
    still = np.full((scene.SIZE, scene.SIZE, 3), grey, dtype=np.float32)
    dark_edge = np.abs(np.gradient(shot["normal"][..., 0])[1]) > 0.3
    still[dark_edge & (mask[..., 0] > 0.99)] = 0.5
    reference = Reference(scene.over(shot, 0.3), shot["mask"], shot["depth"], shot["normal"])
    scored = gate.score(still, reference)
    assert scored.verdict.outcome == "unsure", scored.verdict
    assert "%" in scored.verdict.reason
    assert scored.numbers.hollow_share + scored.numbers.faded_share > 0.5


def test_the_same_picture_gives_the_same_score(known: gate.Prepared) -> None:
    still = scene.restyle(seed=2, yaw=2.0)
    assert gate.score(still, known).numbers == gate.score(still.copy(), gate.Prepared(scene.reference())).numbers


def test_a_picture_of_another_size_is_measured_and_of_another_shape_refused(known: gate.Prepared) -> None:
    still = scene.restyle(seed=1)
    doubled = np.repeat(np.repeat(still, 2, axis=0), 2, axis=1)
    assert gate.score(doubled, known).verdict.outcome == "pass"
    with pytest.raises(BadInput, match="aspect ratio"):
        gate.score(still[:200], known)


@pytest.mark.parametrize(
    "still",
    [
        np.full((384, 384, 3), np.nan, dtype=np.float32),
        np.zeros((384, 384, 2), dtype=np.float32),
        np.zeros(7),
        np.zeros((1, 1, 3)),
    ],
    ids=["not numbers", "two channels", "a line", "one pixel"],
)
def test_what_is_no_picture_is_refused_in_a_sentence(known: gate.Prepared, still: np.ndarray) -> None:
    with pytest.raises(BadInput):
        gate.score(still, known)


def test_an_empty_mask_and_unequal_passes_are_refused() -> None:
    flat = np.zeros((64, 64, 3), dtype=np.float32)
    with pytest.raises(BadRender, match="empty"):
        Reference(flat, np.zeros((64, 64), dtype=np.float32))
    with pytest.raises(BadRender, match="empty"):
        Reference(flat, np.full((64, 64), np.nan, dtype=np.float32))
    with pytest.raises(BadInput, match="depth"):
        Reference(flat, np.ones((64, 64), dtype=np.float32), depth=np.ones((32, 64), dtype=np.float32))


def test_the_mask_alone_is_enough_to_find_a_missing_part(known: gate.Prepared) -> None:
    bare = Reference(known.work.rgb, known.work.mask)
    assert gate.score(scene.restyle(seed=5), bare).verdict.outcome != "fail"
    assert gate.score(scene.restyle(seed=5, parts=scene.without("spout")), bare).verdict.outcome == "fail"


def test_the_heat_map_reddens_what_is_missing_and_nothing_of_a_good_picture(known: gate.Prepared) -> None:
    def red(still: np.ndarray) -> int:
        picture = heatmap(still, known, gate.score(still, known))
        assert picture.shape == (scene.SIZE, scene.SIZE, 4)
        return int((np.abs(picture[..., :3] - WRONG).max(axis=-1) < 0.02).sum())

    without_spout = scene.restyle(seed=3, parts=scene.without("spout"))
    assert red(without_spout) > 100
    assert red(scene.restyle(seed=3)) < red(without_spout) / 4


def test_thresholds_decide_and_a_hard_backdrop_turns_doubt_into_unsure() -> None:
    limits = Thresholds(p95_px=4.0, p95_px_hard=12.0, clutter=0.25)
    off = Numbers(p95_px=7.0)
    assert judge(off, limits).outcome == "fail"
    assert judge(replace(off, clutter=1.0), limits).outcome == "unsure"
    assert judge(replace(off, clutter=1.0, p95_px=14.0), limits).outcome == "fail"
    assert judge(Numbers(p95_px=3.0), limits).outcome == "pass"
    assert judge(Numbers(coverage=0.2), limits).outcome == "unsure"


def test_the_reason_names_direction_and_amount() -> None:
    verdict = judge(Numbers(dx_px=-6.2, shift_px=6.2, scale=1.03), Thresholds())
    assert "6.2 px to the left" in verdict.reason
    assert "3.0 % too large" in verdict.reason


# our own contact shadow, and a heat map that marks what the sentence names


def with_shadow(picture: np.ndarray, strength: float, edge: float, tint: float = 0.0) -> np.ndarray:
    """A contact shadow to the right of the product's foot, on the backdrop alone; ``edge``: 0 is hard, pixels of softness."""
    size = picture.shape[0]
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    inside = np.hypot((x - 0.72 * size) / (0.16 * size), (y - 0.70 * size) / (0.05 * size))
    cover = np.clip((1.0 - inside) * (0.05 * size) / max(edge, 0.5) + 0.5, 0.0, 1.0) * strength
    behind = (1 - scene.reference().mask)[..., None]
    factor = 1 - cover[..., None] * np.array([1.0 - tint, 1.0, 1.0 + tint], dtype=np.float32) * behind
    return (picture * factor).astype(np.float32)


@pytest.fixture(scope="module")
def shadowed() -> gate.Prepared:
    plain = scene.reference()
    return gate.Prepared(replace(plain, rgb=with_shadow(plain.rgb, 0.35, 6.0)))


@pytest.mark.parametrize(("strength", "edge", "tint"), [(0.35, 6.0, 0.0), (0.55, 1.0, 0.0), (0.5, 2.0, 0.12)])
def test_our_own_contact_shadow_is_no_part_that_the_product_does_not_have(
    shadowed: gate.Prepared, strength: float, edge: float, tint: float
) -> None:
    still = with_shadow(scene.restyle(seed=3), strength, edge, tint)
    scored = gate.score(still, shadowed)
    assert scored.verdict.outcome == "pass", scored.verdict
    assert scored.numbers.added_share == scored.numbers.shadow_share == 0.0


def test_a_hard_shadow_that_a_light_explains_is_no_part(known: gate.Prepared) -> None:
    scored = gate.score(with_shadow(scene.restyle(seed=3), 0.55, 1.0), known)
    assert scored.verdict.outcome == "pass", scored.verdict


def test_a_part_in_the_shadows_place_is_still_a_part(shadowed: gate.Prepared) -> None:
    still = with_shadow(scene.restyle(seed=3, parts=EXTRA), 0.35, 6.0)
    assert gate.score(still, shadowed).verdict.outcome == "fail"
    size = scene.SIZE
    red = scene.restyle(seed=3)
    red[int(0.68 * size) : int(0.74 * size), int(0.60 * size) : int(0.86 * size)] = (0.6, 0.1, 0.1)
    assert gate.score(red, shadowed).verdict.outcome == "fail", "a red bar where the shadow lies was taken for it"


def test_the_heat_map_shows_the_place_of_a_product_that_sits_beside_it(known: gate.Prepared) -> None:
    still = scene.restyle(seed=3, move=Similarity(12, 0, 1, 0, MIDDLE).matrix())
    scored = gate.score(still, known)
    assert scored.verdict.cause == "placement"
    picture = heatmap(still, known, scored)[..., :3]
    points = np.rint(known.work.silhouette.points).astype(int)
    red = np.abs(picture[points[:, 1], points[:, 0]] - WRONG).max(axis=-1) < 0.02
    assert red.mean() > 0.8, "nothing shows where the product belongs"


def test_the_heat_map_reddens_the_whole_of_a_missing_part(known: gate.Prepared) -> None:
    still = scene.restyle(seed=3, parts=scene.without("spout"))
    scored = gate.score(still, known)
    gone = (scene.reference().mask > 0.9) & (scene.render(scene.without("spout"), scene.camera())["mask"] < 0.1)
    picture = heatmap(still, known, scored)[..., :3]
    redder = picture[..., 0] - picture[..., 2] > 0.15
    assert redder[gone].mean() > 0.5, scored.verdict
