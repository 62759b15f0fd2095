# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a panel says something: a place that is always there and as high, so that nothing moves under the mouse when a
message comes or goes. What is longer is folded up until somebody asks for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..operators.display import status
from .words import LINE, message

if TYPE_CHECKING:
    from bpy.types import Context, UILayout

LINES = 4  # of each place, with nothing to say as well


class Said(NamedTuple):
    """What a panel has to say now."""

    text: str
    icon: Any = "INFO"  # BLANK1: as wide, and not seen
    alert: bool = False
    details: str = ""  # what Copy copies; empty: it is nothing to report
    can_go: bool = False  # may be put away


def place(layout: UILayout, context: Context, where: str, said: Said) -> None:
    """Say it, on exactly LINES lines until it is unfolded. ``where``: the panel's own name for this place."""
    now = status.of(context)
    key = f"{where}: {said.text}"
    unfolded = now.unfolded == key
    row = layout.row()
    is_whole = message(
        row, said.text, icon=said.icon, alert=said.alert, height=None if unfolded else LINES, beside=True
    )
    buttons = row.column(align=True)
    buttons.scale_y = LINE
    if said.can_go:
        buttons.operator("consistency.clear_error", text="", icon="X", emboss=False)
    if said.details:
        buttons.operator("consistency.copy_text", text="", icon="COPYDOWN", emboss=False).text = said.details
    can_unfold = unfolded or not is_whole
    if can_unfold:
        unfold_button(buttons, said.text, key, unfolded=unfolded)
    fill(buttons, LINES - said.can_go - bool(said.details) - can_unfold)


def fill(layout: UILayout, lines: int) -> None:
    """Blanks as high as so many buttons: Blender would center fewer of them, and be a pixel out."""
    for _ in range(lines):
        layout.label(text="", icon="BLANK1")


def unfold_button(layout: UILayout, text: str, key: str, *, unfolded: bool) -> None:
    """Shows all of ``text``, and folds it up again; under the mouse it tells all of it at once."""
    icon: Any = "TRIA_UP" if unfolded else "TRIA_DOWN"
    button = layout.operator("consistency.unfold", text="", icon=icon, emboss=False)
    button.text, button.key = text, "" if unfolded else key


def error(now: status.CONSISTENCY_PG_status) -> Said:
    """The error at hand, with its cure."""
    return Said(now.error, "ERROR", alert=True, details=now.details or now.error, can_go=True)
