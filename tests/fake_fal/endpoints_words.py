# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Words about pictures."""

from __future__ import annotations

from collections.abc import Iterator

from .endpoint import Endpoint, several
from .schemas import flag, integer, maybe, number, text


def words() -> Iterator[Endpoint]:
    fields = {
        "prompt*": text(),
        "model*": text(),
        "system_prompt": text(),
        "reasoning": flag(),
        "temperature": number(0, 2),
        "max_tokens": maybe(integer(1)),
    }
    yield Endpoint("openrouter/router/vision", "words", fields | several())
