# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the buttons share that change what is said of a still: report and headline follow at once, the contact sheet soon."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....pipeline.driver import finish
from ....pipeline.errors import ConsistencyError
from ...display import refresh, status
from ...runs.run_request import folder_of
from ..operator_base import Button, TimedModal, say_error

if TYPE_CHECKING:
    from bpy.types import Context, Event

    from ....pipeline.run.run_folder import RunFolder
    from ....pipeline.stages import Steps


class ToldAgain(TimedModal, Button):
    """``change`` first; then the contact sheet, by a script at once, in a window while it goes on."""

    _drawing: Any = None
    _pressed = 0  # how often, in this session: of several sheets only the last one's is drawn

    def change(self, context: Context, folder: RunFolder) -> None:
        """Write it down, report and headline with it. Raises ConsistencyError."""
        raise NotImplementedError

    def act(self, context: Context) -> None:
        drawing = self._changed(context)
        if drawing is not None:
            finish(drawing)

    def invoke(self, context: Context, _event: Event) -> set[str]:
        try:
            self._drawing = self._changed(context)
        except ConsistencyError as error:
            say_error(self, error, self.error_at)  # type: ignore[arg-type]
            return {"CANCELLED"}
        ToldAgain._pressed += 1
        self._press = ToldAgain._pressed
        return {"FINISHED"} if self._drawing is None else self.start_timer(context)

    def modal(self, context: Context, event: Event) -> set[str]:
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if self._press != ToldAgain._pressed:
            self.cancel(context)
            return {"CANCELLED"}
        try:
            next(self._drawing)
        except StopIteration:
            self.stop_timer(context)
            return {"FINISHED"}
        except ConsistencyError as error:
            self.stop_timer(context)
            say_error(self, error, self.error_at)  # type: ignore[arg-type]
            return {"CANCELLED"}
        return {"PASS_THROUGH"}

    def cancel(self, context: Context) -> None:
        self.stop_timer(context)
        if self._drawing is not None:
            self._drawing.close()

    def _changed(self, context: Context) -> Steps[None] | None:
        """The contact sheet that is to be drawn anew, if any."""
        from ....studio.image_worker import ImageWorker
        from ....studio.results import draw_contact_sheet_again

        folder = folder_of(context.scene)
        try:
            self.change(context, folder)
        finally:
            refresh.everything(context.scene, folder)
        if status.of(context).running or not (folder.contact_sheet.is_file() and folder.report.is_file()):
            return None  # a run draws it in its end
        return draw_contact_sheet_again(folder, ImageWorker())
