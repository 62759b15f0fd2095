# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The key's way out is closed: what this process writes or says never contains it, whoever repeated it.

A service may echo the key it was sent: in an error, a log line, a result. So the secret is named once, as soon as a
process knows it, and every text that leaves for a file, another process or the user passes ``redact``.
"""

from __future__ import annotations

import json
import re
from typing import Any

KEY_VARIABLES = ("FAL_KEY", "FAL_KEY_ID", "FAL_KEY_SECRET")  # of the environment, where a key may be
SHORTEST = 8  # characters of a secret; anything shorter would blacken ordinary words
ADDRESS = re.compile(r"(https?://)(?:[^\s/@\"'<>]*@)?([^\s?#\"'<>\\]+)(?:[?#][^\s\"'<>\\]*)?")
_hidden: set[str] = set()


def hide(secret: str) -> None:
    """From now on ``redact`` removes ``secret``, and each half of it: a fal.ai key is "id:secret"."""
    for part in (secret, *secret.split(":")):
        if len(part) >= SHORTEST:
            _hidden.update((part, json.dumps(part)[1:-1]))


def redact(text: str) -> str:
    """``text`` with every hidden secret replaced by ``***``."""
    for secret in sorted(_hidden, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def without_tokens(text: str) -> str:
    """``text`` with every web address cut before its query and without a password: signed addresses carry their right there."""
    return ADDRESS.sub(r"\1\2", text)


def dumps(value: Any, **options: Any) -> str:
    """``value`` as JSON without any secret: for every file and every line between two processes."""
    return redact(json.dumps(value, default=str, **options))
