# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The child's end of a connection: a Python, or a Blender without a window, runs this file by its path.

The first line on standard input names the module that does the work; its ``main`` gets that line, the commands that follow
and where to answer. The line also carries the module search path of the parent, since wheels of an extension lie where
only Blender looks, and a key where there is one, which so appears in no argument list and no environment.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import types
from pathlib import Path

PACKAGE = "consistency_pipeline"


def _open_the_package() -> None:
    """Make the extension's rooms importable under one name, wherever it is installed."""
    package = types.ModuleType(PACKAGE)
    package.__path__ = [str(Path(__file__).resolve().parents[2])]
    sys.modules[PACKAGE] = package


if __name__ == "__main__":
    first_line = sys.stdin.readline()
    if not first_line.strip():
        os._exit(2)  # the parent left before it said anything
    hello = json.loads(first_line)
    sys.path.extend(path for path in hello.pop("paths") if path not in sys.path)
    _open_the_package()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nothing that Blender or a library prints may get between the lines
    importlib.import_module(f"{PACKAGE}.{hello.pop('program')}").main(hello, sys.stdin, answers)
    # Everything is on disk. A thread may still wait at a pipe that nobody reads, and would hold the process up; and
    # Blender's own way out takes its time.
    os._exit(0)
