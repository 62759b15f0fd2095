# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A product of our own to try everything on: a scent bottle of thick glass with a coloured liquid, metal and a label."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import bpy
from bpy.types import Image, Material, Object, Scene

from .collections import ids_now, ids_since, scratch_scene

# Profiles from the bottom up: (half width, height, squareness), millimetres. Squareness is the exponent of a
# superellipse: 2 = round, 8 = nearly a box with soft corners.
Profile = Sequence[tuple[float, float, float]]

_OUTSIDE: Profile = (
    (0.0, 0.0, 6), (24.0, 0.0, 6), (26.5, 0.5, 6), (28.0, 2.0, 6), (28.5, 4.0, 6), (28.5, 30.0, 6), (28.5, 56.0, 6),
    (28.0, 59.5, 6), (26.4, 62.4, 5.5), (23.5, 64.6, 5), (19.0, 66.0, 4), (13.5, 66.8, 3), (10.2, 67.4, 2.2),
    (9.2, 68.6, 2), (9.0, 70.0, 2), (9.0, 76.0, 2),
)  # fmt: skip
_INSIDE: Profile = (
    (0.0, 9.0, 5), (18.0, 9.0, 5), (21.5, 9.8, 5), (23.3, 11.6, 5), (24.0, 14.0, 5), (24.0, 30.0, 5), (24.0, 54.0, 5),
    (23.4, 57.2, 5), (21.6, 59.6, 4.5), (18.0, 61.4, 4), (13.0, 62.6, 3), (8.0, 63.8, 2.2), (6.0, 66.0, 2), (5.8, 76.0, 2),
)  # fmt: skip
_COLLAR: Profile = (
    (5.0, 67.6, 2), (12.4, 67.6, 2), (13.0, 68.2, 2), (13.0, 74.4, 2), (12.6, 75.0, 2), (12.0, 75.2, 2), (5.0, 75.2, 2),
)  # fmt: skip
_CAP: Profile = (
    (0.0, 75.4, 2), (14.6, 75.4, 2), (15.4, 75.8, 2), (15.8, 76.6, 2), (15.8, 97.4, 2), (15.4, 98.4, 2), (14.6, 99.0, 2),
    (12.5, 99.2, 2), (0.0, 99.2, 2),
)  # fmt: skip
_FILL_HEIGHT = 50.0
_DEPTH = 0.62  # the body's depth over its width; neck and cap stay round
_MM = 0.001

_LABEL_WIDTH, _LABEL_LOW, _LABEL_HIGH = 34.0, 18.0, 46.0
_LABEL_PIXELS = 1360, 1120
_PAPER = (0.905, 0.885, 0.84)  # linear


def build_sample(path: Path) -> None:
    """Write the sample product to ``path`` as a GLB: 57 × 36 × 99 mm, front towards −Y. The open file stays as it was.

    Uses glTF's KHR_materials_transmission and KHR_materials_ior, which this importer reads back.
    """
    before = ids_now()
    try:
        with TemporaryDirectory() as folder:
            label = _draw_label(Path(folder) / "label.png")
            with scratch_scene() as scene:
                for thing in _parts(label):
                    scene.collection.objects.link(thing)
                path.parent.mkdir(parents=True, exist_ok=True)
                bpy.ops.export_scene.gltf(
                    filepath=str(path), export_format="GLB", use_active_scene=True, export_animations=False
                )
    finally:
        bpy.data.batch_remove(ids_since(before))


def _parts(label: Image) -> list[Object]:
    glass = _material("Clear Glass", (1.0, 1.0, 1.0), Roughness=0.0, IOR=1.5, Transmission_Weight=1.0)
    scent = _material("Amber Scent", (0.95, 0.50, 0.16), Roughness=0.0, IOR=1.36, Transmission_Weight=1.0)
    cap = _material("Brushed Gold", (0.86, 0.62, 0.34), Roughness=0.28, Metallic=1.0)
    collar = _material("Polished Gold", (0.90, 0.68, 0.40), Roughness=0.12, Metallic=1.0)
    paper = _material("Label", (1.0, 1.0, 1.0), Roughness=0.55)
    _show_image(paper, label)
    # One closed surface: up the outside, over the lip, down the inside.
    bottle = (*_OUTSIDE, (8.4, 76.6, 2), (6.4, 76.6, 2), *reversed(_INSIDE))
    # A hair wider than the hollow, so that no film of air silvers the wall between the liquid and the glass.
    below = [(half + 0.08 * (half > 0), height - 0.08, n) for half, height, n in _INSIDE if height < _FILL_HEIGHT]
    liquid = (*below, (24.08, _FILL_HEIGHT, 5), (0.0, _FILL_HEIGHT, 5))
    return [
        _lathe("Bottle", bottle, glass),
        _lathe("Scent", liquid, scent),
        _lathe("Collar", _COLLAR, collar),
        _lathe("Cap", _CAP, cap),
        _label_patch(paper),
    ]


def _outline(half: float, squareness: float, turn: float) -> tuple[float, float]:
    """(x, y) in millimetres on the superellipse at the angle ``turn``, radians; round profiles keep their depth."""
    x, y = math.cos(turn), math.sin(turn)
    reach = (abs(x) ** squareness + abs(y) ** squareness) ** (-1.0 / squareness)
    flat = min(max((squareness - 2.0) / 3.0, 0.0), 1.0)
    return half * reach * x, half * reach * y * (1.0 + (_DEPTH - 1.0) * flat)


def _lathe(name: str, profile: Profile, material: Material, segments: int = 128) -> Object:
    """A closed or open surface through the profile's rings; a half width of 0 becomes a single vertex."""
    vertices: list[tuple[float, float, float]] = []
    rings: list[list[int]] = []
    for half, height, squareness in profile:
        count = segments if half > 0 else 1
        rings.append(list(range(len(vertices), len(vertices) + count)))
        for step in range(count):
            x, y = _outline(half, squareness, 2.0 * math.pi * step / segments)
            vertices.append((x * _MM, y * _MM, height * _MM))
    faces: list[tuple[int, ...]] = []
    closed = profile[0][0] > 0 and profile[-1][0] > 0
    for lower, upper in zip(rings, rings[1:] + rings[:1] if closed else rings[1:], strict=False):
        for step in range(segments):
            following = (step + 1) % segments
            below = (lower[step % len(lower)], lower[following % len(lower)])
            above = (upper[following % len(upper)], upper[step % len(upper)])
            corners = (*below, *above)
            faces.append(tuple(dict.fromkeys(corners)))
    return _object(name, vertices, faces, material)


def _label_patch(material: Material) -> Object:
    """The label: a sheet that follows the bottle's front, a fifth of a millimetre in front of it."""
    columns, half = 24, 28.5
    vertices, faces = [], []
    for row, height in enumerate((_LABEL_LOW, _LABEL_HIGH)):
        for column in range(columns + 1):
            x = _LABEL_WIDTH * (column / columns - 0.5)
            y = -_DEPTH * (half**6 - abs(x) ** 6) ** (1 / 6) - 0.2
            vertices.append((x * _MM, y * _MM, height * _MM))
            if row and column:
                start = column - 1
                faces.append((start, start + 1, columns + 2 + start, columns + 1 + start))
    sheet = _object("Label", vertices, faces, material)
    layer = sheet.data.uv_layers.new(name="UVMap")
    for loop in sheet.data.loops:
        column, row = loop.vertex_index % (columns + 1), loop.vertex_index // (columns + 1)
        layer.data[loop.index].uv = (column / columns, row)
    return sheet


def _object(name: str, vertices: list, faces: list, material: Material) -> Object:
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices, [], faces)
    mesh.shade_smooth()
    mesh.set_sharp_from_angle(angle=math.radians(50))
    mesh.materials.append(material)
    return bpy.data.objects.new(name, mesh)


def _material(name: str, colour: tuple[float, float, float], **sockets: float) -> Material:
    material = bpy.data.materials.new(name)
    if material.node_tree is None:
        material.use_nodes = True
    shader = _shader(material)
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    for socket, value in sockets.items():
        shader.inputs[socket.replace("_", " ")].default_value = value
    return material


def _shader(material: Material) -> bpy.types.Node:
    return next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")


def _show_image(material: Material, image: Image) -> None:
    node = material.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    material.node_tree.links.new(node.outputs["Color"], _shader(material).inputs["Base Color"])


def _draw_label(path: Path) -> Image:
    """The label's picture, drawn with Blender's own font: emission in front of a flat camera, no shading."""
    scene = bpy.data.scenes.new("Label")
    try:
        _set_up_drawing(scene, path)
        lines = (("CONSISTENT", 0.085, 0.118), ("EAU DE PARFUM", -0.085, 0.048), ("50 ml   1.7 fl. oz", -0.255, 0.040))
        for text, height, size in lines:
            _add_line(scene, text, height, size)
        for height, width, thickness in ((0.0, 0.62, 0.004), (0.36, 0.9, 0.005), (-0.36, 0.9, 0.005)):
            _add_rule(scene, height, width, thickness)
        bpy.ops.render.render(write_still=True, scene=scene.name)
    finally:
        bpy.data.scenes.remove(scene)
    image = bpy.data.images.load(str(path))
    image.name = "Label"
    image.pack()
    return image


def _set_up_drawing(scene: Scene, path: Path) -> None:
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", 16, False
    scene.view_settings.view_transform = "Standard"
    scene.render.resolution_x, scene.render.resolution_y = _LABEL_PIXELS
    scene.render.filepath = str(path)
    scene.render.image_settings.file_format = "PNG"
    scene.render.image_settings.color_mode = "RGB"
    scene.world = bpy.data.worlds.new("Paper")
    if scene.world.node_tree is None:
        scene.world.use_nodes = True
    background = next(node for node in scene.world.node_tree.nodes if node.type == "BACKGROUND")
    background.inputs["Color"].default_value = (*_PAPER, 1.0)
    camera = bpy.data.objects.new("Label Camera", bpy.data.cameras.new("Label Camera"))
    camera.data.type, camera.data.ortho_scale = "ORTHO", 1.0  # the picture is one unit wide
    camera.location.z = 1.0
    scene.collection.objects.link(camera)
    scene.camera = camera


def _add_line(scene: Scene, text: str, height: float, size: float) -> None:
    curve = bpy.data.curves.new("Line", "FONT")
    curve.body, curve.size, curve.space_character = text, size, 1.12
    curve.align_x, curve.align_y = "CENTER", "CENTER"
    curve.materials.append(_ink())
    line = bpy.data.objects.new("Line", curve)
    line.location.y = height
    scene.collection.objects.link(line)


def _add_rule(scene: Scene, height: float, width: float, thickness: float) -> None:
    low, high = height - thickness / 2, height + thickness / 2
    corners = [(-width / 2, low, 0), (width / 2, low, 0), (width / 2, high, 0), (-width / 2, high, 0)]
    scene.collection.objects.link(_object("Rule", corners, [(0, 1, 2, 3)], _ink()))


def _ink() -> Material:
    found = bpy.data.materials.get("Label Ink")
    if found is not None:
        return found
    return _material("Label Ink", (0.0, 0.0, 0.0), Roughness=1.0, Specular_IOR_Level=0.0)
