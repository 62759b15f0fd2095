# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An endpoint's own fields in the panels: begin to change one, and leave it as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from ...pipeline.errors import ConsistencyError
from ..display import reasons, status
from ..editing import parameters
from ..editing.preferences import no_key, offline
from ..runs import questions, start_run
from .operator_base import Button, Questioning

if TYPE_CHECKING:
    from bpy.types import Context

    from ...fal_backend.child.questions import Question
    from ...fal_backend.roster import Roster

_kept: list[tuple[str, str, str]] = []


class CONSISTENCY_OT_add_parameter(Button, bpy.types.Operator):
    """Change one of this endpoint's own fields"""

    bl_idname = "consistency.add_parameter"
    bl_label = "Change a Field"
    bl_options = {"REGISTER", "UNDO"}

    endpoint: StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    role: StringProperty(options={"HIDDEN", "SKIP_SAVE"})

    def _items(self, _context: Context) -> list[tuple[str, str, str]]:
        global _kept
        try:
            fields = parameters.own_fields(parameters.find(self.endpoint, self.role))
        except ConsistencyError:
            fields = {}
        _kept = [(name, label(name), parameters.describe(field)) for name, field in fields.items()]
        return _kept or [("NONE", "No Fields", "This endpoint has no fields of its own")]

    field: EnumProperty(name="Field", description="The field to change", items=_items, options={"SKIP_SAVE"})

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.busy(context)

    def act(self, context: Context) -> set[str] | None:
        endpoint = parameters.find(self.endpoint, self.role)
        if self.field not in endpoint.Input.model_fields:
            return {"CANCELLED"}
        parameters.add(context.scene, endpoint, self.field)
        return None


class CONSISTENCY_OT_remove_parameter(Button, bpy.types.Operator):
    """Leave this field as the endpoint has it"""

    bl_idname = "consistency.remove_parameter"
    bl_label = "Reset Field"
    bl_options = {"REGISTER", "UNDO"}

    index: IntProperty(name="Entry", description="Its place among the changed fields, from 0", options={"SKIP_SAVE"})

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.busy(context)

    def act(self, context: Context) -> set[str] | None:
        entries = context.scene.consistency.parameters
        if not 0 <= self.index < len(entries):
            return {"CANCELLED"}
        entries.remove(self.index)
        return None


class CONSISTENCY_OT_refresh_models(Questioning, bpy.types.Operator):
    """Read fal.ai's own list of models and say what is new or gone; nothing is chosen by it, and nothing is bought"""

    bl_idname = "consistency.refresh_models"
    bl_label = "Look for New Models"
    bl_options = {"REGISTER"}
    error_at = "costs"

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.busy(context) or no_key() or offline()

    def question(self, _context: Context) -> Question[Roster]:
        return questions.roster(start_run.need_key())

    def answered(self, _context: Context, answer: Roster) -> set[str]:
        new, gone = answer.new, answer.gone
        text = f"{len(new)} new models at fal.ai"
        if new:
            text += f", such as {', '.join(model.id for model in new[:3])}; type the name of one into Id"
        if gone:
            text += f". No longer there: {', '.join(gone[:3])}{' and others' if len(gone) > 3 else ''}"
        status.of().note = text
        self.report({"INFO"}, text)
        return {"FINISHED"}


def label(name: str) -> str:
    """A field's name as a label."""
    return name.replace("_", " ").title()


CLASSES = (CONSISTENCY_OT_add_parameter, CONSISTENCY_OT_remove_parameter, CONSISTENCY_OT_refresh_models)
