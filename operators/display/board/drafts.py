# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drafts for the board: all angles with few samples, then in the quality that is set, while nothing else is asked of them.

They lie in a folder of their own, and no run knows of them: nothing can be bought from a draft.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ....pipeline import names
from ....pipeline.errors import ConsistencyError
from ....pipeline.stages import Progress
from ...editing import scene_settings
from ...runs.active_run import scene_of
from . import overlay, sources

if TYPE_CHECKING:
    from ....pipeline.backend.ports import Shot
    from ....pipeline.settings.groups import RunSettings
    from ....pipeline.stages import Steps

SIDE = 512  # pixels of a draft's longer side where there is no GPU, at most
_folder: str | None = None
_count = 0
_undone = False


def was_undone() -> bool:
    """An undo stopped the drafts: Blender's data were replaced under them."""
    return _undone


def undone() -> None:
    global _undone
    _undone = True


def render(scene: bpy.types.Scene, *, refine: bool = True) -> Steps[None]:
    """Render all angles of ``scene`` as drafts, then, to ``refine``, in the settings' own quality. Begins anew where a light or
    an angle is changed meanwhile. Raises ConsistencyError."""
    global _undone
    from ....pipeline.run.preflight import check_light_files
    from ....pipeline.settings.choices import Quality

    _undone, uid = False, scene.session_uid
    wanted = scene_settings.to_settings(scene)
    check_light_files(wanted)
    if not _stands():
        from ....studio import rig

        yield from rig.place_rig(wanted)
    else:  # as a run begins: what was deleted comes back
        from ....studio import lighting, model

        lighting.place_lighting(wanted, model.product_points())
    qualities = [Quality.DRAFT, *([wanted.studio.quality] if refine else [])]
    for quality in dict.fromkeys(qualities):
        done = False
        while not done:
            wanted = scene_settings.to_settings(_there(uid))
            done = yield from _all_angles(uid, wanted, quality, stop=quality != Quality.DRAFT)
            if not done and quality != Quality.DRAFT:
                return


def _all_angles(uid: int, wanted: RunSettings, quality: str, *, stop: bool) -> Steps[bool]:
    """False where something was changed meanwhile, that no mix can do; then what is left is not rendered."""
    from ....pipeline.backend.ports import Shot
    from ....pipeline.settings.choices import Quality
    from ....studio import BlenderStudio

    global _count
    _count += 1
    settings = wanted.model_copy(
        update={"quality": quality, "samples": None if quality == Quality.DRAFT else wanted.studio.samples}
    )
    studio = BlenderStudio(settings)
    if quality == Quality.DRAFT and not studio.device.is_gpu:
        settings = settings.model_copy(update={"size": min(settings.studio.size, SIDE)})
    folder = _home() / f"{_count:04d}"
    folder.mkdir()
    _tidy(folder)
    kind, added = sources.DRAFT if quality == Quality.DRAFT else sources.REFINED, _added()
    try:
        for index, angle in enumerate(settings.studio.angles):
            for said in _steps(studio.render_reference(angle, settings, folder)):
                if isinstance(said, Progress):
                    yield Progress(
                        said.stage, f"{quality} {index + 1} of {len(settings.studio.angles)}", None, angle.name
                    )
                    if stop and not _same(uid, wanted, added):
                        return False
                elif isinstance(said, Shot):
                    sources.keep_draft(_there(uid), said, kind)
                    overlay.redraw()
            if not _same(uid, wanted, added):
                return False
    finally:
        with contextlib.suppress(ReferenceError):
            studio.close()
    return True


def _steps(steps: Steps[Shot]) -> Iterator[Progress | Shot | object]:
    """What steps yield, and what they return at the end."""
    result = yield from steps
    yield result


def _added() -> dict[str, list[float]]:
    """What no mix can do of the lamps that the artist has added, by their groups."""
    from ....studio.scene.light_groups import sent_by_added_lamps

    return {name: values[3:] for name, values in sent_by_added_lamps().items()}


def _same(uid: int, wanted: RunSettings, added: dict[str, list[float]]) -> bool:
    """Nothing was changed that needs another render."""
    from ....pipeline.lighting import relit
    from ....pipeline.settings.look import look_of

    now = scene_settings.to_settings(_there(uid))
    if now.studio.angles != wanted.studio.angles or _added() != added:
        return False
    return not relit.factors(look_of(wanted), now)[1]


def _there(uid: int) -> bpy.types.Scene:
    scene = scene_of(uid)
    if scene is None:
        raise ConsistencyError("the scene of these drafts was deleted; open it again, then press Drafts")
    return scene


def _stands() -> bool:
    rigs = bpy.data.collections.get(names.RIG)
    return rigs is not None and bool(rigs.all_objects)


def _home() -> Path:
    global _folder
    if _folder is None or not Path(_folder).is_dir():
        _folder = tempfile.mkdtemp(prefix="consistency-drafts-")
    return Path(_folder)


def _tidy(folder: Path) -> None:
    """Leave nothing of earlier drafts that is shown no more."""
    for each in _home().iterdir():
        if each not in sources.kept() and each != folder:
            shutil.rmtree(each, ignore_errors=True)


def unregister() -> None:
    global _folder
    if _folder is not None:
        shutil.rmtree(_folder, ignore_errors=True)
        _folder = None
