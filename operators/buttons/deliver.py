# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The run's stills as files for shops, made by the image worker while the window goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ...pipeline.driver import finish
from ...pipeline.errors import ConsistencyError
from ..display import delivered, reasons, status
from ..runs.run_request import folder_of, root_of
from .operator_base import Button, TimedModal, say_error

if TYPE_CHECKING:
    from bpy.types import Context, Event

    from ...pipeline.json_object import JsonObject
    from ...pipeline.stages import Steps


class CONSISTENCY_OT_deliver(TimedModal, Button, bpy.types.Operator):
    """Make files that the chosen shops accept, from the stills that are shown, and measure every rule"""

    bl_idname = "consistency.deliver"
    bl_label = "Deliver"
    bl_options = {"REGISTER"}
    error_at = "results"

    _steps: Any = None

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        now = status.of(context)
        if now.delivering:
            return "Files are being made; wait for them"
        if not any(shot.still for shot in now.shots):
            return reasons.busy(context) or reasons.no_run(context) or reasons.NO_STILL
        return reasons.busy(context)

    def act(self, context: Context) -> set[str] | None:
        return self._told(finish(_delivery(context)), root_of(context.scene))

    def invoke(self, context: Context, _event: Event) -> set[str]:
        try:
            self._steps, self._root = _delivery(context), root_of(context.scene)
        except ConsistencyError as error:
            say_error(self, error, self.error_at)
            return {"CANCELLED"}
        status.of(context).delivering = "beginning"
        return self.start_timer(context)

    def modal(self, context: Context, event: Event) -> set[str]:
        if event.type == "ESC":
            self.cancel(context)
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        now = status.of(context)
        try:
            said = next(self._steps)
        except StopIteration as done:
            self._end(context)
            return self._told(done.value, self._root)
        except Exception as error:  # noqa: BLE001 - whatever it is, the button comes back
            self._end(context)
            say_error(self, error, self.error_at)
            return {"CANCELLED"}
        if now.delivering != said.text:
            now.delivering = said.text
            status.redraw()
        return {"PASS_THROUGH"}

    def cancel(self, context: Context) -> None:
        if self._steps is not None:
            self._steps.close()
        self._end(context)

    def _end(self, context: Context) -> None:
        status.of(context).delivering = ""
        self.stop_timer(context)

    def _told(self, made: JsonObject, root: Path | None) -> set[str] | None:
        from ...pipeline.deliver.delivery import summary

        delivered.show(root)
        told = summary(made)
        written = sum(picture["file"] is not None for shop in made["sets"].values() for picture in shop["pictures"])
        if "error" in told:
            self.report({"WARNING"}, told["error"])
        else:
            self.report({"INFO"}, f"{written} files are in {made['folder']}")
        return {"FINISHED"}


def _delivery(context: Context) -> Steps[JsonObject]:
    """What is made, with the worker that is closed in the end. Raises ConsistencyError for what can't be asked for."""
    from ...pipeline.deliver.delivery import Wishes, deliver
    from ...pipeline.deliver.presets import CLIPS, presets
    from ...studio.image_worker import ImageWorker

    own = context.scene.consistency.delivery
    chosen = [key for key in own.bl_rna.properties["shops"].enum_items.keys() if key in own.shops]  # noqa: SIM118 - no dict
    names = [*chosen, *([bpy.path.abspath(own.own)] if own.own else [])]
    wishes = Wishes(
        presets=tuple(presets(",".join([*names, *([CLIPS] if own.clips else [])]))),
        clips=own.clips,
        sku=own.sku.strip() or None,
        larger="filter" if own.enlarge else "none",
        anyway=own.anyway,
        zip=own.zip,
    )
    folder = folder_of(context.scene)

    def steps() -> Steps[JsonObject]:
        worker = ImageWorker()
        try:
            return (yield from deliver(folder, wishes, worker.do))
        finally:
            worker.close()

    return steps()


CLASSES = (CONSISTENCY_OT_deliver,)
