# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lossy files keep a product's colours as far as their format can, with few tries; Pillow stands in for Blender's encoders."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from consistency_pipeline.pipeline.deliver.half_colour import for_half_colour
from consistency_pipeline.pipeline.deliver.placing import Layout, Placed
from consistency_pipeline.pipeline.deliver.presets import Rules
from consistency_pipeline.pipeline.deliver.quality import LOWEST, Tries, sample_of
from consistency_pipeline.pipeline.deliver.rules import TRUE, colour_change
from consistency_pipeline.pipeline.gate.scoring.pixels import colour

pytestmark = pytest.mark.by_turns


def printed(side, fine=9.0, grain=0):
    """A red label with blue rings on it, ``fine`` pixels apart, that fills most of a white canvas."""
    y, x = np.mgrid[0:side, 0:side] - side / 2.0
    rings = 0.5 + 0.5 * np.sin(np.hypot(x, y) * 2.0 * np.pi / fine)
    alpha = np.clip(side * 0.4 - np.maximum(np.abs(x), np.abs(y)) + 0.5, 0.0, 1.0).astype(np.float32)
    shown = np.stack([0.8 - 0.6 * rings, 0.15 + 0.1 * rings, 0.15 + 0.6 * rings], axis=-1)
    shown = shown * alpha[..., None] + (1.0 - alpha[..., None])
    pixels = np.rint(shown * 255.0)
    if grain:
        noise = np.random.default_rng(0).normal(0.0, grain, pixels.shape)
        pixels = np.where(alpha[..., None] > 0.0, pixels + noise, pixels)
    return Placed(np.clip(pixels, 0, 255).astype(np.uint8), alpha, Layout(side, side, 1.0, 0.0, 0.0))


class Encoder:
    """Pillow's, with a JPEG's colour at full size or at ``half``; ``sizes`` of what was encoded."""

    def __init__(self, half=False):
        self.sizes, self.half = [], half

    def encode(self, pixels, kind, quality):
        self.sizes.append(pixels.shape[0])
        file, lossless = io.BytesIO(), kind == "webp" and quality == 100
        more = {"subsampling": 2 * self.half} if kind == "jpeg" else {"lossless": lossless}
        Image.fromarray(pixels).save(file, kind.upper(), quality=quality, **more)
        return file.getvalue()

    def decode(self, data):
        return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
@pytest.mark.parametrize("side", [300, 301])
def test_less_colour_is_lost_at_edges_and_the_ground_stays_white(kind, side):
    placed, encoder = printed(side), Encoder(half=True)
    given = for_half_colour(placed.pixels, placed.alpha)
    assert (given[placed.alpha == 0.0] == 255).all()
    plain, better = (
        colour_change(encoder.decode(encoder.encode(each, kind, 99)), placed) for each in (placed.pixels, given)
    )
    assert better < 0.8 * plain


def test_a_grey_product_and_none_at_all_are_handed_over_as_they_are():
    placed = printed(64)
    grey = np.repeat(placed.pixels[..., :1], 3, axis=-1)
    assert (for_half_colour(grey, placed.alpha) == grey).all()
    assert for_half_colour(grey, np.zeros_like(placed.alpha)) is grey


def test_the_sample_is_of_the_product_and_says_what_the_whole_says():
    placed = printed(1024, 40.0, grain=3)
    sample = sample_of(placed)
    assert sample.alpha.shape == (512, 512)
    assert (sample.alpha > 0.9).mean() > (placed.alpha > 0.9).mean()
    encoder = Encoder()
    tries = Tries(placed, Rules(), encoder.encode, encoder.decode)
    for quality in (93, 99):
        whole = colour_change(encoder.decode(tries._whole(quality)), placed)
        assert tries._change(quality) == pytest.approx(whole, rel=0.1)


@pytest.mark.parametrize(("kind", "fine"), [("jpeg", 60.0), ("webp", 6.0)])
def test_colours_are_kept_with_one_try_of_the_whole(kind, fine):
    placed, encoder = printed(1024, fine), Encoder()
    tries = Tries(placed, Rules(format=kind, most=4000), encoder.encode, encoder.decode)
    data, _, pixels, change = tries.best()
    assert encoder.sizes.count(1024) == 1
    assert (encoder.decode(data) == pixels).all()
    assert change == colour_change(pixels, placed) <= TRUE


def test_a_limit_of_weight_is_kept_with_few_tries_of_the_whole():
    placed, encoder = printed(1024, 60.0, grain=12), Encoder()
    plain = len(encoder.encode(placed.pixels, "jpeg", 93))
    encoder.sizes.clear()
    tries = Tries(placed, Rules(most_bytes=plain // 2), encoder.encode, encoder.decode)
    data, quality, *_ = tries.best()
    assert LOWEST < quality < 93
    assert 0.8 * plain / 2 < len(data) <= plain / 2
    assert encoder.sizes.count(1024) <= 3


def test_lab_of_bytes_is_lab():
    pixels = np.random.default_rng(0).integers(0, 256, (5000, 3), dtype=np.uint8)
    assert np.abs(colour.bytes_to_lab(pixels) - colour.to_lab(pixels / 255.0)).max() < 1e-3


def test_what_no_quality_keeps_is_told_and_encoded_as_well_as_it_can_be():
    placed, encoder = printed(200, 4.0), Encoder(half=True)
    _, quality, _, change = Tries(placed, Rules(), encoder.encode, encoder.decode).best()
    assert quality == 100
    assert change > TRUE


@pytest.mark.parametrize("fine", [4.0, 6.0, 12.0])
def test_fine_coloured_print_keeps_its_colours_in_a_jpeg(fine):
    placed, encoder = printed(400, fine), Encoder()
    assert Tries(placed, Rules(), encoder.encode, encoder.decode).best()[3] <= TRUE


@pytest.mark.parametrize(("kind", "half"), [("jpeg", False), ("jpeg", True), ("webp", True)])
def test_an_encoder_that_halves_colour_is_found_out(kind, half):
    """As Blender's own JPEG does, where a build of it lacks the library that doesn't."""
    placed, encoder = printed(300), Encoder(half=half)
    tries = Tries(placed, Rules(format=kind, most=4000), encoder.encode, encoder.decode)
    assert tries._halves_colour == half
    assert (tries._given(placed, 96) is placed.pixels) != half
