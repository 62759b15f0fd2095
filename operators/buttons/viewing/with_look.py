# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the run's stills lend their look to beside the clip: a still of what the viewport shows, and the model itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ....pipeline.driver import finish
from ....pipeline.errors import ConsistencyError
from ...display import reasons, status
from ...runs.run_request import folder_of
from ..operator_base import Button, TimedModal, say_error

if TYPE_CHECKING:
    from bpy.types import Context, Event

    from ....pipeline.stages import Steps
    from ....studio.photoreal_model import Written
    from ....studio.view_picture import Taken, View


class _WithLook(TimedModal, Button):
    """Makes something of the run's stills and the product as it stands, while the window goes on; Esc ends it."""

    error_at = "results"

    _steps: Any = None

    @classmethod
    def why_not(cls, context: Context) -> str | None:
        return reasons.busy(context) or reasons.no_run(context) or reasons.no_product() or reasons.blender_renders()

    def steps(self, context: Context) -> Steps[Any]:
        """What is done. Raises ConsistencyError for what can't be."""
        raise NotImplementedError

    def told(self, made: Any) -> None:
        raise NotImplementedError

    def act(self, context: Context) -> None:
        self.told(finish(self.steps(context)))

    def invoke(self, context: Context, _event: Event) -> set[str]:
        try:
            self._steps = self.steps(context)
        except ConsistencyError as error:
            say_error(self, error, self.error_at)  # type: ignore[arg-type]
            return {"CANCELLED"}
        status.of(context).taking = "beginning"
        return self.start_timer(context)

    def modal(self, context: Context, event: Event) -> set[str]:
        if event.type == "ESC":
            self.cancel(context)
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        now = status.of(context)
        try:
            said = next(self._steps)
        except StopIteration as done:
            self._end(context)
            self.told(done.value)
            return {"FINISHED"}
        except ConsistencyError as error:
            self._end(context)
            say_error(self, error, self.error_at)  # type: ignore[arg-type]
            return {"CANCELLED"}
        if said is not None and now.taking != said.text:
            now.taking = said.text
            status.redraw()
        return {"PASS_THROUGH"}

    def cancel(self, context: Context) -> None:
        if self._steps is not None:
            self._steps.close()
        self._end(context)

    def _end(self, context: Context) -> None:
        status.of(context).taking = ""
        self.stop_timer(context)


class CONSISTENCY_OT_take_picture(_WithLook, bpy.types.Operator):
    """Make a finished still of what this view shows, with the look of the stills that are on model; nothing is bought"""

    bl_idname = "consistency.take_picture"
    bl_label = "Take a Picture from Here"
    bl_options = {"REGISTER"}

    def steps(self, context: Context) -> Steps[Taken]:
        return _taken(context)

    def told(self, made: Taken) -> None:
        look = f", with the look of {', '.join(made.look_of)}; they see {made.seen:.0%} of it" if made.look_of else ", as the model is"  # fmt: skip
        self.report({"INFO"}, f"{made.picture} is there{look}")


class CONSISTENCY_OT_export_photoreal(_WithLook, bpy.types.Operator):
    """Write the model with the stills' look in its base colour to model/photoreal.glb, and show it beside the product; nothing is bought"""

    bl_idname = "consistency.export_photoreal"
    bl_label = "Export with the Look"
    bl_options = {"REGISTER"}

    def steps(self, context: Context) -> Steps[Written]:
        return _exported(context)

    def told(self, made: Written) -> None:
        from ....studio.photoreal_model import show_beside

        show_beside(made.file)
        self.report({"INFO"}, f"{made.file} is there; {'; '.join(made.losses)}")


def _taken(context: Context) -> Steps[Taken]:
    """The steps to the picture, with a worker that is closed in the end. Raises ConsistencyError."""
    from ....studio.image_worker import ImageWorker
    from ....studio.rendering import devices
    from ....studio.view_picture import take_picture

    view, folder = _view(context), folder_of(context.scene)
    device = devices.find(folder.settings.studio.device)

    def steps() -> Steps[Taken]:
        worker = ImageWorker()
        try:
            return (yield from take_picture(folder, view, device, worker))
        finally:
            worker.close()

    return steps()


def _exported(context: Context) -> Steps[Written]:
    """The steps to the model, with a worker that is closed in the end. Raises ConsistencyError."""
    from ....studio.image_worker import ImageWorker
    from ....studio.photoreal_model import export_photoreal

    folder = folder_of(context.scene)

    def steps() -> Steps[Written]:
        worker = ImageWorker()
        try:
            return (yield from export_photoreal(folder, worker))
        finally:
            worker.close()

    return steps()


def _view(context: Context) -> View:
    """What the viewport shows; through a camera, and without a viewport, what the scene's camera does. Raises BadInput."""
    from ....pipeline.errors import BadInput
    from ....studio.view_picture import View

    space: Any = context.space_data
    seen = space.region_3d if space is not None and space.type == "VIEW_3D" else None
    if seen is not None and seen.view_perspective != "CAMERA":
        window = seen.window_matrix
        half = (1.0 / window[0][0], 1.0 / window[1][1])
        return View(seen.view_matrix.inverted(), half, is_flat=seen.view_perspective == "ORTHO")
    camera = context.scene.camera
    if camera is None:
        raise BadInput("there is no view to take a picture from; press the button in a 3D viewport")
    render = context.scene.render
    frame = camera.calc_matrix_camera(
        context.evaluated_depsgraph_get(), x=render.resolution_x, y=render.resolution_y,
        scale_x=render.pixel_aspect_x, scale_y=render.pixel_aspect_y,
    )  # fmt: skip
    half = (1.0 / frame[0][0], 1.0 / frame[1][1])
    return View(camera.matrix_world.copy(), half, is_flat=camera.data.type == "ORTHO")


CLASSES = (CONSISTENCY_OT_take_picture, CONSISTENCY_OT_export_photoreal)
