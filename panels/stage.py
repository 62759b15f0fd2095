# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the panels of all six stages share: the state in the header, the buttons at the end, an endpoint's fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..operators.buttons.fields import label
from ..operators.display import status
from ..operators.display.endpoint_names import name_and_price
from ..pipeline.stages import ReferenceState, Stage, StageState
from .sidebar import Sidebar, draw_error
from .words import STATE_ICONS, message

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


class StagePanel(Sidebar):
    bl_parent_id = "CONSISTENCY_PT_sidebar"
    stage: ClassVar[str] = ""

    def draw_header_preset(self, context: Context) -> None:
        state = stage_of(context, self.stage)
        if state is not None and state.state != StageState.WAITING:
            self.layout.label(text="", icon=STATE_ICONS.get(state.state, "DOT"))

    def draw_run(self, layout: UILayout, context: Context) -> None:
        """Run up to this stage, make it again, or run from here to the end."""
        state = stage_of(context, self.stage)
        there = state is not None and state.state in (StageState.DONE, StageState.SKIPPED, ReferenceState.STALE)
        row = layout.row(align=True)
        if self.stage not in (Stage.RIG, Stage.RESULTS):
            row.operator("consistency.run", text="Run", icon="PLAY").until = self.stage
            again = row.row(align=True)
            again.enabled = there
            button = again.operator("consistency.run", text="Again", icon="FILE_REFRESH")
            button.until, button.again = self.stage, True
        else:
            row.operator("consistency.run", text="Run", icon="PLAY").until = self.stage
        if self.stage != Stage.RESULTS:
            row.operator("consistency.run", text="", icon="TRACKING_FORWARDS").until = "results"
        now = status.of(context)
        if now.error and now.error_at == self.stage:
            draw_error(layout, now)
        elif (
            state is not None
            and state.note
            and state.state in (StageState.FAILED, StageState.STOPPED)
            and not now.error
        ):
            message(layout, state.note, icon="ERROR", alert=True)


def stage_of(context: Context, name: str) -> Any:
    return next((stage for stage in status.of(context).stages if stage.name == name), None)


def endpoint_choice(layout: UILayout, own: Any, role: str, field: str) -> None:
    """A menu of the known endpoints, by name and price; ``any_endpoint`` is for the others."""
    row = layout.row(align=True)
    row.operator_context = "EXEC_DEFAULT"
    name = name_and_price(getattr(own, field)) or "Automatic"
    row.operator_menu_enum("consistency.choose_endpoint", "endpoint", text=name, icon="DOWNARROW_HLT").role = role


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
