# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is left to buy: estimated, and agreed to before anything is spent."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

import bpy

from ...pipeline.wording.text_table import price_column, price_sum
from ..display import refresh, status
from ..editing import scene_settings
from ..runs import start_run
from ..runs.run_request import RunRequest
from .operator_base import Button, Questioning, sentence
from .run import RunOptions

if TYPE_CHECKING:
    from bpy.types import Context, Event

    from ...fal_backend.child.questions import Question
    from ...fal_backend.quote import Estimate


class CONSISTENCY_OT_estimate(RunOptions, Questioning, bpy.types.Operator):
    """Ask fal.ai for today's prices and add up what is left to buy; nothing is bought"""

    bl_idname = "consistency.estimate"
    bl_label = "Estimate"
    bl_options = {"REGISTER"}
    error_at = "costs"

    def question(self, context: Context) -> Question[Estimate]:
        status.of(context).error = ""
        return start_run.estimate(context.scene, self.request)

    def answered(self, context: Context, answer: Any) -> set[str]:
        refresh.costs(context.scene, answer)
        return {"FINISHED"}


class CONSISTENCY_OT_agree(RunOptions, Button, bpy.types.Operator):
    """Show what will be spent, and run once that is agreed to"""

    bl_idname = "consistency.agree"
    bl_label = "Spend Money at fal.ai"
    bl_options = {"INTERNAL"}

    def invoke(self, context: Context, _event: Event) -> set[str]:
        now = status.of(context)
        most = f"Spend up to {price_sum(line.usd for line in now.costs)}"
        dialog = context.window_manager.invoke_props_dialog(
            self,
            width=420,
            title="Spend Money at fal.ai",
            confirm_text=f"{most}, and What Is Unknown" if now.estimate_unknown else most,
        )
        return set(dialog)

    def draw(self, context: Context) -> None:
        now = status.of(context)
        column = self.layout.column(align=True)
        *amounts, total = price_column(line.usd for line in now.costs)
        for line, usd in zip(now.costs, amounts, strict=True):
            row = column.row()
            words = status.in_words(line.name)
            row.label(text=f"{words}  ({line.note})" if line.note else words)
            amount = row.row()
            amount.alignment = "RIGHT"
            amount.label(text=usd)
        self.layout.separator(type="LINE")
        row = self.layout.row()
        row.label(text="Total, at most")
        amount = row.row()
        amount.alignment = "RIGHT"
        amount.label(text=total)
        if now.stays_behind:
            self.layout.label(text=now.stays_behind, icon="INFO")
        if now.estimate_unknown:
            self.layout.label(text=f"Not in the total, price unknown: {now.estimate_unknown}", icon="ERROR")
        for number, text in enumerate(line for doubt in now.estimate_doubts.splitlines() for line in wrap(doubt, 64)):
            self.layout.label(text=text, icon="BLANK1" if number else "ERROR")
        from ...fal_backend import consent

        purchases = sum(line.usd for line in now.costs if line.endpoint)
        if note := consent.limit_note(purchases, scene_settings.budgets(context.scene)["budget"]):
            self.layout.label(text=sentence(note), icon="ERROR")
        self.layout.label(text="Photos, references and prompts are sent to fal.ai", icon="INFO")

    def act(self, context: Context) -> None:
        total = status.of(context).estimate
        bpy.ops.consistency.run("INVOKE_DEFAULT", agreed_usd=max(total, 0.0), **self.as_options())

    def cancel(self, context: Context) -> None:
        """Not agreed to. The price of one stage, or of making it again, is not that of what is left."""
        if self.request != RunRequest():
            status.of(context).estimate = -1.0


CLASSES = (CONSISTENCY_OT_estimate, CONSISTENCY_OT_agree)
