# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the panels of all six stages share: the state in the header, the buttons at the end, an endpoint's fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..operators.buttons.fields import label
from ..operators.display import status
from ..operators.display.endpoint_names import name_and_price
from ..pipeline.stages import DOES, ReferenceState, Stage, StageState
from .place import Said, error, place
from .sidebar import Sidebar
from .words import STATE_ICONS, endpoint_menu

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


WORDS: dict[str, str] = {
    StageState.SKIPPED: "There was nothing to make",
    StageState.CANCELLED: "Cancelled; what is done is kept",
    ReferenceState.STALE: "Something has changed since it was made",
}


class StagePanel(Sidebar):
    bl_parent_id = "CONSISTENCY_PT_sidebar"
    stage: ClassVar[Stage]

    def draw_header_preset(self, context: Context) -> None:
        state = stage_of(context, self.stage)
        if state is not None and state.state != StageState.WAITING:
            self.layout.label(text="", icon=STATE_ICONS.get(state.state, "DOT"))

    def draw_run(self, layout: UILayout, context: Context, hint: Said | None = None) -> None:
        """How this stage stands, or the ``hint`` while it is at rest; and run up to it, make it again, or run from here
        to the end."""
        place(layout, context, self.stage, said(context, self.stage, hint))
        state = stage_of(context, self.stage)
        there = state is not None and state.state in (StageState.DONE, StageState.SKIPPED, ReferenceState.STALE)
        row = layout.row(align=True)
        text = "Update" if state is not None and state.state == ReferenceState.STALE else "Run"
        row.operator("consistency.run", text=text, icon="PLAY").until = self.stage
        if self.stage not in (Stage.RIG, Stage.RESULTS):
            again = row.row(align=True)
            again.enabled = there
            button = again.operator("consistency.run", text="Again", icon="FILE_REFRESH")
            button.until, button.again = self.stage, True
        if self.stage != Stage.RESULTS:
            row.operator("consistency.run", text="", icon="TRACKING_FORWARDS").until = "results"


def said(context: Context, stage: Stage, hint: Said | None = None) -> Said:
    """How a stage stands: its error, the reason, or a word; the ``hint`` where nothing goes on and nothing went wrong."""
    now, state = status.of(context), stage_of(context, stage)
    if now.error and now.error_at == stage:
        return error(now)
    if state is not None and state.state in (StageState.FAILED, StageState.STOPPED) and state.note and not now.error:
        return Said(state.note, "ERROR", alert=True, details=state.note)
    if hint is not None and not now.running:
        return hint
    if state is None or state.state == StageState.WAITING:
        return Said(DOES[stage], "BLANK1")
    words = now.text if now.running and now.stage == stage else WORDS.get(state.state, "")
    return Said(words or state.state.capitalize(), STATE_ICONS.get(state.state, "DOT"))


def stage_of(context: Context, name: str) -> Any:
    return next((stage for stage in status.of(context).stages if stage.name == name), None)


def endpoint_choice(layout: UILayout, own: Any, role: str, field: str) -> None:
    """A menu of the known endpoints, by name and price; ``any_endpoint`` is for the others."""
    name = name_and_price(getattr(own, field)) or "Automatic"
    endpoint_menu(layout.row(align=True), "consistency.choose_endpoint", role, name)


def any_endpoint(layout: UILayout, own: Any, field: str) -> None:
    """The endpoint's id, which may be that of one nobody here knows."""
    layout.prop(own, field, text="Id", placeholder="Automatic")


def parameters(layout: UILayout, own: Any, endpoint: str, role: str) -> None:
    """The endpoint's fields that were changed, each with its own range and description."""
    column = layout.column()
    for index, entry in enumerate(own.parameters):
        if entry.endpoint != endpoint:
            continue
        row = column.row(align=True)
        row.prop(entry, '["value"]', text=label(entry.field))
        row.operator("consistency.remove_parameter", text="", icon="X").index = index
    add = column.operator_menu_enum("consistency.add_parameter", "field", text="Change a Field", icon="ADD")
    add.endpoint, add.role = endpoint, role
    layout.prop(own, "check_inputs")
    layout.operator("consistency.refresh_models", icon="FILE_REFRESH")
