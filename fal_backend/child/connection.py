# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start the child process that talks to fal.ai."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ...pipeline.child.connection import ENTRY_POINT, Connection
from ..errors import BadKey
from ..problems import Problem
from .messages import Hello


def connect(hello: Hello, python_args: Sequence[str] = ()) -> Connection:
    """``python_args`` are those that Blender wants its Python to be started with.

    Raises BadKey for what can't be a key, TryAgainLater where the process can't be started.
    """
    if not hello.key.isascii():  # no HTTP header can carry it
        raise BadKey(Problem.KEY_NOT_PLAIN)
    command = [sys.executable, *(python_args or ("-I",)), str(ENTRY_POINT)]
    return Connection(command, "fal_backend.child.program", hello.to_json())
