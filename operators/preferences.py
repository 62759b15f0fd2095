"""The add-on's preferences: the key, and the defaults of a new run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import StringProperty

from .. import __package__ as base_package
from ..pipeline.options import find
from .display import reasons, status
from .editing.option_properties import choices_of, of
from .runs.modal_base import Questioning, loud, sentence

if TYPE_CHECKING:
    from bpy.types import Context

    from ..pipeline.errors import ConsistencyError
    from .runs.questions import Asking


def key_in_environment() -> bool:
    """Whether FAL_KEY, or FAL_KEY_ID with FAL_KEY_SECRET, is set; the key itself is nobody's business here."""
    return bool(os.environ.get("FAL_KEY") or (os.environ.get("FAL_KEY_ID") and os.environ.get("FAL_KEY_SECRET")))


def has_key() -> bool:
    own = preferences()
    return bool(own is not None and own.key.strip()) or key_in_environment()


def built_in(field: str) -> str:
    """What a scene's endpoint is where nobody says otherwise."""
    return str(find(field).default)


def _key_changed(_self: KeptPreferences, _context: Context) -> None:
    status.of().key_note = ""


class KeptPreferences:
    """What ``panels.preferences`` draws, and Blender keeps."""

    key: StringProperty(
        name="fal.ai Key",
        description="Pays for models, stills and clips. Kept in Blender's user preferences, in clear; "
        "leave it empty to use the FAL_KEY environment variable",
        subtype="PASSWORD",
        update=_key_changed,
    )
    backend: of(
        "backend",
        description="What new runs are made with",
        items=(
            ("AUTO", "Automatic", "fal.ai when there is a key, else this machine"),
            *choices_of("backend"),
        ),
        default="AUTO",
    )
    device: of("device")
    folder: StringProperty(
        name="Run Folder",
        description="Where new runs are kept; empty: beside the saved .blend, or in the home folder",
        subtype="DIR_PATH",
    )
    image_endpoint: of(
        "image_endpoint",
        description="The endpoint that new scenes make stills with; empty keeps the built-in one",
        default="",
    )
    video_endpoint: of(
        "video_endpoint",
        description="The endpoint that new scenes make clips with; empty keeps the built-in one",
        default="",
    )
    budget: of("budget", name="Budget per Run (USD)")
    daily_budget: of("daily_budget", name="Budget per Day (USD)")


class CONSISTENCY_OT_test_key(Questioning, bpy.types.Operator):
    """Ask fal.ai whether this key is good; nothing is bought"""

    bl_idname = "consistency.test_key"
    bl_label = "Test Key"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, _context: Context) -> bool:
        return reasons.refuse(cls, reasons.no_key() or reasons.offline())

    def question(self, context: Context) -> Asking:
        from .. import command_line
        from .runs import questions

        status.of(context).key_note = "Asking fal.ai …"
        found = command_line.find_key()
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


class CONSISTENCY_OT_show_preferences(bpy.types.Operator):
    """Show the add-on's preferences, where the fal.ai key is kept"""

    bl_idname = "consistency.show_preferences"
    bl_label = "Open Preferences"
    bl_options = {"INTERNAL"}

    def execute(self, _context: Context) -> set[str]:
        bpy.ops.preferences.addon_show(module=base_package)
        return {"FINISHED"}


def preferences() -> KeptPreferences | None:
    """The add-on's preferences, None where the code runs from a checkout and is no enabled add-on."""
    addon = bpy.context.preferences.addons.get(base_package)
    return addon.preferences if addon is not None else None


CLASSES = (CONSISTENCY_OT_test_key, CONSISTENCY_OT_show_preferences)
