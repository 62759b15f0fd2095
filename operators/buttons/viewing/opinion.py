# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The buttons by which a person says whether a still shows the product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import EnumProperty, StringProperty

from ....pipeline.driver import finish
from ....pipeline.errors import ConsistencyError
from ....pipeline.verdicts import Said
from ...display import reasons, refresh, status
from ...runs.run_request import folder_of
from ..operator_base import Button, TimedModal, say_error

if TYPE_CHECKING:
    from bpy.types import Context, Event

    from ....pipeline.stages import Steps

_WORDS = {
    Said.RIGHT: (
        "It Is Right",
        "It shows the product, whatever the check says: it is on model, and clips may start from it. Press again to undo",
    ),
    Said.WRONG: (
        "It Is Wrong",
        "It shows another product, whatever the check says: it is off model, and no clip starts from it. Press again to undo",
    ),
}


class CONSISTENCY_OT_say(TimedModal, Button, bpy.types.Operator):
    """Say whether the still shows the product; your word stands above the check's"""

    bl_idname = "consistency.say"
    bl_label = "Say"
    bl_options = {"REGISTER"}
    error_at = "photoreal"

    angle: StringProperty(name="Angle", description="Name of the angle", options={"SKIP_SAVE"})
    said: EnumProperty(
        name="It Is",
        description="Whether the still shows the product",
        items=tuple((said, name, tip) for said, (name, tip) in _WORDS.items()),
        options={"SKIP_SAVE"},
    )

    _drawing: Any = None
    _pressed = 0  # how often, in this session: of several sheets only the last one's is drawn

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.no_run(context)

    @classmethod
    def description(cls, _context: Context, properties: bpy.types.OperatorProperties) -> str:
        return _WORDS[Said(properties.said)][1]

    def act(self, context: Context) -> None:
        drawing = self._say(context)
        if drawing is not None:
            finish(drawing)

    def invoke(self, context: Context, _event: Event) -> set[str]:
        try:
            self._drawing = self._say(context)
        except ConsistencyError as error:
            say_error(self, error, self.error_at)
            return {"CANCELLED"}
        CONSISTENCY_OT_say._pressed += 1
        self._press = CONSISTENCY_OT_say._pressed
        return {"FINISHED"} if self._drawing is None else self.start_timer(context)

    def modal(self, context: Context, event: Event) -> set[str]:
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if self._press != CONSISTENCY_OT_say._pressed:
            self.cancel(context)
            return {"CANCELLED"}
        try:
            next(self._drawing)
        except StopIteration:
            self.stop_timer(context)
            return {"FINISHED"}
        except ConsistencyError as error:
            self.stop_timer(context)
            say_error(self, error, self.error_at)
            return {"CANCELLED"}
        return {"PASS_THROUGH"}

    def cancel(self, context: Context) -> None:
        self.stop_timer(context)
        if self._drawing is not None:
            self._drawing.close()

    def _say(self, context: Context) -> Steps[None] | None:
        """Keep the word, or take it back where it is said already. The contact sheet that is to be drawn anew, if any."""
        from ....pipeline import opinions
        from ....pipeline.gate.record import subject
        from ....studio.image_worker import ImageWorker
        from ....studio.results import draw_contact_sheet_again

        folder, wanted = folder_of(context.scene), Said(self.said)
        before = folder.opinion(subject(self.angle), folder.chosen(subject(self.angle)))
        try:
            opinions.say(folder, self.angle, None if before is not None and before.said == wanted else wanted)
        finally:
            refresh.everything(context.scene, folder)
        if status.of(context).running or not folder.contact_sheet.is_file():
            return None  # a run draws it in its end
        return draw_contact_sheet_again(folder, ImageWorker())


CLASSES = (CONSISTENCY_OT_say,)
