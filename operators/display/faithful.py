# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The slider from as it came to faithful: a draft in compare while it is dragged, and a take of its own once it rests.

A draft is made here, at half the size, in steps that a window doesn't feel; the take in the second Blender, at its own size,
and measured there. Nothing is bought.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ...pipeline.errors import ConsistencyError
from ...pipeline.stages import Stage
from ..editing import scene_settings
from ..runs import active_run, run_request
from . import reasons, refresh, status

if TYPE_CHECKING:
    from ...pipeline.backend.ports import Shot
    from ...pipeline.gate.scoring.faithful import Ground
    from ...pipeline.gate.scoring.pixels.arrays import Array
    from ...pipeline.gate.scoring.reference import Reference
    from ...pipeline.run.run_folder import RunFolder
    from ...pipeline.stages import Steps
    from ...studio import BlenderStudio

TICK = 0.03  # seconds between two steps
REST = 0.6  # seconds that the slider rests before what it shows is kept
SIDE = 512  # pixels of a draft's longer side, at most


class Draft:
    """One still and its render, small, for as long as its slider is moved."""

    def __init__(self, angle: str) -> None:
        self.angle = angle
        self.shown = -1.0  # the share that is drawn
        self._ground: Ground | None = None
        self._still: Array | None = None
        self._has_print = True

    @property
    def is_ready(self) -> bool:
        return self._ground is not None

    def prepare(self, folder: RunFolder) -> Iterator[None]:
        """Read what it needs, a file in each step."""
        from ...pipeline.gate.by_hand import source_of
        from ...pipeline.gate.scoring.faithful import Ground
        from ...pipeline.gate.scoring.measures import edges, label
        from ...pipeline.gate.scoring.pixels.placement import Similarity
        from ...pipeline.gate.scoring.pixels.unwarp import unwarp
        from ...pipeline.gate.scoring.reference import as_picture

        source, shot = source_of(folder, self.angle), folder.shot(self.angle)
        if source is None or shot is None:
            return
        self._has_print = folder.settings.gate.faithful_print
        reference = yield from _small_reference(shot)
        height, width = reference.mask.shape
        still = as_picture(_load(folder.take(self.angle, source.take)), height, width)
        yield
        if source.outcome is not None:
            pose = source.pose
            factor = max(height, width) / max(folder.settings.resolution)
            still = unwarp(still, Similarity(pose.dx, pose.dy, pose.scale, pose.rotation, pose.pivot).at_size(factor))
            yield
        geometry = edges.geometry_edges(reference)
        yield
        printed = label.find(reference, geometry)
        yield
        self._ground, self._still = Ground.of(reference, printed), still

    def draw(self, share: float) -> None:
        """Write it, and have Blender show what was written."""
        from ...studio.rendering import passes

        if self._ground is None or self._still is None:
            return
        file = _folder() / f"{self.angle}.png"
        passes.save(file, self._ground.at(self._still, share, has_print=self._has_print))
        bpy.data.images.load(str(file), check_existing=True).reload()
        now = status.of()
        now.draft, now.draft_of = str(file), self.angle
        self.shown = share
        status.redraw(pictures=True)


def _small_reference(shot: Shot) -> Generator[None, None, Reference]:
    """The reference at SIDE, with the passes that a draft needs; a file in each step."""
    import numpy as np

    from ...pipeline.formats import exr
    from ...pipeline.gate.scoring.pixels.arrays import shrink
    from ...pipeline.gate.scoring.reference import Reference

    pictures = {}
    for name in ("image", "mask", "surface"):
        if name in shot.files and shot.files[name].is_file():
            pictures[name] = _load(shot.files[name])
            yield
    factor = max(1, -(-max(pictures["mask"].shape[:2]) // SIDE))
    height, width = (side // factor for side in pictures["mask"].shape[:2])
    planes = {}
    for name, channels in (("normal", "RGB"), ("depth", "Y")):
        read = exr.read(shot.files[name])
        planes[name] = np.stack([read[c][::factor, ::factor][:height, :width] for c in channels], axis=-1)
        yield
    small = {name: shrink(picture[..., :3], factor) for name, picture in pictures.items()}
    return Reference(
        small["image"],
        small["mask"][..., 0],
        depth=planes["depth"][..., 0],
        normal=planes["normal"],
        surface=small.get("surface"),
    )


def _load(path: Path) -> Array:
    from ...studio.rendering import passes

    return passes.load(path)


class Keeping:
    """A take on its way. The second Blender is kept for the next one, until the slider has come to rest."""

    def __init__(self, scene: bpy.types.Scene) -> None:
        self._scene = scene.session_uid
        self._studio: BlenderStudio | None = None
        self._steps: Steps[None] | None = None
        self.angle, self.share = "", 0.0

    @property
    def is_busy(self) -> bool:
        return self._steps is not None

    def begin(self, folder: RunFolder, angle: str, share: float) -> None:
        from ...studio import BlenderStudio

        self._studio = self._studio or BlenderStudio(folder.settings)
        self.angle, self.share = angle, share
        self._steps = self._made(folder, self._studio, angle, share)

    def _made(self, folder: RunFolder, studio: BlenderStudio, angle: str, share: float) -> Steps[None]:
        """The take, shown and told; then the contact sheet of what is told."""
        from ...pipeline.gate.by_hand import make_faithful
        from ...pipeline.results import tell_again

        yield from make_faithful(folder, studio, angle, share, lambda: run_request.folder_of(self.scene))
        folder = run_request.folder_of(self.scene)
        tell_again(folder)
        _show(self.scene, angle, folder)
        if folder.contact_sheet.is_file() and folder.report.is_file():
            yield from studio.redraw_contact_sheet(folder)

    @property
    def scene(self) -> bpy.types.Scene:
        scene = active_run.scene_of(self._scene)
        if scene is None:
            raise ConsistencyError("the scene of this run was deleted; open the run again under Jobs, Earlier Runs")
        return scene

    def step(self) -> bool:
        """True once the take is there. Raises ConsistencyError."""
        assert self._steps is not None
        try:
            said = next(self._steps)
            status.of().making = f"{said.text[:1].upper()}{said.text[1:]}"
        except StopIteration:
            self._end()
            return True
        except BaseException:
            self._end()
            raise
        return False

    def _end(self) -> None:
        self._steps = None
        status.of().making = ""

    def close(self) -> None:
        if self._steps is not None:
            self._steps.close()
        self._end()
        if self._studio is not None:
            self._studio.close()
            self._studio = None


_drafts: Draft | None = None
_preparing: Iterator[None] | None = None
_keeping: Keeping | None = None
_moved_at = 0.0
_stood: dict[tuple[int, str], tuple[str, float]] = {}  # where each slider that was moved stood last, in which run
_slid: tuple[int, str] | None = None  # the scene's session_uid and the angle whose slider was moved last
_scratch: str | None = None


def _folder() -> Path:
    global _scratch
    if _scratch is None:
        _scratch = tempfile.mkdtemp(prefix="consistency-draft-")
    return Path(_scratch)


def slid(scene: bpy.types.Scene, angle: str) -> None:
    """An angle's slider was moved."""
    global _moved_at, _slid
    if why_not(scene, angle) is not None:
        return
    _moved_at, _slid = time.monotonic(), (scene.session_uid, angle)
    _stood[_slid] = _stands(scene, angle)
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK)


def undone(scene: bpy.types.Scene) -> None:
    """Undo, or redo, moved a slider without telling: the still follows it, as after a hand's move. Nothing is bought."""
    for (uid, name), (run, stood) in list(_stood.items()):
        if uid == scene.session_uid and name in scene.consistency.angles:
            of, stands = _stands(scene, name)
            if of == run and stands != stood:
                slid(scene, name)


def _stands(scene: bpy.types.Scene, angle: str) -> tuple[str, float]:
    return scene.consistency.run_folder, scene.consistency.angles[angle].own_faithful


def why_not(scene: bpy.types.Scene, angle: str) -> str | None:
    """Why an angle's slider makes nothing now, in a sentence; None where it does. Reads no file."""
    now = status.of()
    if now.running:
        return reasons.BUSY
    if not scene.consistency.run_folder:
        return reasons.NO_RUN
    shot = next((shot for shot in now.shots if shot.name == angle), None)
    if shot is None or not shot.still:
        return reasons.NO_STILL
    return shot.no_dial or None


def keep_now(scene: bpy.types.Scene, angle: str) -> None:
    """Make the take without waiting: for scripts. Raises ConsistencyError."""
    keeping = Keeping(scene)
    try:
        keeping.begin(run_request.folder_of(scene), angle, share_at(scene, angle))
        while not keeping.step():
            pass
    finally:
        keeping.close()


def share_at(scene: bpy.types.Scene, angle: str) -> float:
    return round(float(scene.consistency.angles[angle].faithful) / 100.0, 3)


def _tick() -> float | None:
    """One step of whatever there is to do; None: nothing is left."""
    global _slid
    scene = active_run.scene_of(_slid[0]) if _slid is not None else None
    if _slid is None or scene is None or _slid[1] not in scene.consistency.angles or status.of().running:
        forget()
        return None
    angle = _slid[1]
    try:
        return _step(scene, angle)
    except ConsistencyError as error:
        now = status.of()
        now.error, now.error_at, now.details = str(error), Stage.PHOTOREAL, str(error)
        forget()
        status.redraw(pictures=True)
        return None
    except BaseException:
        forget()
        raise


def _step(scene: bpy.types.Scene, angle: str) -> float | None:
    global _keeping
    share = share_at(scene, angle)
    if status.of().comparing == angle and _draft_step(scene, angle, share):
        return TICK
    if _keeping is not None and _keeping.is_busy:
        if _keeping.step() and (_keeping.angle, _keeping.share) == (angle, share):
            forget()
            return None
        return TICK
    if time.monotonic() < _moved_at + REST:
        return TICK
    _keeping = _keeping or Keeping(scene)
    _keeping.begin(run_request.folder_of(scene), angle, share)
    status.redraw()
    return TICK


def _draft_step(scene: bpy.types.Scene, angle: str, share: float) -> bool:
    """A step towards the draft of ``share``; False where it is drawn already."""
    global _drafts, _preparing
    if _drafts is None or _drafts.angle != angle:
        _drafts = Draft(angle)
        _preparing = _drafts.prepare(run_request.folder_of(scene))
    if _preparing is not None:
        if next(_preparing, _preparing) is _preparing:
            _preparing = None
        return True
    if _drafts.is_ready and _drafts.shown != share:
        _drafts.draw(share)
        return True
    return False


def _show(scene: bpy.types.Scene, angle: str, folder: RunFolder) -> None:
    """The take in place of the draft."""
    for image in bpy.data.images:
        if image.filepath and Path(bpy.path.abspath(image.filepath)) == folder.still(angle):
            image.reload()
    now = status.of()
    if now.draft_of == angle:
        now.draft = now.draft_of = ""
    refresh.everything(scene, folder)
    status.redraw(pictures=True)


def follow_take(scene: bpy.types.Scene, folder: RunFolder, angle: str) -> None:
    """The slider of an angle to what its shown take is, after another one was chosen."""
    from ...pipeline.gate.by_hand import share_of

    if angle in scene.consistency.angles:
        with scene_settings.live.paused():
            scene.consistency.angles[angle].own_faithful = 100.0 * share_of(folder, angle)
        _stood[(scene.session_uid, angle)] = _stands(scene, angle)


def forget() -> None:
    """Leave nothing of what was on its way; what is kept stays."""
    global _drafts, _preparing, _keeping, _slid
    if _keeping is not None:
        _keeping.close()
    _drafts = _preparing = _keeping = _slid = None
    now = status.of()
    now.draft = now.draft_of = now.making = ""


def unregister() -> None:
    global _scratch
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    forget()
    _stood.clear()
    if _scratch is not None:
        shutil.rmtree(_scratch, ignore_errors=True)
        _scratch = None
