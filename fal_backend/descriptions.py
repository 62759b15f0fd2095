# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""fal's own description of an endpoint, asked before money moves: what is about to be sent is held against it.

The description is as little to be trusted as any other answer. What is decided:

- One that can't be had, can't be read, is too large or describes another endpoint says nothing: the catalogue stands alone.
- What it says plainly counts only where it says so twice, the second time asked afresh: a wrong answer that comes once, or
  one that was kept and is outdated, stops nothing. Where it can't be asked again, nothing is sent and it is tried later.
- An endpoint that is not listed is gone only where the pricing API doesn't know it either.
- Where it is wrong for good, the user can have it passed over (``--no-check-inputs``).
- It never adds, changes or fills in what is sent.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from ..pipeline.errors import TryAgainLater
from ..pipeline.redaction import redact
from .endpoints import input_schema
from .endpoints.input_schema import Node
from .endpoints.kept import keep, kept
from .errors import Drifted, FalError, UnknownEndpoint
from .problems import Problem
from .sentences import DESCRIPTION_UNSURE
from .service import web
from .service.clock import FalClock

logger = logging.getLogger(__name__)
FRESH = 600.0  # seconds that one is not asked for again by the same process
LARGEST = 8 << 20  # bytes of an answer; fal's are some tens of kilobytes
SLOWEST = 15.0  # seconds for an answer
SILENCE = 60.0  # seconds in which a service that didn't answer is not asked again


class Unlisted(Enum):
    """In place of a description: fal lists no such endpoint."""

    GONE = "gone"


Told = Node | Unlisted | None  # None: nothing usable


class Descriptions:
    """Safe from several threads. Child process only."""

    def __init__(self, key: str, clock: FalClock | None = None) -> None:
        self._key = key
        self._clock = clock
        self._lock = threading.Lock()
        self._told: dict[str, tuple[float, Told, bool]] = {}  # when, what, and whether it was asked for twice
        self._silent_until = -math.inf

    def check(self, endpoint: str, arguments: Mapping[str, Any], is_priced: Callable[[str], bool]) -> None:
        """Raises Drifted where fal's description, asked twice, doesn't take ``arguments``, and TryAgainLater where it says so
        and can't be asked again. ``is_priced``: whether the pricing API knows the endpoint."""
        with self._lock:
            told, is_sure = self._of(endpoint)
            problem = _problem(endpoint, told, arguments)
            if problem is not None and not is_sure:
                logger.info("%s; asking again", problem)
                told = self._ask(endpoint, again=True)
                if told is None:
                    raise TryAgainLater(DESCRIPTION_UNSURE.format(endpoint=endpoint))
                problem = _problem(endpoint, told, arguments)
        if problem is None or (told is Unlisted.GONE and is_priced(endpoint)):
            return
        raise problem

    def _of(self, endpoint: str) -> tuple[Told, bool]:
        asked_at, told, is_sure = self._told.get(endpoint, (-math.inf, None, False))
        if time.monotonic() - asked_at < FRESH:
            return told, is_sure
        node = kept(endpoint)
        if node is not None:
            self._told[endpoint] = time.monotonic(), node, False
            return node, False
        return self._ask(endpoint), False

    def _ask(self, endpoint: str, *, again: bool = False) -> Told:
        if time.monotonic() < self._silent_until:
            return None
        try:
            told = _answer(self._key, endpoint, self._clock)
        except FalError as error:
            logger.info("fal's description of %s can't be had: %s", endpoint, error)
            self._silent_until = time.monotonic() + SILENCE
            told = None
        if told is not None or not again:
            self._told[endpoint] = time.monotonic(), told, again
        if not isinstance(told, Unlisted) and told is not None:
            keep(endpoint, told)
        return told


def _answer(key: str, endpoint: str, clock: FalClock | None) -> Told:
    """What fal's model list says of the endpoint now. Raises FalError where it can't be asked."""
    params = [("endpoint_id", endpoint), ("expand", "openapi-3.0")]
    try:
        body = web.get("models", key, params, clock, largest=LARGEST, slowest=SLOWEST)
    except UnknownEndpoint:
        return Unlisted.GONE
    rows = body.get("models")
    if not isinstance(rows, list):
        return None
    row = next((row for row in rows if isinstance(row, dict) and row.get("endpoint_id") == endpoint), None)
    if row is None:
        return None if rows else Unlisted.GONE  # other endpoints' rows say nothing about this one
    return input_schema.read(row.get("openapi"), endpoint)


def _problem(endpoint: str, told: Told, arguments: Mapping[str, Any]) -> Drifted | None:
    if told is Unlisted.GONE:
        return Drifted(Problem.ENDPOINT_GONE, endpoint=endpoint)
    if not isinstance(told, dict):
        return None
    found = input_schema.objection(told, arguments)
    if found is None:
        return None
    renamed = f" (perhaps it is {found.instead!r} now)" if found.instead else ""
    return Drifted(Problem.INPUTS_DRIFTED, endpoint=endpoint, what=redact(found.what + renamed)[:400])
