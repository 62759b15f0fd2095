# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions to fal.ai outside a run: prices, and whether the key is good. Asked by a child process, answered here.

Each is a generator that yields while the answer is not there, returns it, and never blocks: the command line exhausts
it with ``pipeline.driver.finish``, the window advances it from a timer.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Sequence
from typing import Any, TypeVar

from ...pipeline.errors import TryAgainLater
from .. import prices, sentences
from ..buying.purchase import Purchase
from ..prices import Prices
from ..roster import Roster
from .connection import connect
from .messages import Asked, AskPrices, AskRoster, CheckKey, Hello, answered

PATIENCE = 90.0  # seconds for an answer
T = TypeVar("T")
Question = Generator[None, None, T]


def ask(key: str, question: Asked, python_args: Sequence[str] = ()) -> Question[Any]:
    """The value that the child's program answers with.

    Raises BadKey for what can't be a key, the FalError that the child reports, and TryAgainLater after ``PATIENCE``.
    """
    connection = connect(Hello(key), python_args)
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
        connection.close(patience=0.0)  # it leaves by itself, and nothing is lost with it


def ask_prices(
    key: str, endpoints: Iterable[str], python_args: Sequence[str] = (), purchases: Sequence[Purchase] = ()
) -> Question[Prices]:
    """What fal asks now; the last known prices, marked "remembered", where fal doesn't answer.

    Raises BadKey for a wrong key, and Drifted where fal's descriptions don't take what ``purchases`` will send: both are
    better known now than after the renders.
    """
    ids = list(endpoints)
    try:
        answer = yield from ask(key, AskPrices(tuple(ids), tuple(purchases)), python_args)
    except prices.NO_ANSWER:
        return prices.remembered(ids)
    return prices.with_remembered(dict(answer), ids)


def ask_roster(key: str, python_args: Sequence[str] = ()) -> Question[Roster]:
    """fal's list of models for our stages as it is now; it is kept, and serves offline. Raises what keeps it from being read."""
    answer = yield from ask(key, AskRoster(), python_args)
    return Roster.from_json(answer)


def check_key(key: str, python_args: Sequence[str] = ()) -> Question[None]:
    """Raises BadKey, or another FalError where it can't be told."""
    yield from ask(key, CheckKey(), python_args)
