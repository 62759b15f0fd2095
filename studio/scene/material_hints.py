# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a product is made of, read from its own materials: words for the prompt, and a warning of mirror-like surfaces."""

from __future__ import annotations

from collections.abc import Mapping

import bpy
import numpy as np
from bpy.types import Material, Node, NodeSocket

# Common glass has an index of refraction of 1.45-1.9, diamond 2.42, moissanite and cubic zirconia 2.15-2.65.
GEM_IOR = 1.9
SHARE = {"metal": 0.08, "glass": 0.04, "gem": 0.01}  # of the surface, from which a material is worth a word
MIRROR_ROUGHNESS = 0.3


def hints(shares: Mapping[Material | None, float]) -> tuple[tuple[str, ...], bool]:
    """(hints, reflective) from each material's share of the surface, 0..1.

    Hints are from "metal", "glass", "gem". Reflective: mirror-like metal, glass and gem cover half of the surface.
    """
    totals = dict.fromkeys(SHARE, 0.0)
    mirror = 0.0
    for material, share in shares.items():
        kind, roughness = _kind(material)
        if kind is not None:
            totals[kind] += share
            mirror += share if roughness < MIRROR_ROUGHNESS else 0.0
    return tuple(kind for kind, total in totals.items() if total >= SHARE[kind]), mirror >= 0.5


def _kind(material: Material | None) -> tuple[str | None, float]:
    """("metal", "glass", "gem" or None, roughness)."""
    if material is None or material.node_tree is None:
        return None, 1.0
    for node in material.node_tree.nodes:
        if node.type == "BSDF_PRINCIPLED":
            roughness = _value(node.inputs["Roughness"])
            if _value(node.inputs["Transmission Weight"]) >= 0.5:
                return ("gem" if _value(node.inputs["IOR"]) > GEM_IOR else "glass"), roughness
            if _value(node.inputs["Metallic"]) >= 0.5:
                return "metal", roughness
            return None, roughness
        if node.type in ("BSDF_GLASS", "BSDF_REFRACTION"):
            return ("gem" if _value(node.inputs["IOR"]) > GEM_IOR else "glass"), _value(node.inputs["Roughness"])
        if node.type in ("BSDF_METALLIC", "BSDF_GLOSSY"):
            return "metal", _value(node.inputs["Roughness"])
    return None, 1.0


def _value(socket: NodeSocket) -> float:
    """The socket's number; with a texture behind it, the mean of the channel that glTF keeps it in."""
    if not socket.is_linked:
        return float(socket.default_value)
    channel, node = 0, socket.links[0].from_node
    for _ in range(8):  # as deep as the importer's chains go
        if node.type == "SEPARATE_COLOR":
            channel = ("Red", "Green", "Blue").index(socket.links[0].from_socket.name)
        if node.type == "TEX_IMAGE":
            return 0.0 if node.image is None else _mean(node.image, channel)
        socket = _linked_input(node) or socket
        if socket.node != node:
            break
        node = socket.links[0].from_node
    return float(getattr(socket, "default_value", 0.0)) if not socket.is_linked else 0.0


def _linked_input(node: Node) -> NodeSocket | None:
    return next((socket for socket in node.inputs if socket.is_linked), None)


def _mean(image: bpy.types.Image, channel: int) -> float:
    if 0 in image.size:
        return 0.0
    small = image.copy()
    try:
        small.scale(min(64, image.size[0]), min(64, image.size[1]))
        pixels = np.empty(small.size[0] * small.size[1] * small.channels, dtype=np.float32)
        small.pixels.foreach_get(pixels)
        return float(pixels.reshape(-1, small.channels)[:, min(channel, small.channels - 1)].mean())
    finally:
        bpy.data.images.remove(small)
