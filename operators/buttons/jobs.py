# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each request by itself: cancel, retry, copy what was said; and earlier runs with their settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import StringProperty

from ...pipeline.stages import JobState, Stage, StageState
from ..display import reasons, refresh, status
from ..editing import scene_settings
from ..runs import active_run
from ..runs.run_request import folder_of
from .operator_base import Button

if TYPE_CHECKING:
    from bpy.types import Context, OperatorProperties

OPEN = {JobState.WAITING, JobState.QUEUED, JobState.RUNNING, JobState.SAVING}


def selected(context: Context) -> status.CONSISTENCY_PG_job | None:
    now = status.of(context)
    return now.jobs[now.job_index] if 0 <= now.job_index < len(now.jobs) else None


def cannot_cancel(context: Context) -> str | None:
    job = selected(context)
    if job is None:
        return "No job is selected"
    if not status.of(context).running or job.state not in OPEN:
        return "This job has ended"
    return None


def cannot_retry(context: Context) -> str | None:
    job = selected(context)
    if job is None:
        return "No job is selected"
    if job.state not in (JobState.FAILED, JobState.CANCELLED, JobState.UNCERTAIN):
        return "This job has not failed"
    return reasons.cannot_run(context)


class CONSISTENCY_OT_cancel_job(Button, bpy.types.Operator):
    """Cancel the selected job; what fal.ai has begun is billed and kept, what it has not begun costs nothing"""

    bl_idname = "consistency.cancel_job"
    bl_label = "Cancel Job"
    bl_options = {"INTERNAL"}

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return cannot_cancel(context)

    def act(self, context: Context) -> set[str] | None:
        job = selected(context)
        if job is None or active_run.current is None:
            return {"CANCELLED"}
        active_run.current.backend.cancel(job.name)
        job.log = "cancelling"
        return None


class CONSISTENCY_OT_retry_job(Button, bpy.types.Operator):
    """Ask for what the selected job should have made again; earlier takes stay, and the price is shown first"""

    bl_idname = "consistency.retry_job"
    bl_label = "Retry Job"
    bl_options = {"INTERNAL"}

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return cannot_retry(context)

    def invoke(self, context: Context, _event: bpy.types.Event) -> set[str]:
        return self._run(context, "INVOKE_DEFAULT")

    def execute(self, context: Context) -> set[str]:
        return self._run(context, "EXEC_DEFAULT")

    def _run(self, context: Context, how: str) -> set[str]:
        job = selected(context)
        assert job is not None
        stages = status.of(context).stages
        went_on = Stage.RESULTS in stages and stages[Stage.RESULTS].state not in (StageState.WAITING, "")
        until = job.stage if job.stage in (Stage.MODEL, Stage.PHOTOREAL, Stage.VIDEO) and not went_on else "results"
        return bpy.ops.consistency.run(how, until=until, retry_failed=True, send_again=job.state == JobState.UNCERTAIN)


class CONSISTENCY_OT_copy_text(Button, bpy.types.Operator):
    """Copy the full text to the clipboard"""

    bl_idname = "consistency.copy_text"
    bl_label = "Copy"
    bl_options = {"INTERNAL"}

    text: StringProperty(name="Text", description="What to copy", options={"SKIP_SAVE"})

    def act(self, context: Context) -> None:
        context.window_manager.clipboard = self.text
        self.report({"INFO"}, "Copied")


class CONSISTENCY_OT_clear_error(Button, bpy.types.Operator):
    """Put this message away"""

    bl_idname = "consistency.clear_error"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    def act(self, context: Context) -> None:
        now = status.of(context)
        now.error = now.details = now.note = ""


class CONSISTENCY_OT_unfold(Button, bpy.types.Operator):
    """Show the rest of this message, or fold it up again"""

    bl_idname = "consistency.unfold"
    bl_label = "Show the Rest"
    bl_options = {"INTERNAL"}

    text: StringProperty(name="Text", description="The whole message", options={"SKIP_SAVE"})
    key: StringProperty(name="Key", description="Which message; empty: fold it up", options={"SKIP_SAVE"})

    @classmethod
    def description(cls, _context: Context, properties: OperatorProperties) -> str:
        return str(properties.text)

    def act(self, context: Context) -> None:
        status.of(context).unfolded = self.key


class CONSISTENCY_OT_list_runs(Button, bpy.types.Operator):
    """Look for earlier runs where new ones are kept"""

    bl_idname = "consistency.list_runs"
    bl_label = "List Earlier Runs"
    bl_options = {"INTERNAL"}

    def act(self, _context: Context) -> None:
        refresh.history()


class CONSISTENCY_OT_load_run(Button, bpy.types.Operator):
    """Set the panels to an earlier run's settings"""

    bl_idname = "consistency.load_run"
    bl_label = "Load These Settings"
    bl_options = {"REGISTER", "UNDO"}

    path: StringProperty(name="Run", description="Folder of the run", subtype="DIR_PATH", options={"SKIP_SAVE"})
    go_on: bpy.props.BoolProperty(
        name="Go On",
        description="Make it the current run too, instead of only loading its settings",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.busy(context)

    @classmethod
    def description(cls, _context: Context, properties: bpy.types.OperatorProperties) -> str:
        return "Open this run again, with its settings and pictures" if properties.go_on else str(cls.__doc__)

    def act(self, context: Context) -> None:
        from ...pipeline.run.run_folder import RunFolder

        folder = RunFolder.open(Path(bpy.path.abspath(self.path)))
        scene_settings.from_settings(context.scene, folder.settings)
        if self.go_on:
            context.scene.consistency.run_folder = str(folder.root)
            refresh.everything(context.scene, folder)


class CONSISTENCY_OT_show_costs(Button, bpy.types.Operator):
    """Read again what this run has cost"""

    bl_idname = "consistency.show_costs"
    bl_label = "Read the Ledger"
    bl_options = {"INTERNAL"}

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.no_run(context)

    def act(self, context: Context) -> None:
        refresh.money(folder_of(context.scene))


CLASSES = (
    CONSISTENCY_OT_cancel_job,
    CONSISTENCY_OT_retry_job,
    CONSISTENCY_OT_copy_text,
    CONSISTENCY_OT_unfold,
    CONSISTENCY_OT_clear_error,
    CONSISTENCY_OT_list_runs,
    CONSISTENCY_OT_load_run,
    CONSISTENCY_OT_show_costs,
)
