"""Costs: what is left to buy, what was billed, and the limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ..operators import refresh, scene_settings, status
from .sidebar import Sidebar
from .words import message, money

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


class CONSISTENCY_PT_costs(Sidebar, bpy.types.Panel):
    bl_label = "Costs"
    bl_parent_id = "CONSISTENCY_PT_sidebar"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        layout, now = self.layout, status.of(context)
        if scene_settings.chosen_backend(context.scene) == "local":
            message(layout, "This machine does the work: nothing is paid", icon="INFO")
            return
        layout.operator("consistency.estimate", text="Estimate What Is Left", icon="FILE_REFRESH")
        if refresh.estimate_holds(context):
            box = layout.box()
            for line in now.costs:
                entry(box, status.in_words(line.name), money(line.usd))
            entry(box, "Left to buy, at most", money(now.estimate))
            if now.estimate_unknown:
                message(box, f"Price unknown: {now.estimate_unknown}", icon="ERROR")
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
        column.prop(own, "budget")
        column.prop(own, "daily_budget")
        column.prop(own, "product_budget")


CLASSES = (CONSISTENCY_PT_costs, CONSISTENCY_PT_limits)
