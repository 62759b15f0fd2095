# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Products for the calibration, built with bpy: parts by name, so that one can be taken away, thickened or put on.

Every product stands within a box of about one metre. ``PARTS`` says which part can be missed and which can be thicker.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np


def clear() -> None:
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)


def material(name: str, colour: tuple[float, float, float], roughness: float = 0.5, metallic: float = 0.0) -> Any:
    import bpy

    made = bpy.data.materials.new(name)
    made.use_nodes = True
    shader = made.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Metallic"].default_value = metallic
    return made


def printed(name: str, seed: int) -> Any:
    """A material with a print: bars, blocks and a disc, different for each seed."""
    import bpy

    random = np.random.default_rng(seed)
    pixels = np.ones((256, 256, 4), dtype=np.float32)
    pixels[..., :3] = random.uniform(0.65, 0.95, 3)
    ink = random.uniform(0.02, 0.35, 3)
    for _ in range(14):
        x, y = random.integers(8, 200, 2)
        width, height = random.integers(6, 60), random.integers(6, 24)
        pixels[y : y + height, x : x + width, :3] = ink if random.random() < 0.7 else random.uniform(0, 1, 3)
    across, down = np.meshgrid(np.arange(256), np.arange(256))
    x, y, radius = random.integers(60, 196), random.integers(60, 196), random.integers(18, 40)
    pixels[(across - x) ** 2 + (down - y) ** 2 < radius**2, :3] = random.uniform(0, 1, 3)
    image = bpy.data.images.new(name, 256, 256)
    image.pixels.foreach_set(pixels.ravel())
    image.pack()
    made = material(name, (1, 1, 1))
    texture = made.node_tree.nodes.new("ShaderNodeTexImage")
    texture.image = image
    made.node_tree.links.new(texture.outputs["Color"], made.node_tree.nodes["Principled BSDF"].inputs["Base Color"])
    return made


def part(kind: str, name: str, look: Any, at: Any, size: Any = (1, 1, 1), turn: Any = (0, 0, 0), **more: Any) -> Any:
    """One primitive. ``size``: metres (x, y, z) for unit primitives, ``turn``: degrees."""
    import bpy

    add = {
        "box": lambda: bpy.ops.mesh.primitive_cube_add(size=1),
        "ball": lambda: bpy.ops.mesh.primitive_uv_sphere_add(radius=0.5, segments=64, ring_count=32),
        "rod": lambda: bpy.ops.mesh.primitive_cylinder_add(radius=0.5, depth=1, vertices=64),
        "tube": lambda: bpy.ops.mesh.primitive_cylinder_add(radius=0.5, depth=1, vertices=96, end_fill_type="NOTHING"),
        "cone": lambda: bpy.ops.mesh.primitive_cone_add(radius1=0.5, radius2=0.28, depth=1, vertices=64),
        "ring": lambda: bpy.ops.mesh.primitive_torus_add(
            major_radius=0.5, minor_radius=more.get("wire", 0.08), major_segments=64, minor_segments=24
        ),
        "sheet": lambda: bpy.ops.mesh.primitive_plane_add(size=1),
    }[kind]
    add()
    made = bpy.context.object
    made.name = name
    made.location, made.scale = at, size
    made.rotation_euler = [math.radians(angle) for angle in turn]
    made.data.materials.append(look)
    if kind == "box":
        bevel = made.modifiers.new("bevel", "BEVEL")
        bevel.width, bevel.segments = more.get("bevel", 0.015), 3
    if kind in ("ball", "ring", "rod", "tube", "cone"):
        for polygon in made.data.polygons:
            polygon.use_smooth = len(polygon.vertices) <= 4
    return made


def teapot(label: int) -> None:
    del label
    glaze = material("glaze", (0.45, 0.12, 0.08), 0.3)
    part("ball", "body", glaze, (0, 0, 0.32), (0.62, 0.62, 0.56))
    part("ball", "lid", glaze, (0, 0, 0.58), (0.30, 0.30, 0.12))
    part("ball", "knob", material("knob", (0.1, 0.1, 0.12)), (0, 0, 0.68), (0.10, 0.10, 0.10))
    part("ring", "handle", glaze, (-0.33, 0, 0.34), (0.30, 0.30, 0.36), (90, 0, 0), wire=0.07)
    part("cone", "spout", glaze, (0.37, 0, 0.38), (0.13, 0.13, 0.34), (0, 48, 0))


def bottle(label: int) -> None:
    glass = material("glass", (0.05, 0.22, 0.12), 0.2)
    part("rod", "body", glass, (0, 0, 0.30), (0.30, 0.30, 0.60))
    part("ball", "shoulder", glass, (0, 0, 0.60), (0.30, 0.30, 0.22))
    part("rod", "neck", glass, (0, 0, 0.76), (0.11, 0.11, 0.24))
    part("rod", "cap", material("cap", (0.55, 0.42, 0.1), 0.3, 0.8), (0, 0, 0.92), (0.135, 0.135, 0.10))
    part("tube", "label", printed("print", 11 + label), (0, 0, 0.30), (0.304, 0.304, 0.34), (0, 0, 25))


def gadget(label: int) -> None:
    shell = material("shell", (0.62, 0.62, 0.60), 0.6)
    dark = material("dark", (0.03, 0.03, 0.035), 0.3)
    part("box", "body", shell, (0, 0, 0.28), (0.80, 0.26, 0.50), bevel=0.04)
    part("box", "screen", dark, (-0.14, -0.125, 0.32), (0.40, 0.03, 0.28))
    part("sheet", "label", printed("print", 23 + label), (-0.14, -0.1405, 0.32), (0.34, 0.22, 1), (90, 0, 0))
    for row, height in enumerate((0.18, 0.30, 0.42)):
        part("rod", f"button{row}", dark, (0.26, -0.14, height), (0.08, 0.08, 0.05), (90, 0, 0))
    part("rod", "antenna", dark, (0.34, 0.05, 0.66), (0.035, 0.035, 0.36))
    part("ring", "dial", material("dial", (0.5, 0.2, 0.05)), (-0.18, 0.02, 0.55), (0.16, 0.16, 0.2), wire=0.12)


def chair(label: int) -> None:
    del label
    wood, cloth = material("wood", (0.35, 0.2, 0.1)), material("cloth", (0.15, 0.22, 0.4), 0.9)
    part("box", "seat", cloth, (0, 0, 0.44), (0.46, 0.46, 0.07), bevel=0.025)
    for x in (-0.19, 0.19):
        for y in (-0.19, 0.19):
            part("rod", f"leg{'r' if x > 0 else 'l'}{'b' if y > 0 else 'f'}", wood, (x, y, 0.21), (0.045, 0.045, 0.42))
        part("rod", f"post{'r' if x > 0 else 'l'}", wood, (x, 0.20, 0.70), (0.04, 0.04, 0.50))
    for row, height in enumerate((0.62, 0.76, 0.90)):
        part("box", f"slat{row}", wood, (0, 0.20, height), (0.40, 0.025, 0.07))


def camera(label: int) -> None:
    leather, metal = material("leather", (0.05, 0.05, 0.05), 0.7), material("metal", (0.6, 0.6, 0.62), 0.3, 0.6)
    part("box", "body", leather, (0, 0, 0.25), (0.80, 0.24, 0.44), bevel=0.03)
    part("box", "top", metal, (0, 0, 0.50), (0.78, 0.22, 0.09), bevel=0.02)
    part("box", "hump", metal, (0, -0.01, 0.57), (0.24, 0.22, 0.12), bevel=0.03)
    part("rod", "lens", metal, (0, -0.22, 0.26), (0.32, 0.32, 0.24), (90, 0, 0))
    part("rod", "glass", material("glass", (0.02, 0.03, 0.06), 0.1), (0, -0.32, 0.26), (0.24, 0.24, 0.06), (90, 0, 0))
    part("rod", "wheel", leather, (0.27, 0, 0.58), (0.13, 0.13, 0.09))
    part("rod", "shutter", leather, (-0.28, -0.02, 0.57), (0.06, 0.06, 0.06))
    part("sheet", "label", printed("print", 37 + label), (-0.27, -0.1215, 0.36), (0.18, 0.16, 1), (90, 0, 0))


PRODUCTS: dict[str, Callable[[int], None]] = {
    "teapot": teapot,
    "bottle": bottle,
    "gadget": gadget,
    "chair": chair,
    "camera": camera,
}
# what can be missing · what can be thicker · does it carry a print
PARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...], bool]] = {
    "teapot": (("handle", "spout"), ("knob", "handle"), False),
    "bottle": (("cap",), ("neck",), True),
    "gadget": (("antenna", "dial"), ("antenna",), True),
    "chair": (("slat2", "leglf"), ("legrf",), False),
    "camera": (("wheel", "lens"), ("hump",), True),
}


def load(model: Path) -> None:
    """A GLB, scaled to one metre and put on the ground."""
    import bpy
    from mathutils import Matrix

    bpy.ops.import_scene.gltf(filepath=str(model))
    points = vertices()
    low, high = points.min(axis=0), points.max(axis=0)
    size = float((high - low).max())
    middle = (low + high) / 2
    to_ground = Matrix.Scale(1 / size, 4) @ Matrix.Translation((-middle[0], -middle[1], -low[2]))
    for thing in bpy.data.objects:
        if thing.parent is None:
            thing.matrix_world = to_ground @ thing.matrix_world
    bpy.context.view_layer.update()


def build(product: str, models: dict[str, Path], label: int = 0) -> None:
    clear()
    if product in PRODUCTS:
        PRODUCTS[product](label)
    else:
        load(models[product])


def meshes() -> list[Any]:
    import bpy

    return [thing for thing in bpy.data.objects if thing.type == "MESH" and not thing.hide_render]


def triangles() -> tuple[np.ndarray, np.ndarray]:
    """All render meshes with modifiers: (V, 3) metres in the world and (T, 3) indices."""
    import bpy

    bpy.context.view_layer.update()
    graph = bpy.context.evaluated_depsgraph_get()
    all_points, all_corners, count = [], [], 0
    for thing in meshes():
        evaluated = thing.evaluated_get(graph)
        mesh = evaluated.to_mesh()
        mesh.calc_loop_triangles()
        points = np.empty(len(mesh.vertices) * 3, dtype=np.float32)
        mesh.vertices.foreach_get("co", points)
        corners = np.empty(len(mesh.loop_triangles) * 3, dtype=np.int32)
        mesh.loop_triangles.foreach_get("vertices", corners)
        matrix = np.array(evaluated.matrix_world)
        all_points.append(points.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3])
        all_corners.append(corners.reshape(-1, 3) + count)
        count += len(mesh.vertices)
        evaluated.to_mesh_clear()
    return np.concatenate(all_points).astype(np.float32), np.concatenate(all_corners)


def vertices() -> np.ndarray:
    return triangles()[0]


def thicken(name: str, factor: float) -> None:
    """The named part, larger across its thinnest two axes (all three for a compact part)."""
    import bpy

    thing = bpy.data.objects[name]
    size = sorted(thing.scale)
    if thing.name in ("handle",):
        for vertex in thing.data.vertices:
            flat = np.array(vertex.co)
            centre = np.array([flat[0], flat[1], 0.0])
            centre *= 0.5 / max(float(np.hypot(*centre[:2])), 1e-6)
            vertex.co = centre + (flat - centre) * factor
        return
    thing.scale = [side * (factor if side < 1.5 * size[1] else 1.0) for side in thing.scale]


def add_part(kind: int) -> None:
    """One more part on the product's right or on top: a spout, a box or a ring."""
    points = vertices()
    low, high = points.min(axis=0), points.max(axis=0)
    size, middle = high - low, (low + high) / 2
    reach = float(size.max())
    look = material("added", ((0.4, 0.1, 0.1), (0.12, 0.12, 0.3), (0.5, 0.45, 0.2))[kind % 3])
    if kind == 0:
        part(
            "rod",
            "added",
            look,
            (high[0] - 0.02 * reach, middle[1], low[2] + 0.55 * size[2]),
            (0.09 * reach, 0.09 * reach, 0.30 * reach),
            (0, 60, 0),
        )
    elif kind == 1:
        part(
            "box",
            "added",
            look,
            (low[0] + 0.3 * size[0], middle[1], high[2]),
            (0.14 * reach, 0.14 * reach, 0.16 * reach),
        )
    else:
        part(
            "ring",
            "added",
            look,
            (low[0], middle[1], low[2] + 0.5 * size[2]),
            (0.22 * reach, 0.22 * reach, 0.22 * reach),
            (90, 0, 0),
            wire=0.14,
        )


def stretch(height: float) -> None:
    """Everything ``height`` times as tall, standing on the same ground."""
    _transform(np.diag([1, 1, height, 1]))


def turn(yaw: float, pitch: float, right: np.ndarray) -> None:
    """The product turned by −yaw about its vertical and −pitch about the camera's ``right``: degrees of camera drift."""
    from mathutils import Matrix

    points = vertices()
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    there, back = Matrix.Translation(middle.tolist()), Matrix.Translation((-middle).tolist())
    about_z = Matrix.Rotation(math.radians(-yaw), 4, "Z")
    about_right = Matrix.Rotation(math.radians(pitch), 4, right.tolist())
    _transform(np.array(there @ about_right @ about_z @ back))


def _transform(matrix: np.ndarray) -> None:
    import bpy
    from mathutils import Matrix

    bpy.context.view_layer.update()
    for thing in bpy.data.objects:
        if thing.parent is None:
            thing.matrix_world = Matrix(matrix.tolist()) @ thing.matrix_world
    bpy.context.view_layer.update()
