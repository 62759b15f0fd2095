# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a new scene begins with: where the product comes from, who makes the pictures, and about what that costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from ...pipeline.wording.text_table import price_sum
from ..editing import scene_settings
from ..editing.preferences import has_key
from ..runs import gradual_imports
from . import refresh, status

if TYPE_CHECKING:
    from bpy.types import Context

PAUSE = 0.4  # seconds after the panel was drawn


def preset_source(scene: bpy.types.Scene) -> None:
    """Start from what is at hand, until somebody chooses: a selected mesh; photos where there is a key; else a file."""
    own = scene.consistency
    if own.is_property_set("source"):
        return
    layer = scene.view_layers[0]
    selected = any(thing.type == "MESH" and thing.select_get(view_layer=layer) for thing in layer.objects)
    own.source = "OBJECTS" if selected else "PHOTOS" if has_key() else "FILE"


def what_fal_costs(context: Context) -> str:
    """Words such as ", about $2.45": at today's prices where they were asked for, else at those that are stored."""
    now = status.of(context)
    if now.is_finished and not now.is_outdated:
        return ""
    if refresh.estimate_holds(context):
        return f", up to {price_sum(line.usd for line in now.costs)}"
    return f", about {price_sum([now.guess])}" if now.guess >= 0 and not now.run_folder else ""


def guess_soon() -> None:
    """The panel is drawn: look soon whether what fal.ai would cost has changed. Free of cost where it has not."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_guess_when_ready):
        bpy.app.timers.register(_guess_when_ready, first_interval=PAUSE)


def _guess_when_ready() -> float | None:
    if not gradual_imports.is_ready():
        return PAUSE
    if guess(bpy.context.scene):
        status.redraw()
    return None


def guess(scene: bpy.types.Scene) -> bool:
    """Add up what a new run at fal.ai would cost at the prices that are stored here. True where that is news."""
    from ...fal_backend import prices, quote
    from ...pipeline.errors import ConsistencyError

    now = status.of()
    about = refresh.what_is_estimated(scene)
    if now.running or about == now.guessed:
        return False
    now.guessed, now.guess = about, -1.0
    try:
        settings = scene_settings.to_settings(scene).model_copy(
            update={"backend": "fal", "takes": scene.consistency.takes}
        )
        known = prices.remembered(quote.endpoints(settings))
        costs = quote.estimate(settings, known)
    except ConsistencyError:
        return True
    if not any(line.quoted_usd is None for line in costs.lines):
        now.guess = costs.total
    return True


def unregister() -> None:
    if bpy.app.timers.is_registered(_guess_when_ready):
        bpy.app.timers.unregister(_guess_when_ready)
