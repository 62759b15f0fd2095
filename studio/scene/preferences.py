# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The artist's preferences, changed for a moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy


@contextmanager
def preference(section: str, name: str, value: Any) -> Iterator[None]:
    """``preferences.SECTION.name`` is ``value`` meanwhile, and is not taken for a change that Blender has to save."""
    preferences = bpy.context.preferences
    holder, was_dirty = getattr(preferences, section), preferences.is_dirty
    before = getattr(holder, name)
    setattr(holder, name, value)
    try:
        yield
    finally:
        setattr(holder, name, before)
        preferences.is_dirty = was_dirty
