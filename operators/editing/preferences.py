# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The add-on's preferences: the key, and the defaults of a new run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import bpy
from bpy.props import StringProperty

from ... import __package__ as base_package
from ...pipeline.settings.options import find
from .option_properties import choices_of, of

if TYPE_CHECKING:
    from bpy.types import Context


def key_in_environment() -> bool:
    """Whether FAL_KEY, or FAL_KEY_ID with FAL_KEY_SECRET, is set; the key itself is nobody's business here."""
    return bool(os.environ.get("FAL_KEY") or (os.environ.get("FAL_KEY_ID") and os.environ.get("FAL_KEY_SECRET")))


def has_key() -> bool:
    own = preferences()
    return bool(own is not None and own.key.strip()) or key_in_environment()


def built_in(field: str) -> str:
    """What a scene's endpoint is where nobody says otherwise."""
    return str(find(field).default)


def no_key() -> str | None:
    """Why fal.ai can't be used, with the cure: there is no key. None where there is one."""
    return None if has_key() else "There is no fal.ai key; enter one in the add-on's preferences, or set FAL_KEY"


def offline() -> str | None:
    """Why fal.ai can't be used, with the cure: Blender's online access is off. None where it is on."""
    from ...studio import compat

    return None if compat.online_access() else f"Blender's online access is off; {compat.online_cure()}"


def _key_changed(_self: KeptPreferences, context: Context) -> None:
    context.window_manager.consistency.key_note = ""  # it was about the earlier one


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


def preferences() -> KeptPreferences | None:
    """The add-on's preferences, None where the code runs from a checkout and is no enabled add-on."""
    addon = bpy.context.preferences.addons.get(base_package)
    return addon.preferences if addon is not None else None
