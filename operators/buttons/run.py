# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run: the one operator behind every stage's button, and those that cancel and begin anew."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty

from ...pipeline.stages import DOES, LABELS, STAGES, Stage, StageState
from ...pipeline.wording.program import SHORT_NAME
from .. import startup
from ..display import follow, reasons, refresh, status
from ..runs import active_run, gradual_imports
from ..runs.escape_key import EscapeKey
from ..runs.run_request import RunRequest
from ..runs.run_session import RunSession, State
from . import orientation
from .operator_base import Button, TimedModal, attempt, push_undo, say_error

if TYPE_CHECKING:
    from bpy.types import Context, Event, OperatorProperties

REDRAW = 0.25  # seconds after which the panels are drawn again although nothing but the time has changed
UNTIL = tuple((stage, LABELS[stage], DOES[stage]) for stage in STAGES)
REQUEST_FIELDS = tuple(field.name for field in dataclasses.fields(RunRequest))


class RunOptions:
    """The options that every operator about a run shares."""

    until: EnumProperty(
        name="Until", description="The last stage to run", items=UNTIL, default="results", options={"SKIP_SAVE"}
    )
    again: BoolProperty(name="Again", description="Make it anew although it is there", options={"SKIP_SAVE"})
    angle: StringProperty(name="Angle", description="Only this angle is made anew", options={"SKIP_SAVE"})
    fresh: BoolProperty(name="New Run", description="Begin a new run folder", options={"SKIP_SAVE"})
    retry_failed: BoolProperty(
        name="Retry Failed", description="Buy again what failed and may have been billed", options={"SKIP_SAVE"}
    )
    send_again: BoolProperty(
        name="Send Again",
        description="Send again what fal.ai may have accepted without our knowing",
        options={"SKIP_SAVE"},
    )
    agreed_usd: FloatProperty(
        name="Agreed (USD)",
        description="What may be spent without asking; scripts set it, the window asks",
        default=-1.0,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.cannot_run(context)

    @property
    def request(self) -> RunRequest:
        return RunRequest(**self.as_options())

    def as_options(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in REQUEST_FIELDS}


class CONSISTENCY_OT_run(RunOptions, TimedModal, Button, bpy.types.Operator):
    """Make what is missing up to a stage; what is there is kept, what changed is made anew"""

    bl_idname = "consistency.run"
    bl_label = "Run"
    bl_options = {"REGISTER"}

    _session: Any = None
    _escape: Any = None
    _shown, _shown_at = "", 0.0
    _there: Any = None  # refresh.what_is_there, when the pictures were last shown

    @classmethod
    def description(cls, _context: Context, properties: OperatorProperties) -> str:
        what = DOES[properties.until]
        if properties.fresh:
            return "Begin a new run folder with these settings, from the start to the end"
        if properties.again:
            return f"{what} anew; what was made before is kept beside"
        if properties.until == Stage.RESULTS:
            return "Make everything that is missing, to the end; what is there is kept, what changed is made anew"
        return f"{what}, after whatever is missing before it"

    @property
    def error_at(self) -> str:
        return "" if self.until == Stage.RESULTS else str(self.until)

    def execute(self, context: Context) -> set[str]:
        return self._attempt(lambda: self.act(context))

    def _attempt(self, act: Callable[[], set[str] | None]) -> set[str]:
        """What nobody has foreseen is told in the panel too, and raised again for Blender's console."""
        try:
            return attempt(self, act, self.error_at)
        except Exception as error:
            say_error(self, error, self.error_at)
            raise

    def act(self, context: Context) -> None:
        """Blocks until the run has ended. With fal.ai, ``agreed_usd`` must cover the estimate."""
        scene = context.scene
        session = RunSession(scene, self.request, self.agreed_usd)
        try:
            session.finish()
        finally:
            status.of(context).running = False
            if session.costs is not None:
                refresh.costs(scene, session.costs)
            if session.run is not None:
                refresh.jobs(session.run)
            refresh.everything(scene, session.run.folder if session.run is not None else None)

    def invoke(self, context: Context, _event: Event) -> set[str]:
        now = status.of(context)
        now.error = now.details = now.note = ""
        now.running, now.cancelling, now.fraction = True, False, -1.0
        now.text, now.stage = "Looking at the inputs", self.until
        self._session, self._escape = RunSession(context.scene, self.request, self.agreed_usd), EscapeKey()
        return self.start_timer(context)

    def modal(self, context: Context, event: Event) -> set[str]:
        rendering = bpy.app.is_job_running("RENDER")
        if event.type == "ESC":
            if not self._escape.asks_to_cancel(event.value, rendering):
                return {"PASS_THROUGH"}
            status.of(context).cancelling = True
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if self._escape.look(rendering):
            status.of(context).cancelling = True
        return self._attempt(lambda: self._tick(context))

    def _tick(self, context: Context) -> set[str]:
        """One step of the run, and what it changes in the panels."""
        session, now = self._session, status.of(context)
        if now.cancelling:
            session.cancel()
        elif session.state is State.ASKED and gradual_imports.advance():
            return {"PASS_THROUGH"}
        before, known = session.state, session.costs
        try:
            session.tick()
            if session.costs is not known:
                refresh.costs(session.scene, session.costs)
            if session.needs_consent:
                self._end(context)
                bpy.ops.consistency.agree("INVOKE_DEFAULT", **self.as_options())
                return {"FINISHED"}
            if session.costs is None:
                now.text = "Asking fal.ai for prices"
            elif before is State.AGREED:
                refresh.everything(session.scene, session.run.folder)
                push_undo("Begin Run")  # so that undoing later steps keeps the run's folder
            elif before is State.RUNNING:
                self._show_run(session, now)
            self._draw(context, now)
        except Exception:
            self._end(context)
            raise
        if session.state is State.ENDED:
            return self._finished(context)
        return {"PASS_THROUGH"}

    def _show_run(self, session: RunSession, now: status.CONSISTENCY_PG_status) -> None:
        """What has come since the last tick."""
        run = session.run
        assert run is not None
        rig_was_placed = Stage.RIG in now.stages and now.stages[Stage.RIG].state == StageState.DONE
        refresh.progress(run)
        there = refresh.what_is_there(run)
        if there != self._there:
            self._there = there
            refresh.pictures(session.scene, run.folder)
        if not run.ended and not rig_was_placed and run.folder.stage(Stage.RIG).state == StageState.DONE:
            push_undo("Place Rig")

    def _draw(self, context: Context, now: status.CONSISTENCY_PG_status) -> None:
        """Draw again what has changed, or four times a second for the seconds that pass."""
        share = f" {now.fraction:.0%}" if now.fraction >= 0 else ""
        words = f"{SHORT_NAME}{share} · {now.text}    {'Cancelling' if now.cancelling else 'Esc: Cancel'}"
        if words != self._shown:
            context.workspace.status_text_set(words)
        if words != self._shown or time.monotonic() >= self._shown_at + REDRAW:
            status.redraw()
            self._shown, self._shown_at = words, time.monotonic()

    def _finished(self, context: Context) -> set[str]:
        now, run = status.of(context), self._session.run
        now.note = f"{LABELS[self.until]} done"
        if run.stale:
            now.note += f"; made anew: {'; '.join(run.stale)}"
        self._end(context)
        if run.product is not None and self._session.scene == context.scene:
            settings = run.folder.settings
            called = settings.inputs.name or settings.product_name or run.product.name
            refresh.product(called, run.product.size, settings.inputs.files, settings.inputs.text)
            orientation.look_at_product(context)
        self.report({"INFO"}, f"{SHORT_NAME}: {now.note}")
        return {"FINISHED"}

    def _end(self, context: Context) -> None:
        """The one place where this operator ends, well or not."""
        session, now = self._session, status.of(context)
        self.stop_timer(context)
        session.close()
        status.nothing_runs()
        run = session.run
        if run is None:
            return
        now.longest_hold = 1000.0 * max(run.holds.values(), default=0.0)
        now.estimate = -1.0  # it was about a run that is over now
        refresh.jobs(run)
        scene = session.scene_if_there
        if scene != context.scene:
            startup.look_soon()
        if scene is not None:
            scene.consistency.run_folder = str(run.folder.root)  # undo may have taken it back meanwhile
            follow.catch_up(scene)
            refresh.everything(scene, run.folder)
            push_undo(LABELS[self.until])

    def cancel(self, context: Context) -> None:
        """Blender or the window is closed, or another file loaded: let go; the process that pays keeps what was paid for."""
        self.stop_timer(context)
        status.nothing_runs()
        leave()
        self._session.close()


def leave() -> None:
    """Let go of a run whose operator is gone, and soon say so."""
    if active_run.current is not None and active_run.is_active():
        active_run.current.close()
        startup.look_soon()


def unregister() -> None:
    """Blender takes a running operator away without a word to it."""
    leave()
    if status.of().running:
        status.nothing_runs()
        for window in bpy.context.window_manager.windows:
            window.workspace.status_text_set(None)


class CONSISTENCY_OT_cancel(Button, bpy.types.Operator):
    """Stop the run in order; fal.ai is asked to drop what it has not begun, and bills what it has"""

    bl_idname = "consistency.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        now = status.of(context)
        return "No run is active" if not now.running else "The run is being cancelled" if now.cancelling else None

    def act(self, context: Context) -> None:
        status.of(context).cancelling = True


class CONSISTENCY_OT_new_run(Button, bpy.types.Operator):
    """Let go of the current run and begin with a new folder; the old one stays on disk"""

    bl_idname = "consistency.new_run"
    bl_label = "New Run"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.busy(context) or reasons.no_run(context)

    def act(self, context: Context) -> None:
        context.scene.consistency.run_folder = ""
        refresh.forget()
        status.of(context).error = ""


CLASSES = (
    CONSISTENCY_OT_run,
    CONSISTENCY_OT_cancel,
    CONSISTENCY_OT_new_run,
)
