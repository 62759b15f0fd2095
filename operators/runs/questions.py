"""Questions to fal.ai that a window can ask without waiting: prices, and whether the key is good."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any

import bpy

PATIENCE = 90.0  # seconds for an answer
FRESH = 600.0  # seconds that prices are taken as current

_prices: dict[str, dict[str, Any]] = {}
_asked = (0, -FRESH)  # hash of the key, and when

Asking = Generator[None, None, Any]


def ask(key: str, order: dict[str, Any], answer: str) -> Asking:
    """Yields until the answer is there, and returns it. Raises a FalError, or TryAgainLater after 90 s."""
    from ...fal_backend import errors
    from ...fal_backend.child.connection import connect

    connection = connect({"key": key}, tuple(bpy.app.python_args))
    try:
        connection.send(order)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for message in connection.read(0.0):
                if message.get("say") == answer:
                    if "error" in message:
                        raise errors.from_json(message["error"])
                    return message["value"]
            if connection.ended:
                raise errors.TryAgainLater("the process that talks to fal.ai ended unexpectedly; try again")
            yield
        raise errors.TryAgainLater("fal.ai does not answer; try again later")
    finally:
        connection.close(patience=0.0)


def check_key(key: str) -> Asking:
    """Raises BadKey, or another FalError where it can't be told."""
    return ask(key, {"do": "check_key"}, "key")


def prices(key: str, endpoints: list[str]) -> Asking:
    """Endpoint id → {"usd", "unit", "at"}: asked anew after ten minutes, the last known where fal.ai can't be reached."""
    global _asked
    from ...fal_backend import prices as known_prices

    asked_with, asked_at = _asked  # with another key anew: whether it is good is better known before the renders
    is_fresh = asked_with == hash(key) and time.monotonic() - asked_at < FRESH
    if is_fresh and all(endpoint in _prices for endpoint in endpoints):
        return {endpoint: _prices[endpoint] for endpoint in endpoints}
    try:
        answer = dict((yield from ask(key, {"do": "prices", "endpoints": endpoints}, "prices")))
    except known_prices.NO_ANSWER:
        return known_prices.remembered(endpoints)
    answer = known_prices.with_remembered(answer, endpoints)
    _prices.update(answer)
    _asked = hash(key), time.monotonic()
    return answer


def finish(asking: Asking) -> Any:
    """Wait for the answer, for scripts."""
    while True:
        try:
            next(asking)
        except StopIteration as done:
            return done.value
        time.sleep(0.05)
