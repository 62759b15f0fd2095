# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The buttons by which a person says whether a still shows the product."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.props import EnumProperty, StringProperty

from ....pipeline.verdicts import Said
from ...display import reasons
from .told_again import ToldAgain

if TYPE_CHECKING:
    from bpy.types import Context

    from ....pipeline.run.run_folder import RunFolder

WORDS = {
    Said.RIGHT: (
        "It Is Right",
        "It shows the product, whatever the check says: it is on model, and clips may start from it. Press again to undo",
    ),
    Said.WRONG: (
        "It Is Wrong",
        "It shows another product, whatever the check says: it is off model, and no clip starts from it. Press again to undo",
    ),
}


class CONSISTENCY_OT_say(ToldAgain, bpy.types.Operator):
    """Say whether the still shows the product; your word stands above the check's"""

    bl_idname = "consistency.say"
    bl_label = "Say"
    bl_options = {"REGISTER"}
    error_at = "photoreal"

    angle: StringProperty(name="Angle", description="Name of the angle", options={"SKIP_SAVE"})
    said: EnumProperty(
        name="It Is",
        description="Whether the still shows the product",
        items=tuple((said, name, tip) for said, (name, tip) in WORDS.items()),
        options={"SKIP_SAVE"},
    )

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.no_run(context)

    @classmethod
    def description(cls, _context: Context, properties: bpy.types.OperatorProperties) -> str:
        return WORDS[Said(properties.said)][1]

    def change(self, _context: Context, folder: RunFolder) -> None:
        """Keep the word, or take it back where it is said already."""
        from ....pipeline import opinions
        from ....pipeline.gate.record import subject

        wanted = Said(self.said)
        before = folder.opinion(subject(self.angle), folder.chosen(subject(self.angle)))
        opinions.say(folder, self.angle, None if before is not None and before.said == wanted else wanted)


CLASSES = (CONSISTENCY_OT_say,)
