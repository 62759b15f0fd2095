"""The only place that branches on Blender's version or build. Functions are named by what they do."""

from __future__ import annotations

from collections.abc import Iterable


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
