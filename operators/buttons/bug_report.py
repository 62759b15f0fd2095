# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A zip for a bug report: shown, then written where runs are kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import StringProperty

from ...pipeline.wording.program import SHORT_NAME
from ..runs import run_request
from .operator_base import Button, attempt

if TYPE_CHECKING:
    from bpy.types import Context, Event

    from ...pipeline.run.bug_report import BugReport


def _collected(context: Context) -> BugReport:
    from ... import surroundings

    run = run_request.root_of(context.scene)
    return surroundings.bug_report(run if run is not None and run.is_dir() else None)


class CONSISTENCY_OT_save_bug_report(Button, bpy.types.Operator):
    """Make one zip for a bug report: this machine's facts, and the current run's settings, log, report and journal, without the key"""

    bl_idname = "consistency.save_bug_report"
    bl_label = "Save Bug Report"
    bl_options = {"INTERNAL"}

    filepath: StringProperty(
        name="File",
        description="Where it is written; empty: where runs are kept",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    _shown = ""

    def invoke(self, context: Context, _event: Event) -> set[str]:
        return attempt(self, lambda: self._ask(context))

    def _ask(self, context: Context) -> set[str]:
        type(self)._shown = _collected(context).table()
        context.window_manager.invoke_props_dialog(self, width=600, confirm_text="Save")
        return {"RUNNING_MODAL"}

    def draw(self, _context: Context) -> None:
        for line in self._shown.splitlines():
            self.layout.label(text=line)

    def act(self, context: Context) -> None:
        from ...pipeline.run.bug_report import default_name

        out = Path(bpy.path.abspath(self.filepath)) if self.filepath else run_request.runs_home() / default_name()
        _collected(context).write(out)
        self.report({"INFO"}, f"{SHORT_NAME}: the bug report is {out}")


CLASSES = (CONSISTENCY_OT_save_bug_report,)
