# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Products for the calibration, built with bpy: parts by name, so that one can be taken away, thickened, doubled or repainted.

Every product stands on the ground within about a metre. ``FACTS`` says what can be done to it. No two share a label.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

PRINTS = ("right", "changed", "mirrored", "garbled", "letter", "blank", "bent")


@dataclass(frozen=True)
class Facts:
    """``missing``, ``thicker``, ``doubled``, ``recoloured``: parts by name. ``kind``: the product class of the report."""

    kind: str
    missing: tuple[str, ...] = ()
    thicker: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    recoloured: tuple[str, ...] = ()
    has_print: bool = False


def clear() -> None:
    import bpy

    bpy.ops.wm.read_factory_settings(use_empty=True)


def material(name: str, colour: Any, roughness: float = 0.5, metallic: float = 0.0, **more: float) -> Any:
    """A Principled material. ``more``: inputs by their names with _ for the blank, such as Transmission_Weight."""
    import bpy

    made = bpy.data.materials.new(name)
    made.use_nodes = True
    shader = made.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*colour, 1.0)
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Metallic"].default_value = metallic
    for key, value in more.items():
        shader.inputs[key.replace("_", " ")].default_value = value
    return made


def glass(name: str, colour: Any = (0.95, 0.97, 0.96), roughness: float = 0.02) -> Any:
    return material(name, colour, roughness, Transmission_Weight=1.0, IOR=1.45)


def patterned(name: str, kind: str, colour: Any, roughness: float) -> Any:
    """A material with a fine structure of its own: "wood", "fabric" or "brushed"."""
    import bpy

    made = material(name, colour, roughness, 1.0 if kind == "brushed" else 0.0)
    nodes, links = made.node_tree.nodes, made.node_tree.links
    place = nodes.new("ShaderNodeTexCoord")
    stretch = nodes.new("ShaderNodeMapping")
    stretch.inputs["Scale"].default_value = {"wood": (3, 3, 30), "fabric": (160, 160, 160), "brushed": (2, 2, 260)}[
        kind
    ]
    noise = nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = 1.0
    mix = nodes.new("ShaderNodeMix")
    mix.data_type = "RGBA"
    colours = [socket for socket in mix.inputs if socket.type == "RGBA"]
    shade = 0.55 if kind == "wood" else 0.8
    colours[0].default_value = (*colour, 1.0)
    colours[1].default_value = (*(part * shade for part in colour), 1.0)
    links.new(place.outputs["Object"], stretch.inputs["Vector"])
    links.new(stretch.outputs["Vector"], noise.inputs["Vector"])
    links.new(next(s for s in noise.outputs if s.type == "VALUE"), mix.inputs[0])
    result = next(socket for socket in mix.outputs if socket.type == "RGBA")
    links.new(result, nodes["Principled BSDF"].inputs["Base Color"])
    del bpy
    return made


WORDS = (
    "AURORA", "MINERAL", "No. 27", "extra dry", "since 1894", "KEEP COOL", "fine tea", "NORDSEE", "750 ml", "SPORT",
    "organic", "BLACK LABEL", "roasted", "ATELIER", "pure cotton", "HANDMADE", "limited", "Model K", "wash at 30", "series 5",
)  # fmt: skip


def label_picture(
    seed: int, which: str, ground: Any = None, ink: Any = None, lines: int = 5, large: bool = True
) -> Any:
    """(512, 512, 3) of a label: a band, an emblem and lines of words in several sizes. ``which``: one of PRINTS."""
    random = np.random.default_rng(seed + (1000 if which == "changed" else 0))
    ground = tuple(int(255 * c) for c in (ground if ground is not None else random.uniform(0.7, 0.95, 3)))
    ink = tuple(int(255 * c) for c in (ink if ink is not None else random.uniform(0.02, 0.35, 3)))
    accent = tuple(int(c) for c in random.integers(20, 220, 3)) if lines > 2 else ink
    picture = Image.new("RGB", (512, 512), ground)
    draw = ImageDraw.Draw(picture)
    if lines > 2:
        at = int(random.integers(30, 70))
        draw.rectangle((0, at, 512, at + int(random.integers(12, 40))), fill=accent)
        x, y, size = (
            int(value) for value in (random.integers(150, 360), random.integers(130, 170), random.integers(30, 50))
        )
        shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
        shape((x - size, y - size, x + size, y + size), outline=accent, width=8)
    words = list(random.permutation(WORDS)[:lines])
    if which == "letter":
        word = words[0]
        spot = len(word) // 2
        letter = "X" if word[spot].upper() != "X" else "O"
        words[0] = word[:spot] + (letter if word[spot].isupper() else letter.lower()) + word[spot + 1 :]
    y = 230 if lines > 2 else 190
    for row, word in enumerate(words):
        size = (78 if large else 52) if row == 0 else int(random.integers(22, 44))
        font = ImageFont.load_default(size)
        wide = draw.textlength(word, font=font)
        x = (512 - wide) / 2
        if which != "blank":
            if which == "garbled":
                _garbled(picture, (x, y), word, font, ink, random)
            else:
                draw.text((x, y), word, fill=ink, font=font)
        y += int(size * 1.25)
    pixels = np.asarray(picture)
    if which == "mirrored":
        pixels = pixels[:, ::-1]
    if which == "bent":
        rows = np.arange(512)[:, None] + np.round(9 * np.sin(np.arange(512) / 40.0))[None, :]
        pixels = pixels[np.clip(rows, 0, 511).astype(int), np.arange(512)[None, :]]
    return np.ascontiguousarray(pixels)


def _garbled(picture: Any, at: Any, word: str, font: Any, ink: Any, random: Any) -> None:
    """Strokes as letters have them, in the letters' places: what image models write."""
    draw, x = ImageDraw.Draw(picture), at[0]
    height = font.size * 0.72
    for letter in word:
        wide = draw.textlength(letter, font=font)
        if letter != " ":
            top = at[1] + font.size * 0.25
            points = [(x + wide * a, top + height * b) for a, b in random.uniform(0.05, 0.95, (4, 2))]
            draw.line(points, fill=ink, width=max(2, int(font.size / 9)), joint="curve")
            if random.random() < 0.5:
                draw.arc((x, top, x + wide, top + height), *sorted(random.uniform(0, 360, 2)), fill=ink, width=max(2, int(font.size / 10)))  # fmt: skip
        x += wide


def printed(name: str, pixels: Any, roughness: float = 0.4, metallic: float = 0.0) -> Any:
    import bpy

    height, width = pixels.shape[:2]
    image = bpy.data.images.new(name, width, height)
    filled = np.ones((height, width, 4), dtype=np.float32)
    filled[..., :3] = pixels[::-1] / 255.0
    image.pixels.foreach_set(filled.ravel())
    image.pack()
    made = material(name, (1, 1, 1), roughness, metallic)
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
        "cone": lambda: bpy.ops.mesh.primitive_cone_add(
            radius1=0.5, radius2=more.get("top", 0.28), depth=1, vertices=64
        ),
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


def teapot(_: str) -> None:
    glaze = material("glaze", (0.45, 0.12, 0.08), 0.3)
    part("ball", "body", glaze, (0, 0, 0.32), (0.62, 0.62, 0.56))
    part("ball", "lid", glaze, (0, 0, 0.58), (0.30, 0.30, 0.12))
    part("ball", "knob", material("knob", (0.1, 0.1, 0.12)), (0, 0, 0.68), (0.10, 0.10, 0.10))
    part("ring", "handle", glaze, (-0.33, 0, 0.34), (0.30, 0.30, 0.36), (90, 0, 0), wire=0.07)
    part("cone", "spout", glaze, (0.37, 0, 0.38), (0.13, 0.13, 0.34), (0, 48, 0))


def bottle(label: str) -> None:
    green = material("glass", (0.05, 0.22, 0.12), 0.2)
    part("rod", "body", green, (0, 0, 0.30), (0.30, 0.30, 0.60))
    part("ball", "shoulder", green, (0, 0, 0.60), (0.30, 0.30, 0.22))
    part("rod", "neck", green, (0, 0, 0.76), (0.11, 0.11, 0.24))
    part("rod", "cap", material("cap", (0.55, 0.42, 0.1), 0.3, 0.8), (0, 0, 0.92), (0.135, 0.135, 0.10))
    wrap = np.tile(label_picture(11, label), (2, 3, 1))  # a cylinder shows the upper half of its UV square
    part("tube", "label", printed("print", wrap), (0, 0, 0.30), (0.304, 0.304, 0.34), (0, 0, 25))


def gadget(label: str) -> None:
    shell = material("shell", (0.62, 0.62, 0.60), 0.6)
    dark = material("dark", (0.03, 0.03, 0.035), 0.3)
    part("box", "body", shell, (0, 0, 0.28), (0.80, 0.26, 0.50), bevel=0.04)
    part("box", "screen", dark, (-0.14, -0.125, 0.32), (0.40, 0.03, 0.28))
    part(
        "sheet",
        "label",
        printed("print", label_picture(23, label)),
        (-0.14, -0.1405, 0.32),
        (0.34, 0.22, 1),
        (90, 0, 0),
    )
    for row, height in enumerate((0.18, 0.30, 0.42)):
        part("rod", f"button{row}", dark, (0.26, -0.14, height), (0.08, 0.08, 0.05), (90, 0, 0))
    part("rod", "antenna", dark, (0.34, 0.05, 0.66), (0.035, 0.035, 0.36))
    part("ring", "dial", material("dial", (0.5, 0.2, 0.05)), (-0.18, 0.02, 0.55), (0.16, 0.16, 0.2), wire=0.12)


def chair(_: str) -> None:
    wood, cloth = patterned("wood", "wood", (0.35, 0.2, 0.1), 0.5), patterned("cloth", "fabric", (0.15, 0.22, 0.4), 0.9)
    part("box", "seat", cloth, (0, 0, 0.44), (0.46, 0.46, 0.07), bevel=0.025)
    for x in (-0.19, 0.19):
        for y in (-0.19, 0.19):
            part("rod", f"leg{'r' if x > 0 else 'l'}{'b' if y > 0 else 'f'}", wood, (x, y, 0.21), (0.045, 0.045, 0.42))
        part("rod", f"post{'r' if x > 0 else 'l'}", wood, (x, 0.20, 0.70), (0.04, 0.04, 0.50))
    for row, height in enumerate((0.62, 0.76, 0.90)):
        part("box", f"slat{row}", wood, (0, 0.20, height), (0.40, 0.025, 0.07))


def camera(label: str) -> None:
    leather, metal = material("leather", (0.05, 0.05, 0.05), 0.7), patterned("metal", "brushed", (0.6, 0.6, 0.62), 0.3)
    part("box", "body", leather, (0, 0, 0.25), (0.80, 0.24, 0.44), bevel=0.03)
    part("box", "top", metal, (0, 0, 0.50), (0.78, 0.22, 0.09), bevel=0.02)
    part("box", "hump", metal, (0, -0.01, 0.57), (0.24, 0.22, 0.12), bevel=0.03)
    part("rod", "lens", metal, (0, -0.22, 0.26), (0.32, 0.32, 0.24), (90, 0, 0))
    part("rod", "glass", material("glass", (0.02, 0.03, 0.06), 0.1), (0, -0.32, 0.26), (0.24, 0.24, 0.06), (90, 0, 0))
    part("rod", "wheel", leather, (0.27, 0, 0.58), (0.13, 0.13, 0.09))
    part("rod", "shutter", leather, (-0.28, -0.02, 0.57), (0.06, 0.06, 0.06))
    print_ = printed("print", label_picture(37, label, (0.08, 0.08, 0.08), (0.9, 0.9, 0.9), 2))
    part("sheet", "label", print_, (-0.27, -0.1215, 0.36), (0.18, 0.16, 1), (90, 0, 0))


def perfume(label: str) -> None:
    clear_glass = glass("clear glass")
    part("box", "body", clear_glass, (0, 0, 0.30), (0.46, 0.24, 0.58), bevel=0.05)
    liquid = material("liquid", (0.95, 0.62, 0.25), 0.0, Transmission_Weight=1.0, IOR=1.34)
    part("box", "liquid", liquid, (0, 0, 0.26), (0.38, 0.16, 0.42), bevel=0.03)
    gold = material("gold", (0.85, 0.62, 0.25), 0.2, 1.0)
    part("rod", "collar", gold, (0, 0, 0.62), (0.14, 0.14, 0.06))
    part("box", "cap", material("cap", (0.02, 0.02, 0.02), 0.15), (0, 0, 0.76), (0.22, 0.18, 0.22), bevel=0.02)
    print_ = printed("print", label_picture(51, label, (0.96, 0.94, 0.9), (0.1, 0.08, 0.05), 3))
    part("sheet", "label", print_, (0, -0.1205, 0.28), (0.26, 0.20, 1), (90, 0, 0))


def kettle(_: str) -> None:
    chrome = material("chrome", (0.8, 0.8, 0.82), 0.04, 1.0)
    black = material("bakelite", (0.02, 0.02, 0.02), 0.35)
    part("cone", "body", chrome, (0, 0, 0.28), (0.60, 0.60, 0.54), top=0.32)
    part("ball", "lid", chrome, (0, 0, 0.55), (0.38, 0.38, 0.14))
    part("ball", "knob", black, (0, 0, 0.65), (0.10, 0.10, 0.09))
    part("ring", "handle", black, (-0.06, 0, 0.60), (0.56, 0.56, 0.42), (90, 0, 0), wire=0.05)
    part("cone", "spout", chrome, (0.33, 0, 0.36), (0.14, 0.14, 0.36), (0, 42, 0))


def backpack(label: str) -> None:
    cloth = patterned("cloth", "fabric", (0.025, 0.025, 0.03), 0.95)
    part("box", "body", cloth, (0, 0, 0.42), (0.56, 0.30, 0.80), bevel=0.10)
    part("box", "pocket", cloth, (0, -0.17, 0.26), (0.42, 0.12, 0.34), bevel=0.05)
    part("ring", "loop", cloth, (0, 0.02, 0.84), (0.16, 0.16, 0.16), (90, 0, 0), wire=0.12)
    for side in (-1, 1):
        part(
            "box", f"strap{'r' if side > 0 else 'l'}", cloth, (side * 0.30, 0.02, 0.40), (0.06, 0.10, 0.52), bevel=0.02
        )
    part("rod", "zip", material("zip", (0.7, 0.7, 0.7), 0.3, 1.0), (0.14, -0.235, 0.40), (0.02, 0.02, 0.07))
    print_ = printed("print", label_picture(67, label, (0.03, 0.03, 0.03), (0.85, 0.85, 0.82), 2), 0.8)
    part("sheet", "label", print_, (0, -0.2315, 0.26), (0.26, 0.18, 1), (90, 0, 0))


def tin(label: str) -> None:
    tinplate = material("tinplate", (0.72, 0.72, 0.70), 0.25, 1.0)
    wrap = np.tile(label_picture(73, label, lines=7, large=False), (2, 3, 1))
    part("rod", "body", tinplate, (0, 0, 0.35), (0.50, 0.50, 0.70))
    part("tube", "label", printed("print", wrap, 0.3), (0, 0, 0.35), (0.504, 0.504, 0.60), (0, 0, 40))
    part("ring", "rim", tinplate, (0, 0, 0.70), (0.49, 0.49, 0.3), wire=0.03)
    part("ring", "pull", tinplate, (0.08, 0, 0.72), (0.14, 0.14, 0.14), wire=0.10)


def router(label: str) -> None:
    white = material("white", (0.90, 0.90, 0.90), 0.4)
    part("box", "body", white, (0, 0, 0.14), (0.80, 0.50, 0.16), bevel=0.04)
    for side in (-1, 0, 1):
        part("rod", f"antenna{side + 1}", white, (side * 0.32, 0.22, 0.40), (0.035, 0.035, 0.44))
    lamp = material("lamp", (0.1, 0.5, 0.2), 0.3)
    for row in range(4):
        part("ball", f"lamp{row}", lamp, (-0.24 + row * 0.06, -0.245, 0.14), (0.02, 0.02, 0.02))
    print_ = printed("print", label_picture(83, label, (0.90, 0.90, 0.90), (0.72, 0.72, 0.73), 1), 0.4)
    part("sheet", "label", print_, (0, -0.02, 0.2205), (0.34, 0.34, 1))


def blocks(label: str) -> None:
    wood = patterned("wood", "wood", (0.62, 0.42, 0.22), 0.6)
    paints = [material(f"paint{i}", colour, 0.5) for i, colour in enumerate([(0.7, 0.08, 0.06), (0.08, 0.25, 0.6), (0.8, 0.6, 0.08)])]  # fmt: skip
    part("box", "base", wood, (0, 0, 0.10), (0.80, 0.36, 0.10), bevel=0.03)
    for index, (x, size) in enumerate(((-0.26, 0.24), (0.0, 0.30), (0.26, 0.22))):
        part("box", f"block{index}", paints[index], (x, 0, 0.15 + size / 2), (size, 0.24, size), bevel=0.02)
    part("ball", "ball", paints[0], (0.26, 0, 0.46), (0.18, 0.18, 0.18))
    for side in (-1, 1):
        for end in (-1, 1):
            part("rod", f"wheel{(side + 1) + (end + 1) // 2}", wood, (end * 0.28, side * 0.19, 0.07), (0.14, 0.14, 0.05), (90, 0, 0))  # fmt: skip
    print_ = printed("print", label_picture(97, label, (0.08, 0.25, 0.6), (0.95, 0.95, 0.9), 1))
    part("sheet", "label", print_, (0, -0.1215, 0.30), (0.24, 0.24, 1), (90, 0, 0))


def shoe(_: str) -> None:
    upper = patterned("upper", "fabric", (0.55, 0.12, 0.10), 0.85)
    rubber = material("rubber", (0.85, 0.85, 0.82), 0.6)
    part("box", "sole", rubber, (0, 0, 0.05), (0.86, 0.30, 0.10), bevel=0.05)
    part("ball", "toe", upper, (0.20, 0, 0.14), (0.48, 0.28, 0.24))
    part("ball", "heel", upper, (-0.22, 0, 0.22), (0.42, 0.28, 0.46))
    part("ring", "collar", material("lining", (0.05, 0.05, 0.06), 0.9), (-0.22, 0, 0.42), (0.26, 0.20, 0.3), wire=0.10)
    lace = material("lace", (0.92, 0.92, 0.90), 0.8)
    for row in range(4):
        part("rod", f"lace{row}", lace, (0.02 + 0.07 * row, 0, 0.305 - 0.022 * row), (0.022, 0.022, 0.20), (90, 0, 0))
    part(
        "box", "stripe", material("stripe", (0.9, 0.9, 0.9), 0.5), (-0.12, -0.132, 0.20), (0.05, 0.03, 0.24), (0, 24, 0)
    )


def spectacles(_: str) -> None:
    frame = material("acetate", (0.10, 0.05, 0.02), 0.2)
    for side in (-1, 1):
        name = "r" if side > 0 else "l"
        part("ring", f"rim{name}", frame, (side * 0.24, 0, 0.20), (0.38, 0.38, 0.5), (90, 0, 0), wire=0.05)
        part("rod", f"temple{name}", frame, (side * 0.43, 0.34, 0.24), (0.025, 0.025, 0.68), (90, 0, 0))
        part("rod", f"lens{name}", glass(f"lens {name}", (0.75, 0.80, 0.78)), (side * 0.24, 0, 0.20), (0.36, 0.36, 0.008), (90, 0, 0))  # fmt: skip
    part("rod", "bridge", frame, (0, 0, 0.24), (0.03, 0.03, 0.12), (0, 90, 0))


def blister(label: str) -> None:
    card = printed("print", label_picture(113, label))
    part("box", "backing", material("card", (0.85, 0.85, 0.85), 0.7), (0, 0.02, 0.40), (0.60, 0.02, 0.80), bevel=0.004)
    part("sheet", "label", card, (0, 0.0085, 0.40), (0.60, 0.80, 1), (90, 0, 0))
    part("box", "bubble", glass("film", (0.98, 0.98, 0.98)), (0, -0.07, 0.20), (0.40, 0.14, 0.26), bevel=0.03)
    part("rod", "battery0", material("copper", (0.75, 0.38, 0.16), 0.25, 1.0), (-0.08, -0.06, 0.20), (0.09, 0.09, 0.20))
    part("rod", "battery1", material("steel", (0.2, 0.22, 0.25), 0.3, 1.0), (0.08, -0.06, 0.20), (0.09, 0.09, 0.20))


PRODUCTS: dict[str, Callable[[str], None]] = {
    "teapot": teapot, "bottle": bottle, "gadget": gadget, "chair": chair, "camera": camera, "perfume": perfume,
    "kettle": kettle, "backpack": backpack, "tin": tin, "router": router, "blocks": blocks, "shoe": shoe,
    "spectacles": spectacles, "blister": blister,
}  # fmt: skip
FACTS: dict[str, Facts] = {
    "teapot": Facts("ceramic", ("handle", "spout", "knob"), ("knob", "handle"), ("spout",), ("lid",)),
    "bottle": Facts("print", ("cap",), ("neck",), ("cap",), ("cap",), True),
    "gadget": Facts("plastic", ("antenna", "dial", "button1"), ("antenna",), ("dial",), ("dial", "body"), True),
    "chair": Facts("wood", ("slat2", "leglf"), ("legrf",), ("slat1",), ("seat",)),
    "camera": Facts("brushed metal", ("wheel", "lens"), ("hump",), ("shutter",), ("body",), True),
    "perfume": Facts("glass", ("cap",), ("collar",), ("cap",), ("cap",), True),
    "kettle": Facts("chrome", ("handle", "spout", "knob"), ("knob", "spout"), ("spout",), ("knob",)),
    "backpack": Facts("black fabric", ("loop", "strapr"), ("strapr",), ("loop",), ("pocket",), True),
    "tin": Facts("fine print", ("pull",), ("rim",), ("pull",), (), True),
    "router": Facts("white on white", ("antenna0", "antenna2"), ("antenna0",), ("antenna1",), ("lamp1", "body"), True),
    "blocks": Facts("toy", ("ball", "block0"), ("ball",), ("ball",), ("block1", "ball"), True),
    "shoe": Facts("shoe", ("stripe", "collar"), ("collar",), ("stripe",), ("sole", "stripe")),
    "spectacles": Facts("thin parts", ("templel", "bridge"), ("bridge",), (), ("riml",)),
    "blister": Facts("transparent packaging", ("battery1", "bubble"), (), ("battery0",), ("battery1",), True),
}


def facts(product: str) -> Facts:
    return FACTS.get(product, Facts("model of others"))


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


def build(product: str, models: dict[str, Path], label: str = "right") -> None:
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


# faults in 3D


def take_away(name: str) -> None:
    import bpy

    bpy.data.objects.remove(bpy.data.objects[name])


def thicken(name: str, factor: float = 1.45) -> None:
    """The named part, larger across its thinnest two axes (all three for a compact part)."""
    import bpy

    thing = bpy.data.objects[name]
    size = sorted(thing.scale)
    thing.scale = [side * (factor if side < 1.5 * size[1] else 1.0) for side in thing.scale]


def double(name: str) -> None:
    """The named part once more, beside itself."""
    import bpy

    thing = bpy.data.objects[name]
    copy = thing.copy()
    bpy.context.scene.collection.objects.link(copy)
    width = max(thing.dimensions.x, 0.08)
    copy.location = thing.location.copy()
    copy.location.x += 1.25 * width if thing.location.x <= 0.05 else -1.25 * width


def repaint(name: str, random: Any) -> None:
    """The named part in another colour: its hue turned by a third, or grey made a colour."""
    import colorsys

    import bpy

    thing = bpy.data.objects[name]
    look = thing.material_slots[0].material.copy()
    thing.data = thing.data.copy()
    thing.data.materials[0] = look
    shader = look.node_tree.nodes["Principled BSDF"].inputs["Base Color"]
    for link in list(shader.links):
        look.node_tree.links.remove(link)
    hue, saturation, value = colorsys.rgb_to_hsv(*shader.default_value[:3])
    hue = (hue + random.uniform(0.25, 0.75)) % 1.0
    shader.default_value = (*colorsys.hsv_to_rgb(hue, max(saturation, 0.55), max(value, 0.25)), 1.0)


def add_part(kind: int) -> None:
    """One more part on the product's right, on top, or as a ring on the left: a spout, a box, a handle."""
    points = vertices()
    low, high = points.min(axis=0), points.max(axis=0)
    size, middle = high - low, (low + high) / 2
    reach = float(size.max())
    look = material("added", ((0.4, 0.1, 0.1), (0.12, 0.12, 0.3), (0.5, 0.45, 0.2))[kind % 3])
    if kind == 0:
        at = (high[0] - 0.02 * reach, middle[1], low[2] + 0.55 * size[2])
        part("rod", "added", look, at, (0.09 * reach, 0.09 * reach, 0.30 * reach), (0, 60, 0))
    elif kind == 1:
        at = (low[0] + 0.3 * size[0], middle[1], high[2])
        part("box", "added", look, at, (0.14 * reach, 0.14 * reach, 0.16 * reach))
    else:
        at = (low[0], middle[1], low[2] + 0.5 * size[2])
        part("ring", "added", look, at, (0.22 * reach, 0.22 * reach, 0.22 * reach), (90, 0, 0), wire=0.14)


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
