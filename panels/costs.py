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
from .place import Said, error, place
from .sidebar import Sidebar
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
        column = layout.column(align=True)
        entry(column, "Quoted", money(now.quoted))
        entry(column, "Billed", money(now.billed))
        entry(column, "Uncertain", money(now.uncertain))
        place(layout, context, "costs", said(context))
        if refresh.estimate_holds(context):  # the last: nothing stands below it
            box = layout.box()
            *amounts, total = price_column(line.usd for line in now.costs)
            for line, amount in zip(now.costs, amounts, strict=True):
                entry(box, status.in_words(line.name), amount)
            entry(box, "Left to buy, at most", total)


def said(context: Context) -> Said:
    """What went wrong with the estimate, or is to be known about it."""
    now = status.of(context)
    if now.error and now.error_at == "costs":
        return error(now)
    if not refresh.estimate_holds(context):
        return Said("", "BLANK1")
    if now.estimate_unknown:
        return Said(f"Price unknown: {now.estimate_unknown}", "ERROR")
    return Said(now.stays_behind) if now.stays_behind else Said("", "BLANK1")


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
