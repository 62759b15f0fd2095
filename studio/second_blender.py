# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A second Blender without a window, which does the image worker's tasks (``image_worker.tasks``) one after another."""

from __future__ import annotations

import os

from ..pipeline.child.connection import ENTRY_POINT, Connection
from ..pipeline.redaction import KEY_VARIABLES
from . import compat


def start() -> Connection:
    """Start one. Raises TryAgainLater where none can be started."""
    # The key is none of its business.
    environment = {name: value for name, value in os.environ.items() if name not in KEY_VARIABLES}
    return Connection(compat.second_blender(ENTRY_POINT), "studio.image_worker.child", {}, environment)
