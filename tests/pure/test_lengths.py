# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lengths in the unit that fits, and prices as lists show them."""

from __future__ import annotations

import pytest

from consistency_pipeline.fal_backend.endpoints.catalogue import ENDPOINTS
from consistency_pipeline.fal_backend.endpoints.prices import Price
from consistency_pipeline.pipeline.wording.lengths import sides


@pytest.mark.parametrize(
    ("metres", "said"),
    [
        ((0.0821, 0.0821, 0.095), "82.1 × 82.1 × 95 mm"),
        ((0.2, 0.3, 0.5), "20 × 30 × 50 cm"),
        ((1.8, 0.9, 0.75), "1.8 × 0.9 × 0.75 m"),
        ((0.0005, 0.002, 0.002), "0.5 × 2 × 2 mm"),
        ((0.1, 0.05, 0.0999999), "10 × 5 × 10 cm"),
        ((950.0, 12.0, 1.0), "950 × 12 × 1 m"),
        ((1234.0, 0.0, 5.0), "1234 × 0 × 5 m"),
    ],
)
def test_sides_are_said_in_the_unit_that_fits(metres, said):
    assert sides(metres) == said


@pytest.mark.parametrize(
    ("unit", "usd", "said"),
    [
        ("images", 0.025, "$0.025 an image"),
        ("megapixels", 0.04, "$0.04 a megapixel"),
        ("seconds", 0.112, "$0.112 a second"),
        ("units", 1.2, "$1.20 a unit"),
        ("seconds", None, "price asked at fal.ai"),
    ],
)
def test_a_price_is_said_with_what_it_is_for(unit, usd, said):
    assert Price(unit, usd, "", "2026-11-25").in_words == said


def test_every_endpoint_has_a_name_that_is_no_id():
    assert [endpoint.id for endpoint in ENDPOINTS if "/" in endpoint.label or not endpoint.label] == []
