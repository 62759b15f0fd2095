# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The buttons of the add-on's preferences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import EnumProperty, StringProperty

from ... import __package__ as base_package
from ..display import endpoint_names, status
from ..editing import preferences
from .operator_base import Button, Questioning, loud, sentence

if TYPE_CHECKING:
    from bpy.types import Context

    from ...fal_backend.child.questions import Question
    from ...pipeline.errors import ConsistencyError


class CONSISTENCY_OT_test_key(Questioning, bpy.types.Operator):
    """Ask fal.ai whether this key is good; nothing is bought"""

    bl_idname = "consistency.test_key"
    bl_label = "Test Key"
    bl_options = {"INTERNAL"}

    @classmethod
    def why_not(cls, _context: Context) -> str | None:
        return preferences.no_key() or preferences.offline()

    def question(self, context: Context) -> Question[None]:
        from ... import surroundings
        from ..runs import questions

        status.of(context).key_note = "Asking fal.ai …"
        found = surroundings.find_key()
        return questions.check_key(found[0] if found is not None else "")

    def answered(self, _context: Context, _answer: Any) -> set[str]:
        return self._say("The key is good: fal.ai accepts it", good=True)

    def refused(self, error: ConsistencyError) -> set[str]:
        return self._say(str(error), good=False)

    def _say(self, text: str, *, good: bool) -> set[str]:
        status.of().key_note = sentence(text)
        status.redraw()
        self.report({"INFO" if good else loud()}, text)
        return {"FINISHED" if good else "CANCELLED"}


class CONSISTENCY_OT_show_preferences(Button, bpy.types.Operator):
    """Show the add-on's preferences, where the fal.ai key is kept"""

    bl_idname = "consistency.show_preferences"
    bl_label = "Open Preferences"
    bl_options = {"INTERNAL"}

    def act(self, _context: Context) -> None:
        bpy.ops.preferences.addon_show(module=base_package)


class CONSISTENCY_OT_choose_usual_endpoint(Button, bpy.types.Operator):
    """Choose the endpoint that new scenes begin with"""

    bl_idname = "consistency.choose_usual_endpoint"
    bl_label = "Choose Endpoint of New Scenes"
    bl_options = {"INTERNAL"}

    role: StringProperty(default="photoreal", options={"HIDDEN", "SKIP_SAVE"})

    def _items(self, _context: Context) -> list[tuple[str, str, str]]:
        built_in = preferences.built_in(FIELDS[self.role])
        words = f"Built-in: {endpoint_names.name_and_price(built_in)}"
        return endpoint_names.menu(self.role, ("NONE", words, built_in))

    endpoint: EnumProperty(
        name="Endpoint", description="The endpoint of new scenes", items=_items, options={"SKIP_SAVE"}
    )

    @classmethod
    def description(cls, _context: Context, properties: bpy.types.OperatorProperties) -> str:
        own, field = preferences.preferences(), FIELDS[properties.role]
        chosen = (getattr(own, field) if own is not None else "") or preferences.built_in(field)
        return f"{cls.__doc__}. Chosen: {chosen}"

    def act(self, context: Context) -> None:
        own = preferences.preferences()
        if own is not None:
            setattr(own, FIELDS[self.role], "" if self.endpoint == "NONE" else self.endpoint)
            context.preferences.is_dirty = True  # Blender saves them only where it knows of a change


FIELDS = {"photoreal": "image_endpoint", "video": "video_endpoint"}
CLASSES = (CONSISTENCY_OT_test_key, CONSISTENCY_OT_show_preferences, CONSISTENCY_OT_choose_usual_endpoint)
