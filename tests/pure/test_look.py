# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stills lend their look to other views of the same product, as far as they see it and no further."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from consistency_pipeline.pipeline.gate.scoring.pixels.arrays import blur, sample
from consistency_pipeline.pipeline.gate.scoring.pixels.colour import to_linear, to_srgb
from consistency_pipeline.pipeline.look import align, equal, views
from consistency_pipeline.pipeline.look.carry import Carried, carry

from . import scoring_scene as scene

pytestmark = pytest.mark.by_turns

SIZE = 160
NO_LIGHT = np.zeros(3, np.float32)


def view(azimuth: float, elevation: float = 20.0, diffuse: float = 1.0) -> views.Render:
    eye = scene.camera(azimuth, elevation)
    drawn = scene.render(scene.PRODUCT, eye, SIZE)
    shade = 0.5 + 0.5 * np.clip(drawn["normal"] @ np.array([0.4, -0.5, 0.77], np.float32), 0, 1)[..., None]
    rgb = np.clip(to_srgb(np.clip(drawn["albedo"] * shade * 1.6, 0, 1)), 0, 1).astype(np.float32)
    depth = np.where(drawn["mask"] > 0.5, drawn["depth"], 0.0).astype(np.float32)
    share = np.full(drawn["mask"].shape, diffuse, np.float32)
    return views.Render(rgb, drawn["mask"], depth, drawn["position"], drawn["normal"], share, eye)


def tinted(render: views.Render, factors: tuple[float, float, float], where: np.ndarray | None = None) -> np.ndarray:
    light = to_linear(render.rgb) * np.array(factors, np.float32)
    made = np.clip(to_srgb(np.clip(light, 0, 1)), 0, 1).astype(np.float32)
    return made if where is None else np.where(where[..., None], made, render.rgb)


def carried(target: views.Render, *stills: tuple[np.ndarray, views.Render]) -> Carried:
    return carry(target, [views.source(still, render, NO_LIGHT) for still, render in stills], NO_LIGHT)


def part(render: views.Render, name: str) -> np.ndarray:
    """(H, W): where the view shows the named ball of the product."""
    ball = scene.PRODUCT[name]
    away = (render.position - np.array(ball.centre, np.float32)) / np.array(ball.size, np.float32)
    return render.solid & (np.abs(np.linalg.norm(away, axis=-1) - 1.0) < 0.05)


def test_stills_that_equal_their_renders_change_no_bit() -> None:
    stills = [(each.rgb, each) for each in (view(0), view(60), view(120), view(0, 75, diffuse=0.4))]
    target = view(30)
    light = views.light_change([(views.change_of(*pair), pair[1]) for pair in stills])
    sources = equal.equalised([views.source(*pair, light) for pair in stills], [pair[1] for pair in stills])
    laid = align.agreed([still for still, _ in stills], [render for _, render in stills], sources, light)
    assert all(after is before for after, (before, _) in zip(laid, stills, strict=True))
    found = carry(target, sources, light)
    assert np.array_equal(found.rgb, target.rgb)
    assert found.seen[target.solid].mean() > 0.5


def test_without_a_still_the_picture_is_the_render() -> None:
    assert np.array_equal(carry(view(30), [], NO_LIGHT).rgb, view(30).rgb)


def test_a_tinted_still_tints_what_it_sees_and_nothing_else() -> None:
    front, back = view(0, 0), view(180, 0)
    red = tinted(front, (1.3, 1.0, 1.0))
    behind = carried(view(180, 0), (red, front), (back.rgb, back))
    assert np.array_equal(behind.rgb, view(180, 0).rgb)
    before = carried(view(10, 5), (red, front), (back.rgb, back))
    sure = before.seen > 0.8
    assert sure.sum() > 1000
    grown = (to_linear(before.rgb) + views.FLOOR) / (to_linear(view(10, 5).rgb) + views.FLOOR)
    assert np.median(grown[sure][:, 0]) == pytest.approx(1.25, abs=0.06)
    assert np.abs(grown[sure][:, 1:] - 1.0).max() < 1e-3


def test_what_a_spout_hides_takes_nothing_through_it() -> None:
    """The spout stands before the body's right side; painted green in the still from there, it leaves the body as it was."""
    side, target = view(90, 0), view(40, 10)
    green = tinted(side, (0.4, 2.0, 0.4), part(side, "spout"))
    found = carried(target, (green, side))
    on_spout = part(target, "spout") & (found.seen > 0.2)
    assert np.median(found.change[on_spout][:, 1]) > 0.3
    x, y, depth = side.camera.project(target.position, SIZE, SIZE)
    there = sample(side.depth, x, y)
    hidden = (
        target.solid & ~part(target, "spout") & (target.position[..., 0] > 0.29) & (depth > there + 0.05) & (there > 0)
    )
    assert hidden.sum() > 40
    assert np.abs(found.change[hidden]).max() < 0.02


def test_a_highlight_of_a_mirror_is_carried_nowhere() -> None:
    """Where hardly any light is scattered, a still's other lamps say nothing of the surface."""
    mirror = view(0, diffuse=0.02)
    spot = np.exp(-((np.indices((SIZE, SIZE)) - SIZE / 2) ** 2).sum(axis=0) / 200.0)
    still = np.clip(mirror.rgb + 0.6 * spot[..., None], 0, 1).astype(np.float32)
    assert np.array_equal(carried(view(20, diffuse=0.02), (still, mirror)).rgb, view(20).rgb)


def test_gloss_in_one_view_does_not_thin_the_surfaces_own_change() -> None:
    """A still half of whose light is mirrored shows half of its surface's change; a matt view of it shows the whole."""
    glossy = view(0, diffuse=0.5)
    own = np.float32(math.log(1.4))
    gain = views.gain_of(np.full((*glossy.mask.shape, 3), own), glossy.diffuse, NO_LIGHT)
    still = views.brightened(glossy.rgb, np.where(glossy.solid[..., None], gain, np.float32(1.0)))
    found = carried(view(15), (still, glossy))
    assert np.median(found.change[found.seen > 0.8]) == pytest.approx(own, abs=0.02)


def test_a_still_with_another_thing_on_it_loses_against_three_that_agree() -> None:
    renders = [view(azimuth) for azimuth in (0, 20, 40, 60)]
    square = np.zeros((SIZE, SIZE), bool)
    square[70:100, 60:100] = True
    stills = [(tinted(renders[0], (1.8, 0.5, 0.5), square), renders[0]), *((each.rgb, each) for each in renders[1:])]
    alone = carried(view(20), stills[0])
    together = carried(view(20), *stills)
    there = np.abs(alone.change).max(axis=-1) > 0.3
    assert there.sum() > 100
    assert np.abs(together.change[there]).mean() < 0.25 * np.abs(alone.change[there]).mean()


def test_a_cast_that_only_one_still_has_is_taken_out() -> None:
    renders = [view(azimuth) for azimuth in (0, 30, 60, 90)]
    stills = [tinted(renders[0], (1.15, 1.0, 0.9)), *(each.rgb for each in renders[1:])]
    sources = [views.source(*pair, NO_LIGHT) for pair in zip(stills, renders, strict=True)]
    after = equal.equalised(sources, renders)
    weight = sources[0].weight > 0.5
    assert np.abs(sources[0].change[weight][:, 0]).mean() > 0.1
    assert np.abs(after[0].change[weight][:, 0]).mean() < 0.03
    for source in after[1:]:
        assert np.abs(source.change[source.weight > 0.5]).mean() < 0.01


def test_a_still_that_sits_beside_the_others_is_laid_onto_them() -> None:
    renders = [view(azimuth) for azimuth in (0, 20, 40)]
    grain = [scene_grain(each) for each in renders]
    rows, columns = np.indices((SIZE, SIZE), dtype=np.float32)
    shifted = [sample(grain[0], columns + 0.8, rows - 0.5), *grain[1:]]
    sources = [views.source(*pair, NO_LIGHT) for pair in zip(shifted, renders, strict=True)]
    laid = align.agreed(shifted, renders, sources, NO_LIGHT)
    inside = blur(renders[0].solid.astype(np.float32), 4.0) > 0.99
    before, after = (np.abs(picture - grain[0])[inside].mean() for picture in (shifted[0], laid[0]))
    assert after < 0.6 * before


def scene_grain(render: views.Render) -> np.ndarray:
    """The view with a grain that is fixed to the surface."""
    grain = log_grain(render)[..., None] * render.solid[..., None]
    return views.brightened(render.rgb, np.exp(grain).astype(np.float32))


def log_grain(render: views.Render) -> np.ndarray:
    """(H, W) log of a factor."""
    one, other = (render.position @ np.array(way) for way in ([70.0, 25.0, 40.0], [-20.0, 60.0, 55.0]))
    return 0.4 * np.sin(one) * np.sin(other)


def test_a_pixel_at_the_outline_shows_the_stills_detail_where_its_centre_shows_the_product() -> None:
    target = view(30)
    stills = [(scene_grain(each), each) for each in (view(-30), view(90), view(30, 70))]
    centre = tuple(np.argwhere(target.solid).mean(axis=0).astype(int))
    row, column = next(zip(*np.nonzero(target.mask == 0.0), strict=True))
    planes = {name: getattr(target, name).copy() for name in ("mask", "depth", "position", "normal")}
    for plane in planes.values():
        plane[row, column] = plane[centre]
    planes["mask"][row, column], planes["depth"][row, column] = 0.7, 1e10  # its centre misses: that place says nothing
    found = carried(replace(target, **planes), *stills)
    outline = (target.mask > 0.5) & ~target.solid & (found.seen > 0.5)
    assert outline.sum() > 20
    true = log_grain(target)[outline]
    assert np.abs(found.change[outline][:, 0] - true).mean() < 0.35 * np.abs(true).mean()
    assert found.seen[centre] > 0.5
    assert found.seen[row, column] == 0.0


def test_a_turned_product_takes_what_it_takes_unturned() -> None:
    front = view(0)
    spin = np.eye(4)
    c, s = math.cos(0.7), math.sin(0.7)
    spin[:2, :2] = [[c, -s], [s, c]]
    there = view(25)
    matrix, rotation = spin @ there.camera.matrix_world, spin[:3, :3].T.astype(np.float32)
    moved = views.Render(
        there.rgb, there.mask, there.depth, there.position @ rotation, there.normal @ rotation, there.diffuse,
        type(there.camera)(matrix, there.camera.projection),
    )  # fmt: skip
    still = tinted(front, (1.2, 1.0, 0.9))
    one, other = carried(there, (still, front)), carried(moved.seen_from(spin), (still, front))
    assert np.abs(one.rgb - other.rgb).max() < 2e-3
