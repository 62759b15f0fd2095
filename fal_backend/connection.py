"""Start the child process that talks to fal.ai."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from ..pipeline.connection import DOOR, Connection


def connect(hello: dict[str, Any], python_args: Sequence[str] = ()) -> Connection:
    """``hello`` holds the key. ``python_args`` are those that Blender wants its Python to be started with.

    Raises TryAgainLater where the process can't be started.
    """
    return Connection([sys.executable, *(python_args or ("-I",)), str(DOOR)], "fal_backend.child", hello)
