# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a GPU draws of a mix is what the mix for files computes; and what a mix can do of other lights."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from consistency_pipeline.pipeline.lighting import board, relit
from consistency_pipeline.pipeline.lighting.files import Ground, Lights, Place, View
from consistency_pipeline.pipeline.lighting.mix import Mixed, gain, gains
from consistency_pipeline.pipeline.lighting.view import view_from
from consistency_pipeline.pipeline.settings.groups import RunSettings
from consistency_pipeline.pipeline.settings.lights import Light
from consistency_pipeline.pipeline.settings.look import look_of

pytestmark = pytest.mark.by_turns

H, W, N = 90, 120, 64
KELVINS = {"key": 5000.0, "rim": 6500.0, "environment": 6500.0}
CHANGES = {
    "key": Light(strength=1.6, kelvin=3500.0),
    "rim": Light(on=False),
    "environment": Light(tint=(1.0, 0.8, 0.5)),
}
# A camera two metres above the ground that looks straight down on 3 by 4 metres of it, its right +X and its top +Y.
ABOVE = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 2], [0, 0, 0, 1]]
BELOW = [[1, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, -2], [0, 0, 0, 1]]  # … and one below it that looks up
ORTHOGRAPHIC = [[1 / 2, 0, 0, 0], [0, 1 / 1.5, 0, 0], [0, 0, -2 / 9.9, -10.1 / 9.9], [0, 0, 0, 1]]


def display(light):
    """A view transform that mixes colours, as AgX does."""
    light = np.maximum(light, 0.0) @ np.array([[0.85, 0.1, 0.05], [0.1, 0.8, 0.1], [0.05, 0.1, 0.85]], np.float32)
    return (1.0 - np.exp(-1.4 * light)) ** (1 / 2.2)


@pytest.fixture(scope="module")
def view():
    return view_from(display)


@pytest.fixture(scope="module")
def lights():
    y, x = np.mgrid[:H, :W] / np.array([H, W])[:, None, None]
    away = np.hypot(y - 0.5, (x - 0.5) * W / H)
    coverage = np.clip((0.25 - away) * 60.0, 0.0, 1.0).astype(np.float32)
    colours = {"key": (0.9, 0.5, 0.2), "rim": (0.1, 0.3, 0.9), "environment": (0.3, 0.3, 0.3)}
    shares = {
        name: (coverage[..., None] * np.array(colour) * (0.05 + (1 + np.sin(9 * x + 3 * i)) * (0.2 + y))[..., None])
        for i, (name, colour) in enumerate(colours.items())
    }
    shade = np.clip(1.0 - 0.7 * np.exp(-((away - 0.2) ** 2) * 60.0), 0.0, 1.0)
    return Lights(
        View(KELVINS, "AgX", ABOVE, ORTHOGRAPHIC),
        {name: share.astype(np.float32) for name, share in shares.items()},
        coverage,
        np.repeat(shade[..., None], 3, -1).astype(np.float32),
    )


@pytest.fixture(scope="module")
def ground():
    y, x = np.mgrid[:N, :N] / N - 0.5
    open_light = {"key": 0.8, "rim": 0.3, "environment": 0.4}
    centres = {"key": (0.05, 0.0), "rim": (-0.08, 0.05), "environment": (0.0, 0.0)}
    free = {name: np.full((N, N, 3), value, np.float32) for name, value in open_light.items()}
    lit = {}
    for name, (down, right) in centres.items():
        left = 1.0 - 0.9 * np.exp(-((y - down) ** 2 + (x - right) ** 2) * 50.0)
        lit[name] = (free[name] * left[..., None]).astype(np.float32)
    return Ground(Place(0.0, 0.0, 1.4, 0.0, 0.5), lit, free)


def psnr(one, other):
    return -10.0 * np.log10(max(np.mean((np.asarray(one, float) - np.asarray(other, float)) ** 2) / 255.0**2, 1e-12))


@pytest.mark.parametrize("changes", [{}, CHANGES], ids=["as rendered", "other lights"])
@pytest.mark.parametrize("shadowed", [True, False], ids=["on a ground", "on none"])
def test_the_shaders_draw_what_the_mix_computes(lights, ground, view, changes, shadowed):
    backdrop = np.tile(np.linspace(90, 230, W).astype(np.uint8)[None, :, None], (H, 1, 3))
    mixed = Mixed(lights, view, backdrop, ground if shadowed else None).mix(changes)[..., :3]
    drawn = board.shown(
        board.plates(lights, ground if shadowed else None),
        board.floor(ground) if shadowed else None,
        board.table(view),
        gains(changes, KELVINS),
        backdrop[::-1],
    )
    assert psnr(drawn[::-1], mixed) >= 45.0
    plain = Mixed(lights, view, backdrop, None).mix(changes)[..., :3]
    assert (psnr(plain, mixed) < 40.0) == shadowed, "the shadow is seen"


@pytest.mark.parametrize("backdrop", [255, np.full((H, W, 3), 200, np.uint8)], ids=["white", "picture"])
def test_a_view_in_which_no_ground_is_seen_is_mixed_and_drawn(lights, ground, view, backdrop):
    """A close view is filled by the product, and one from below has the ground behind it."""
    close = dataclasses.replace(lights, coverage=np.ones((H, W), np.float32))
    from_below = dataclasses.replace(lights, view=dataclasses.replace(lights.view, matrix_world=BELOW))
    for seen in (close, from_below):
        mixed = Mixed(seen, view, backdrop, ground).mix(CHANGES)[..., :3]
        assert np.array_equal(mixed, Mixed(seen, view, backdrop, None).mix(CHANGES)[..., :3])
        drawn = board.shown(
            board.plates(seen, ground), board.floor(ground), board.table(view), gains(CHANGES, KELVINS),
            backdrop if isinstance(backdrop, int) else backdrop[::-1],
        )  # fmt: skip
        assert psnr(drawn[::-1], mixed) > 45.0


def test_a_mix_changes_what_is_drawn(lights, ground, view):
    parts = board.plates(lights, ground), board.floor(ground), board.table(view)
    assert psnr(board.shown(*parts, gains(CHANGES, KELVINS)), board.shown(*parts, gains({}, KELVINS))) < 30.0


def test_a_large_picture_is_made_smaller_for_the_board(lights, ground, view):
    whole = board.shown(board.plates(lights, ground), board.floor(ground), board.table(view), {})
    half = board.shown(board.plates(lights, ground, most=60), board.floor(ground), board.table(view), {})
    assert half.shape == (H // 2, W // 2, 3)
    assert psnr(half, whole.reshape(H // 2, 2, W // 2, 2, 3).mean(axis=(1, 3))) > 30.0


def relit_by(rendered, wanted):
    """Factors, and what needs a render, from run options to run options."""
    look = look_of(RunSettings.model_validate(rendered))
    return relit.factors(look, RunSettings.model_validate(wanted))


def test_other_strengths_and_colours_are_mixed():
    wanted = {
        "lights": {"key": {"strength": 1.5, "kelvin": 3500.0}, "rim": {"on": False}, "glow": {"strength": 0.5}},
        "light_rig": {"environment": 0.5, "fill": 2.0},
    }
    found, needs = relit_by({"lights": {"key": {"strength": 0.5}}}, wanted)
    assert not needs
    assert found["key"] == pytest.approx(3.0 * gain(Light(kelvin=3500.0), 6500.0), rel=1e-5)
    assert found["rim"].max() == 0.0
    assert [float(found[name].mean()) for name in ("fill", "environment", "glow")] == pytest.approx([2.0, 0.5, 0.5])


@pytest.mark.parametrize(
    ("rendered", "wanted", "word"),
    [
        ({}, {"light_rig": {"rotation": 30.0}}, "key, fill, rim moved"),
        ({}, {"light_rig": {"softness": 2.0}}, "key, fill, rim moved"),
        ({}, {"lighting": "dramatic"}, "key, fill, rim moved"),
        ({}, {"lighting": "hdri"}, "key, fill, rim gone"),
        ({"lighting": "hdri"}, {}, "key, fill, rim new"),
        ({"lighting": "hdri"}, {"lighting": "hdri", "light_rig": {"rotation": 30.0}}, "another environment"),
        ({"lights": {"key": {"on": False}}}, {}, "key off before"),
        ({"lights": {"environment": {"strength": 0.0}}}, {}, "environment off before"),
        ({}, {"view_transform": "Standard"}, "another view transform"),
    ],
)
def test_what_no_mix_can_do_is_said(rendered, wanted, word):
    assert word in relit_by(rendered, wanted)[1]


def test_an_environment_that_the_run_has_copied_is_the_same_until_the_artist_changes_it(tmp_path):
    own, copy = tmp_path / "sky.hdr", tmp_path / "run" / "environment.hdr"
    copy.parent.mkdir()
    own.write_bytes(b"light")
    copy.write_bytes(b"light")
    as_rendered, wanted = ({"environment": str(path)} for path in (copy, own))
    assert relit_by(as_rendered, wanted)[1] == []
    assert relit_by(as_rendered, {**wanted, "environment_rotation": 90.0})[1] == ["another environment"]
    own.write_bytes(b"other")
    assert relit_by(as_rendered, wanted)[1] == ["another environment"]
    own.unlink()
    assert relit_by(as_rendered, wanted)[1] == ["another environment"]


def test_a_mix_goes_on_top_of_the_lamps():
    lamps, mix = {"key": Light(strength=1.5)}, {"key": Light(strength=2.0), "rim": Light(on=False), "fill": Light()}
    assert relit.mixed_into(lamps, mix) == {"key": Light(strength=3.0), "rim": Light(on=False)}
