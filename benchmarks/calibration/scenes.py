# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A product, right or with a fault, in the studio's own light or in a stranger's, rendered by Cycles and kept: one .npz each.

A variant is "reference", or LOOK:FAULT:DETAIL such as "sun:true:" or "soft:missing:handle". Looks are what a generator makes of
a reference without touching the product: other lamps, world, floor, roughness and focus.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from consistency_pipeline.pipeline.formats import exr
from consistency_pipeline.pipeline.geometry import framing
from consistency_pipeline.pipeline.rig import Angle

from . import products

SIZE = 448  # pixels; every length is reported at 1024
SAMPLES = 6  # a pixel, denoised by the passes without noise
LOOKS = ("soft", "tone", "sun", "gloss")
ANGLES = {
    "front": Angle(name="front", azimuth=0, elevation=15),
    "three-quarter": Angle(name="three-quarter", azimuth=45, elevation=25),
    "side": Angle(name="side", azimuth=90, elevation=15),
}
VERSION = 1  # of what is rendered; a cache of another version is not used

Shot = dict[str, np.ndarray]


def faults(product: str) -> list[tuple[str, str]]:
    """(kind, detail) of every fault that is made in 3D."""
    facts = products.facts(product)
    listed = [("yaw", "4"), ("pitch", "5"), ("proportion", "0.93")]
    listed += [("missing", name) for name in facts.missing]
    listed += [("thicker", name) for name in facts.thicker]
    listed += [("duplicated", name) for name in facts.doubled]
    listed += [("part recoloured", name) for name in facts.recoloured]
    listed += [("added outside", kind) for kind in "02"]
    if facts.has_print:
        listed += [(f"label {which}", "") for which in products.PRINTS if which != "right"]
    return listed


def variants(product: str) -> list[str]:
    """The reference, the true picture in each look, and each fault in one look, the looks taking turns."""
    start = zlib.crc32(product.encode()) % len(LOOKS)
    made = [f"{LOOKS[(start + i) % len(LOOKS)]}:{kind}:{detail}" for i, (kind, detail) in enumerate(faults(product))]
    return ["reference", *(f"{look}:true:" for look in LOOKS), *made]


def shot(cache: Path, product: str, angle: str, variant: str, models: dict[str, Path]) -> Shot:
    """``rgb`` (H, W, 3) linear and ``alpha`` (H, W); of the reference also mask, depth, normal, position, albedo, camera, mesh."""
    file = _file(cache, product, angle, variant)
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        arrays = _render(file.with_suffix(".exr"), product, ANGLES[angle], variant, models)
        np.savez_compressed(file.with_suffix(".part.npz"), **arrays)
        file.with_suffix(".part.npz").replace(file)
        file.with_suffix(".exr").unlink()
    with np.load(file) as stored:
        return {name: stored[name].astype(np.float32) if stored[name].dtype == np.float16 else stored[name] for name in stored}  # fmt: skip


def is_cached(cache: Path, product: str, angle: str, variant: str) -> bool:
    return _file(cache, product, angle, variant).is_file()


def _file(cache: Path, product: str, angle: str, variant: str) -> Path:
    return cache / f"v{VERSION}" / f"{product}.{angle}.{variant.replace(':', '_').replace(' ', '-')}.npz"


def _render(file: Path, product: str, angle: Angle, variant: str, models: dict[str, Path]) -> Shot:
    look, _, rest = variant.partition(":")
    kind, _, detail = rest.partition(":")
    random = np.random.default_rng(zlib.crc32(f"{product} {angle.name} {look}".encode()))
    products.build(product, models, kind.removeprefix("label ") if kind.startswith("label ") else "right")
    points, corners = products.triangles()
    frame = framing.place_camera(points.astype(np.float64), angle, 1.0)
    _make_fault(kind, detail, framing.axes(angle)[0], random)
    scene = _camera(angle, frame, file)
    if look == "reference":
        _studio(scene, angle)
    else:
        _stranger(scene, look, angle, np.random.default_rng(zlib.crc32(f"{product} {angle.name} {look} light".encode())), points)  # fmt: skip
    import bpy

    bpy.ops.render.render(write_still=True)
    layers = _layers(exr.read(file))
    half = np.float16
    arrays = {
        "rgb": np.clip(layers["Combined"][..., :3], 0, 100).astype(half),
        "alpha": np.clip(layers["Combined"][..., 3], 0, 1).astype(half),
    }
    if look != "reference":
        return arrays
    return arrays | {
        "depth": np.minimum(layers["Depth"][..., 0], 1e4).astype(np.float32),
        "normal": layers["Normal"].astype(half),
        "albedo": layers["DiffCol"].astype(half),
        "position": layers["Position"].astype(np.float32),
        "vertices": points,
        "triangles": corners,
        "matrix_world": frame.matrix_world,
        "projection": np.array(scene.camera.calc_matrix_camera(bpy.context.evaluated_depsgraph_get(), x=SIZE, y=SIZE)),
    }


def _make_fault(kind: str, detail: str, right: np.ndarray, random: Any) -> None:
    if kind == "yaw":
        products.turn(float(detail), 0.0, right)
    elif kind == "pitch":
        products.turn(0.0, float(detail), right)
    elif kind == "proportion":
        products.stretch(float(detail))
    elif kind == "missing":
        products.take_away(detail)
    elif kind == "thicker":
        products.thicken(detail)
    elif kind == "duplicated":
        products.double(detail)
    elif kind == "part recoloured":
        products.repaint(detail, random)
    elif kind == "added outside":
        products.add_part(int(detail))


def _camera(angle: Angle, frame: framing.Frame, file: Path) -> Any:
    import bpy
    from mathutils import Matrix

    scene = bpy.context.scene
    eye = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    scene.collection.objects.link(eye)
    eye.data.lens, eye.data.sensor_width = angle.focal_length, framing.FULL_FRAME_MM
    eye.data.clip_start, eye.data.clip_end = frame.clip_start, max(frame.clip_end, 100.0)
    eye.matrix_world = Matrix(frame.matrix_world.tolist())
    scene.camera = eye
    render, layer = scene.render, bpy.context.view_layer
    render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", SAMPLES, True
    scene.cycles.seed, scene.cycles.max_bounces, scene.cycles.transmission_bounces = 7, 6, 6
    render.resolution_x = render.resolution_y = SIZE
    render.resolution_percentage, render.film_transparent = 100, True
    layer.use_pass_z = layer.use_pass_normal = layer.use_pass_position = layer.use_pass_diffuse_color = True
    settings = render.image_settings
    if hasattr(settings, "media_type"):  # since 5.0
        settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format, settings.exr_codec, settings.color_depth = "OPEN_EXR_MULTILAYER", "NONE", "32"
    render.use_file_extension, render.filepath = False, str(file)
    return scene


def _world(scene: Any, colour: Any, strength: float) -> None:
    import bpy

    scene.world = bpy.data.worlds.new("world")
    scene.world.use_nodes = True
    background = scene.world.node_tree.nodes["Background"]
    background.inputs["Color"].default_value = (*colour, 1)
    background.inputs["Strength"].default_value = strength


def _lamp(
    scene: Any, kind: str, azimuth: float, height: float, strength: float, size: float, tint: Any = (1, 1, 1)
) -> None:
    """``azimuth``: degrees from the camera's side; ``height``: metres, at two metres' distance."""
    import bpy
    from mathutils import Vector

    lamp = bpy.data.objects.new("lamp", bpy.data.lights.new("lamp", kind))
    scene.collection.objects.link(lamp)
    lamp.data.energy, lamp.data.color = strength, tint
    if kind == "SUN":
        lamp.data.angle = size
    else:
        lamp.data.size = size
    turned = math.radians(azimuth)
    lamp.location = (2 * math.sin(turned), -2 * math.cos(turned), height)
    lamp.rotation_euler = (Vector((0, 0, 0.4)) - lamp.location).to_track_quat("-Z", "Y").to_euler()


def _studio(scene: Any, angle: Angle) -> None:
    """Key, fill and rim, as the program's own preset has them."""
    _world(scene, (1, 1, 1), 0.5)
    _lamp(scene, "AREA", angle.azimuth - 40, 2.2, 60.0, 1.0)
    _lamp(scene, "AREA", angle.azimuth + 55, 1.6, 25.0, 1.5)
    _lamp(scene, "AREA", angle.azimuth + 170, 2.4, 50.0, 0.8)


def _stranger(scene: Any, look: str, angle: Angle, random: Any, points: np.ndarray) -> None:
    import bpy

    for made in bpy.data.materials:
        shader = made.node_tree.nodes.get("Principled BSDF") if made.node_tree else None
        if shader is not None and not shader.inputs["Roughness"].is_linked:
            value = shader.inputs["Roughness"].default_value
            shader.inputs["Roughness"].default_value = float(np.clip(value * random.uniform(0.6, 1.5), 0.0, 1.0))
    tint = tuple(float(v) for v in np.clip(1 + random.normal(size=3) * 0.05, 0.8, 1.2))
    ground = products.part("sheet", "ground", products.material("ground", (0.5, 0.5, 0.5)), (0, 0, 0), (60, 60, 1))
    floor = ground.material_slots[0].material.node_tree.nodes["Principled BSDF"].inputs
    grey = float(random.uniform(0.35, 0.85))
    floor["Base Color"].default_value = (grey * tint[0], grey, grey * tint[2], 1)
    wall = None
    if look in ("tone", "gloss"):
        wall = products.part("sheet", "wall", ground.material_slots[0].material, (0, 0, 0), (60, 60, 1), (90, 0, angle.azimuth))  # fmt: skip
        away = math.radians(angle.azimuth)
        wall.location = (-3.0 * math.sin(away), 3.0 * math.cos(away), 0)
    if look == "soft":
        ground.is_shadow_catcher = True
        _world(scene, (1, 1, 1), random.uniform(0.5, 0.9))
        _lamp(scene, "AREA", angle.azimuth + random.uniform(-80, 80), 2.5, random.uniform(30, 80), 2.5, tint)
        _lamp(scene, "AREA", angle.azimuth + random.uniform(90, 270), 2.0, random.uniform(10, 50), 1.5)
    elif look == "tone":
        scene.render.film_transparent = False
        _world(scene, (0.9, 0.95, 1.0), random.uniform(0.25, 0.5))
        warm = tuple(float(v) for v in (1.1, 1.0, random.uniform(0.75, 1.0)))
        _lamp(scene, "AREA", angle.azimuth + random.uniform(-90, 90), 2.0, random.uniform(60, 120), 0.8, warm)
        eye = scene.camera.data
        eye.dof.use_dof = True
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        eye.dof.focus_distance = float(np.linalg.norm(np.array(scene.camera.matrix_world.translation) - middle)) * random.uniform(0.93, 1.0)  # fmt: skip
        eye.dof.aperture_fstop = random.uniform(0.9, 2.5)
    elif look == "sun":
        scene.render.film_transparent = False
        _world(scene, (0.7, 0.85, 1.0), random.uniform(0.4, 0.8))
        _lamp(scene, "SUN", angle.azimuth + random.uniform(-120, 120), random.uniform(1.5, 3.0), random.uniform(2.5, 4.5), 0.01, (1.0, 0.95, 0.85))  # fmt: skip
        floor["Roughness"].default_value = 0.9
    else:
        scene.render.film_transparent = False
        floor["Roughness"].default_value = random.uniform(0.02, 0.12)
        floor["Base Color"].default_value = (*([random.uniform(0.02, 0.9)] * 3), 1)
        _world(scene, (1, 1, 1), random.uniform(0.3, 0.6))
        _lamp(scene, "AREA", angle.azimuth - random.uniform(30, 90), 1.8, random.uniform(50, 90), 0.5)
        _lamp(scene, "AREA", angle.azimuth + random.uniform(30, 90), 1.8, random.uniform(20, 60), 0.5)
    bpy.context.view_layer.update()


def _layers(channels: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Passes by name -> (H, W, channels), RGBA and XYZ in that order."""
    passes: dict[str, dict[str, np.ndarray]] = {}
    for name, values in channels.items():
        *_, layer, channel = name.split(".")
        passes.setdefault(_SHORT.get(layer, layer), {})[channel] = values
    order = {letter: rank for rank, letter in enumerate("RGBXYZVA")}
    return {name: np.stack([part[c] for c in sorted(part, key=lambda c: order[c])], axis=-1) for name, part in passes.items()}  # fmt: skip


_SHORT = {"Diffuse Color": "DiffCol"}  # since Blender 5
