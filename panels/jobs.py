# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs: every request with what became of it, and earlier runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..operators.display import status
from ..pipeline.stages import JobState
from .place import Said, place
from .sidebar import Sidebar
from .words import STATE_ICONS, message, money, seconds

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


class CONSISTENCY_UL_jobs(bpy.types.UIList):
    def draw_item(
        self, _context: Context, layout: UILayout, _data: Any, item: Any, _icon: int, _active: Any, _field: str
    ) -> None:
        row = layout.row()
        row.label(text=status.in_words(item.name), icon=STATE_ICONS.get(item.state, "DOT"))
        right = row.row()
        right.alignment = "RIGHT"
        right.label(text=short(item))


def short(job: Any) -> str:
    """The one thing worth knowing about a job in a list."""
    if job.state == JobState.QUEUED and job.queue_position >= 0:
        return f"#{job.queue_position + 1}"
    if job.state == JobState.RUNNING and job.fraction >= 0:
        return f"{job.fraction:.0%}"
    return seconds(job.elapsed) if job.elapsed >= 0.5 else ""  # less is no work: it was there already


class CONSISTENCY_UL_runs(bpy.types.UIList):
    def draw_item(
        self, _context: Context, layout: UILayout, _data: Any, item: Any, _icon: int, _active: Any, _field: str
    ) -> None:
        row = layout.row(align=True)
        row.label(text=item.name, icon="FILE_FOLDER")
        load = row.operator("consistency.load_run", text="", icon="PRESET", emboss=False)
        load.path, load.go_on = item.path, False
        go_on = row.operator("consistency.load_run", text="", icon="FILE_TICK", emboss=False)
        go_on.path, go_on.go_on = item.path, True


class CONSISTENCY_PT_jobs(Sidebar, bpy.types.Panel):
    bl_label = "Jobs"
    bl_parent_id = "CONSISTENCY_PT_sidebar"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        layout, now = self.layout, status.of(context)
        layout.template_list("CONSISTENCY_UL_jobs", "", now, "jobs", now, "job_index", rows=4, maxrows=4)
        column = layout.column(align=True)
        row = column.row(align=True)
        row.operator("consistency.cancel_job", icon="X")
        row.operator("consistency.retry_job", icon="FILE_REFRESH")
        column.operator("consistency.cancel", text="Cancel All", icon="CANCEL")
        draw_job(layout, context, now.jobs[now.job_index] if 0 <= now.job_index < len(now.jobs) else None)


def draw_job(layout: UILayout, context: Context, job: Any) -> None:
    """The selected one, how far it is and what was said of it last."""
    if job is None:
        place(layout, context, "job", Said("Nothing was asked for yet"))
        return
    facts = [job.state.capitalize()]
    if job.fraction >= 0 and job.state == JobState.RUNNING:
        facts.append(f"{job.fraction:.0%}")
    if job.queue_position >= 0 and job.state == JobState.QUEUED:
        facts.append(f"place {job.queue_position + 1} in the queue")
    if job.elapsed >= 0.5:
        facts.append(seconds(job.elapsed))
    if job.quoted > 0:
        facts.append(f"quoted {money(job.quoted)}")
    if job.billed >= 0:
        facts.append(f"billed {money(job.billed)}")
    words = ", ".join(facts) + (f". {job.log}" if job.log else "")
    details = f"{job.name} {job.request_id}\n{job.log}"
    place(layout, context, "job", Said(words, STATE_ICONS.get(job.state, "DOT"), details=details))


class CONSISTENCY_PT_history(Sidebar, bpy.types.Panel):
    bl_label = "Earlier Runs"
    bl_parent_id = "CONSISTENCY_PT_jobs"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        layout, now = self.layout, status.of(context)
        if now.history:
            layout.template_list("CONSISTENCY_UL_runs", "", now, "history", now, "history_index", rows=4)
            if 0 <= now.history_index < len(now.history):
                message(layout, now.history[now.history_index].note)
        layout.operator("consistency.list_runs", icon="FILE_REFRESH")
        layout.operator("consistency.save_bug_report", icon="FILE_ARCHIVE")


CLASSES = (CONSISTENCY_UL_jobs, CONSISTENCY_UL_runs, CONSISTENCY_PT_jobs, CONSISTENCY_PT_history)
