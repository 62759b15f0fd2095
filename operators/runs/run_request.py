# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a press of a button asks for, and the run folder that fulfils it: the one at hand, or a new one."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ...pipeline.stages import Stage
from ..editing import preferences
from ..editing.scene_settings import to_settings
from . import active_run, staleness

if TYPE_CHECKING:
    from ...pipeline.run.run_folder import RunFolder
    from ...pipeline.settings.groups import RunSettings


@dataclass(frozen=True)
class RunRequest:
    """``again``: make the last stage anew although it is there. ``angle`` narrows that to one angle.

    ``fresh``: a new run folder. ``retry_failed``: buy again what failed and may have been billed.
    ``send_again``: send again what fal.ai may have accepted without our knowing.
    """

    until: Stage = Stage.RESULTS
    again: bool = False
    angle: str = ""
    fresh: bool = False
    retry_failed: bool = False
    send_again: bool = False


def runs_home() -> Path:
    """Where new runs are kept: the preferences' folder, else beside the .blend, else the home folder."""
    own = preferences.preferences()
    if own is not None and own.folder and (bpy.data.filepath or not own.folder.startswith("//")):
        return Path(bpy.path.abspath(own.folder))
    if bpy.data.filepath:
        return Path(bpy.data.filepath).parent / "consistency-runs"
    return Path.home() / "consistency-runs"


def root_of(scene: bpy.types.Scene) -> Path | None:
    """The folder of the scene's current run, None where it has none."""
    name = scene.consistency.run_folder
    return Path(bpy.path.abspath(name)) if name else None


def folder_of(scene: bpy.types.Scene) -> RunFolder:
    """The scene's run; the active run's own object where it is active, so that both write the same record.

    Raises RunFolderError.
    """
    from ...pipeline.errors import RunFolderError
    from ...pipeline.run.run_folder import RunFolder

    root = root_of(scene)
    if root is None:
        raise RunFolderError("there is no run yet; press Run All first")
    active = active_run.current
    if active is not None and not active.ended and active.folder.root == root:
        return active.folder
    return RunFolder.open(root)


def file_word(words: str) -> str:
    """``words`` as part of a file's name on any system."""
    return re.sub(r"[^\w-]+", "-", words).strip("-")[:40] or "run"


def new_root(settings: RunSettings) -> Path:
    """A folder that is not there yet, named after what the run starts from."""
    first = Path(settings.inputs.files[0]).stem if settings.inputs.files else settings.inputs.text
    word, home, number = file_word(first), runs_home(), 1
    while (home / f"{word}-{number:03d}").exists():
        number += 1
    return home / f"{word}-{number:03d}"


def product_file(scene: bpy.types.Scene, name: str) -> Path:
    """Where objects taken as the product ``name`` are written: as before in this scene, else beside those of others."""
    word, home = file_word(name), runs_home() / "products"
    before = Path(bpy.path.abspath(scene.consistency.objects))
    if before.parent == home and re.fullmatch(rf"{re.escape(word)}(-\d+)?", before.stem):
        return before
    number, free = 2, home / f"{word}.glb"
    while free.exists():
        free, number = home / f"{word}-{number}.glb", number + 1
    return free


def matching_run(scene: bpy.types.Scene, settings: RunSettings, request: RunRequest) -> RunFolder | None:
    """The scene's run, where it is one of the same product and backend; None where a new one is needed."""
    from ...pipeline.errors import RunFolderError
    from ...pipeline.run.run_folder import RunFolder

    root = root_of(scene)
    if root is None or request.fresh or (request.again and request.until == Stage.MODEL):
        return None
    try:
        folder = RunFolder.open(root)
    except RunFolderError:
        return None
    then = folder.settings
    made_of = [
        (each.inputs.files, each.inputs.text, each.inputs.variant, each.service.backend) for each in (then, settings)
    ]
    return folder if made_of[0] == made_of[1] else None


def settings_of(scene: bpy.types.Scene, request: RunRequest) -> tuple[RunSettings, RunFolder | None]:
    """The settings to run with, seed drawn, and the run they go on with. Raises ConsistencyError with the cure."""
    from ...pipeline.plan import going_on
    from ...pipeline.run.preflight import check

    settings = to_settings(scene)
    folder = matching_run(scene, settings, request)
    if folder is not None:
        settings = going_on(settings, folder.settings)
    if settings.stills.seed is None:  # drawn once and kept: all angles share it, and going on repeats it
        seed = folder.settings.stills.seed if folder is not None else secrets.randbelow(2**31)
        settings = settings.model_copy(update={"seed": seed})
    check(settings, resuming=folder)
    return settings, folder


def prepare(folder: RunFolder, settings: RunSettings, request: RunRequest) -> list[str]:
    """Give the folder its new settings and have made anew what was asked for or has gone stale. Returns what is stale.

    Nothing is deleted: earlier takes stay beside.
    """
    from ...pipeline import plan

    folder.settings = settings
    root = staleness.own_root(folder)
    if root is not None:
        staleness.put_in_place(root)
    stale = staleness.stale_angles(folder, settings)
    for name in stale:
        folder.forget_shot(name)
    names = [angle.name for angle in settings.studio.angles if request.angle in ("", angle.name)]
    if request.again and request.until == Stage.REFERENCES:
        for name in names:
            folder.forget_shot(name)
    elif request.again and request.until == Stage.PHOTOREAL:
        for name in names:
            folder.new_round(f"photoreal/{name}")
    elif request.again and request.until == Stage.VIDEO:
        for subject in plan.clip_subjects(settings):
            folder.new_round(subject)
    return [f"{name} ({', '.join(why)})" for name, why in stale.items()]


def unsaved_copy(folder: RunFolder) -> RunFolder:
    """A copy that is never written, to see what a request would cost before it is agreed to."""
    from ...pipeline.run.run_folder import RunFolder

    class Draft(RunFolder):
        def save(self) -> None:
            pass

    return Draft.open(folder.root)
