"""Questions to fal.ai outside a run: prices, and whether the key is good. Asked by the child process, answered here."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from ...pipeline.errors import TryAgainLater
from .. import prices, sentences
from ..prices import Prices
from .connection import connect
from .messages import Asked, AskPrices, CheckKey, Hello, answered

PATIENCE = 90.0  # seconds for an answer


class ServiceQuestions:
    def __init__(self, key: str, python_args: Sequence[str] = ()) -> None:
        self._connection = connect(Hello(key), python_args)

    def prices(self, endpoints: Iterable[str]) -> Prices:
        """What fal asks now; the last known prices, marked as remembered, where it doesn't answer.

        Raises BadKey for a wrong key: it is better known now than after the renders.
        """
        wanted = list(endpoints)
        try:
            return prices.with_remembered(dict(self.ask(AskPrices(tuple(wanted)))), wanted)
        except prices.NO_ANSWER:
            return prices.remembered(wanted)

    def check_key(self) -> None:
        """Raises BadKey, or another FalError where it can't be told."""
        self.ask(CheckKey())

    def ask(self, question: Asked) -> Any:
        self._connection.send(question.to_json())
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for message in self._connection.read(0.2):
                if (answer := answered(question, message)) is not None:
                    return answer[0]
            if self._connection.ended:
                raise TryAgainLater(sentences.CHILD_ENDED)
        raise TryAgainLater(sentences.CHILD_SILENT)

    def close(self) -> None:
        self._connection.close()
