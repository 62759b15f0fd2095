# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything a run made, in the scene: stills behind their cameras, as images and as planes; the clip in a sequencer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bpy
from bpy.types import Camera, Image, Object, Scene

from ..pipeline import names
from ..pipeline.backend.ports import Results, Task
from ..pipeline.formats import png
from ..pipeline.run.run_folder import RunFolder
from ..pipeline.sentences import not_written
from ..pipeline.settings.groups import RunSettings
from ..pipeline.stages import Progress, Stage, Steps
from . import compat
from .image_worker import ImageWorker
from .model import product_points
from .rig import camera_for
from .scene.collections import collection, existing_objects, remove_backgrounds, remove_objects, remove_unused
from .scene.preferences import preference

SEQUENCE = "Consistency Sequence"


def save_results(results: Results, settings: RunSettings, folder: Path, worker: ImageWorker) -> Steps[None]:
    """Load everything into the scene, and leave RUN/contact_sheet.png and RUN/scene.blend.

    Raises RunFolderError where they can't be written.
    """
    references = {name: shot.files["image"] for name, shot in results.shots.items()}
    yield from _draw_contact_sheet(references, results.stills, folder, worker)
    yield from load_into_scene(results)
    yield Progress(Stage.RESULTS, "saving scene.blend", 0.7)
    save_scene(folder / "scene.blend", settings)
    yield Progress(Stage.RESULTS, "scene.blend saved", 1.0)


def draw_contact_sheet_again(folder: RunFolder, worker: ImageWorker) -> Steps[None]:
    """RUN/contact_sheet.png of what report.json says by now; ``worker`` is closed in the end. Raises RunFolderError where it
    can't be written."""
    try:
        yield from redraw_contact_sheet(folder, worker)
    finally:
        worker.close()


def redraw_contact_sheet(folder: RunFolder, worker: ImageWorker) -> Steps[None]:
    shots = {angle.name: folder.shot(angle.name) for angle in folder.settings.studio.angles}
    known = {name: shot for name, shot in shots.items() if shot is not None}
    yield from _draw_contact_sheet(
        {name: shot.files["image"] for name, shot in known.items()},
        {name: folder.still(name) for name in known if folder.still(name).is_file()},
        folder.root,
        worker,
    )


def _draw_contact_sheet(
    references: dict[str, Path], stills: dict[str, Path], folder: Path, worker: ImageWorker
) -> Steps[None]:
    yield from worker.do(
        Task.CONTACT_SHEET,
        Progress(Stage.RESULTS, "contact sheet", 0.1),
        out=str(folder / "contact_sheet.png"),
        references={name: str(path) for name, path in references.items()},
        stills={name: str(path) for name, path in stills.items()},
        report=str(folder / "report.json"),
    )


def load_into_scene(results: Results) -> Steps[None]:
    """Show the results in the open scene, in place of those of an earlier time. Nothing of the artist's is changed."""
    old = existing_objects(names.RESULTS)
    materials = [slot.material for plane in old for slot in plane.material_slots if slot.material is not None]
    remove_objects(old)
    remove_unused(materials)
    planes = []
    for angle, path in results.stills.items():
        yield Progress(Stage.RESULTS, "loading into the scene", 0.4, angle)
        image = _image(f"Still {angle}", path)
        _behind_camera(camera_for(angle), image)
        planes.append(_plane(f"Still {angle}", image, png.size_of(path)))
    _set_in_a_row(planes)
    for motion, path in results.clips.items():
        yield Progress(Stage.RESULTS, "loading the clip", 0.5)
        _image(f"Clip {motion}", path)
    if results.clips:
        yield Progress(Stage.RESULTS, "a sequencer for the clip", 0.6)
        _sequence(results.clips)


def _image(name: str, path: Path) -> Image:
    """The picture or clip as a datablock of that name, read anew where it is there already."""
    image = bpy.data.images.get(name)
    if image is None:
        image = bpy.data.images.load(str(path))
        image.name = name
    else:
        image.filepath = str(path)
        image.reload()
    image.use_fake_user = True
    return image


def _behind_camera(camera: Object, image: Image) -> None:
    """The still over the render in the camera's view, half transparent, pixel on pixel."""
    assert isinstance(camera.data, Camera)
    remove_backgrounds(camera.data)
    shown = camera.data.background_images.new()
    shown.source, shown.image = "IMAGE", image
    shown.frame_method, shown.display_depth, shown.alpha = "FIT", "FRONT", 0.5
    camera.data.show_background_images = True


def _plane(name: str, image: Image, size: tuple[int, int]) -> Object:
    """An upright plane that glows with the picture, 1 m high, facing the product's front.

    ``size``: the picture's, in pixels; Blender would decode the whole file to know it.
    """
    width, height = size
    half = width / height / 2.0
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(-half, 0, 0), (half, 0, 0), (half, 0, 1), (-half, 0, 1)], [], [(0, 1, 2, 3)])
    corners = mesh.uv_layers.new(name="UVMap").data
    for corner, place in zip(corners, ((0, 0), (1, 0), (1, 1), (0, 1)), strict=True):
        corner.uv = place
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    texture, glow = tree.nodes.new("ShaderNodeTexImage"), tree.nodes.new("ShaderNodeEmission")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    texture.image = image
    tree.links.new(texture.outputs["Color"], glow.inputs["Color"])
    tree.links.new(glow.outputs[0], output.inputs["Surface"])
    mesh.materials.append(material)
    plane = bpy.data.objects.new(name, mesh)
    plane.hide_render = True  # it stands there to be looked at, not to light the next render
    collection(names.RESULTS).objects.link(plane)
    return plane


def _set_in_a_row(planes: list[Object]) -> None:
    """Side by side behind the product, as high as it is large."""
    points = product_points()
    low, high = points.min(axis=0), points.max(axis=0)
    size = float(max(high - low))
    gap = 0.1 * size
    widths = [max(vertex.co.x for vertex in plane.data.vertices) * 2.0 * size for plane in planes]
    x = float(low[0] + high[0]) / 2.0 - (sum(widths) + gap * (len(planes) - 1)) / 2.0
    for plane, width in zip(planes, widths, strict=True):
        plane.scale = (size, size, size)
        plane.location = (x + width / 2.0, float(high[1]) + 2.0 * size, float(low[2]))
        x += width + gap


def _sequence(clips: dict[str, Path]) -> Scene:
    """A scene with the clips one after another in its sequencer, at the clips' own size and rate."""
    scene = bpy.data.scenes.get(SEQUENCE)
    if scene is not None:
        bpy.data.scenes.remove(scene)
    scene = bpy.data.scenes.new(SEQUENCE)
    strips = compat.strips(scene.sequence_editor_create())
    start = 1
    for motion, path in clips.items():
        strip = strips.new_movie(f"Clip {motion}", str(path), channel=1, frame_start=start)
        element = strip.elements[0]
        scene.render.resolution_x, scene.render.resolution_y = element.orig_width, element.orig_height
        scene.render.fps = max(1, round(strip.fps)) if hasattr(strip, "fps") and strip.fps else 24
        start += compat.strip_length(strip)
    scene.frame_start, scene.frame_end = 1, max(1, start - 1)
    scene.view_settings.view_transform = "Standard"
    return scene


def save_scene(path: Path, settings: RunSettings) -> None:
    """The open file as a copy at ``path``, its textures packed and the run's files named relative to it.

    The open file keeps its own name and paths, and stays as unsaved as it was.
    """
    partial = path.with_name(f".{path.stem}.part.blend")
    try:
        # Without a thumbnail: Blender draws the viewport for it, half a second in which its window stands still.
        without_preview = preference("filepaths", "file_preview_type", "NONE")
        with _relative_to(path.parent), _as_the_references(settings), without_preview:
            bpy.ops.wm.save_as_mainfile(filepath=str(partial), copy=True, relative_remap=False, compress=True)
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        raise not_written(path, error) from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _relative_to(folder: Path) -> Iterator[None]:
    """Files of the run as //paths while saving: a run folder that is moved or sent still finds its pictures.

    All others by their whole path: the file is saved elsewhere than where the artist's own //paths lead from.
    """
    # filepath_raw: an image's filepath would be read anew with each change, and what was painted on it lost.
    holders: list[tuple[Any, str]] = [(image, "filepath_raw") for image in bpy.data.images]
    for kind in ("libraries", "fonts", "sounds", "movieclips", "cache_files", "volumes"):
        holders += [(item, "filepath") for item in getattr(bpy.data, kind)]
    sequence = bpy.data.scenes.get(SEQUENCE)
    if sequence is not None and sequence.sequence_editor is not None:
        strips = compat.strips(sequence.sequence_editor)
        holders += [(strip, "filepath") for strip in strips if strip.type == "MOVIE"]
    changed = []
    for holder, name in holders:
        before = getattr(holder, name)
        if not before or before.startswith("<") or getattr(holder, "library", None) is not None:
            continue
        path = Path(bpy.path.abspath(before))
        if path.is_relative_to(folder):
            path_then = f"//{path.relative_to(folder).as_posix()}"
        elif before.startswith("//"):
            path_then = str(path)
        else:
            continue
        setattr(holder, name, path_then)
        changed.append((holder, name, before))
    try:
        yield
    finally:
        for holder, name, before in changed:
            setattr(holder, name, before)


@contextmanager
def _as_the_references(settings: RunSettings) -> Iterator[None]:
    """The scene's frame and colours as the references have them while saving, so that numpad 0 shows render and still
    registered."""
    render, view = bpy.context.scene.render, bpy.context.scene.view_settings
    width, height = settings.resolution
    frame = {
        "resolution_x": width,
        "resolution_y": height,
        "resolution_percentage": 100,
        "pixel_aspect_x": 1.0,
        "pixel_aspect_y": 1.0,
        "use_border": False,
        "engine": "CYCLES",
        "film_transparent": True,
    }
    # A look belongs to its view transform: setting that resets the look, so it comes first.
    colours = {
        "view_transform": settings.studio.view_transform,
        "look": "None",
        "exposure": 0.0,
        "gamma": 1.0,
        "use_curve_mapping": False,
    }
    wanted = [(holder, *pair) for holder, values in ((render, frame), (view, colours)) for pair in values.items()]
    before = [(holder, name, getattr(holder, name)) for holder, name, _ in wanted]
    try:
        for holder, name, value in wanted:
            setattr(holder, name, value)
        yield
    finally:
        for holder, name, value in before:
            setattr(holder, name, value)
