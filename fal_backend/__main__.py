"""The child process's door: Blender's Python runs this file, and the first line on standard input says the rest.

The line carries the module search path of the parent, since wheels of an extension lie where only Blender looks, and
the key, which so appears in no argument list and no environment.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
from pathlib import Path


def _open_the_package() -> None:
    """Make the extension's root importable under one name, wherever it is installed."""
    root = Path(__file__).resolve().parent.parent
    spec = importlib.util.spec_from_file_location("consistency_pipeline", root / "__init__.py", submodule_search_locations=[str(root)])  # fmt: skip
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["consistency_pipeline"] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    first_line = sys.stdin.readline()
    if not first_line.strip():
        sys.exit(2)  # the parent left before it said anything
    hello = json.loads(first_line)
    sys.path.extend(path for path in hello.pop("paths", []) if path not in sys.path)
    _open_the_package()
    from consistency_pipeline.fal_backend import child

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    protocol, sys.stdout = sys.stdout, sys.stderr  # a stray print must not get between the lines
    child.main(hello, sys.stdin, protocol)
    # Everything is on disk. A thread may still wait at a pipe that nobody reads, and would hold the process up.
    os._exit(0)
