"""What the second Blender does: one task for each line on standard input, until it ends."""

from __future__ import annotations

import json
from typing import IO, Any

from ...pipeline.errors import ConsistencyError
from . import tasks


def main(_hello: dict[str, Any], orders: IO[str], out: IO[str]) -> None:
    for line in orders:
        order = json.loads(line)
        if order.get("do") == "finish":
            return
        print(json.dumps({"number": order["number"], **_answer(order)}), file=out, flush=True)


def _answer(order: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"value": tasks.carry_out(order["task"], order["job"])}
    except ConsistencyError as error:
        return {"error": {"class": type(error).__name__, "text": str(error)}}
