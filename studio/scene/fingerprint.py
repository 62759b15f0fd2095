# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the product looks like, as short hashes: the same product gives the same, any change of its looks another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np
from bpy.types import Depsgraph, Image, Material, Mesh, NodeTree, Object

from ...pipeline.errors import BadInput
from .geometry import read_attribute, shown_meshes

MOST_PAINTED = 1 << 26  # values of a painted picture that are looked at; 4096² pixels


def fingerprint(root: Object, depsgraph: Depsgraph) -> dict[str, str]:
    """{"mesh", "material"}: hashes of all that is shown below ``root``. Raises BadInput where there is nothing."""
    meshes: dict[int, str] = {}
    parts, materials = [], {}
    for mesh, key, matrix in shown_meshes(root, depsgraph):
        if key not in meshes:
            meshes[key] = _mesh(mesh)
        parts.append([meshes[key], (matrix.round(6) + 0.0).tolist()])
        materials |= {slot.original.name: slot.original for slot in mesh.materials if slot is not None}
    if not parts:
        raise BadInput("the product shows no faces in renders; show it, or load a model")
    looks = [_material(materials[name]) for name in sorted(materials)]
    return {"mesh": short_hash(sorted(parts)), "material": short_hash(looks)}


def short_hash(value: Any) -> str:
    """16 hex digits of bytes, or of anything that JSON can write."""
    data = value if isinstance(value, bytes) else json.dumps(value, sort_keys=True, default=str).encode()
    return hashlib.blake2b(data, digest_size=8).hexdigest()


# Attributes that say what is selected or hidden in edit mode, and what follows from others.
_UNSEEN = (".select_", ".hide_", ".uv_select", ".edge_verts")


def _mesh(mesh: Mesh) -> str:
    found = hashlib.blake2b(f"{len(mesh.vertices)} {len(mesh.polygons)}".encode(), digest_size=8)
    for name in sorted(mesh.attributes.keys()):
        if not name.startswith(_UNSEEN):
            found.update(name.encode())
            found.update(read_attribute(mesh, name).tobytes())
    return found.hexdigest()


def _material(material: Material) -> list[Any]:
    tree = material.node_tree
    return [material.name, list(material.diffuse_color) if tree is None else _tree(tree, set())]


def _tree(tree: NodeTree, above: set[str]) -> Any:
    """Nodes with their settings and values, and the links between them; groups with what is in them."""
    if tree.name in above:
        return tree.name
    above = above | {tree.name}
    nodes = [
        [node.bl_idname, node.name, _settings(node, above), [_value(s) for s in (*node.inputs, *node.outputs)]]
        for node in tree.nodes
    ]
    links = [
        [link.from_node.name, link.from_socket.identifier, link.to_node.name, link.to_socket.identifier]
        for link in tree.links
    ]
    return [sorted(nodes, key=lambda node: node[1]), sorted(links)]


# What a node has for the sake of the editor alone.
_COSMETIC = {prop.identifier for prop in bpy.types.Node.bl_rna.properties} - {"mute"}


def _settings(node: bpy.types.Node, above: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"mute": node.mute}
    for prop in node.bl_rna.properties:
        if prop.identifier in _COSMETIC:
            continue
        value = getattr(node, prop.identifier, None)
        if prop.type == "POINTER":
            found[prop.identifier] = _pointed_at(value, above)
        elif prop.type != "COLLECTION":
            found[prop.identifier] = _plain(value)
    return found


def _pointed_at(value: Any, above: set[str]) -> Any:
    if isinstance(value, NodeTree):
        return _tree(value, above)
    if isinstance(value, Image):
        return _image(value)
    if isinstance(value, bpy.types.ColorRamp):
        stops = [[_plain(stop.position), _plain(stop.color)] for stop in value.elements]
        return [value.color_mode, value.interpolation, value.hue_interpolation, stops]
    if isinstance(value, bpy.types.CurveMapping):
        return [[[_plain(point.location), point.handle_type] for point in curve.points] for curve in value.curves]
    return getattr(value, "name", None)


def _image(image: Image) -> list[Any]:
    """Its file; the pixels only of what has been painted or generated, since no file tells of those."""
    facts: list[Any] = [image.name, image.filepath, image.source, image.colorspace_settings.name, image.alpha_mode]
    if image.packed_file is not None:
        facts.append(image.packed_file.size)
    count = image.size[0] * image.size[1] * image.channels
    if (image.is_dirty or image.source == "GENERATED") and 0 < count <= MOST_PAINTED:
        pixels = np.empty(count, dtype=np.float32)
        image.pixels.foreach_get(pixels)
        facts.append(short_hash(pixels.tobytes()))
    return facts


def _value(socket: bpy.types.NodeSocket) -> Any:
    value = getattr(socket, "default_value", None)
    return value.name if isinstance(value, bpy.types.ID) else _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, Iterable) and not isinstance(value, (str, set)):
        return [_plain(part) for part in value]
    return sorted(value) if isinstance(value, set) else value
