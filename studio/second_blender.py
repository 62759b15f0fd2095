# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A second Blender without a window, which does the image worker's tasks (``image_worker.tasks``) one after another."""

from __future__ import annotations

import os

from ..pipeline.child.connection import ENTRY_POINT, Connection
from . import compat

KEYS = ("FAL_KEY", "FAL_KEY_ID", "FAL_KEY_SECRET")  # are none of its business


def start() -> Connection:
    """Start one. Raises TryAgainLater where none can be started."""
    environment = {name: value for name, value in os.environ.items() if name not in KEYS}
    return Connection(compat.second_blender(ENTRY_POINT), "studio.image_worker.child", {}, environment)
