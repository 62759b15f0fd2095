# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What fal said that endpoints take, kept among this user's records for all runs."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from pathlib import Path

from ...pipeline.errors import RunFolderError
from ...pipeline.money.spending import state_folder
from ...pipeline.system.disk import write_json
from . import input_schema
from .input_schema import Node

A_DAY = 24 * 3600.0  # seconds that an answer is taken for today's
A_MONTH = 30 * A_DAY
LARGEST_KEPT = 512 << 10  # bytes


def kept(endpoint: str, oldest: float = A_DAY) -> Node | None:
    """The input of ``endpoint`` as fal described it within the last ``oldest`` seconds; None where that is not known."""
    try:
        path = _path(endpoint)
        if path.stat().st_size > 2 * LARGEST_KEPT:
            return None
        known = json.loads(path.read_text(encoding="utf-8"))
        age = time.time() - float(known["at"])
        node = known["input"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError, RunFolderError):
        return None
    is_usable = isinstance(node, dict) and isinstance(node.get("fields"), dict) and known.get("endpoint") == endpoint
    if not (is_usable and 0.0 <= age < oldest):
        return None
    try:
        input_schema.objection(node, {})  # damaged by another hand
    except Exception:  # noqa: BLE001 - whatever it is, it is asked for anew
        return None
    return dict(node)


def keep(endpoint: str, node: Node) -> None:
    if len(json.dumps(node)) > LARGEST_KEPT:
        return
    with contextlib.suppress(RunFolderError, OSError):  # what can't be kept is asked for again
        path = _path(endpoint)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"endpoint": endpoint, "at": time.time(), "input": node})


def _path(endpoint: str) -> Path:
    return state_folder() / "descriptions" / f"{hashlib.sha256(endpoint.encode()).hexdigest()[:24]}.json"
