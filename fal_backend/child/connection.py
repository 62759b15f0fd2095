"""Start the child process that talks to fal.ai."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from ...pipeline.child.connection import ENTRY_POINT, Connection
from ..errors import BadKey


def connect(hello: dict[str, Any], python_args: Sequence[str] = ()) -> Connection:
    """``hello`` holds the key. ``python_args`` are those that Blender wants its Python to be started with.

    Raises BadKey for what can't be a key, TryAgainLater where the process can't be started.
    """
    if not hello["key"].isascii():  # no HTTP header can carry it
        raise BadKey("a fal.ai key is made of plain letters and digits; copy it again from fal.ai/dashboard/keys")
    return Connection([sys.executable, *(python_args or ("-I",)), str(ENTRY_POINT)], "fal_backend.child.program", hello)
