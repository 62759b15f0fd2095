# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How panels say things: sentences broken to the panel's width, states as icons, money with its unit."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import bpy

from ..pipeline.stages import JobState, ReferenceState, StageState
from ..pipeline.verdicts import Outcome
from ..pipeline.wording.line_breaking import broken

if TYPE_CHECKING:
    from bpy.types import UILayout

STATE_ICONS: dict[str, Any] = {
    StageState.WAITING: "RADIOBUT_OFF",
    StageState.RUNNING: "PLAY",
    StageState.DONE: "CHECKMARK",
    StageState.SKIPPED: "CHECKMARK",
    StageState.FAILED: "ERROR",
    StageState.CANCELLED: "X",
    StageState.STOPPED: "PAUSE",
    JobState.QUEUED: "SORTTIME",
    JobState.SAVING: "IMPORT",
    JobState.UNCERTAIN: "QUESTION",
    ReferenceState.MISSING: "RADIOBUT_OFF",
    ReferenceState.RENDERED: "CHECKMARK",
    ReferenceState.STALE: "FILE_REFRESH",
    Outcome.PASS: "CHECKMARK",
    Outcome.UNSURE: "QUESTION",
    Outcome.FAIL: "ERROR",
}
MARGIN = 74.0  # of panel, box and tabs around a line, in pixels at an interface scale of 1
ICON = 20.0  # likewise, of an icon before a line
BUTTON = 34.0  # likewise, of a button after it
LINE = 0.8  # height of a line of a sentence, in rows
LETTER = 6.5  # likewise, of an average letter, where there is no window to measure in


@functools.lru_cache(maxsize=4096)
def width_of(text: str, size: float) -> float:
    """Of ``text`` in the interface's font, in pixels; ``size``: pixels of the font."""
    import blf

    blf.size(0, size)
    return float(blf.dimensions(0, text)[0])


def message(
    layout: UILayout,
    text: str,
    icon: Any = "NONE",
    *,
    alert: bool = False,
    height: int | None = None,
    beside: bool = False,
) -> bool:
    """A sentence on as many lines as it needs, or on exactly ``height``: what changes all the time shall not move the
    buttons below it. Labels of Blender don't break by themselves. ``beside``: a button stands in the same row.

    Returns whether all of it is shown."""
    lines = wrapped(text, icon=icon != "NONE", beside=beside)
    is_whole = height is None or len(lines) <= height
    if height is not None and not is_whole:
        lines = [*lines[: height - 1], f"{lines[height - 1][:-1]}…"]
    column = layout.column(align=True)
    column.alert = alert
    column.scale_y = LINE
    for number, line in enumerate([*lines, *[""] * ((height or 0) - len(lines))]):
        if icon == "NONE":
            column.label(text=line)
        else:
            column.label(text=line, icon=icon if number == 0 else "BLANK1")
    return is_whole


def wrapped(text: str, *, icon: bool = False, beside: bool = False) -> list[str]:
    """The lines of a sentence in the panel that is being drawn, beside an icon before it and a button after it."""
    scale = bpy.context.preferences.system.ui_scale or 1.0  # 0 without a window
    region = bpy.context.region
    taken = MARGIN + ICON * icon + BUTTON * beside
    room = (region.width if region is not None else 260 * scale) - taken * scale
    size = bpy.context.preferences.ui_styles[0].widget.points * scale
    in_window = not bpy.app.background
    return broken(text, room, lambda words: width_of(words, size) if in_window else LETTER * scale * len(words))


def limit(layout: UILayout, owner: Any, name: str, **options: Any) -> None:
    """A limit in USD, and beside it what 0 means."""
    row = layout.row(align=True)
    row.prop(owner, name, **options)
    if not getattr(owner, name):
        word = row.row()
        word.alignment = "RIGHT"
        word.label(text="no limit")


def endpoint_menu(row: UILayout, operator: str, role: str, text: str) -> None:
    """A menu of the known endpoints for ``role``, of which ``operator`` takes the chosen one.

    Blender keeps one operator context for a whole panel: it is put back, or buttons below would run without asking or waiting.
    """
    row.operator_context = "EXEC_DEFAULT"
    row.operator_menu_enum(operator, "endpoint", text=text, icon="DOWNARROW_HLT").role = role
    row.operator_context = "INVOKE_DEFAULT"


def money(usd: float) -> str:
    """USD, below a dollar with the digits that small prices need; negative is unknown."""
    if usd < 0:
        return "unknown"
    in_cents = usd >= 1 or round(usd, 3) == round(usd, 2)
    return f"${usd:.2f}" if in_cents else f"${usd:.3f}"


def seconds(value: float) -> str:
    return f"{value:.0f} s" if value < 90 else f"{value / 60:.0f} min"
