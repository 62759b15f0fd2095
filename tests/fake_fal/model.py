# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A textured GLB: a vase turned on a lathe, its label facing the glTF front (+Z). Checked by opening it in Blender."""

from __future__ import annotations

import json
import struct

import numpy as np
from PIL import Image, ImageDraw

from .media import encode

# Radius and height of the vase's outline, in metres, bottom to rim; Meshy's own models are about 1.9 m tall and
# centred on their origin.
OUTLINE = ((0.0, 0.0), (0.35, 0.0), (0.52, 0.25), (0.6, 0.6), (0.5, 1.0), (0.3, 1.35), (0.26, 1.6), (0.38, 1.9))
HEIGHT = 1.9


def glb(triangles: int, colour: tuple[int, int, int], *, textured: bool = True, pbr: bool = False) -> bytes:
    """A binary glTF 2.0 of about ``triangles`` faces, with UVs, normals and (``textured``) an embedded PNG."""
    around = max(8, round((triangles / 2) ** 0.5))
    along = max(8, round(triangles / 2 / around))
    positions, normals, uvs, indices = _lathe(around, along)
    blobs: list[bytes] = [a.tobytes() for a in (positions, normals, uvs, indices)]
    accessors = [
        {
            "bufferView": 0,
            "componentType": 5126,
            "count": len(positions),
            "type": "VEC3",
            "min": positions.min(0).tolist(),
            "max": positions.max(0).tolist(),
        },
        {"bufferView": 1, "componentType": 5126, "count": len(normals), "type": "VEC3"},
        {"bufferView": 2, "componentType": 5126, "count": len(uvs), "type": "VEC2"},
        {"bufferView": 3, "componentType": 5125, "count": indices.size, "type": "SCALAR"},
    ]
    shading: dict = {"metallicFactor": 0.0, "roughnessFactor": 0.45}
    material: dict = {"name": "Material_0", "pbrMetallicRoughness": shading}
    pictures = list(textures(colour, pbr=pbr).values()) if textured else []
    if textured:
        shading["baseColorTexture"] = {"index": 0}
    if textured and pbr:
        shading.update(metallicFactor=1.0, roughnessFactor=1.0, metallicRoughnessTexture={"index": 1})
        material["normalTexture"] = {"index": 2}
    first = len(blobs)
    blobs += pictures
    document = {
        "asset": {"version": "2.0", "generator": "fake fal"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "Mesh_0"}],
        "meshes": [
            {
                "name": "Mesh_0",
                "primitives": [
                    {"attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}, "indices": 3, "material": 0}
                ],
            }
        ],
        "materials": [material],
        "accessors": accessors,
    }
    if pictures:
        document["images"] = [
            {"bufferView": first + i, "mimeType": "image/png", "name": f"Image_{i}"} for i in range(len(pictures))
        ]
        document["textures"] = [{"source": i, "sampler": 0} for i in range(len(pictures))]
        document["samplers"] = [{}]
    return _pack(document, blobs)


def textures(colour: tuple[int, int, int], *, pbr: bool, side: int = 256) -> dict[str, bytes]:
    """PNG by map name: ``base_color``, and with ``pbr`` the glTF-packed ``metallic_roughness`` and ``normal``."""
    base = Image.new("RGB", (side, side), colour)
    draw = ImageDraw.Draw(base)
    lighter = tuple(min(255, c + 40) for c in colour)
    for band in range(0, side, side // 8):
        draw.rectangle((0, band, side, band + side // 32), fill=lighter)
    # u = 0.5 is the lathe's front
    draw.rectangle((side * 0.42, side * 0.45, side * 0.58, side * 0.6), fill=(245, 240, 225))
    draw.text((side * 0.44, side * 0.49), "FRONT", fill=(30, 30, 30))
    maps = {"base_color": base}
    if pbr:
        maps["metallic_roughness"] = Image.new("RGB", (side, side), (255, 110, 0))
        maps["normal"] = Image.new("RGB", (side, side), (128, 128, 255))
    return {name: encode(image, "png") for name, image in maps.items()}


def lying(data: bytes) -> bytes:
    """The same GLB with a header that claims twice its length."""
    return data[:8] + struct.pack("<I", len(data) * 2) + data[12:]


def _lathe(around: int, along: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    outline = np.array(OUTLINE)
    steps = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(outline, axis=0).T))])
    v = np.linspace(0, 1, along + 1)
    radius = np.interp(v * steps[-1], steps, outline[:, 0])
    height = np.interp(v * steps[-1], steps, outline[:, 1])
    u = np.linspace(0, 1, around + 1)
    angle = (u - 0.5) * 2 * np.pi  # u = 0.5 looks along +Z
    uu, vv = np.meshgrid(u, v)
    sin, cos = np.sin(angle)[None, :], np.cos(angle)[None, :]
    y = np.broadcast_to((height - HEIGHT / 2)[:, None], uu.shape)
    positions = np.stack([radius[:, None] * sin, y, radius[:, None] * cos], axis=-1)
    d_radius, d_height = np.gradient(radius), np.gradient(height)
    length = np.maximum(np.hypot(d_radius, d_height), 1e-9)
    out, up = (d_height / length)[:, None], (-d_radius / length)[:, None]
    normals = np.stack([out * sin, np.broadcast_to(up, uu.shape), out * cos], axis=-1)
    uvs = np.stack([uu, 1 - vv], axis=-1)
    ring = np.arange(around)
    start = np.arange(along)[:, None] * (around + 1) + ring[None, :]
    above = start + around + 1
    quads = np.stack([start, start + 1, above + 1, start, above + 1, above], axis=-1)
    return (
        positions.reshape(-1, 3).astype("<f4"),
        normals.reshape(-1, 3).astype("<f4"),
        uvs.reshape(-1, 2).astype("<f4"),
        quads.reshape(-1).astype("<u4"),
    )


def _pack(document: dict, blobs: list[bytes]) -> bytes:
    views, binary = [], b""
    for blob in blobs:
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(blob)})
        binary += blob + b"\0" * (-len(blob) % 4)
    document["bufferViews"] = views
    document["buffers"] = [{"byteLength": len(binary)}]
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + len(binary)
    return b"".join(
        (
            struct.pack("<4sII", b"glTF", 2, total),
            struct.pack("<I4s", len(text), b"JSON"),
            text,
            struct.pack("<I4s", len(binary), b"BIN\0"),
            binary,
        )
    )
