"""The add-on's preferences: the key, and the defaults of a new run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import bpy
from bpy.props import EnumProperty, FloatProperty, StringProperty

from .. import __package__ as base_package

if TYPE_CHECKING:
    from bpy.types import Context


def key_in_environment() -> bool:
    """Whether FAL_KEY, or FAL_KEY_ID with FAL_KEY_SECRET, is set; the key itself is nobody's business here."""
    return bool(os.environ.get("FAL_KEY") or (os.environ.get("FAL_KEY_ID") and os.environ.get("FAL_KEY_SECRET")))


class CONSISTENCY_AP_preferences(bpy.types.AddonPreferences):
    bl_idname = base_package

    key: StringProperty(
        name="fal.ai Key",
        description="Pays for models, stills and clips. Kept in Blender's user preferences, in clear; "
        "leave it empty to use the FAL_KEY environment variable",
        subtype="PASSWORD",
    )
    backend: EnumProperty(
        name="Backend",
        description="What new runs are made with",
        items=(
            ("AUTO", "Automatic", "fal.ai when there is a key, else this machine"),
            ("fal", "fal.ai", "Photoreal stills and clips by Flux and Kling; they cost money"),
            ("local", "This Machine", "Cycles renders of the same cameras, no AI and no network"),
        ),
        default="AUTO",
    )
    device: EnumProperty(
        name="Device",
        description="What Cycles renders with",
        items=(
            ("auto", "Automatic", "The best GPU there is, else the CPU"),
            ("gpu", "GPU", "A GPU, or an error when there is none"),
            ("cpu", "CPU", "The processor only"),
        ),
        default="auto",
    )
    folder: StringProperty(
        name="Run Folder",
        description="Where new runs are kept; empty: beside the saved .blend",
        subtype="DIR_PATH",
    )
    budget: FloatProperty(
        name="Budget per Run",
        description="The most a run may cost, in USD; 0 means no limit",
        min=0.0,
        default=5.0,
        precision=2,
    )
    daily_budget: FloatProperty(
        name="Budget per Day",
        description="The most that all runs of this machine may cost in one day, in USD; 0 means no limit",
        min=0.0,
        default=0.0,
        precision=2,
    )

    def draw(self, _context: Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.prop(self, "key")
        if not self.key and key_in_environment():
            layout.label(text="A key was found in the environment", icon="CHECKMARK")
        layout.prop(self, "backend")
        layout.prop(self, "device")
        layout.prop(self, "folder")
        column = layout.column(align=True)
        column.prop(self, "budget")
        column.prop(self, "daily_budget", text="per Day")


def preferences() -> CONSISTENCY_AP_preferences | None:
    """The add-on's preferences, None where the code runs from a checkout and is no enabled add-on."""
    addon = bpy.context.preferences.addons.get(base_package)
    return addon.preferences if addon is not None else None


CLASSES = (CONSISTENCY_AP_preferences,)
