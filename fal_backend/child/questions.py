"""Questions to fal.ai outside a run: prices, and whether the key is good. Asked by a child process, answered here.

Each is a generator that yields while the answer is not there, returns it, and never blocks: the command line exhausts
it with ``pipeline.driver.finish``, the window advances it from a timer.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Sequence
from typing import Any, TypeVar

from .. import errors, prices
from .connection import connect

PATIENCE = 90.0  # seconds for an answer
T = TypeVar("T")
Question = Generator[None, None, T]


def ask(key: str, order: dict[str, Any], answer: str, python_args: Sequence[str] = ()) -> Question[Any]:
    """``order`` as the child's program reads it; the value of what it says under the name ``answer``.

    Raises BadKey for what can't be a key, the FalError that the child reports, and TryAgainLater after ``PATIENCE``.
    """
    connection = connect({"key": key}, python_args)
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
        connection.close(patience=0.0)  # it leaves by itself, and nothing is lost with it


def ask_prices(key: str, endpoints: Iterable[str], python_args: Sequence[str] = ()) -> Question[dict[str, Any]]:
    """Endpoint id → {"usd", "unit", "at"}; the last known prices, marked "remembered", where fal doesn't answer.

    Raises BadKey for a wrong key: it is better known now than after the renders.
    """
    ids = list(endpoints)
    try:
        answer = yield from ask(key, {"do": "prices", "endpoints": ids}, "prices", python_args)
    except prices.NO_ANSWER:
        return prices.remembered(ids)
    return prices.with_remembered(dict(answer), ids)


def check_key(key: str, python_args: Sequence[str] = ()) -> Question[None]:
    """Raises BadKey, or another FalError where it can't be told."""
    yield from ask(key, {"do": "check_key"}, "key", python_args)
