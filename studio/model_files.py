"""Reading a product's file: glTF through Blender's importer, a .blend by appending its scene."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path

import bpy
from bpy.types import Image, Object, Scene

from ..pipeline.errors import BadInput, RunFolderError
from ..pipeline.gltf_file import check_glb
from . import compat
from .collections import ids_now, ids_since, rendered_objects


def import_gltf(path: Path, scene: Scene) -> list[Object]:
    """The objects of a .glb or .gltf, imported into ``scene``, which has to be the one shown. Raises BadInput."""
    if path.suffix.lower() == ".glb":
        unreadable = compat.unreadable_gltf_extensions(check_glb(path).extensions_required)
        if unreadable:
            raise BadInput(
                f"{path.name} needs {', '.join(unreadable)}, which this Blender can't read; "
                "export it again without compression or special extensions"
            )
    try:
        with quiet():
            bpy.ops.import_scene.gltf(filepath=str(path), disable_bone_shape=True)
    except Exception as error:  # whatever the importer throws; Blender makes a RuntimeError of most of it
        raise BadInput(f"{path.name} can't be imported ({reason(error)}); export it again as GLB") from error
    return list(scene.collection.all_objects)


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


def take_blend(path: Path, out: Path) -> None:
    """Write the scenes of the .blend at ``path`` to ``out``, with the textures that lie beside it packed.

    A plain copy would look for them beside itself. Raises BadInput, or RunFolderError where it can't be written.
    """
    before = ids_now()
    partial = out.with_name(f".{out.stem}.part.blend")
    try:
        scenes = _append_scenes(path)
        for image in ids_since(before):
            if isinstance(image, Image) and image.source == "FILE" and image.packed_file is None:
                with suppress(RuntimeError):  # missing beside the original too; loading the product says so
                    image.pack()
        out.parent.mkdir(parents=True, exist_ok=True)
        bpy.data.libraries.write(str(partial), set(scenes), compress=True)
        partial.replace(out)
    except OSError as error:
        raise RunFolderError(f"{out} could not be written ({error.strerror or error}); free some space or choose another folder") from error  # fmt: skip
    finally:
        partial.unlink(missing_ok=True)
        bpy.data.batch_remove(ids_since(before))


def _append_scenes(path: Path) -> list[Scene]:
    try:
        with bpy.data.libraries.load(str(path), link=False) as (source, target):
            target.scenes = source.scenes
    except ValueError as error:
        raise BadInput(f"{path.name} is the file that is open; take its objects as the product instead") from error
    except (OSError, RuntimeError) as error:
        raise BadInput(
            f"{path.name} can't be read as a .blend; save it again with a Blender up to this one's"
        ) from error
    return [scene for scene in target.scenes if scene is not None]


def append_blend(path: Path, notes: list[str]) -> list[Object]:
    """The objects of a .blend's first scene with meshes, in no scene yet; what renders don't show is hidden.

    Adds to ``notes`` what the user should know. Raises BadInput.
    """
    scenes = _append_scenes(path)
    with_mesh = [scene for scene in scenes if any(_has_faces(thing) for thing in scene.objects)]
    if not with_mesh:
        raise BadInput(f"{path.name} holds no mesh in any scene; save it again with the product in its scene")
    chosen = with_mesh[0]
    if len(with_mesh) > 1:
        notes.append(f"the file has {len(with_mesh)} scenes with meshes; {chosen.name!r} was taken")
    objects = list(chosen.objects)
    shown = rendered_objects(chosen.view_layers[0])
    for thing in objects:
        thing.hide_render = thing.hide_viewport = thing not in shown
    for scene in scenes:
        bpy.data.scenes.remove(scene)
    return objects


def _has_faces(thing: Object) -> bool:
    return thing.type in ("MESH", "CURVE", "SURFACE", "META", "FONT") or thing.instance_type == "COLLECTION"
