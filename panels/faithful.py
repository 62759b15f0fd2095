# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The slider from as it came to faithful, wherever an angle's still is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..operators.display import faithful, status
from .words import message

LINES = 2

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


def draw_faithful(layout: UILayout, context: Context, angle: str) -> None:
    """Of one angle; where nothing can be made it can't be moved, and says why."""
    reason, now = faithful.why_not(context.scene, angle), status.of(context)
    row = layout.row(align=True)
    row.enabled = reason is None
    own = context.scene.consistency.angles[angle]
    row.prop(own, "faithful", text=now.making or "As It Came – Faithful", slider=True)
    said = "" if now.running else reason or ""
    message(layout, said, icon="INFO" if said else "BLANK1", height=LINES)  # as high with nothing to say
