# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The studio view in the real window: on with the product, exact, and gone again without a trace."""

from __future__ import annotations

import pytest

PRODUCT = [
    "Camera front",
    "Camera three-quarter",
    "Ground",
    "Light fill",
    "Light key",
    "Light rim",
    "Product",
    "Product Instance",
]


@pytest.mark.long
def test_the_product_stands_alone_as_soon_as_it_is_taken_and_one_toggle_brings_everything_back(window):
    seen = window.play("studio_view_comes_and_goes", timeout=300)
    before = seen["before"]
    assert not before["local"]

    taken = seen["taken"]
    assert taken == {
        "on": True,
        "alone": True,
        "visible": PRODUCT,
        "frame": [256, 208, 100],
        "engine": "CYCLES",
        "shading": "RENDERED",
        "world": "Consistency World",
        "camera": "Camera front",
        "through": "CAMERA",
    }, "the viewport does not show what a reference shows"
    assert seen["off"] == before
    assert seen["after_undo"] == taken, "undoing something else took the studio view along"
    assert seen["toggle_undone"] == before
    other = {**taken, "camera": "Camera three-quarter", "frame": [208, 256, 100]}
    assert seen["other_angle"] == other
    assert seen["reopened"] == other, "the reopened file has another frame, or shows something else"
    gone = {**before, "world": None, "camera": None}
    assert seen["off_after_deleting"] == gone
    assert seen["off_without_product"] == gone
