"""What the second Blender runs: one task for each line on standard input, until it ends."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import IO, Any


def _open_the_package() -> None:
    """Make the extension's root importable under one name, wherever it is installed."""
    root = Path(__file__).resolve().parents[2]
    spec = importlib.util.spec_from_file_location("consistency_pipeline", root / "__init__.py", submodule_search_locations=[str(root)])  # fmt: skip
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["consistency_pipeline"] = package
    spec.loader.exec_module(package)


def _answer(order: dict[str, Any]) -> dict[str, Any]:
    from consistency_pipeline.pipeline.errors import ConsistencyError
    from consistency_pipeline.studio.darkroom import tasks

    try:
        return {"value": tasks.carry_out(order["task"], order["job"])}
    except ConsistencyError as error:
        return {"error": {"class": type(error).__name__, "text": str(error)}}


def _serve(orders: IO[str], out: IO[str]) -> None:
    for line in orders:
        order = json.loads(line)
        if order.get("do") == "finish":
            return
        print(json.dumps({"number": order["number"], **_answer(order)}), file=out, flush=True)


if __name__ == "__main__":
    first_line = sys.stdin.readline()
    if first_line.strip():
        sys.path.extend(path for path in json.loads(first_line)["paths"] if path not in sys.path)
        _open_the_package()
        answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what Blender itself prints must not get between the lines
        _serve(sys.stdin, answers)
    os._exit(0)  # nothing of this Blender is to be saved, and its own way out takes its time
