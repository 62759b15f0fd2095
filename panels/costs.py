# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Costs: what is left to buy, what was billed, and the limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..operators.display import refresh, status
from ..operators.editing import scene_settings
from ..pipeline.settings.choices import BackendName
from ..pipeline.wording.text_table import price_column
from .sidebar import Sidebar, draw_error
from .words import limit, message, money

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


class CONSISTENCY_PT_costs(Sidebar, bpy.types.Panel):
    bl_label = "Costs"
    bl_parent_id = "CONSISTENCY_PT_sidebar"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        layout, now = self.layout, status.of(context)
        if scene_settings.chosen_backend(context.scene) == BackendName.LOCAL:
            message(layout, "This machine does the work: nothing is paid", icon="INFO")
            return
        layout.operator("consistency.estimate", text="Estimate What Is Left to Buy", icon="FILE_REFRESH")
        if now.error and now.error_at == "costs":
            draw_error(layout, now)
        if refresh.estimate_holds(context):
            box = layout.box()
            *amounts, total = price_column(line.usd for line in now.costs)
            for line, amount in zip(now.costs, amounts, strict=True):
                entry(box, status.in_words(line.name), amount)
            entry(box, "Left to buy, at most", total)
            if now.estimate_unknown:
                message(box, f"Price unknown: {now.estimate_unknown}", icon="ERROR")
            if now.stays_behind:
                message(box, now.stays_behind, icon="INFO")
        if now.quoted > 0:
            column = layout.column(align=True)
            entry(column, "Quoted", money(now.quoted))
            entry(column, "Billed", money(now.billed))
            if now.uncertain > 0:
                entry(column, "Uncertain", money(now.uncertain))


def entry(layout: UILayout, words: str, amount: str) -> None:
    split = layout.split(factor=0.68)
    split.label(text=words)
    right = split.row()
    right.alignment = "RIGHT"
    right.label(text=amount)


class CONSISTENCY_PT_limits(Sidebar, bpy.types.Panel):
    bl_label = "Limits"
    bl_parent_id = "CONSISTENCY_PT_costs"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        layout, own = self.layout, context.scene.consistency
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(own, "own_budget")
        column = layout.column(align=True)
        column.enabled = own.own_budget
        for name in ("budget", "daily_budget", "product_budget"):
            limit(column, own, name)


CLASSES = (CONSISTENCY_PT_costs, CONSISTENCY_PT_limits)
