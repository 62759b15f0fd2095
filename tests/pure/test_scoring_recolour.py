# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A painted part is told from another light, whatever its surface is and whatever else has its colour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from consistency_pipeline.pipeline.gate.scoring.measures import recolour
from consistency_pipeline.pipeline.gate.scoring.pixels.colour import to_linear, to_srgb
from consistency_pipeline.pipeline.gate.scoring.reference import Reference

from . import scoring_scene as scene

RED, GREEN = (0.30, 0.10, 0.08), (0.08, 0.22, 0.10)
LIMIT = 15.0  # ΔE, about what the fitted limit is
ALIKE = {name: replace(part, colour=RED, print_seed=None) for name, part in scene.PRODUCT.items()}


@pytest.fixture(scope="module")
def product() -> Reference:
    """All of one colour, as a teapot is, and no surface colour known, as of metal."""
    return scene.reference(parts=ALIKE)


def off(reference: Reference, parts: dict[str, scene.Part], light: np.ndarray | None = None) -> recolour.Recolour:
    """Of a true picture of ``parts`` where the product is like ``reference``; ``light``: (H, W, 3) factors."""
    still = scene.restyle(parts=parts, seed=3)
    if light is not None:
        still = np.clip(to_srgb(to_linear(still) * light), 0.0, 1.0).astype(np.float32)
    return recolour.measure(still, reference, recolour.expect(reference))


def test_a_part_of_the_same_colour_as_the_rest_is_found_when_it_is_painted(product: Reference):
    found = off(product, ALIKE | {"spout": replace(ALIKE["spout"], colour=GREEN)})
    assert found.delta > LIMIT
    rows, columns = np.nonzero(found.where)
    right = np.nonzero(product.inside.any(axis=0))[0][-1]
    assert columns.mean() > 0.75 * right, "it is the spout, at the right"
    assert len(rows) >= 0.02 * product.inside.sum()


def test_a_product_of_one_colour_in_another_one_is_no_light(product: Reference):
    assert off(product, {name: replace(part, colour=GREEN) for name, part in ALIKE.items()}).delta > LIMIT


def test_the_same_product_in_other_light_is_not_painted(product: Reference):
    assert off(product, ALIKE).delta < 5.0
    warm = np.ones((scene.SIZE, scene.SIZE, 3), np.float32) * np.float32([1.1, 1.0, 0.85])
    assert off(product, ALIKE, warm).delta < 5.0
    # a warm lamp from the left, a blue sky from the right
    side = np.clip(product.normal[..., :1] * 0.5 + 0.5, 0.0, 1.0)  # type: ignore[index]
    mixed = (1.0 - side) * np.float32([1.15, 1.0, 0.8]) + side * np.float32([0.85, 1.0, 1.2])
    assert off(product, ALIKE, mixed).delta < 8.0


def test_a_product_of_lines_has_no_parts_to_judge():
    mask = np.zeros((128, 128), np.float32)
    mask[::8] = 1.0
    wires = Reference(np.full((128, 128, 3), 0.5, np.float32), mask)
    assert recolour.measure(wires.rgb, wires, recolour.expect(wires)).delta == 0.0
