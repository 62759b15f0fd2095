"""How panels say things: sentences broken to the panel's width, states as icons, money with its unit."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from bpy.types import UILayout

STATE_ICONS: dict[str, Any] = {
    "waiting": "RADIOBUT_OFF",
    "running": "PLAY",
    "done": "CHECKMARK",
    "skipped": "CHECKMARK",
    "failed": "ERROR",
    "cancelled": "X",
    "stopped": "PAUSE",
    "queued": "SORTTIME",
    "saving": "IMPORT",
    "uncertain": "QUESTION",
    "missing": "RADIOBUT_OFF",
    "rendered": "CHECKMARK",
    "stale": "FILE_REFRESH",
    "pass": "CHECKMARK",
    "unsure": "QUESTION",
    "fail": "ERROR",
}
CHARACTER = 6.5  # pixels of an average letter of the interface's font, at a scale of 1
MARGIN = 56.0  # pixels of panel, box and icon around a line


def characters(region_width: float) -> int:
    """How many letters fit in a line of a panel."""
    scale = bpy.context.preferences.system.ui_scale or 1.0  # 0 without a window
    return max(16, int((region_width / scale - MARGIN) / CHARACTER))


def message(layout: UILayout, text: str, icon: Any = "NONE", *, alert: bool = False, height: int | None = None) -> None:
    """A sentence on as many lines as it needs, or on exactly ``height``: what changes all the time shall not move the
    buttons below it. Labels of Blender don't break by themselves."""
    region = bpy.context.region
    column = layout.column(align=True)
    column.alert = alert
    column.scale_y = 0.8
    lines = textwrap.wrap(text, characters(region.width if region is not None else 260), break_long_words=True)
    if height is not None:
        lines = (
            [*lines, *[""] * height][:height]
            if len(lines) <= height
            else [*lines[: height - 1], f"{lines[height - 1][:-1]}…"]
        )
    for number, line in enumerate(lines):
        if icon == "NONE":
            column.label(text=line)
        else:
            column.label(text=line, icon=icon if number == 0 else "BLANK1")


def money(usd: float) -> str:
    """USD with the digits that small prices need; negative is unknown."""
    if usd < 0:
        return "unknown"
    return f"${usd:.2f}" if usd == 0 or usd >= 0.1 else f"${usd:.3f}"


def seconds(value: float) -> str:
    return f"{value:.0f} s" if value < 90 else f"{value / 60:.0f} min"
