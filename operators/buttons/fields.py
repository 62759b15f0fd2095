# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""An endpoint's own fields in the panels: begin to change one, and leave it as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.props import EnumProperty, IntProperty, StringProperty

from ...pipeline.errors import ConsistencyError
from ..display import reasons
from ..editing import parameters
from .operator_base import Button

if TYPE_CHECKING:
    from bpy.types import Context

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


def label(name: str) -> str:
    """A field's name as a label."""
    return name.replace("_", " ").title()


CLASSES = (CONSISTENCY_OT_add_parameter, CONSISTENCY_OT_remove_parameter)
