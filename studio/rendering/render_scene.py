# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A scene of our own to render from.

It shows the product, the lights and the backdrop of the open file and nothing else of it. So the artist's scene, its
render settings, view layers, visibility and selection are never touched, and there is nothing to restore but this
scene itself, which is removed.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import bpy
from bpy.types import Object, Scene

from ...pipeline import names
from ...pipeline.errors import BadRender, Cancelled, ConsistencyError, RunFolderError
from ...pipeline.sentences import renders_already
from ...pipeline.settings.choices import Quality as Word
from ...pipeline.settings.groups import RunSettings
from ...pipeline.stages import Progress, Stage, Steps
from .. import compat
from ..model import hold_pose, subdivide_as_made
from ..scene.collections import existing_objects
from ..scene.light_groups import keep_groups
from ..scene.preferences import preference
from ..scene.render_job import until_over, window_waits
from .devices import Device

NAME = names.RENDER_SCENE
FULL = 1 << 20  # bytes; a disk with less to spare than that has cut off what was written last
SHOWN = (names.PRODUCT, names.LIGHTING, names.BACKDROP, names.RIG)


class Quality(NamedTuple):
    """The most ``samples`` a pixel gets, the ``noise`` at which it gets no more, and how the denoiser and its guides work."""

    samples: int
    noise: float
    prefilter: Literal["FAST", "ACCURATE"]
    denoiser: Literal["FAST", "BALANCED"] = "BALANCED"


# By the pixels of the longer side: in a larger picture every detail covers more pixels, so the denoiser knows more of it
# and needs fewer samples. Thick glass in front of liquid reaches 40 dB against 2,048 samples with these
# (python -m benchmarks.references); a matt product stops long before the most. Noisy guides blur what few samples leave;
# clean ones blur what many have drawn.
FINAL = {0: Quality(1024, 0.01, "FAST"), 512: Quality(512, 0.015, "ACCURATE")}
STANDARD = {0: Quality(128, 0.03, "FAST"), 512: Quality(64, 0.05, "FAST")}
DRAFT = {0: Quality(8, 0.2, "FAST", "FAST")}
QUALITIES = {Word.DRAFT: DRAFT, Word.STANDARD: STANDARD, Word.FINAL: FINAL}


def quality(settings: RunSettings) -> Quality:
    """What the settings' pictures are rendered with, where they say no number of samples."""
    by_size = QUALITIES[settings.studio.quality]
    return by_size[max(least for least in by_size if least <= settings.studio.size)]


def render_scene(
    settings: RunSettings, device: Device, groups: Iterable[str] = (), *, catches_shadow: bool = True
) -> Scene:
    """The scene, made or brought up to date. Keep it over several pictures: Cycles then keeps the product in memory.

    ``groups``: light groups of which renders keep the share each (scene.light_groups). ``catches_shadow``: with the shadow on
    the ground, as a pass; without it the camera doesn't see the ground, which lights the product all the same.
    """
    scene = bpy.data.scenes.get(NAME) or bpy.data.scenes.new(NAME)
    shown = [bpy.data.collections[name] for name in SHOWN if name in bpy.data.collections]
    for collection in list(scene.collection.children):
        if collection not in shown:
            scene.collection.children.unlink(collection)
    for collection in shown:
        if collection.name not in scene.collection.children:
            scene.collection.children.link(collection)
    _set_up(scene, settings, device)
    _set_passes(scene.view_layers[0], catches_shadow=catches_shadow)
    keep_groups(scene.view_layers[0], list(groups))
    return scene


def _set_up(scene: Scene, settings: RunSettings, device: Device) -> None:
    hold_pose(scene)
    subdivide_as_made(scene)
    scene.world = bpy.data.worlds.get(names.WORLD)
    _set_cycles(scene, settings, device)
    _set_output(scene, settings)


def side_scene(name: str, collections: Iterable[str], settings: RunSettings, device: Device) -> Scene:
    """Another scene of ours that shows only ``collections``, lit and rendered alike, without passes. Remove it again."""
    remove_scene(name)
    scene = bpy.data.scenes.new(name)
    for each in collections:
        if each in bpy.data.collections:
            scene.collection.children.link(bpy.data.collections[each])
    _set_up(scene, settings, device)
    return scene


def colour_scene(settings: RunSettings) -> Scene:
    """The scene as far as colour goes: its view transform and its frame, without the product."""
    scene = bpy.data.scenes.get(NAME) or bpy.data.scenes.new(NAME)
    _set_output(scene, settings)
    return scene


def remove_render_scene() -> None:
    """Remove the scene; where Blender is rendering it, have that stopped first."""
    remove_scene(NAME)


def remove_scene(name: str) -> None:
    """Remove a scene of ours, where it is there; where Blender is rendering it, have that stopped first."""
    scene = bpy.data.scenes.get(name)
    if scene is None:
        return
    # What Cycles keeps for the next picture holds the scene's dependency graph, which Blender does not take down
    # with the scene: every later change of the file would read the freed scene, and some of them crash.
    if scene.render.use_persistent_data:  # not while it renders: to say so again frees what is kept, too
        scene.render.use_persistent_data = False
    if bpy.app.is_job_running("RENDER"):
        with bpy.context.temp_override(scene=scene):
            bpy.ops.scene.delete()  # of all that a script can do, this alone stops the jobs of a scene
    else:
        bpy.data.scenes.remove(scene)


def _set_cycles(scene: Scene, settings: RunSettings, device: Device) -> None:
    if str(scene.render.engine) != "CYCLES":  # setting it, even to the same, makes Blender drop all persistent renders
        scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.device = "GPU" if device.is_gpu else "CPU"
    wanted = quality(settings)
    cycles.samples = settings.studio.samples or wanted.samples
    cycles.use_adaptive_sampling = True
    cycles.adaptive_threshold = wanted.noise
    cycles.adaptive_min_samples = 0
    cycles.seed = 0
    _set_denoiser(cycles, device, wanted)
    # Glass in glass in glass, as bottles are; the defaults darken it.
    cycles.max_bounces, cycles.transmission_bounces, cycles.transparent_max_bounces = 16, 16, 16
    cycles.blur_glossy = 0.5
    cycles.sample_clamp_indirect = 10.0
    cycles.film_transparent_glass = False
    # Faster from angle to angle; but what Cycles keeps points into the file, and an artist's undo replaces the file's data.
    keep = compat.in_background()
    if scene.render.use_persistent_data != keep:
        scene.render.use_persistent_data = keep


def _set_denoiser(cycles: Any, device: Device, wanted: Quality) -> None:
    try:
        cycles.denoiser = "OPENIMAGEDENOISE"
    except TypeError:  # built without Open Image Denoise, as Debian's is: noisier, but rendered
        cycles.use_denoising = False
        return
    cycles.use_denoising = True
    cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    cycles.denoising_prefilter, cycles.denoising_quality = wanted.prefilter, wanted.denoiser
    if hasattr(cycles, "denoising_use_gpu"):
        cycles.denoising_use_gpu = device.is_gpu


def _set_output(scene: Scene, settings: RunSettings) -> None:
    render = scene.render
    render.resolution_x, render.resolution_y = settings.resolution
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
    render.film_transparent = True
    render.use_border = render.use_sequencer = render.use_compositing = False
    render.use_file_extension = False
    render.use_motion_blur = render.use_simplify = False
    compat.set_still_format(render.image_settings, "OPEN_EXR_MULTILAYER")
    render.image_settings.color_mode = "RGBA"
    render.image_settings.color_depth = "32"
    render.image_settings.exr_codec = "NONE"
    view = scene.view_settings
    scene.display_settings.display_device = "sRGB"
    try:
        view.view_transform = settings.studio.view_transform
    except TypeError:
        raise ConsistencyError(
            f"this Blender has no view transform {settings.studio.view_transform!r}; choose Standard or AgX"
        ) from None
    view.look, view.exposure, view.gamma = "None", 0.0, 1.0
    view.use_curve_mapping = False


def _set_passes(layer: bpy.types.ViewLayer, *, catches_shadow: bool) -> None:
    layer.use_pass_combined = layer.use_pass_z = layer.use_pass_normal = layer.use_pass_position = True
    layer.use_pass_diffuse_color = (
        True  # what is printed on the product, without light: tells a label from a reflection
    )
    layer.use_pass_diffuse_direct = layer.use_pass_diffuse_indirect = True  # what of the light a look may change
    # With this pass, the picture holds the product alone and its alpha is the product's own coverage; the shadow on
    # the ground comes beside it, as a factor.
    # Where the ground is not seen it is what keeps the alpha from being denoised.
    layer.cycles.use_pass_shadow_catcher = True
    backdrop = compat.layer_collection(layer).children.get(names.BACKDROP)
    if backdrop is not None:
        backdrop.indirect_only = not catches_shadow


@contextmanager
def scratch_file() -> Iterator[Path]:
    """A place for what Cycles writes, gone afterwards.

    Raises RunFolderError where it was too small: Blender says that it saved, and leaves a part of the file.
    """
    with tempfile.TemporaryDirectory(prefix="consistency-") as folder:
        try:
            yield Path(folder) / "render.exr"
        except BadRender as error:
            if shutil.disk_usage(folder).free < FULL:
                raise RunFolderError(
                    f"the temporary folder {tempfile.gettempdir()} is full; free some space, then resume"
                ) from error
            raise


def render(scene: Scene, camera: Object, out: Path, stage: Stage, text: str, angle: str | None = None) -> Steps[None]:
    """Render ``camera`` to ``out``: at once without a window, otherwise by Blender's own render job, while the window answers.

    Raises Cancelled where the user stops the render, ConsistencyError where Blender writes nothing.
    """
    yield Progress(stage, text, 0.0, angle)
    scene.camera = camera
    scene.render.filepath = str(out)
    # As an animation of one frame: a still is written even where an undo has just stopped its render, half done, or with
    # passes that have no pixels yet, at which Blender crashes.
    scene.frame_start = scene.frame_end = scene.frame_current
    written = Path(scene.render.frame_path(frame=scene.frame_current))
    with _nothing_before(camera):
        yield from run_job(scene.name, Progress(stage, text, None, angle), animation=True)
    if not written.is_file():
        raise ConsistencyError("Blender rendered nothing; look at its console for the reason, then try again")
    written.replace(out)


@contextmanager
def _nothing_before(camera: Object) -> Iterator[None]:
    """Without the ground where the camera is below it: it would hide the product, and keep all light from its underside."""
    height = camera.matrix_world.translation.z
    hidden = [thing.name for thing in existing_objects(names.BACKDROP) if height < thing.matrix_world.translation.z]
    try:
        for name in hidden:
            bpy.data.objects[name].hide_render = True
        yield
    finally:
        for name in hidden:  # by name: an undo meanwhile has made it another
            if name in bpy.data.objects:
                bpy.data.objects[name].hide_render = False


def run_job(scene_name: str, while_waiting: Progress, **options: Any) -> Steps[None]:
    """One call of Blender's render operator with ``options``: at once without a window, else as a job of Blender's own."""
    yield from until_over(while_waiting.stage, while_waiting.angle)  # it would stop the artist's render
    if compat.in_background() or window_waits():
        bpy.ops.render.render(scene=scene_name, **options)
        return
    ended: list[str] = []
    started: set[str] = set()

    def complete(*_: object) -> None:
        ended.append("complete")

    def cancelled(*_: object) -> None:
        ended.append("cancel")

    bpy.app.handlers.render_complete.append(complete)
    bpy.app.handlers.render_cancel.append(cancelled)
    try:
        # The artist's windows stay as they are. Blender asks for this when a render begins and not again, and saves the
        # preferences when it is closed, be it in the middle of the render.
        with preference("view", "render_display_type", "NONE"):
            started = set(bpy.ops.render.render("INVOKE_DEFAULT", scene=scene_name, **options))
        if "CANCELLED" in started:
            raise renders_already()
        while not ended:
            yield while_waiting
    finally:
        bpy.app.handlers.render_complete.remove(complete)
        bpy.app.handlers.render_cancel.remove(cancelled)
        if (
            "RUNNING_MODAL" in started and not ended and bpy.app.is_job_running("RENDER")
        ):  # let go of midway: Blender can't render anything else till then
            remove_scene(scene_name)
    if "cancel" in ended:
        raise Cancelled("the render was stopped")
