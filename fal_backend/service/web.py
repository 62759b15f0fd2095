# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""GET on fal's platform API (prices, models, requests): bounded, with the key, and its errors as ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ...pipeline.json_object import JsonObject
from ...pipeline.run.attempt import Billed
from ..errors import BadAnswer, Unreachable
from ..problems import Problem
from .clock import FalClock
from .deadline import Cutoff, DeadlinePassed, shut, within
from .error_answers import from_answer

if TYPE_CHECKING:
    from requests.structures import CaseInsensitiveDict

API = "https://api.fal.ai/v1"
LARGEST = 64 << 20  # bytes
SLOWEST = 120.0  # seconds for a whole answer
TIMEOUT = (15.0, 30.0)  # seconds to connect, and of silence


def get(
    path: str,
    key: str,
    params: list[tuple[str, str]],
    clock: FalClock | None = None,
    *,
    largest: int | None = None,
    slowest: float | None = None,
) -> JsonObject:
    """The JSON object at ``path``, of at most ``largest`` bytes (LARGEST) within ``slowest`` seconds (SLOWEST); ``clock`` hears when it was answered.

    Raises FalError; nothing here is ever billed.
    """
    import requests  # here: the process that shows prices has these rooms too, and asks nobody

    largest, slowest = largest or LARGEST, slowest or SLOWEST
    headers = {"Authorization": f"Key {key}", "Accept-Encoding": "identity"}

    def exchange(cutoff: Cutoff) -> tuple[bytearray, int, CaseInsensitiveDict[str]]:
        with requests.get(
            f"{API}/{path}", params=params, headers=headers, timeout=TIMEOUT, stream=True, allow_redirects=False
        ) as response:
            if clock is not None:
                clock.heard(response.headers)
            cutoff.on_deadline(lambda: shut(response))
            raw = bytearray()
            for chunk in response.iter_content(1 << 16):
                cutoff.check()
                raw += chunk
                if len(raw) > largest:
                    raise BadAnswer(Problem.LIST_ENDLESS, billed=Billed.NO)
            return raw, response.status_code, response.headers

    try:
        raw, status, answer_headers = within(slowest, exchange)
    except DeadlinePassed as error:
        raise Unreachable(Problem.SLOW_LIST, seconds=slowest) from error
    except requests.RequestException as error:
        raise Unreachable(Problem.UNREACHABLE_LIST, why=type(error).__name__) from error
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if status != 200:
        # The platform API words its errors as {"error": {"message"}}, the queue as {"detail"}.
        message = (
            body["error"].get("message") if isinstance(body, dict) and isinstance(body.get("error"), dict) else None
        )
        raise from_answer(status, {"detail": message} if message else body, answer_headers, accepted=False)
    if not isinstance(body, dict):
        raise BadAnswer(Problem.ANSWER_UNREADABLE, billed=Billed.NO)
    return body
