# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""One tint over all views, in relation to what a surface can show: white, grey, dark, black, and chrome, which shows none."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from consistency_pipeline.pipeline.gate.scoring import crossview
from consistency_pipeline.pipeline.gate.scoring.pixels.arrays import blur, resize, shrink
from consistency_pipeline.pipeline.gate.scoring.pixels.colour import to_srgb
from consistency_pipeline.pipeline.gate.scoring.reference import Reference
from consistency_pipeline.pipeline.gate.scoring.verdict import Thresholds

from . import scoring_scene as scene

pytestmark = pytest.mark.by_turns

SIZE = 192
VIEWS = {"front": 0.0, "three-quarter": 35.0, "side": 70.0}
WARM, NONE = (1.5, 1.0, 0.7), (1.0, 1.0, 1.0)
SURFACES = {  # linear colour of the surface, and of what it mirrors where it faces the camera
    "white": ((0.80, 0.80, 0.78), 0.04),
    "grey": ((0.18, 0.18, 0.18), 0.04),
    "red": ((0.35, 0.04, 0.03), 0.04),
    "navy": ((0.010, 0.014, 0.035), 0.04),
    "black fabric": ((0.013, 0.013, 0.014), 0.01),
    "black gloss": ((0.010, 0.010, 0.010), 0.04),
}


@cache
def seen(name: str, azimuth: float, seed: int | None) -> tuple[np.ndarray, dict[str, np.ndarray], object]:
    """Linear light of the product under the studio's lights (no seed) or a stranger's, its passes, and its camera."""
    colour, facing = (0.0, 0.0, 0.0), 0.9
    if name != "chrome":
        colour, facing = SURFACES[name]
    view = scene.camera(azimuth)
    parts = {key: replace(part, colour=colour, print_seed=None) for key, part in scene.PRODUCT.items()}
    shot = scene.render(parts, view, SIZE)
    random = np.random.default_rng(seed)
    lamp, strength, floor, sky = np.array([-0.3, -0.7, 0.65]), 1.0, np.full(3, 0.8), np.full(3, 0.7)
    if seed is not None:
        lamp = lamp + random.normal(size=3) * 0.4
        strength = random.uniform(0.7, 1.3)
        floor = random.uniform(0.3, 0.8) * (1 + random.uniform(-0.08, 0.08, 3))
        sky = random.uniform(0.3, 0.9) * (1 + random.uniform(-0.05, 0.05, 3))
    normal, ray = shot["normal"], shot["position"] - view.position.astype(np.float32)
    ray /= np.maximum(np.linalg.norm(ray, axis=-1, keepdims=True), 1e-6)
    cosine = -(ray * normal).sum(-1, keepdims=True)
    mirrored = ray + 2 * cosine * normal
    around = (
        np.where(mirrored[..., 2:] < -0.05, floor, sky)
        + 3.0 * (mirrored @ lamp / np.linalg.norm(lamp) > 0.96)[..., None]
    )
    fresnel = facing + (1 - facing) * np.clip(1 - cosine, 0, 1) ** 5
    lit = strength * (0.35 + 0.9 * np.maximum(normal @ (lamp / np.linalg.norm(lamp)), 0)[..., None])
    return np.array(colour) * lit + fresnel * around, shot, view


@cache
def reference(name: str, azimuth: float, *, with_surface: bool = True) -> Reference:
    light, shot, view = seen(name, azimuth, None)
    surface = np.clip(to_srgb(shot["albedo"]), 0, 1).astype(np.float32) * (shot["mask"] > 0.5)[..., None]
    planes = (shot["depth"], shot["normal"], shot["position"])
    return Reference(over(light, shot), shot["mask"], *planes, view, surface=surface if with_surface else None)


def over(light: np.ndarray, shot: dict[str, np.ndarray]) -> np.ndarray:
    alpha = shot["mask"][..., None]
    return np.clip(to_srgb(light * alpha + 0.6 * (1 - alpha)), 0, 1).astype(np.float32)


def still(name: str, azimuth: float, seed: int, cast: tuple[float, float, float] = NONE) -> np.ndarray:
    """As it comes from a generator, through a camera and a strong JPEG."""
    light, shot, _ = seen(name, azimuth, seed)
    random = np.random.default_rng(seed + 100)
    picture = over(light * np.array(cast), shot)
    picture = np.clip(picture + random.normal(size=picture.shape) * 0.012, 0, 1)
    luma = np.rint(picture.mean(axis=-1, keepdims=True) * 255 / 3) * 3 / 255
    chroma = (picture - picture.mean(axis=-1, keepdims=True)).astype(np.float32)
    chroma = resize(shrink(blur(chroma, 1.0), 8), SIZE, SIZE)  # of a block, its mean, in steps
    return np.clip(luma + np.rint(chroma * 255 / 2) * 2 / 255, 0, 1).astype(np.float32)


def found(name: str, seed: int, casts: dict[str, tuple[float, float, float]], **options: bool) -> crossview.Tint:
    views = {}
    for number, (view, azimuth) in enumerate(VIEWS.items()):
        picture = still(name, azimuth, 10 * seed + number, casts.get(view, NONE))
        views[view] = (reference(name, azimuth, **options), picture)
    return crossview.tint(views, Thresholds())


@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("view", ["three-quarter", "side"])
def test_a_cast_is_named_on_whatever_it_lies(name: str, view: str) -> None:
    tint = found(name, 1, {view: WARM})
    assert tint.outlier == view, (tint.reason, tint.offsets)
    assert view in tint.reason


@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("seed", [2, 3, 5])
def test_other_lights_and_floors_are_no_tint(name: str, seed: int) -> None:
    tint = found(name, seed, {})
    assert tint.outlier == "", tint.reason
    assert "agree" in tint.reason


def test_a_black_product_of_a_run_without_surface_colours_is_judged_as_well() -> None:
    assert found("black fabric", 1, {"side": WARM}, with_surface=False).outlier == "side"
    assert found("black fabric", 2, {}, with_surface=False).outlier == ""


def test_a_cast_is_measured_alike_on_white_and_on_black() -> None:
    sizes = {name: found(name, 1, {"side": WARM}).offsets["side"] for name in ("white", "grey", "black fabric")}
    assert max(sizes.values()) < 3 * min(sizes.values()), sizes


def test_the_gain_of_a_black_view_brings_its_colour_back() -> None:
    tint = found("black fabric", 1, {"side": WARM})
    red, green, blue = tint.gains["side"]
    assert red / green == pytest.approx(1 / 1.5, rel=0.15)
    assert blue / green == pytest.approx(1 / 0.7, rel=0.15)


@pytest.mark.parametrize("cast", [NONE, WARM])
def test_of_chrome_nothing_is_told(cast: tuple[float, float, float]) -> None:
    tint = found("chrome", 1, {"side": cast})
    assert (tint.outlier, tint.action, tint.pairs) == ("", "", ())
    assert "mirrors its surroundings" in tint.reason
    assert "agree" not in tint.reason


def test_of_what_a_codec_has_crushed_nothing_is_told() -> None:
    views = {}
    for number, (view, azimuth) in enumerate(VIEWS.items()):
        known = reference("black fabric", azimuth)
        crushed = np.where((known.mask > 0.5)[..., None], 1 / 255, 0.8) * np.ones(3)
        views[view] = (known, (crushed + (number == 1) * np.array([1, 0, 0]) / 255).astype(np.float32))
    tint = crossview.tint(views, Thresholds())
    assert tint.outlier == ""
    assert "too dark" in tint.reason


def test_of_two_views_that_share_nothing_with_the_others_neither_is_blamed() -> None:
    """Front and three-quarter agree; of the two at the back one is tinted, and nobody can say which."""
    views = {
        name: (scene.reference(view), scene.restyle(seed=len(name), view=view, tint=WARM if name == "behind" else NONE))
        for name, view in (
            ("front", scene.camera(0.0)), ("three-quarter", scene.camera(35.0)),
            ("back", scene.camera(180.0, elevation=-20)), ("behind", scene.camera(215.0, elevation=-20)),
        )
    }  # fmt: skip
    tint = crossview.tint(views, Thresholds())
    assert tint.outlier == "", tint.reason
    assert {tint.pairs[0].first, tint.pairs[-1].first} == {"front", "back"}
    assert "back and behind differ in tint" in tint.reason
    assert "no third" in tint.reason


def test_an_outlier_among_three_is_named_beside_two_that_only_know_each_other() -> None:
    views = {
        name: (scene.reference(view), scene.restyle(seed=len(name), view=view, tint=WARM if name == "side" else NONE))
        for name, view in (
            ("front", scene.camera(0.0)), ("three-quarter", scene.camera(35.0)), ("side", scene.camera(70.0)),
            ("low", scene.camera(215.0, elevation=-20)), ("behind", scene.camera(240.0, elevation=-20)),
        )
    }  # fmt: skip
    tint = crossview.tint(views, Thresholds())
    assert tint.outlier == "side", tint.reason
    assert set(tint.gains) == set(views)
