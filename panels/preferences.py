# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The add-on's preferences: the key and where to get one, and the defaults of a new run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from .. import __package__ as base_package
from ..operators.buttons.preferences import FIELDS
from ..operators.display import reasons, status
from ..operators.display.endpoint_names import name_and_price
from ..operators.editing.preferences import KeptPreferences, built_in, key_in_environment
from ..operators.runs import gradual_imports, run_request
from .words import endpoint_menu, limit, message

if TYPE_CHECKING:
    from bpy.types import Context, UILayout
KEYS = "https://fal.ai/dashboard/keys"


class CONSISTENCY_AP_preferences(KeptPreferences, bpy.types.AddonPreferences):
    bl_idname = base_package

    def draw(self, context: Context) -> None:
        gradual_imports.begin()
        layout = self.layout
        self.draw_key(context)
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(self, "backend")
        column.prop(self, "device")
        column.prop(self, "folder", placeholder=str(run_request.runs_home()))
        for role, field in FIELDS.items():
            self.draw_endpoint(column.column(align=True), role, field)
        limits = column.column(align=True)
        limit(limits, self, "budget")
        limit(limits, self, "daily_budget")
        layout.operator("consistency.save_bug_report", icon="FILE_ARCHIVE")

    def draw_endpoint(self, layout: UILayout, role: str, field: str) -> None:
        """A menu of the known ones, by name and price; below it the id, which may be that of one nobody here knows."""
        name = name_and_price(getattr(self, field)) or f"Built-in: {name_and_price(built_in(field))}"
        row = layout.split(factor=0.4, align=True)
        label = row.row()
        label.alignment = "RIGHT"
        label.label(text=self.bl_rna.properties[field].name)
        endpoint_menu(row.row(), "consistency.choose_usual_endpoint", role, name)
        layout.prop(self, field, text="Id", placeholder="Built-in")

    def draw_key(self, context: Context) -> None:
        layout = self.layout
        row = layout.row(align=True)
        row.use_property_split = True
        row.use_property_decorate = False
        row.prop(self, "key")
        row.operator("consistency.test_key", text="Test", icon="URL")
        if not self.key and key_in_environment():
            layout.label(text="A key was found in the environment", icon="CHECKMARK")
        elif not self.key:
            message(
                layout,
                "Without a key, this machine makes the pictures, free. "
                "Get a Key opens the page of fal.ai where you make one",
                icon="INFO",
            )
            layout.operator("wm.url_open", text="Get a Key", icon="URL").url = KEYS
        note = status.of(context).key_note or reasons.offline()
        if note:
            message(layout, note, icon="INFO")


CLASSES = (CONSISTENCY_AP_preferences,)
