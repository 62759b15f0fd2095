# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a button can't work now, and the cure, in one sentence; None where it can. Cheap: no file, no network.

Polls, panels and tests share these, since a refused poll doesn't carry its reason to a script.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ...pipeline import names
from ...pipeline.settings.choices import BackendName
from ..editing.preferences import has_key, no_key, offline
from ..editing.scene_settings import chosen_backend

if TYPE_CHECKING:
    from bpy.types import Context


BUSY = "A run is active; wait for it, or cancel it first"
TAKING = "Something is being made of the stills' look; wait for it, or press Esc"
NO_RUN = "There is no run yet; press Run All first"
NO_STILL = "There is no still yet; run the Photoreal stage first"


def busy(context: Context) -> str | None:
    now = context.window_manager.consistency
    return BUSY if now.running else TAKING if now.taking else None


def blender_renders() -> str | None:
    """Why nothing can be written from another scene now: to show one frees what a render is using."""
    if bpy.app.is_job_running("RENDER") or bpy.app.is_job_running("OBJECT_BAKE"):
        return "Blender is rendering; wait for it, or stop it first"
    return None


def no_run(context: Context) -> str | None:
    return None if context.scene.consistency.run_folder else NO_RUN


def no_fal(context: Context) -> str | None:
    """What is missing for fal.ai, where this run uses it."""
    return (no_key() or offline()) if chosen_backend(context.scene) == BackendName.FAL else None


def no_input(context: Context) -> str | None:
    own = context.scene.consistency
    if own.source == "PHOTOS" and not own.photos:
        return "There are no photos; add one to four, or drop them on the viewport"
    if own.source == "WORDS" and not own.text.strip():
        return "There are no words; describe the product in a few"
    if own.source == "FILE" and not own.file:
        return "There is no model; choose a GLB, or drop one on the viewport"
    if own.source == "OBJECTS" and not own.objects:
        return "No objects were taken; select the product and press Use Selected Objects"
    if own.source in ("PHOTOS", "WORDS") and chosen_backend(context.scene) == BackendName.LOCAL:
        cure = "choose fal.ai" if has_key() else "enter a key in the preferences"
        return f"Photos and words need fal.ai; {cure}, or start from a file"
    return None


def no_angles(context: Context) -> str | None:
    return None if context.scene.consistency.angles else "There are no angles; add one, or load a set"


def cannot_run(context: Context) -> str | None:
    """Why no stage can run."""
    return busy(context) or no_angles(context) or no_input(context) or no_fal(context)


def no_product() -> str | None:
    """Why the cameras can't be looked through."""
    product = bpy.data.collections.get(names.PRODUCT)
    if product is None or not product.objects:
        return "There is no product in this scene; run the Model stage first"
    return None


def no_angle_chosen(context: Context) -> str | None:
    own = context.scene.consistency
    return None if 0 <= own.angle_index < len(own.angles) else "No angle is selected; add one, or load a set"


def refuse(cls: type[bpy.types.Operator], reason: str | None) -> bool:
    """For ``poll``: True where there is no reason against it; else the reason becomes the button's tooltip."""
    if reason is None:
        return True
    cls.poll_message_set(f"{reason}.")
    return False
