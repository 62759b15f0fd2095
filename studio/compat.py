# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only place that branches on Blender's version or build. Functions are named by what they do."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import bpy

if TYPE_CHECKING:
    import gpu

log = logging.getLogger(__name__)


def unreadable_gltf_extensions(required: Iterable[str]) -> list[str]:
    """Those of a file's ``extensionsRequired`` that the glTF importer of this Blender can't read.

    The importer lists Draco and meshopt as known even where the build lacks the library that decodes them.
    """
    from io_scene_gltf2.io.imp.gltf2_io_gltf import glTFImporter

    known = set(glTFImporter(None, {"import_user_extensions": []}).extensions_managed)
    return [name for name in required if name not in known or not _has_decoder(name)]


def _has_decoder(extension: str) -> bool:
    bridge = {
        "KHR_draco_mesh_compression": ("bf_intern_draco_bridge", "Draco"),
        "EXT_meshopt_compression": ("bf_intern_meshopt_bridge", "MeshOptimizer"),
        "KHR_meshopt_compression": ("bf_intern_meshopt_bridge", "MeshOptimizer"),
    }.get(extension)
    if bridge is None:
        return True
    try:
        from io_scene_gltf2.io.com.library import dll_path
    except ImportError:  # before 5.2: one library, beside the importer
        from io_scene_gltf2.io.com.draco import dll_path as draco_path

        path = draco_path()
    else:
        path = dll_path(*bridge)
    return path is not None and path.is_file()


def active_scene_name(path: Path) -> str | None:
    """The scene that a .blend opens with; None where it can't be read without opening the file.

    Blender's own reader of these names needs zstandard, which a distribution's Python may lack, for compressed files.
    """
    try:
        from blend_render_info import read_blend_rend_chunk

        found = read_blend_rend_chunk(str(path))
    except Exception as error:  # noqa: BLE001 - of a damaged file it raises what it happens to, and so does zstandard
        log.debug("%s does not say which scene it opens with: %s", path, error)
        return None
    return found[0][2] if found else None


def online_access() -> bool:
    """Whether Blender allows the network. Blender as a Python module has no such switch: there the shell decides."""
    return bpy.app.module or bpy.app.online_access


def online_cure() -> str:
    """How the user turns online access on; started with --offline-mode, no preference can."""
    if bpy.app.online_access_override:
        return "start Blender without --offline-mode (or with --online-mode)"
    return "turn on Preferences > System > Network > Allow Online Access, or start Blender with --online-mode"


def layer_collection(layer: bpy.types.ViewLayer) -> bpy.types.LayerCollection:
    """The layer's own view of the scene's collections. Since Blender 5 a layer of a new scene has none until something else of it
    is asked for."""
    layer.active_layer_collection  # noqa: B018 - asking is what counts
    return layer.layer_collection


def set_still_format(settings: bpy.types.ImageFormatSettings, file_format: str) -> None:
    """``file_format`` for single pictures; since 5.0 the kind of media has to be said first."""
    if hasattr(settings, "media_type"):
        settings.media_type = "MULTI_LAYER_IMAGE" if file_format == "OPEN_EXR_MULTILAYER" else "IMAGE"
    settings.file_format = file_format


def set_video_format(settings: bpy.types.ImageFormatSettings) -> None:
    """FFmpeg output; since 5.0 the kind of media has to be said first."""
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    else:
        settings.file_format = "FFMPEG"


def curves(action: bpy.types.Action) -> list[bpy.types.FCurve]:
    """All curves of an action: in layers since 4.4, and there alone since 5.0."""
    bags = [bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags]
    return [curve for bag in bags for curve in bag.fcurves] or list(getattr(action, "fcurves", ()))


def strips(editor: bpy.types.SequenceEditor) -> bpy.types.bpy_prop_collection:
    """The strips of a sequencer, which were called sequences before 5.0."""
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def sequencer_scene(context: bpy.types.Context) -> bpy.types.Scene:
    """The scene whose strips the sequencers show: since 5.0 each workspace may have one of its own."""
    return getattr(context.workspace, "sequencer_scene", None) or context.scene


def strip_length(strip: bpy.types.Strip) -> int:
    """Frames that a strip is shown."""
    return strip.duration if hasattr(strip, "right_handle") else strip.frame_final_duration


def set_strip_length(strip: bpy.types.Strip, frames: int) -> None:
    if hasattr(strip, "right_handle"):  # since 5.1
        strip.right_handle = strip.left_handle + frames
    else:
        strip.frame_final_duration = frames


def is_packed_library(library: bpy.types.Library) -> bool:
    """Whether what comes from the library lies in the open file itself; since 5.0 linked data can be packed."""
    return bool(getattr(library, "is_archive", False)) or library.packed_file is not None


def has_view_transform(name: str) -> bool:
    """Whether the colour configuration knows a view transform."""
    view = bpy.context.scene.view_settings
    before = view.view_transform
    try:
        view.view_transform = name
    except TypeError:
        return False
    view.view_transform = before
    return True


def subdivides_adaptively(scene: bpy.types.Scene) -> bool:
    """Whether renders of the scene subdivide as finely as its objects ask for; before 5.0 that was experimental."""
    return getattr(scene.cycles, "feature_set", "EXPERIMENTAL") == "EXPERIMENTAL"


def set_adaptive_subdivision(scene: bpy.types.Scene, *, on: bool) -> None:
    if hasattr(scene.cycles, "feature_set"):
        scene.cycles.feature_set = "EXPERIMENTAL" if on else "SUPPORTED"


def picture_shader() -> gpu.types.GPUShader:
    """Draws a picture in the colours that its file has. Image textures are scene linear; builds that lack the shader that
    turns them back show them as they are."""
    import gpu

    try:
        return gpu.shader.from_builtin("IMAGE_SCENE_LINEAR_TO_REC709_SRGB")
    except ValueError:
        return gpu.shader.from_builtin("IMAGE")


def open_image_io() -> ModuleType | None:
    """OpenImageIO, which Blender brings along; None where a build of it lacks it.

    As a Python module Blender has it beside itself, where Python doesn't look.
    """
    try:
        return import_module("OpenImageIO")
    except ImportError:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        beside = Path(bpy.utils.resource_path("LOCAL"), "python", "lib", version, "site-packages")
        if not bpy.app.module or str(beside) in sys.path:
            return None
        sys.path.append(str(beside))  # last: nothing else there is ever found before what is installed
        return open_image_io()


def in_background() -> bool:
    """No window: renders block, timers don't run and the GPU can't be drawn with."""
    return bpy.app.background


def second_blender(script: Path) -> list[str]:
    """The command that runs ``script`` in a Blender without a window.

    It only works: the user's add-ons, network, sound and start-up file are nothing to it.
    """
    if bpy.app.module:
        return [sys.executable, "-I", str(script)]
    quiet = ["--background", "--factory-startup", "--offline-mode", "-noaudio"]
    return [bpy.app.binary_path, *quiet, "--python-exit-code", "1", "--python", str(script)]


def empty_file() -> None:
    """An empty file in place of the start-up one. The user's preferences and enabled add-ons stay."""
    bpy.ops.wm.read_homefile(use_empty=True)


def save_copy(path: Path) -> None:
    """All that is open, as a file beside; the open one stays what it is."""
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, relative_remap=False, compress=False)


def open_file(path: Path) -> None:
    """A file in place of the open one; the interface stays."""
    bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False)
