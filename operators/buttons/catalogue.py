# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The catalogue's buttons: check the table, run its rows, stop, open the page. The work is done in a second Blender."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ...pipeline.errors import Kind, UsageError
from ...pipeline.settings.choices import BackendName
from ...pipeline.wording.text_table import usd
from ..display import reasons, status
from ..editing import scene_settings
from ..runs import catalogue_process
from .operator_base import Button, sentence

if TYPE_CHECKING:
    from bpy.types import Context, Event

LOOK = 0.25  # seconds between two looks at what the second Blender says
TEMPLATE = "template.json"


def places(scene: bpy.types.Scene) -> tuple[str, str]:
    """Absolute paths of the table and of the folder; empty where none is chosen."""
    own = scene.consistency_catalogue
    return bpy.path.abspath(own.table) if own.table else "", bpy.path.abspath(own.out) if own.out else ""


def was_checked(context: Context) -> bool:
    """The table and the folder that are chosen now were looked at."""
    return context.window_manager.consistency_catalogue.checked == "\n".join(places(context.scene))


def why_no_catalogue(context: Context) -> str | None:
    own = context.scene.consistency_catalogue
    if context.window_manager.consistency_catalogue.running:
        return "The catalogue is being worked on; wait for it, or stop it first"
    if not own.table:
        return "There is no table; choose a CSV or a folder"
    if not own.out:
        return "There is no folder; choose where the pictures go"
    return None


def begin(scene: bpy.types.Scene, *more: str) -> None:
    """Start the second Blender on the chosen table. Raises ConsistencyError."""
    from ... import surroundings
    from ...pipeline.catalogue.template import save_template, template_of

    table, out = places(scene)
    if not Path(table).exists():
        raise UsageError(f"{table} is not there; choose another table")
    template = Path(out) / TEMPLATE
    save_template(template, template_of(scene_settings.to_settings(scene)))
    found = surroundings.find_key()
    words = [table, "--out", out, "--template", str(template), *more]
    if scene_settings.chosen_backend(scene) == BackendName.FAL:
        words += ["--budget", f"{scene.consistency_catalogue.budget:.4f}"]
    catalogue_process.current = catalogue_process.CatalogueProcess(words, found[0] if found else None)
    now = bpy.context.window_manager.consistency_catalogue
    now.running, now.note, now.error = True, "", ""
    if not bpy.app.background and not bpy.app.timers.is_registered(follow):
        bpy.app.timers.register(follow, first_interval=LOOK)


def follow() -> float | None:
    """Show what the second Blender has said since; called by a timer until it has ended."""
    process, now = catalogue_process.current, bpy.context.window_manager.consistency_catalogue
    if process is None:
        return None
    has_ended = process.has_ended  # before its last words are read
    for said in process.news():
        _hear(now, said)
    if has_ended:
        _end(now, process.answer or {"error": process.last_words()})
        process.close()
        catalogue_process.current = None
    status.redraw()
    return None if has_ended else LOOK


def _hear(now: Any, said: dict[str, Any]) -> None:
    number = said.get("row", -1)
    if "event" not in said or not 0 <= number < len(now.rows):
        return
    row = now.rows[number]
    if said["event"] == "ended":
        row.state, row.why = said["state"], said.get("why") or ""
        done = sum(each.state == "done" for each in now.rows)
        now.note = f"{done} of {len(now.rows)} done"
    else:
        row.state = "working"
        row.why = ": ".join(filter(None, (said.get("angle"), said.get("text"))))


def _end(now: Any, answer: dict[str, Any]) -> None:
    now.running = False
    was_stopped = answer.get("status") == Kind.CANCELLED
    if answer.get("error") and not was_stopped:
        now.error = sentence(str(answer["error"]))
    if "page" in answer:
        now.page = str(answer["page"])
        said = answer["error"] if was_stopped else str(answer.get("text", "")).partition("\n")[0]
        now.note = sentence(str(said).replace("run the same command again", "press Go On"))
    elif isinstance(answer.get("rows"), list):  # an estimate
        now.rows.clear()
        for said in answer["rows"]:
            row = now.rows.add()
            row.name, row.state = str(said["sku"]), said["state"]
        now.most = answer["most_usd"]
        left = sum(row.state != "done" for row in now.rows)
        cost = f", at most {usd(now.most)}" if now.most else ""
        now.note = f"{len(now.rows)} products, {left} to do{cost}"
        now.checked = "\n".join(places(bpy.context.scene))
        page = Path(places(bpy.context.scene)[1]) / "index.html"
        now.page = str(page) if page.is_file() else ""


class CONSISTENCY_OT_catalogue_template(Button, bpy.types.Operator):
    """Save this scene's settings, without its product, as a template for 'consistency catalogue' and render farms"""

    bl_idname = "consistency.catalogue_template"
    bl_label = "Save Template"

    filepath: bpy.props.StringProperty(
        name="Template", description="The template's file", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    def invoke(self, context: Context, _event: Event) -> set[str]:
        if self.filepath:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def act(self, context: Context) -> None:
        from ...pipeline.catalogue.template import save_template, template_of

        path = Path(bpy.path.ensure_ext(bpy.path.abspath(self.filepath), ".json"))
        save_template(path, template_of(scene_settings.to_settings(context.scene)))


class CONSISTENCY_OT_catalogue_check(Button, bpy.types.Operator):
    """Look at the whole table and at what is done, and say what the rest costs; nothing begins"""

    bl_idname = "consistency.catalogue_check"
    bl_label = "Check Table"
    bl_options = {"INTERNAL"}

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return why_no_catalogue(context) or reasons.no_fal(context)

    def act(self, context: Context) -> None:
        context.window_manager.consistency_catalogue.rows.clear()
        begin(context.scene, "--estimate")


class CONSISTENCY_OT_catalogue_run(Button, bpy.types.Operator):
    """Make every product that is not finished, in a second Blender; what is done stays"""

    bl_idname = "consistency.catalogue_run"
    bl_label = "Run Catalogue"
    bl_options = {"INTERNAL"}

    retry_failed: bpy.props.BoolProperty(
        name="Retry Failed",
        description="Try failed products again, and buy again what failed and may have been billed",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        if reason := why_no_catalogue(context) or reasons.no_fal(context):
            return reason
        return None if was_checked(context) else "The table was not checked yet; press Check Table first"

    def invoke(self, context: Context, event: Event) -> set[str]:
        most = context.window_manager.consistency_catalogue.most
        if not most:
            return self.execute(context)
        limit = min(most, context.scene.consistency_catalogue.budget)
        title = f"Spend up to {usd(limit)}?"
        return set(context.window_manager.invoke_confirm(self, event, title=title, confirm_text="Run Catalogue"))

    def act(self, context: Context) -> None:
        begin(context.scene, "--yes", "--progress", "json", *(["--retry-failed"] if self.retry_failed else []))


class CONSISTENCY_OT_catalogue_stop(Button, bpy.types.Operator):
    """End in order: what is done and what is paid for is kept, and Run Catalogue goes on from there"""

    bl_idname = "consistency.catalogue_stop"
    bl_label = "Stop"
    bl_options = {"INTERNAL"}

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return None if context.window_manager.consistency_catalogue.running else "Nothing is being worked on"

    def act(self, context: Context) -> None:
        if catalogue_process.current is not None:
            catalogue_process.current.stop()
        context.window_manager.consistency_catalogue.note = "Stopping; what is paid for is fetched first"


class CONSISTENCY_OT_catalogue_page(Button, bpy.types.Operator):
    """Open the catalogue's page in the browser, to look at every picture and to decide"""

    bl_idname = "consistency.catalogue_page"
    bl_label = "Open Page"
    bl_options = {"INTERNAL"}

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return (
            None
            if context.window_manager.consistency_catalogue.page
            else "There is no page yet; run the catalogue first"
        )

    def act(self, context: Context) -> set[str] | None:
        page = Path(context.window_manager.consistency_catalogue.page)
        if not page.is_file():
            return self.refuse(f"{page} is not there any more; run the catalogue again")
        bpy.ops.wm.url_open(url=page.as_uri())
        return None


def unregister() -> None:
    """The second Blender ends in order, since nobody looks at it any more."""
    if bpy.app.timers.is_registered(follow):
        bpy.app.timers.unregister(follow)
    if catalogue_process.current is not None:
        catalogue_process.current.close()
        catalogue_process.current = None


CLASSES = (
    CONSISTENCY_OT_catalogue_template,
    CONSISTENCY_OT_catalogue_check,
    CONSISTENCY_OT_catalogue_run,
    CONSISTENCY_OT_catalogue_stop,
    CONSISTENCY_OT_catalogue_page,
)
