# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a product's file: glTF through Blender's importer, a .blend by appending its scenes."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import bpy
from bpy.types import ID, Object, Scene

from ...pipeline import names
from ...pipeline.errors import BadInput
from ...pipeline.formats import gltf_shown
from ...pipeline.formats.gltf_file import check_glb
from ...pipeline.sentences import not_written
from ...pipeline.wording.names import in_words
from .. import compat
from ..scene.collections import ids_now, ids_since, remove_objects
from ..scene.file_scene import FileScene, is_part, take_scene
from .packing import Packer


def import_gltf(path: Path, scene: Scene, notes: list[str], leave_out: Collection[str] = ()) -> list[Object]:
    """What a .glb or .gltf shows, as objects in ``scene``, which has to be the one shown; without the parts named in
    ``leave_out``.

    Adds to ``notes`` what the user should know. Raises BadInput.
    """
    with tempfile.TemporaryDirectory(prefix="consistency-") as folder:
        source = path
        if path.suffix.lower() == ".glb":
            required = check_glb(path).extensions_required
            document, offset = gltf_shown.read_document(path)
            changed, said = gltf_shown.keep_shown(document, path.name, leave_out)
            notes += said
            if changed:
                source = Path(folder) / path.name
                gltf_shown.write_copy(path, document, offset, source)
                required = tuple(document.get("extensionsRequired", ()))
            unreadable = compat.unreadable_gltf_extensions(required)
            if unreadable:
                raise BadInput(
                    f"{path.name} needs {', '.join(unreadable)}, which this Blender can't read; "
                    "export it again without compression or special extensions"
                )
        try:
            with quiet():
                bpy.ops.import_scene.gltf(filepath=str(source), disable_bone_shape=True)
        except Exception as error:  # whatever the importer throws; Blender makes a RuntimeError of most of it
            raise BadInput(f"{path.name} can't be imported ({reason(error)}); export it again as GLB") from error
    return _without_empty_places(list(scene.collection.all_objects))


def _without_empty_places(objects: list[Object]) -> list[Object]:
    """Remove what is left of nodes that the file doesn't show, as far as nothing that it shows hangs on them."""
    places = {thing for thing in objects if gltf_shown.EMPTY_PLACE in thing and thing.type == "EMPTY"}
    for thing in objects:
        if thing not in places:
            above = thing.parent
            while above is not None:
                places.discard(above)
                above = above.parent
    kept = [thing for thing in objects if thing not in places]
    remove_objects(places)
    return kept


def reason(error: Exception) -> str:
    """The last that an operator said, in one line, without the traceback that it wraps around."""
    said = [line.strip() for line in str(error).splitlines() if line.strip() and not line.startswith("Location:")]
    return said[-1].removeprefix("Error: ")[:200] if said else type(error).__name__


@contextmanager
def quiet() -> Iterator[None]:
    """Blender's importer and exporter report their progress as log records, once more with each import, and what they
    throw is printed as well; errors come as exceptions."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            yield
    finally:
        logging.disable(before)


def take_blend(path: Path, out: Path, show: Callable[[list[ID]], None] = lambda _: None) -> None:
    """Write the scenes of the .blend at ``path`` to ``out``, with what lies beside it packed or left out.

    A plain copy would look for that beside itself. ``show`` may change what the scenes brought before they are written. Raises
    BadInput, or RunFolderError where it can't be written.
    """
    before = ids_now()
    partial = out.with_name(f".{out.stem}.part.blend")
    try:
        scenes = append_scenes(path)
        active = _active(path, scenes)
        for name, scene in scenes.items():  # beside the open file's they may have other names
            scene[names.FILE_NAME], scene[names.SCENE_NAME] = path.name, name
            if scene == active:  # a file that scenes are written to doesn't say which of them it opens with
                scene[names.ACTIVE] = True
        show(ids_since(before))
        Packer(path, out.parent).pack(ids_since(before), list(scenes.values()))
        out.parent.mkdir(parents=True, exist_ok=True)
        bpy.data.libraries.write(str(partial), set(scenes.values()), compress=True)
        partial.replace(out)
    except OSError as error:
        raise not_written(out, error) from error
    finally:
        partial.unlink(missing_ok=True)
        bpy.data.batch_remove(ids_since(before))


def append_scenes(path: Path) -> dict[str, Scene]:
    """The scenes of a .blend by the names that they have there. Raises BadInput."""
    try:
        with bpy.data.libraries.load(str(path), link=False) as (source, target):
            names_there = list(source.scenes)
            target.scenes = source.scenes
    except ValueError as error:
        raise BadInput(f"{path.name} is the file that is open; take its objects as the product instead") from error
    except (OSError, RuntimeError) as error:
        raise BadInput(
            f"{path.name} can't be read as a .blend; save it again with a Blender up to this one's"
        ) from error
    pairs = [(name, scene) for name, scene in zip(names_there, target.scenes, strict=True) if isinstance(scene, Scene)]
    return {scene.get(names.SCENE_NAME, name): scene for name, scene in pairs}


def _active(path: Path, scenes: dict[str, Scene]) -> Scene | None:
    """The scene that the file opens with and renders; None where it doesn't say."""
    marked = next((scene for scene in scenes.values() if names.ACTIVE in scene), None)
    return marked or scenes.get(compat.active_scene_name(path) or "")


def append_blend(path: Path, notes: list[str], leave_out: Collection[str] = ()) -> FileScene:
    """What a render of a .blend's active scene shows, in no scene yet; without the parts named in ``leave_out``.

    Adds to ``notes`` what the user should know. Raises BadInput.
    """
    before = ids_now()
    scenes = append_scenes(path)
    file = next((scene[names.FILE_NAME] for scene in scenes.values() if names.FILE_NAME in scene), path.name)
    with_parts = [name for name, scene in scenes.items() if any(is_part(thing) for thing in scene.objects)]
    if not with_parts:
        raise BadInput(f"{file} holds no mesh in any scene; save it again with the product in its scene")
    chosen = _active(path, scenes) or scenes[with_parts[0]]
    called = next(name for name, scene in scenes.items() if scene == chosen)
    if called not in with_parts:
        raise BadInput(
            f"{file} opens with the scene {called!r}, which holds no mesh; "
            f"save it again with {in_words([repr(name) for name in with_parts], 'or')} as the open scene"
        )
    if len(with_parts) > 1:
        notes.append(f"the file has {len(with_parts)} scenes with meshes; {called!r} was taken")
    found = take_scene(chosen, file, ids_since(before), notes, leave_out)
    for scene in scenes.values():
        bpy.data.scenes.remove(scene)
    return found
