# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Views of a product as our references show it and as another photographer would, rendered by Cycles and kept, one .npz each.

"render" is the model in three lamps that stand still. "photo" is the same model with another surface (a grain that multiplies
the base colour by 0.62 to 1.25, other roughness), other lamps and another white balance: what a still changes when it is right.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np

from consistency_pipeline.pipeline.formats import exr
from consistency_pipeline.pipeline.geometry import framing
from consistency_pipeline.pipeline.rig import Angle

from .calibration import products, scenes

VERSION = 1  # of what is rendered; a cache of another version is not used
LOOKS = ("render", "photo")
CLASSES = {
    "shoe": "matt",
    "milk_truck": "textured",
    "duck": "plastic",
    "blocks": "textured",
    "teapot": "glossy",
    "vr_controller": "glossy",
    "kettle": "metal",
    "perfume": "glass",
}
BUILT = tuple(name for name in CLASSES if name in products.PRODUCTS)  # all others are files
RING = tuple(Angle(name=f"ring-{azimuth:03d}", azimuth=azimuth, elevation=15) for azimuth in range(0, 360, 30))
HIGH = tuple(Angle(name=f"high-{azimuth:03d}", azimuth=azimuth, elevation=75) for azimuth in (0, 180))
SOURCES = {14: (*RING, *HIGH), 8: (*RING[::2], *HIGH)}
HELD_OUT = tuple(
    Angle(name=f"held-{azimuth:03d}", azimuth=azimuth, elevation=elevation)
    for azimuth, elevation in ((15, 15), (75, 10), (135, 25), (195, 30), (255, 15), (315, 20))
)
Shot = dict[str, np.ndarray]


def turn(first: float, last: float, step: float) -> tuple[Angle, ...]:
    """Views of a camera that goes round, ``step`` degrees apart."""
    return tuple(
        Angle(name=f"turn-{round(10 * azimuth):04d}", azimuth=float(azimuth), elevation=15)
        for azimuth in np.arange(first, last, step)
    )


def shots(
    cache: Path, product: str, look: str, angles: tuple[Angle, ...], models: dict[str, Path], size: int, samples: int
) -> dict[str, Shot]:
    """By the angle's name: ``rgb`` (H, W, 3) linear premultiplied, ``alpha`` (H, W); of a render also depth, position, normal,
    ``diffuse`` (H, W, 3), the light that the surface scatters, and camera."""
    folder = cache / f"v{VERSION}" / f"{product}-{size}-{samples}"
    files = {angle.name: folder / f"{angle.name}.{look}.npz" for angle in angles}
    missing = [angle for angle in angles if not files[angle.name].is_file()]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        _render(product, look, missing, models, size, samples, files)
    found = {}
    for name, file in files.items():
        with np.load(file) as stored:
            found[name] = {key: stored[key].astype(np.float32) if stored[key].dtype == np.float16 else stored[key] for key in stored}  # fmt: skip
    return found


def _render(
    product: str,
    look: str,
    angles: list[Angle],
    models: dict[str, Path],
    size: int,
    samples: int,
    files: dict[str, Path],
) -> None:
    import bpy
    from mathutils import Matrix

    products.build(product, models)
    points, _ = products.triangles()
    points = points.astype(np.float64)
    if look == "photo":
        _other_surface(np.random.default_rng(zlib.crc32(product.encode())))
    file = next(iter(files.values())).with_suffix(".exr")
    scene = scenes._camera(angles[0], framing.place_camera(points, angles[0], 1.0), file)
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.cycles.samples = samples
    layer = bpy.context.view_layer
    layer.use_pass_diffuse_direct = layer.use_pass_diffuse_indirect = True
    if look == "photo":
        _other_light(scene)
    else:
        scenes._studio(scene, Angle(name="front"))
    scene.render.use_persistent_data = True
    eye = scene.camera
    for angle in angles:
        frame = framing.place_camera(points, angle, 1.0)
        eye.matrix_world = Matrix(frame.matrix_world.tolist())
        eye.data.clip_start, eye.data.clip_end = frame.clip_start, max(frame.clip_end, 100.0)
        bpy.ops.render.render(write_still=True)
        layers = scenes._layers(exr.read(file))
        arrays = {
            "rgb": np.clip(layers["Combined"][..., :3], 0, 100).astype(np.float16),
            "alpha": np.clip(layers["Combined"][..., 3], 0, 1).astype(np.float16),
        }
        if look == "render":
            graph = bpy.context.evaluated_depsgraph_get()
            lit = layers["DiffCol"] * (_pass(layers, "DiffDir") + _pass(layers, "DiffInd"))
            arrays |= {
                "depth": np.minimum(layers["Depth"][..., 0], 1e4).astype(np.float32),
                "normal": layers["Normal"].astype(np.float16),
                "position": layers["Position"].astype(np.float32),
                "diffuse": np.clip(lit, 0, 100).astype(np.float16),
                "matrix_world": frame.matrix_world,
                "projection": np.array(eye.calc_matrix_camera(graph, x=size, y=size)),
            }
        part = files[angle.name].with_suffix(".part.npz")
        np.savez_compressed(part, **arrays)
        part.replace(files[angle.name])
    file.unlink()


def _pass(layers: Shot, name: str) -> np.ndarray:
    longer = {"DiffDir": "Diffuse Direct", "DiffInd": "Diffuse Indirect"}  # since Blender 5
    return layers[name] if name in layers else layers[longer[name]]


def _other_surface(random: Any) -> None:
    import bpy

    for made in bpy.data.materials:
        shader = made.node_tree.nodes.get("Principled BSDF") if made.node_tree else None
        if shader is None:
            continue
        nodes, links = made.node_tree.nodes, made.node_tree.links
        rough = shader.inputs["Roughness"]
        if not rough.is_linked:
            rough.default_value = float(np.clip(rough.default_value * random.uniform(0.8, 1.25), 0.0, 1.0))
        place, noise = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeTexNoise")
        noise.inputs["Scale"].default_value, noise.inputs["Detail"].default_value = 9.0, 3.0
        links.new(place.outputs["Generated"], noise.inputs["Vector"])
        spread = nodes.new("ShaderNodeMapRange")
        for name, value in (("From Min", 0.35), ("From Max", 0.65), ("To Min", 0.62), ("To Max", 1.25)):
            spread.inputs[name].default_value = value
        links.new(next(s for s in noise.outputs if s.type == "VALUE"), spread.inputs["Value"])
        mix = nodes.new("ShaderNodeMix")
        mix.data_type, mix.blend_type = "RGBA", "MULTIPLY"
        mix.inputs[0].default_value = 1.0
        first, second = (socket for socket in mix.inputs if socket.type == "RGBA")
        base = shader.inputs["Base Color"]
        if base.is_linked:
            links.new(base.links[0].from_socket, first)
        else:
            first.default_value = base.default_value
        links.new(spread.outputs[0], second)
        links.new(next(socket for socket in mix.outputs if socket.type == "RGBA"), base)


def _other_light(scene: Any) -> None:
    scenes._world(scene, (0.95, 1.0, 1.08), 0.4)
    scenes._lamp(scene, "AREA", -65, 1.9, 75.0, 1.4, (1.08, 1.0, 0.88))
    scenes._lamp(scene, "AREA", 80, 2.3, 30.0, 1.0, (0.95, 1.0, 1.08))
    scenes._lamp(scene, "AREA", 190, 1.8, 40.0, 1.2, (1.06, 1.0, 0.92))
