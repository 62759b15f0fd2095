# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions to fal.ai as the window asks them: with Blender's Python, and for prices not again within ten minutes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import bpy

from ...pipeline import driver

if TYPE_CHECKING:
    from ...fal_backend.child.questions import Question
    from ...fal_backend.prices import Prices
    from ...fal_backend.roster import Roster

FRESH = 600.0  # seconds that prices are taken as current

_prices: Prices = {}
_asked = (0, -FRESH)  # hash of the key, and when


def check_key(key: str) -> Question[None]:
    """Raises BadKey, or another FalError where it can't be told."""
    from ...fal_backend.child.questions import check_key

    return check_key(key, tuple(bpy.app.python_args))


def roster(key: str) -> Question[Roster]:
    """fal's list of models for our stages, read anew and kept."""
    from ...fal_backend.child.questions import ask_roster

    return ask_roster(key, tuple(bpy.app.python_args))


def prices(key: str, endpoints: list[str], to_send: tuple[Any, ...] = ()) -> Question[Prices]:
    """What fal asks: asked anew after ten minutes, the last known where fal.ai can't be reached.

    ``to_send``: purchases that fal's descriptions are to take; raises Drifted where they don't. Within the ten minutes that
    is left to the process that buys.
    """
    global _asked
    from ...fal_backend.child.questions import ask_prices

    asked_with, asked_at = _asked  # with another key anew: whether it is good is better known before the renders
    is_fresh = asked_with == hash(key) and time.monotonic() - asked_at < FRESH
    if is_fresh and all(endpoint in _prices for endpoint in endpoints):
        return {endpoint: _prices[endpoint] for endpoint in endpoints}
    answer = yield from ask_prices(key, endpoints, tuple(bpy.app.python_args), to_send)
    if answer and not any(row.get("remembered") for row in answer.values()):
        _prices.update(answer)
        _asked = hash(key), time.monotonic()
    return answer


def finish(question: Question[Any]) -> Any:
    """Wait for the answer, for scripts."""
    return driver.finish(question, driver.PAUSE)
