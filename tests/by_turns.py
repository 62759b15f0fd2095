# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Long tests of what is the same in every lane are shared among the lanes."""

from __future__ import annotations

import os

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of those marked ``by_turns`` keep one of every so many, where packaging/check.py says which: CONSISTENCY_TURN=1/2."""
    turn, of = (int(part) for part in os.environ.get("CONSISTENCY_TURN", "1/1").split("/"))
    in_turn = [item for item in items if item.get_closest_marker("by_turns")]
    others = {item for number, item in enumerate(in_turn) if number % of != turn - 1}
    if others:
        config.hook.pytest_deselected(items=list(others))
        items[:] = [item for item in items if item not in others]
