"""Questions to fal.ai that a window can ask without waiting: prices, and whether the key is good."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import bpy

from ...pipeline.errors import TryAgainLater

if TYPE_CHECKING:
    from ...fal_backend.child.messages import Asked
    from ...fal_backend.prices import Prices

PATIENCE = 90.0  # seconds for an answer
FRESH = 600.0  # seconds that prices are taken as current

_prices: Prices = {}
_asked = (0, -FRESH)  # hash of the key, and when

Asking = Generator[None, None, Any]


def ask(key: str, question: Asked) -> Asking:
    """Yields until the answer is there, and returns it. Raises a FalError, or TryAgainLater after 90 s."""
    from ...fal_backend import sentences
    from ...fal_backend.child.connection import connect
    from ...fal_backend.child.messages import Hello, answered

    connection = connect(Hello(key), tuple(bpy.app.python_args))
    try:
        connection.send(question.to_json())
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for message in connection.read(0.0):
                if (answer := answered(question, message)) is not None:
                    return answer[0]
            if connection.ended:
                raise TryAgainLater(sentences.CHILD_ENDED)
            yield
        raise TryAgainLater(sentences.CHILD_SILENT)
    finally:
        connection.close(patience=0.0)


def check_key(key: str) -> Asking:
    """Raises BadKey, or another FalError where it can't be told."""
    from ...fal_backend.child.messages import CheckKey

    return ask(key, CheckKey())


def prices(key: str, endpoints: list[str]) -> Asking:
    """Endpoint id → {"usd", "unit", "at"}: asked anew after ten minutes, the last known where fal.ai can't be reached."""
    global _asked
    from ...fal_backend import prices as known_prices
    from ...fal_backend.child.messages import AskPrices

    asked_with, asked_at = _asked  # with another key anew: whether it is good is better known before the renders
    is_fresh = asked_with == hash(key) and time.monotonic() - asked_at < FRESH
    if is_fresh and all(endpoint in _prices for endpoint in endpoints):
        return {endpoint: _prices[endpoint] for endpoint in endpoints}
    try:
        answer = dict((yield from ask(key, AskPrices(tuple(endpoints)))))
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
