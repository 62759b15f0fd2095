# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Before anything is rendered or bought: every picture that the product's materials show can be decoded.

Blender renders a picture that it can't decode as plain magenta, or as nothing at all, and says so only on its console.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
from bpy.types import Depsgraph, Image, ImageUser, Material, Mesh, Node, NodeTree, Object
from numpy.typing import NDArray

from ...pipeline import names
from ...pipeline.backend.ports import Product
from ...pipeline.errors import BadInput
from ...pipeline.formats.gltf_textures import BadTexture, unreadable_textures
from ...pipeline.formats.picture_bytes import is_cut_short, kind_of
from ...pipeline.stages import Progress, Stage, Steps
from ..scene.geometry import as_rendered, read_attribute, shown_meshes, shown_parts
from ..scene.node_trees import all_nodes
from .image_files import decodes, file_of_frame, read_file, tile_files
from .missing import GO_ON, Kind, cures, missing_parts

MOST_NAMED = 3  # in one sentence


def with_textures_checked(product: Product, root: Object, path: Path | None, allow: bool) -> Steps[Product]:
    """``product``, with what is missing of it where ``allow`` says to go on. Raises BadInput, naming material and texture.

    ``path``: the file that it came from, None for objects of the artist's own scene.
    """
    bad: list[BadTexture] = []
    if path is not None and path.suffix.lower() == ".glb":
        bad += unreadable_textures(path)
    for where, name, user_frame in _shown_images(root):
        image = bpy.data.images.get(name)
        reason = None if image is None else _problem(image, user_frame)
        if reason is not None:
            bad.append(BadTexture(where, name, reason))
        yield Progress(Stage.MODEL, "looking at textures")
    bad += _missing_tiles(root)
    bad = list({each[:2]: each for each in reversed(bad)}.values())[::-1]  # the first reason for each
    missing = _left_out_parts(root) or missing_parts(root)
    missing |= {
        f"the texture {each.texture!r} of the material {each.material!r} {each.reason}": Kind.TEXTURE for each in bad
    }
    if not missing:
        return product
    said = list(missing)
    if not allow:
        more = f", and {len(said) - MOST_NAMED} more" if len(said) > MOST_NAMED else ""
        of_file = f"{path.name}: " if path is not None else ""
        raise BadInput(f"{of_file}{'; '.join(said[:MOST_NAMED])}{more}; {cures(missing.values())}, {GO_ON}")
    notes = tuple(f"{each}; no picture of this run is called on model" for each in said)
    return replace(product, notes=(*product.notes, *notes), missing=tuple(said))


# what is shown


def _left_out_parts(root: Object) -> dict[str, Kind]:
    """What objects need that could not be taken into the run: sentence → its kind."""
    token = root.get(names.IMPORTED)
    mine = [thing for thing in bpy.data.objects if token is not None and thing.get(names.IMPORTED) == token]
    return {
        f"{thing.name!r} {thing[names.LEFT_OUT]}": Kind(thing.get(names.LEFT_OUT_KIND, Kind.TEXTURE))
        for thing in mine
        if names.LEFT_OUT in thing
    }


def _shown_images(root: Object) -> list[tuple[str, str, int]]:
    """(material, image, frame) for every picture that something shown below ``root`` reaches."""
    frame = bpy.context.scene.frame_current
    found: dict[tuple[str, str, int], None] = {}
    with as_rendered(root) as depsgraph:
        for material in _shown_materials(root, depsgraph):
            for image, user in reached_images(material):
                found[material.name, image.name, frame_of(user, frame)] = None
    return list(found)


def _shown_materials(root: Object, depsgraph: Depsgraph) -> set[Material]:
    shown: set[Material] = set()
    for instance in shown_parts(root, depsgraph):
        thing = instance.object
        own = list(getattr(thing.data, "materials", ()))
        slots = [slot.material if slot.link == "OBJECT" else None for slot in thing.material_slots]
        materials = [slots[i] if i < len(slots) and slots[i] is not None else own[i] for i in range(len(own))]
        if isinstance(thing.data, Mesh) and len(materials) > 1:
            used = read_attribute(thing.data, "material_index")
            indices = {min(int(index), len(materials) - 1) for index in set(used.tolist())} if len(used) else {0}
            materials = [materials[index] for index in indices]
        shown.update(material.original for material in materials if material is not None)
    return shown


def _missing_tiles(root: Object) -> list[BadTexture]:
    """Tiled pictures that lack a tile in which faces of the product lie: those faces would be magenta."""
    found: dict[BadTexture, None] = {}
    if not any(image.source == "TILED" for image in bpy.data.images):
        return []
    with as_rendered(root) as depsgraph:
        for mesh, _, _ in shown_meshes(root, depsgraph):
            index = read_attribute(mesh, "material_index")
            for slot, material in enumerate(mesh.materials):
                if material is None:
                    continue
                for image, user in reached_images(material.original):
                    layer = _uv_layer(mesh, material.original, user) if image.source == "TILED" else None
                    if layer is None:
                        continue
                    there = {tile.number for tile in image.tiles}
                    shown = index == slot if len(index) else np.ones(len(mesh.polygons), dtype=bool)
                    for number in sorted(_tiles_in_use(mesh, layer, shown) - there):
                        reason = f"has no tile {number}, in which the UV map {layer!r} has faces"
                        found[BadTexture(material.original.name, image.name, reason)] = None
    return list(found)


def _uv_layer(mesh: Mesh, material: Material, user: ImageUser) -> str | None:
    """The UV map that places the picture; None where other nodes stand between."""
    node = next((part for part in all_nodes(material.node_tree) if getattr(part, "image_user", None) == user), None)
    own = next((layer.name for layer in mesh.uv_layers if layer.active_render), None)
    if node is None or not node.inputs["Vector"].is_linked:
        return own
    source = node.inputs["Vector"].links[0]
    if source.from_node.type == "UVMAP":
        return source.from_node.uv_map or own
    return own if source.from_node.type == "TEX_COORD" and source.from_socket.name == "UV" else None


def _tiles_in_use(mesh: Mesh, layer: str, shown: NDArray[np.bool_]) -> set[int]:
    """Numbers of the UDIM tiles in which the middles of the ``shown`` faces lie."""
    places = read_attribute(mesh, layer)
    if len(places) != len(mesh.loops) or len(places) == 0:
        return set()
    starts = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_start", starts)
    counts = np.diff(np.r_[starts, len(places)])
    u, v = np.floor(np.add.reduceat(places, starts, axis=0) / counts[:, None])[shown].astype(int).T
    inside = (u >= 0) & (u < 10) & (v >= 0)
    return set((1001 + u + 10 * v)[inside].tolist())


def reached_images(material: Material) -> Iterator[tuple[Image, ImageUser]]:
    """The pictures behind a material's output, with how each is shown; through groups, not what is muted or unlinked."""
    tree = material.node_tree
    if tree is None:
        return
    output = tree.get_output_node("CYCLES")
    if output is not None:
        yield from _behind(tree, [output], set())


def _behind(tree: NodeTree, pending: list[Node], above: set[str]) -> Iterator[tuple[Image, ImageUser]]:
    incoming: dict[str, list[Node]] = {}
    for link in tree.links:
        if not link.is_muted and not link.to_socket.is_unavailable:
            incoming.setdefault(link.to_node.name, []).append(link.from_node)
    seen: set[str] = set()
    while pending:
        node = pending.pop()
        if node.name in seen:
            continue
        seen.add(node.name)
        pending += incoming.get(node.name, ())
        if node.mute:
            continue
        if node.type in ("TEX_IMAGE", "TEX_ENVIRONMENT") and node.image is not None:
            yield node.image, node.image_user
        inner = getattr(node, "node_tree", None)
        if inner is not None and inner.name not in above:
            outputs = [part for part in inner.nodes if part.type == "GROUP_OUTPUT" and part.is_active_output]
            yield from _behind(inner, outputs, {*above, inner.name})


def frame_of(user: ImageUser, frame: int) -> int:
    """The number of the picture that a sequence shows at the scene's ``frame`` (Blender's BKE_image_user_frame_get)."""
    if user.frame_duration == 0:
        return 0
    at = frame - user.frame_start + 1
    if user.use_cyclic:
        at = (at - 1) % user.frame_duration + 1
    return min(max(at, 1), user.frame_duration) + user.frame_offset


# whether it can be decoded


def _problem(image: Image, frame: int) -> str | None:
    """Why a picture can't be shown, as the end of "texture X …"; None where it can."""
    if names.LEFT_OUT in image:
        return str(image[names.LEFT_OUT])
    if image.source in ("GENERATED", "VIEWER") or (image.is_dirty and image.has_data):
        return None
    if image.source == "MOVIE":
        return None if 0 not in image.size else "can't be decoded"
    decoded = image.source == "FILE" and len(image.packed_files) == 1 and image.has_data and 0 not in image.size
    return next(filter(None, (_file_problem(data, name, decoded) for data, name in _contents(image, frame))), None)


def _contents(image: Image, frame: int) -> Iterator[tuple[bytes | None, str]]:
    """(bytes or None where the file is missing, its name) of all that the picture consists of."""
    packed = [part for part in image.packed_files if part.packed_file is not None]
    name = bpy.path.basename(image.filepath) or image.name
    if image.source == "TILED":
        inside = {part.tile_number: part.packed_file for part in packed}
        for number, path in tile_files(image):
            known = inside.get(number)
            yield (bytes(known.data) if known is not None else read_file(path)), path.name
    elif packed:
        yield bytes(packed[0].packed_file.data), name
    else:
        path = Path(bpy.path.abspath(image.filepath, library=image.library))
        path = file_of_frame(path, frame) if image.source == "SEQUENCE" else path
        yield read_file(path), path.name


def _file_problem(data: bytes | None, name: str, decoded: bool) -> str | None:
    if data is None:
        return f"is missing ({name})"
    if is_cut_short(data):
        return f"is damaged or cut short ({name})"
    if decoded or decodes(data):
        return None
    kind = kind_of(data)
    if kind in ("PNG", "JPEG"):
        return f"is damaged ({name})"
    return (
        f"is {kind}, which this Blender can't decode ({name})" if kind else f"is no picture that Blender knows ({name})"
    )
