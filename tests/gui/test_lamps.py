# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lamp by pointing in the real window: dragged along, taken back by Esc, one step of the undo history."""

from __future__ import annotations

import pytest


@pytest.mark.long
def test_a_lamp_is_placed_by_pointing_and_one_undo_takes_it_back(window):
    seen = window.play("lamp_by_pointing", timeout=300)
    assert len(seen["placed"]) == 1
    assert seen["held"] == 2, "it is there while the mouse is held down"
    assert seen["after_esc"] == seen["placed"], "Esc left something"
    assert seen["undone"] == {}, "one undo does not take it back"
