# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A render passes its own gate, also harmlessly worse: whatever the product looks like."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from consistency_pipeline.pipeline.gate.scoring import gate
from consistency_pipeline.pipeline.gate.scoring.pixels.arrays import blur, luma
from consistency_pipeline.pipeline.gate.scoring.pixels.colour import to_srgb
from consistency_pipeline.pipeline.gate.scoring.reference import Reference
from consistency_pipeline.pipeline.gate.scoring.verdict import Numbers, Thresholds, judge
from consistency_pipeline.pipeline.verdicts import Cause, Outcome

from .scoring_scene import PRODUCT, Part, camera, over, render

pytestmark = pytest.mark.by_turns

SIZE = 256


def some_product(seed: int) -> dict[str, Part]:
    """Balls and boxes in a heap: some black, some white, some printed."""
    random = np.random.default_rng(seed)
    parts = {
        "body": Part("box", (0, 0, 0), tuple(random.uniform(0.12, 0.32, 3)), some_colour(random), seed % 3 or None)
    }
    for name in "abc"[: int(random.integers(1, 4))]:
        kind = "ball" if random.random() < 0.5 else "box"
        place, size = random.uniform(-0.3, 0.3, 3), random.uniform(0.03, 0.16, 3)
        parts[name] = Part(kind, tuple(place), tuple(size), some_colour(random), None)
    return parts


def some_colour(random: np.random.Generator) -> tuple[float, float, float]:
    if random.random() < 0.4:
        return (float(random.choice([0.004, 0.02, 0.8, 0.95])),) * 3
    return tuple(random.uniform(0.02, 0.7, 3))


def known(parts: dict[str, Part], grey: float, azimuth: float) -> Reference:
    view = camera(azimuth)
    shot = render(parts, view, SIZE)
    surface = np.clip(to_srgb(shot["albedo"]), 0, 1).astype(np.float32)
    return Reference(
        over(shot, grey), shot["mask"], shot["depth"], shot["normal"], shot["position"], view, surface=surface
    )


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    stored = io.BytesIO()
    Image.fromarray((picture * 255 + 0.5).astype(np.uint8)).save(stored, "JPEG", quality=quality)
    return np.asarray(Image.open(stored))


def half_size(picture: np.ndarray) -> np.ndarray:
    whole = Image.fromarray((picture * 255 + 0.5).astype(np.uint8))
    half = whole.resize((SIZE // 2, SIZE // 2), Image.Resampling.LANCZOS)
    return np.asarray(half.resize((SIZE, SIZE), Image.Resampling.BICUBIC))


MILD = {
    "itself": lambda picture: picture,
    "defocus": lambda picture: blur(picture, 1.0),
    "gain": lambda picture: np.clip(picture * 1.08, 0, 1),
    "tone": lambda picture: picture + 0.2 * picture * (1 - picture) * (2 * picture - 1),
    "grain": lambda picture: np.clip(picture + np.random.default_rng(5).normal(size=picture.shape) * 0.012, 0, 1),
    "jpeg": lambda picture: jpeg(picture, 70),
    "half a pixel": lambda picture: (picture + np.roll(picture, 1, axis=1)) / 2,
    "half size": half_size,
}


@pytest.mark.parametrize("seed", [0, 3, 4])
def test_no_mild_degradation_of_a_render_is_a_fault(seed: int) -> None:
    render_of_it = known(some_product(seed), (0.15, 0.5, 0.8, 0.97)[seed % 4], 37.0 * seed)
    prepared = gate.Prepared(render_of_it)
    for name, worse in MILD.items():
        verdict = gate.score(
            worse(render_of_it.rgb).astype(np.float32)
            if name not in ("jpeg", "half size")
            else worse(render_of_it.rgb),
            prepared,
        ).verdict
        assert verdict.outcome != Outcome.FAIL, f"{name}: {verdict.reason}"


@pytest.fixture(scope="module")
def printed() -> gate.Prepared:
    return gate.Prepared(known(PRODUCT, 0.8, 20.0))


def test_print_is_known_from_the_surface_and_not_from_a_highlight() -> None:
    plain = PRODUCT | {"body": replace(PRODUCT["body"], print_seed=None)}
    glossy = known(plain, 0.8, 20.0)
    rows, cols = np.mgrid[:SIZE, :SIZE]
    stripes = 0.3 * (np.sin(cols / 2.0) > 0.6) * (np.hypot(rows - SIZE / 2, cols - SIZE / 2) < 36)
    shiny = replace(
        glossy, rgb=np.clip(glossy.rgb + stripes[..., None] * (glossy.mask > 0.5)[..., None], 0, 1).astype(np.float32)
    )
    assert gate.Prepared(shiny).label.sum() == 0
    assert gate.Prepared(replace(shiny, surface=None)).label.sum() > 0, "in the picture alone they look like print"


def test_print_on_black_is_print_and_another_one_is_found() -> None:
    black = PRODUCT | {"body": replace(PRODUCT["body"], colour=(0.003, 0.003, 0.003))}
    other = black | {"body": replace(black["body"], print_seed=9)}
    none = black | {"body": replace(black["body"], print_seed=None)}
    prepared = gate.Prepared(known(black, 0.8, 20.0))
    assert prepared.label.sum() > 0
    assert gate.score(prepared.work.rgb, prepared).verdict.outcome == Outcome.PASS
    for changed in (other, none):
        verdict = gate.score(known(changed, 0.8, 20.0).rgb, prepared).verdict
        assert (verdict.outcome, verdict.cause) == (Outcome.FAIL, Cause.LABEL), verdict.reason


def test_where_metal_begins_is_no_print() -> None:
    plain = known(PRODUCT | {"body": replace(PRODUCT["body"], print_seed=None)}, 0.8, 20.0)
    surface, middle = plain.surface.copy(), SIZE // 2
    for row in range(
        middle - 40, middle + 40, 20
    ):  # four bands of metal, of the same lightness as what lies between them
        surface[row : row + 10, middle - 30 : middle + 30] = 0.0
    assert gate.Prepared(replace(plain, surface=surface)).label.sum() == 0


def test_a_part_of_metal_that_is_gone_is_missed() -> None:
    """What metal mirrors may have the backdrop's colour, so the surface says nothing: that no edge of it is there does."""
    whole = PRODUCT | {"spout": Part("ball", (0.34, 0, 0.05), (0.18, 0.09, 0.12), (0.30, 0.10, 0.08))}
    reference = known(whole, 0.8, 20.0)
    rest = known({name: whole[name] for name in whole if name != "spout"}, 0.8, 20.0)
    metal = (reference.mask > 0.5) & (np.abs(reference.rgb - rest.rgb).max(axis=-1) > 0.02)
    prepared = gate.Prepared(replace(reference, surface=np.where(metal[..., None], 0.0, reference.surface)))
    assert gate.score(reference.rgb, prepared).verdict.outcome == Outcome.PASS
    score = gate.score(rest.rgb, prepared)
    assert (score.verdict.outcome, score.verdict.cause) == (Outcome.FAIL, Cause.PART), score.verdict.reason
    assert "at the right" in score.verdict.reason


def test_edges_inside_and_a_stretch_of_outline_that_are_gone_together_are_doubted() -> None:
    inside, along = Numbers(lost=1.0), Numbers(unseen_run=0.05)
    assert [judge(each, Thresholds(lost_doubt=1.01, lost=1.01)).outcome for each in (inside, along)] == [
        Outcome.PASS
    ] * 2
    both = judge(replace(along, lost=1.0), Thresholds(lost_doubt=1.01, lost=1.01))
    assert (both.outcome, both.cause) == (Outcome.UNSURE, Cause.PART)
    assert (
        judge(replace(along, lost=1.0), Thresholds(lost_doubt=1.01, lost=1.01), own=replace(along, lost=1.0)).outcome
        == Outcome.PASS
    )


def test_of_the_few_marks_of_a_dial_no_place_is_told() -> None:
    moved = Numbers(label_area=0.004, label_shift_px=6.0)
    assert judge(moved, Thresholds()).outcome == Outcome.PASS
    assert judge(replace(moved, label_area=0.05), Thresholds()).cause == Cause.LABEL


def patch(prepared: gate.Prepared) -> tuple[slice, slice]:
    """A square in the middle of the print."""
    rows, cols = np.nonzero(prepared.label)
    row, col, half = int(np.median(rows)), int(np.median(cols)), 11
    return slice(row - half, row + half), slice(col - half, col + half)


def test_a_spot_of_print_that_was_painted_over_is_found_and_named(printed: gate.Prepared) -> None:
    picture, where = printed.work.rgb.copy(), patch(printed)
    picture[where] = blur(picture, 9.0)[where]
    verdict = gate.score(picture, printed).verdict
    assert verdict.outcome != Outcome.PASS
    assert verdict.cause in (Cause.LABEL, Cause.DETAIL)


def test_a_recoloured_part_fails_and_another_light_on_everything_does_not(printed: gate.Prepared) -> None:
    picture, surface = printed.work.rgb, printed.work.surface
    part = (np.abs(surface - surface[SIZE // 2, SIZE // 2]).max(axis=-1) < 0.1) & printed.work.inside
    swapped, green = picture.copy(), picture.copy()
    swapped[part] = swapped[part][:, ::-1]
    green[part] = luma(picture)[part][:, None] * np.array([0.3, 1.2, 0.3], dtype=np.float32)
    doubted, wrong = (gate.score(each, printed).verdict for each in (swapped, green))
    assert (doubted.outcome != Outcome.PASS, doubted.cause) == (True, Cause.COLOUR)
    assert (wrong.outcome, wrong.cause) == (Outcome.FAIL, Cause.COLOUR)
    warm = np.clip(picture * np.array([1.05, 1.0, 0.9], dtype=np.float32), 0, 1)
    assert gate.score(warm, printed).verdict.outcome == Outcome.PASS
