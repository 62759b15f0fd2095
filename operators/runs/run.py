"""Run: the one operator behind every stage's button, and those that cancel and begin anew."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, StringProperty

from ...pipeline.errors import Cancelled, ConsistencyError
from .. import startup
from ..display import reasons, refresh, status
from ..editing import live, orientation
from . import active_run, gradual_imports, start_run
from .modal_base import Ticking, say_error
from .run_request import RunRequest

if TYPE_CHECKING:
    from bpy.types import Context, Event, OperatorProperties

    from ...fal_backend.quote import Estimate

ROUNDING = 1e-4  # USD; Blender's properties are single precision, so 1.586 comes back as 1.58599996
REDRAW = 0.25  # seconds after which the panels are drawn again although nothing but the time has changed
STAGES = (
    ("model", "Model", "Make or take the product's model"),
    ("rig", "Rig", "Place cameras and lights"),
    ("references", "References", "Render the product from each angle"),
    ("photoreal", "Photoreal", "Turn each reference into a photoreal still"),
    ("video", "Video", "Make the clip"),
    ("results", "Results", "Load everything where an artist looks for it"),
)


WISHES = tuple(field.name for field in dataclasses.fields(RunRequest))


def _covers(agreed_usd: float, costs: Estimate) -> bool:
    """Whether everything that ``costs`` may come to was agreed to; what has no known price is agreed to with any sum, and
    what is said to cost nothing needs to be agreed to as well."""
    return costs.most <= max(agreed_usd, 0.0) + ROUNDING and not (costs.buys and agreed_usd < 0.0)


class Wishing:
    """The options that every operator about a run shares."""

    until: EnumProperty(
        name="Until", description="The last stage to run", items=STAGES, default="results", options={"SKIP_SAVE"}
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

    @property
    def wish(self) -> RunRequest:
        return RunRequest(**self.as_options())

    @property
    def _at(self) -> str:
        """The panel that tells an error: that of the stage whose button was pressed."""
        return "" if self.until == "results" else str(self.until)

    def as_options(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in WISHES}


class CONSISTENCY_OT_run(Wishing, Ticking, bpy.types.Operator):
    """Make what is missing up to a stage; what is there is kept, what changed is made anew"""

    bl_idname = "consistency.run"
    bl_label = "Run"
    bl_options = {"REGISTER"}

    _drive: Any = None
    _asking: Any = None
    _shown, _shown_at = "", 0.0
    _there: Any = None  # refresh.what_is_there, when the pictures were last shown

    @classmethod
    def poll(cls, context: Context) -> bool:
        return reasons.refuse(cls, reasons.cannot_run(context))

    @classmethod
    def description(cls, _context: Context, properties: OperatorProperties) -> str:
        what = {word: text for word, _, text in STAGES}[properties.until]
        if properties.fresh:
            return "Begin a new run folder with these settings, from the start to the end"
        if properties.again:
            return f"{what} anew; what was made before is kept beside"
        if properties.until == "results":
            return "Make everything that is missing, to the end; what is there is kept, what changed is made anew"
        return f"{what}, after whatever is missing before it"

    def execute(self, context: Context) -> set[str]:
        """Blocks until the run has ended. With fal.ai, ``agreed_usd`` must cover the estimate."""
        from . import questions

        try:
            costs = questions.finish(start_run.estimate(context.scene, self.wish))
            refresh.costs(context.scene, costs)
            start_run.check_limits(context.scene, costs)
            if not _covers(self.agreed_usd, costs):
                raise ConsistencyError(
                    f"this would spend up to {costs.in_words}; agree with agreed_usd={costs.most:.6g}"
                )
            running = start_run.start(context.scene, self.wish, costs.prices)
            active_run.finish(running)
        except Exception as error:
            say_error(self, error, self._at)
            refresh.everything(context.scene)
            if not isinstance(error, ConsistencyError):
                raise
            return {"CANCELLED"}
        finally:
            status.of(context).running = False
        refresh.jobs(running)
        refresh.everything(context.scene, running.folder)
        return {"FINISHED"}

    def invoke(self, context: Context, _event: Event) -> set[str]:
        return self._invoke(context)

    def _invoke(self, context: Context) -> set[str]:
        now = status.of(context)
        now.error = now.details = now.note = ""
        now.running, now.cancelling, now.fraction = True, False, -1.0
        now.text, now.stage = "Looking at the inputs", self.until
        self._scene = context.scene.session_uid
        return self.begin_ticking(context)

    def modal(self, context: Context, event: Event) -> set[str]:
        if event.type == "ESC" and event.value == "PRESS":
            status.of(context).cancelling = True
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            return self._tick(context)
        except Exception as error:
            say_error(self, error, self._at)
            self._let_go(context)
            if not isinstance(error, ConsistencyError):
                raise
            return {"CANCELLED"}

    def _tick(self, context: Context) -> set[str]:
        now = status.of(context)
        if self._drive is None:
            if now.cancelling:
                raise Cancelled("nothing was begun and nothing was spent")
            return self._ask(context)
        if now.cancelling and not self._drive.cancelling:
            self._drive.cancel()
        scene = self._own_scene()
        before = [stage.state for stage in now.stages] or [""] * 6
        ended = self._drive.advance()
        refresh.progress(self._drive)
        there = refresh.what_is_there(self._drive)
        if there != self._there:
            self._there = there
            refresh.pictures(scene, self._drive.folder)
        if not ended and self._drive.folder.stage("rig")["state"] == "done" and before[1] != "done":
            bpy.ops.ed.undo_push(message="Consistency: Place Rig")
        self._show(context, now)
        if not ended:
            return {"PASS_THROUGH"}
        error = self._drive.error
        if error is not None:
            raise error
        now.note = f"{self.until.title()} done"
        if self._drive.stale:
            now.note += f"; made anew: {'; '.join(self._drive.stale)}"
        self._let_go(context)
        product = self._drive.product
        if product is not None and scene == context.scene:
            settings = self._drive.folder.settings
            called = settings.inputs.name or settings.product_name or product.name
            refresh.product(called, product.size, settings.inputs.files, settings.inputs.text)
            orientation.look_at_product(context)
        self.report({"INFO"}, f"Consistency: {now.note}")
        return {"FINISHED"}

    def _own_scene(self) -> bpy.types.Scene:
        """The scene that the run began in, whatever it is called by now."""
        scene = active_run.scene_of(self._scene)
        if scene is None:
            raise ConsistencyError(
                "the scene of this run was deleted; nothing paid for is lost: open the run again under Jobs, Earlier Runs"
            )
        return scene

    def _show(self, context: Context, now: status.CONSISTENCY_PG_status) -> None:
        """Draw again what has changed, or four times a second for the seconds that pass."""
        share = f" {now.fraction:.0%}" if now.fraction >= 0 else ""
        words = f"Consistency{share} · {now.text}    {'Cancelling' if now.cancelling else 'Esc: Cancel'}"
        if words != self._shown:
            context.workspace.status_text_set(words)
        if words != self._shown or time.monotonic() >= self._shown_at + REDRAW:
            status.redraw()
            self._shown, self._shown_at = words, time.monotonic()

    def _ask(self, context: Context) -> set[str]:
        """While fal.ai is asked for prices; then on, or to the dialog that shows the total."""
        now, scene = status.of(context), self._own_scene()
        if gradual_imports.advance():
            return {"PASS_THROUGH"}
        if self._asking is None:  # not before: an undo since the button was pressed has made the scene another
            self._asking = start_run.estimate(scene, self.wish)
        try:
            next(self._asking)
        except StopIteration as done:
            costs = done.value
        else:
            now.text = "Asking fal.ai for prices"
            self._show(context, now)
            return {"PASS_THROUGH"}
        refresh.costs(scene, costs)
        start_run.check_limits(scene, costs)
        if not _covers(self.agreed_usd, costs):
            self._let_go(context)
            bpy.ops.consistency.agree("INVOKE_DEFAULT", **self.as_options())
            return {"FINISHED"}
        self._drive = start_run.start(scene, self.wish, costs.prices)
        refresh.everything(scene, self._drive.folder)
        bpy.ops.ed.undo_push(message="Consistency: Begin Run")  # so that undoing later steps keeps the run's folder
        return {"PASS_THROUGH"}

    def _let_go(self, context: Context) -> None:
        """The one place where this operator ends, well or not."""
        now = status.of(context)
        self.end_ticking(context)
        if self._asking is not None:
            self._asking.close()
        status.nothing_runs()
        if self._drive is not None:
            self._drive.close()
            now.longest_hold = 1000.0 * max(self._drive.holds.values(), default=0.0)
            now.estimate = -1.0  # it was about a run that is over now
            refresh.jobs(self._drive)
            scene = active_run.scene_of(self._scene)
            if scene != context.scene:
                startup.look_soon()
            if scene is not None:
                scene.consistency.run_folder = str(self._drive.folder.root)  # undo may have taken it back meanwhile
                live.follow(scene)
                refresh.everything(scene, self._drive.folder)
                bpy.ops.ed.undo_push(message=f"Consistency {self.until.title()}")

    def cancel(self, context: Context) -> None:
        """Blender or the window is closed, or another file loaded: let go; the process that pays keeps what was paid for."""
        self.end_ticking(context)
        if self._asking is not None:
            self._asking.close()
        status.nothing_runs()
        leave()


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


class CONSISTENCY_OT_cancel(bpy.types.Operator):
    """Stop the run in order; fal.ai is asked to drop what it has not begun, and bills what it has"""

    bl_idname = "consistency.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        now = status.of(context)
        return reasons.refuse(
            cls, "No run is active" if not now.running else "The run is being cancelled" if now.cancelling else None
        )

    def execute(self, context: Context) -> set[str]:
        status.of(context).cancelling = True
        return {"FINISHED"}


class CONSISTENCY_OT_new_run(bpy.types.Operator):
    """Let go of the current run and begin with a new folder; the old one stays on disk"""

    bl_idname = "consistency.new_run"
    bl_label = "New Run"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return reasons.refuse(cls, reasons.busy(context) or reasons.no_run(context))

    def execute(self, context: Context) -> set[str]:
        context.scene.consistency.run_folder = ""
        refresh.forget()
        status.of(context).error = ""
        return {"FINISHED"}


CLASSES = (
    CONSISTENCY_OT_run,
    CONSISTENCY_OT_cancel,
    CONSISTENCY_OT_new_run,
)
