# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the run at hand, and the active one, into the status that panels draw. Files are read here, never while drawing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import bpy

from ...pipeline.stages import JobState, ReferenceState, Stage, StageState
from ...pipeline.verdicts import MadeBy
from ...pipeline.wording.names import faithful_in_words
from ..editing import scene_settings
from ..runs import run_request, staleness
from . import delivered, endpoint_names, status, thumbnails

if TYPE_CHECKING:
    from bpy.types import Context

    from ...pipeline.run.run_folder import RunFolder
    from ..runs.active_run import ActiveRun
    from ..runs.observed_backend import Job


def everything(scene: bpy.types.Scene, folder: RunFolder | None = None) -> None:
    """All that the panels show of the scene's run."""
    from ...pipeline.errors import RunFolderError
    from ...pipeline.run.run_folder import RunFolder

    now = status.of()
    root = run_request.root_of(scene)
    if folder is None and root is not None:
        try:
            folder = RunFolder.open(root)
        except RunFolderError as error:
            gone = f"The run in {root} is not there any more; press New Run, or open it under Jobs, Earlier Runs"
            now.error = now.details = str(error) if (root / "run.json").exists() else gone
    if folder is None or not is_about(scene, folder):
        forget()
        status.redraw()
        return
    now.run_folder = str(folder.root)
    now.is_finished = folder.is_finished
    stages(folder)
    pictures(scene, folder)
    outdated(folder)
    money(folder)
    delivered.show(folder.root)
    if not now.running:
        jobs_of_journal(folder)
    status.redraw()


def is_about(scene: bpy.types.Scene, folder: RunFolder) -> bool:
    """The run was made of what the scene's settings name as its start now: else nothing of it holds for them."""
    settings, own = folder.settings, scene.consistency
    text = own.text if own.source == "WORDS" else ""
    made_from, of = scene_settings.made_from, settings.inputs
    return made_from(of.files, of.text) == made_from(scene_settings.inputs_of(scene), text)


def forget() -> None:
    """There is no run: show none."""
    now = status.of()
    now.run_folder = now.clip = now.product = now.headline = now.surface = now.surface_picture = ""
    now.is_finished = now.is_outdated = False
    for name in ("stages", "shots", "jobs", "delivered"):
        getattr(now, name).clear()
    now.quoted = now.billed = now.uncertain = now.longest_clip = 0.0


def stages(folder: RunFolder) -> None:
    from ...pipeline.stages import STAGES
    from ...pipeline.video import LONGEST_REFLECTIVE

    shown = status.of().stages
    if len(shown) != len(STAGES):
        shown.clear()
        for name in STAGES:
            shown.add().name = name
    for item in shown:
        stage = folder.stage(item.name)
        item.state = stage.state
        item.note = stage.error or ""
    rig = folder.stage(Stage.RIG)
    if rig.size_m:
        settings = folder.settings
        product(rig.product, rig.size_m, settings.inputs.files, settings.inputs.text)
    status.of().longest_clip = LONGEST_REFLECTIVE if rig.reflective else 0.0


def product(name: str, size: Sequence[float], inputs: Iterable[str], text: str = "") -> None:
    """Show what the product that was made from these inputs, or words, is called, and its sides in metres."""
    from ...pipeline.wording.lengths import sides

    now = status.of()
    now.product = f"{name}, {sides(size)}"
    now.product_of = scene_settings.made_from(inputs, text)


def pictures(scene: bpy.types.Scene, folder: RunFolder) -> None:
    """References, stills, takes and the clip, with what is stale."""
    from ...pipeline.gate.by_hand import share_of, why_not
    from ...pipeline.gate.scoring.ladder import tally
    from ...pipeline.look.lenders import surface_in_words

    shown = status.of().shots
    shown.clear()
    stale = {} if status.of().running else stale_now(scene, folder)  # a run makes it anew, and has no time to look
    for angle in scene.consistency.angles:
        item = shown.add()
        item.name = angle.name
        shot = folder.shot(angle.name)
        reference = shot.files.get("image") if shot is not None else None
        item.state = _reference_state(reference is not None, angle.name in stale)
        item.why = ", ".join(stale.get(angle.name, ()))
        item.reference = str(reference or "")
        still = folder.still(angle.name)
        subject = f"photoreal/{angle.name}"
        takes = sorted(path for path in still.parent.glob(f"{angle.name}.take-*.png"))
        if status.of().running and folder.chosen(subject) is None and takes:
            still = takes[-1]  # on disk, and not chosen yet: shown at once
        item.still = str(still) if still.is_file() else ""
        item.takes = " ".join(path.stem.rpartition("-")[2] for path in takes)
        item.chosen = folder.chosen(subject) or 0
        item.faithful, item.no_dial = share_of(folder, angle.name), why_not(folder, angle.name) or ""
        _verdict(item, folder, subject)
        for path in (reference, still, *takes):
            if path is not None:
                thumbnails.load(path)
    outcomes = [item.outcome for item in shown if item.outcome]
    status.of().headline = tally(outcomes) if outcomes else ""
    clip = folder.clip(folder.settings.clip.motion)
    status.of().clip = str(clip) if clip.is_file() else ""
    thumbnails.load(clip)
    seen, picture = surface_in_words(folder.surface), folder.references / "surface.png"
    status.of().surface = f"{seen[:1].upper()}{seen[1:]}"
    status.of().surface_picture = str(picture) if seen and picture.is_file() else ""


def _reference_state(is_there: bool, is_stale: bool) -> ReferenceState:
    if not is_there:
        return ReferenceState.MISSING
    return ReferenceState.STALE if is_stale else ReferenceState.RENDERED


MADE_BY = {
    MadeBy.REROLL: "taken again",
    MadeBy.STRICTER: "taken again with stricter words",
    MadeBy.DEPTH: "taken again from the depth",
    MadeBy.UNWARP: "pulled into place",
    MadeBy.GAIN: "colours matched",
    MadeBy.EXACT: "cut out along its render",
    MadeBy.LOCAL: "this machine's own render stands in",
}


def _verdict(item: Any, folder: RunFolder, subject: str) -> None:
    """What the gate said last about the take that is shown, or a person; nothing where nobody has looked at it."""
    from ...pipeline.gate.record import in_force

    known = [entry for entry in folder.entries(subject) if entry.take == item.chosen]
    opinion = folder.opinion(subject, item.chosen)
    item.said = opinion.said if opinion is not None else ""
    if not known or not item.still:
        return
    last = known[-1]
    outcome, reason = (
        (last.outcome, last.reason) if last.outcome is None else in_force(last.outcome, last.reason, opinion)
    )
    words = [MADE_BY.get(last.made_by, ""), faithful_in_words(last.faithful), reason]
    item.outcome, item.verdict = outcome or "", "; ".join(word for word in words if word)
    heatmap = folder.root / last.heatmap if last.heatmap else None
    item.heatmap = str(heatmap) if heatmap is not None and heatmap.is_file() else ""


def outdated(folder: RunFolder) -> None:
    """Show which finished stages are behind: references that are stale, and what was made from earlier ones."""
    now = status.of()
    if now.running:
        return
    behind = any(item.state == ReferenceState.STALE for item in now.shots)
    waiting = any(folder.chosen(f"photoreal/{angle.name}") is None for angle in folder.settings.studio.angles)
    for item in now.stages:
        is_behind = (
            behind
            if item.name == Stage.REFERENCES
            else (behind or waiting) and item.name not in (Stage.MODEL, Stage.RIG)
        )
        if item.state in (StageState.DONE, ReferenceState.STALE):
            item.state = ReferenceState.STALE if is_behind else StageState.DONE
    now.is_outdated = any(item.state == ReferenceState.STALE for item in now.stages)


def stale(scene: bpy.types.Scene, folder: RunFolder) -> None:
    """Only which references are stale, and why."""
    found = stale_now(scene, folder)
    for item in status.of().shots:
        if item.state != ReferenceState.MISSING:
            item.state = _reference_state(True, item.name in found)
            item.why = ", ".join(found.get(item.name, ()))
    outdated(folder)


def stale_now(scene: bpy.types.Scene, folder: RunFolder) -> dict[str, list[str]]:
    from ...pipeline.errors import ConsistencyError

    try:
        return staleness.stale_angles(folder, scene_settings.to_settings(scene))
    except ConsistencyError:
        return {}


def money(folder: RunFolder) -> None:
    from ...pipeline.money.ledger import Ledger

    ledger, now = Ledger.read([folder.root]), status.of()
    now.quoted, now.billed, now.uncertain = ledger.quoted_usd, ledger.billed_usd, ledger.uncertain_usd


def jobs_of_journal(folder: RunFolder) -> None:
    """The purchases of a run that is not active, as its journal tells."""
    from ...pipeline.run.attempt import NextStep

    states = {  # what comes next of a purchase → how its job stands
        NextStep.DONE: JobState.DONE,
        NextStep.WAIT: JobState.RUNNING,
        NextStep.FETCH: JobState.SAVING,
        NextStep.RETRY: JobState.FAILED,
        NextStep.STUCK: JobState.FAILED,
        NextStep.UNCERTAIN: JobState.UNCERTAIN,
    }
    shown = status.of().jobs
    known = {job.name for job in shown}
    for key, attempts in folder.read_journal().purchases.by_key.items():
        if key in known:
            continue
        last = attempts[-1]
        item = shown.add()
        item.name, item.stage, item.angle, item.take = key, last.stage, last.angle or "", last.take
        item.state = states[last.next_step]
        item.log = last.failure_message
        item.elapsed = last.seconds() or 0.0 if last.ended_at else 0.0
        item.quoted = last.quoted_usd
        item.billed = -1.0 if last.billed_usd is None else last.billed_usd
        item.request_id = last.request_id or ""


def jobs(run: ActiveRun) -> None:
    shown = status.of().jobs
    by_name = {item.name: item for item in shown}
    for job in run.backend.jobs.values():
        item = by_name.get(job.key)
        if item is None:
            item = shown.add()
            item.name, item.stage, item.angle, item.take = job.key, job.stage, job.angle, job.take
        _show_job(item, job)


def _show_job(item: Any, job: Job) -> None:
    item.state, item.log = job.state, job.log
    item.elapsed = job.elapsed
    item.fraction = -1.0 if job.fraction is None else job.fraction
    item.queue_position = -1 if job.queue_position is None else job.queue_position
    item.request_id = job.request_id
    item.quoted = job.quoted_usd or 0.0
    item.billed = -1.0 if job.billed_usd is None else job.billed_usd


def progress(run: ActiveRun) -> None:
    """What is going on, each tick."""
    now = status.of()
    now.running, now.cancelling = not run.ended, run.cancelling
    now.run_folder = str(run.folder.root)
    now.backend = run.backend.name
    if run.progress is not None:
        now.stage = run.progress.stage
        now.text, now.fraction = run.outlook.line, run.outlook.fraction
    stages(run.folder)
    jobs(run)


def what_is_there(run: ActiveRun) -> tuple[Any, ...]:
    """Differs as soon as a picture or the clip has come to disk, or another take is shown."""
    ended = sum(job.ended is not None for job in run.backend.jobs.values())
    return run.folder.rendered, tuple(run.folder.all_chosen.items()), ended


def history() -> None:
    """Earlier runs in the folder where new ones are kept, newest first."""
    from ...pipeline.run.run_folder import RunFolder

    shown = status.of().history
    shown.clear()
    home = run_request.runs_home()
    found = (
        sorted(home.glob("*/run.json"), key=lambda path: path.stat().st_mtime, reverse=True) if home.is_dir() else []
    )
    for path in found[:50]:
        made = RunFolder.made(path.parent)
        if made is None:
            continue
        created, backend = made
        item = shown.add()
        item.name, item.path = path.parent.name, str(path.parent)
        item.note = f"{created[:16].replace('T', ' ')}, {backend}"


def costs(scene: bpy.types.Scene, estimate: Any) -> None:
    now = status.of()
    now.stays_behind = getattr(estimate, "stays_behind", "")
    now.estimated = what_is_estimated(scene)
    now.costs.clear()
    for line in estimate.lines:
        item = now.costs.add()
        item.name, item.endpoint = line.key, line.endpoint
        item.usd = -1.0 if line.quoted_usd is None else line.quoted_usd
        item.note = line.amount
    if estimate.retakes:
        item = now.costs.add()
        item.name, item.usd, item.note = "retakes, at most", estimate.retakes, ""
    if estimate.opinions:
        item = now.costs.add()
        item.name, item.usd, item.note = "second opinions, at most", estimate.opinions, ""
    now.estimate = estimate.most
    now.estimate_unknown = ", ".join(endpoint_names.name_of(endpoint) for endpoint in estimate.unknown)
    now.estimate_doubts = "\n".join(estimate.doubts)


def what_is_estimated(scene: bpy.types.Scene) -> str:
    """The settings and the run that an estimate is about; empty where the settings make no sense."""
    from ...pipeline.errors import ConsistencyError

    try:
        return f"{scene.consistency.run_folder} {scene_settings.to_settings(scene).model_dump_json()}"
    except ConsistencyError:
        return ""


def estimate_holds(context: Context) -> bool:
    """There is an estimate, and neither a setting nor the run has changed since."""
    now = status.of(context)
    return now.estimate >= 0 and now.estimated == what_is_estimated(context.scene)
