"""Questions to fal.ai outside a run: prices, and whether the key is good. Asked by the child process, answered here."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

from .. import errors, prices
from ..errors import TryAgainLater
from .connection import connect

PATIENCE = 90.0  # seconds for an answer


class ServiceQuestions:
    def __init__(self, key: str, python_args: Sequence[str] = ()) -> None:
        self._connection = connect({"key": key}, python_args)

    def prices(self, endpoints: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Endpoint id → {"usd", "unit", "at"}; the last known prices, marked "remembered", where fal doesn't answer.

        Raises BadKey for a wrong key: it is better known now than after the renders.
        """
        wanted = list(endpoints)
        try:
            return prices.with_remembered(dict(self.ask({"do": "prices", "endpoints": wanted}, "prices")), wanted)
        except prices.NO_ANSWER:
            return prices.remembered(wanted)

    def check_key(self) -> None:
        """Raises BadKey, or another FalError where it can't be told."""
        self.ask({"do": "check_key"}, "key")

    def ask(self, order: dict[str, Any], answer: str) -> Any:
        self._connection.send(order)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for message in self._connection.read(0.2):
                if message.get("say") == answer:
                    if "error" in message:
                        raise errors.from_json(message["error"])
                    return message["value"]
            if self._connection.ended:
                raise TryAgainLater("the process that talks to fal.ai ended unexpectedly; try again")
        raise TryAgainLater("fal.ai does not answer; try again later")

    def close(self) -> None:
        self._connection.close()
