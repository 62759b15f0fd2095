# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Renders with passes for the calibration, kept in a cache folder: one .npz per product, angle and variant."""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import calibration_products as products
import numpy as np

from consistency_pipeline.pipeline.geometry import framing
from consistency_pipeline.pipeline.rig import Angle

SIZE = 512  # pixels; every length is reported at 1024
SAMPLES = 16
ANGLES = {
    "front": Angle(name="front", azimuth=0, elevation=15),
    "three-quarter": Angle(name="three-quarter", azimuth=45, elevation=25),
    "side": Angle(name="side", azimuth=90, elevation=15),
}
VERSION = 3  # of what is rendered; a cache of another version is not used


def variants(product: str) -> list[str]:
    """ "true" first, then every defect that needs a render of its own, such as "yaw:3" or "missing:handle"."""
    names = ["true", "yaw:3", "yaw:-6", "yaw:12", "pitch:4", "proportion:1.05", "proportion:1.12", "added:0", "added:1"]
    if product in products.PARTS:
        missing, thicker, label = products.PARTS[product]
        names += [f"missing:{part}" for part in missing] + [f"thicker:{part}" for part in thicker] + ["added:2"]
        names += ["label:1"] if label else []
    return names


def shot(cache: Path, product: str, angle: str, variant: str, models: dict[str, Path]) -> dict[str, np.ndarray]:
    """rgb (linear), mask, depth, normal, position, albedo, matrix_world, projection; of "true" also vertices, triangles."""
    file = _file(cache, product, angle, variant)
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        arrays = _render(file.with_suffix(".exr"), product, ANGLES[angle], variant, models)
        np.savez_compressed(file.with_suffix(".part.npz"), **arrays)
        file.with_suffix(".part.npz").replace(file)
        file.with_suffix(".exr").unlink()
    with np.load(file) as stored:
        return {
            name: stored[name].astype(np.float32) if stored[name].dtype == np.float16 else stored[name]
            for name in stored
        }


def is_cached(cache: Path, product: str, angle: str, variant: str) -> bool:
    return _file(cache, product, angle, variant).is_file()


def _file(cache: Path, product: str, angle: str, variant: str) -> Path:
    return cache / f"v{VERSION}" / f"{product}.{angle}.{variant.replace(':', '_')}.npz"


def _render(exr: Path, product: str, angle: Angle, variant: str, models: dict[str, Path]) -> dict[str, np.ndarray]:
    kind, _, value = variant.partition(":")
    products.build(product, models, label=100 if kind == "label" else 0)
    points, corners = products.triangles()
    frame = framing.place_camera(points.astype(np.float64), angle, 1.0)
    _deform(kind, value, framing.axes(angle)[0])
    scene = _set_up(angle, frame, exr)
    import bpy

    bpy.ops.render.render(write_still=True)
    layers = read_exr(exr)
    half = np.float16
    arrays = {
        "rgb": np.clip(layers["Combined"][..., :3], 0, 100).astype(half),
        "mask": np.clip(layers["Combined"][..., 3], 0, 1).astype(half),
        "depth": np.minimum(layers["Depth"][..., 0], 1e4).astype(np.float32),
        "normal": layers["Normal"].astype(half),
        "albedo": (layers["DiffCol"] + layers["GlossCol"] * 0.3).astype(half),
        "matrix_world": frame.matrix_world,
        "projection": np.array(scene.camera.calc_matrix_camera(bpy.context.evaluated_depsgraph_get(), x=SIZE, y=SIZE)),
    }
    if kind == "true":
        arrays |= {"position": layers["Position"].astype(np.float32), "vertices": points, "triangles": corners}
    return arrays


def _deform(kind: str, value: str, right: np.ndarray) -> None:
    import bpy

    if kind == "yaw":
        products.turn(float(value), 0.0, right)
    elif kind == "pitch":
        products.turn(0.0, float(value), right)
    elif kind == "proportion":
        products.stretch(float(value))
    elif kind == "missing":
        bpy.data.objects.remove(bpy.data.objects[value])
    elif kind == "thicker":
        products.thicken(value, 1.45)
    elif kind == "added":
        products.add_part(int(value))


def _set_up(angle: Angle, frame: framing.Frame, exr: Path) -> Any:
    import bpy
    from mathutils import Matrix

    scene = bpy.context.scene
    eye = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(eye)
    eye.data.lens, eye.data.sensor_width = angle.focal_length, framing.FULL_FRAME_MM
    eye.data.clip_start, eye.data.clip_end = frame.clip_start, frame.clip_end
    eye.matrix_world = Matrix(frame.matrix_world.tolist())
    scene.camera = eye
    world = bpy.data.worlds.new("world")
    scene.world = world
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.8, 0.85, 0.9, 1)
    world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0.5
    for turn_by, strength in ((-40, 60.0), (55, 25.0)):
        lamp = bpy.data.objects.new("lamp", bpy.data.lights.new("lamp", "AREA"))
        scene.collection.objects.link(lamp)
        lamp.data.energy, lamp.data.size = strength, 1.0
        azimuth = math.radians(angle.azimuth + turn_by)
        at = np.array([2 * math.sin(azimuth), -2 * math.cos(azimuth), 2.2])
        lamp.location = at.tolist()
        from mathutils import Vector

        lamp.rotation_euler = (Vector((0, 0, 0.4)) - lamp.location).to_track_quat("-Z", "Y").to_euler()
    render, layer = scene.render, bpy.context.view_layer
    render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", SAMPLES, True
    scene.cycles.seed, scene.cycles.max_bounces = 7, 3
    render.resolution_x = render.resolution_y = SIZE
    render.resolution_percentage, render.film_transparent = 100, True
    layer.use_pass_z = layer.use_pass_normal = layer.use_pass_position = True
    layer.use_pass_diffuse_color = layer.use_pass_glossy_color = True
    settings = render.image_settings
    if hasattr(settings, "media_type"):  # since 5.0
        settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format, settings.exr_codec, settings.color_depth = "OPEN_EXR_MULTILAYER", "NONE", "32"
    render.use_file_extension, render.filepath = False, str(exr)
    return scene


def read_exr(path: Path) -> dict[str, np.ndarray]:
    """Passes of an uncompressed single-part 32-bit EXR: name -> (H, W, channels), RGBA and XYZ in that order.

    File layout: "OpenEXR File Layout" of the OpenEXR documentation: header attributes, offset table, scan lines.
    """
    data = path.read_bytes()
    at, channels, window = 8, [], (0, 0, 0, 0)
    if data[:4] != b"\x76\x2f\x31\x01" or data[5] & 0x10:
        raise ValueError(f"{path.name} is not a single-part EXR")
    while data[at]:
        name, at = _text(data, at)
        _, at = _text(data, at)
        size = struct.unpack_from("<i", data, at)[0]
        at += 4
        if name == "channels":
            channels = _channels(data[at : at + size])
        elif name == "dataWindow":
            window = struct.unpack_from("<4i", data, at)
        elif name == "compression" and data[at]:
            raise ValueError(f"{path.name} is compressed")
        at += size
    width, height = window[2] - window[0] + 1, window[3] - window[1] + 1
    start = at + 1 + 8 * height
    row = 8 + 4 * width * len(channels)
    block = np.frombuffer(data, dtype=np.uint8, count=row * height, offset=start).reshape(height, row)[:, 8:]
    values = np.ascontiguousarray(block).view("<f4").reshape(height, len(channels), width)
    passes: dict[str, dict[str, np.ndarray]] = {}
    for index, name in enumerate(channels):
        *_, layer, channel = name.split(".")
        passes.setdefault(_SHORT.get(layer, layer), {})[channel] = values[:, index]
    order = {letter: rank for rank, letter in enumerate("RGBXYZVA")}
    return {
        name: np.stack([part[c] for c in sorted(part, key=lambda c: order[c])], axis=-1)
        for name, part in passes.items()
    }


# Blender 5 writes the long names of the passes.
_SHORT = {"Diffuse Color": "DiffCol", "Glossy Color": "GlossCol"}


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(0, at)
    return data[at:end].decode(), end + 1


def _channels(data: bytes) -> list[str]:
    names, at = [], 0
    while data[at]:
        name, at = _text(data, at)
        names.append(name)
        at += 16
    return names
