# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From one render with passes many pictures: other light, other material, other backdrop, other camera chain.

Shading is redone from the normal pass and the albedo, so that highlights and shadows fall where the render has none.
A restyle keeps the geometry to within the small wobble that a generator adds to every outline.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from consistency_pipeline.pipeline.gate.scoring.measures.colour import to_linear, to_srgb
from consistency_pipeline.pipeline.gate.scoring.pixels.arrays import blur, luma, pull_outward, sample
from consistency_pipeline.pipeline.gate.scoring.pixels.backdrop import backdrop_choice

Shot = dict[str, np.ndarray]
HARD_BACKDROPS = ("horizon", "hard-shadow", "texture", "white-on-white", "blown")
WOBBLE = 0.35  # px at 1024, standard deviation of the outline's wobble in a true restyle


@dataclass(frozen=True)
class Move:
    """What an image-space defect does to the product: px at 1024 and factors."""

    dx: float = 0.0
    dy: float = 0.0
    scale: float = 1.0
    stretch: float = 1.0


STILL = Move()


def straight(shot: Shot) -> np.ndarray:
    """Linear product colour without its alpha, spread a little beyond its rim."""
    mask = shot["mask"]
    return pull_outward(shot["rgb"] / np.maximum(mask, 1e-3)[..., None], (mask > 0.6).astype(np.float32))


def as_reference(shot: Shot) -> tuple[np.ndarray, float]:
    """The reference picture (sRGB) on the grey that the program would choose, and that grey."""
    product = np.clip(to_srgb(straight(shot)), 0, 1).astype(np.float32)
    grey, _ = backdrop_choice(product, shot["mask"], 0.85)
    mask = shot["mask"][..., None]
    linear = straight(shot) * mask + (1 - mask) * to_linear(np.float32(grey))
    return np.clip(to_srgb(linear), 0, 1).astype(np.float32), grey


def restyle(
    shot: Shot, grey: float, random: np.random.Generator, backdrop: str = "plain", move: Move = STILL
) -> np.ndarray:
    """(H, W, 3) uint8. ``grey``: the reference's backdrop; ``backdrop``: "plain" or one of HARD_BACKDROPS."""
    size = len(shot["mask"])
    unit = size / 1024
    colour, mask = _relit(shot, random, 1.7 if backdrop == "blown" else 1.0), shot["mask"].astype(np.float32)
    if backdrop == "white-on-white":
        colour = 1 - (1 - np.clip(colour, 0, 1)) * 0.35
    colour, mask = _moved(colour, mask, move, random, unit)
    behind = _backdrop(mask, grey, random, backdrop, unit)
    linear = colour * mask[..., None] + behind * (1 - mask[..., None])
    return _developed(linear, random)


def _relit(shot: Shot, random: np.random.Generator, exposure: float) -> np.ndarray:
    normal, albedo, render = shot["normal"], np.clip(shot["albedo"], 0.01, 1), straight(shot)
    mask = (shot["mask"] > 0.6).astype(np.float32)
    normal, albedo = pull_outward(normal, mask), pull_outward(albedo, mask)
    view = shot["matrix_world"][:3, 2]
    shade = random.uniform(0.2, 0.5) * (1 + 0.4 * normal[..., 2:3]) * np.ones(3)
    gloss = np.zeros(3)
    power, shine = random.uniform(6, 60), random.uniform(0, 0.35)
    for strength in (random.uniform(0.5, 1.0), random.uniform(0.1, 0.5)):
        light = view + random.normal(size=3) * 0.8 + (0, 0, 0.5)
        light /= np.linalg.norm(light)
        tint = 1 + random.normal(size=3) * 0.04
        half = (light + view) / np.linalg.norm(light + view)
        shade = shade + strength * tint * np.maximum(normal @ light, 0)[..., None]
        gloss = gloss + strength * shine * np.maximum(normal @ half, 0)[..., None] ** power
    texture = 1.0
    for scale in (1.5, 5.0, 30.0):
        noise = blur(random.normal(size=mask.shape).astype(np.float32), scale)
        texture = texture + (noise / max(float(noise.std()), 1e-6) * random.uniform(0, 0.035))[..., None]
    paint = albedo * (1 + random.normal(size=3) * 0.06) * texture
    share = random.uniform(0.0, 0.6)
    mixed = (1 - share) * (paint * shade + gloss) + share * render * texture
    return (mixed * exposure * 2 ** random.uniform(-0.35, 0.35)).astype(np.float32)


def _moved(
    colour: np.ndarray, mask: np.ndarray, move: Move, random: np.random.Generator, unit: float
) -> tuple[np.ndarray, np.ndarray]:
    height, width = mask.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    middle = width / 2 - 0.5
    at_x = (x - middle - move.dx * unit) / (move.scale * move.stretch) + middle
    at_y = (y - middle - move.dy * unit) / move.scale + middle
    for axis in (at_x, at_y):
        wobble = blur(random.normal(size=mask.shape).astype(np.float32), 40 * unit)
        axis += wobble / max(float(wobble.std()), 1e-9) * WOBBLE * unit
    return sample(colour, at_x, at_y), sample(mask, at_x, at_y)


def _backdrop(mask: np.ndarray, grey: float, random: np.random.Generator, kind: str, unit: float) -> np.ndarray:
    height, width = mask.shape
    x, y = np.meshgrid(np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32))
    level = 0.97 if kind in ("white-on-white", "blown") else grey + random.uniform(-0.05, 0.05)
    tone = (
        level
        + random.uniform(-0.05, 0.05) * x
        + random.uniform(-0.05, 0.05) * y
        - random.uniform(0, 0.05) * (x**2 + y**2)
    )
    tone = tone[..., None] + random.normal(size=3) * 0.008
    rows, cols = np.nonzero(mask > 0.5)
    foot, middle = rows.max(), (cols.min() + cols.max()) / 2
    if kind == "horizon":
        wall = y * height / 2 + height / 2 < foot - random.uniform(0.05, 0.25) * height
        tone = np.where(wall[..., None], tone, tone - random.choice([-1, 1]) * random.uniform(0.08, 0.25))
    if kind == "texture":
        grain = blur(random.normal(size=mask.shape).astype(np.float32), random.uniform(1.0, 4.0))
        streak = np.sin(x * random.uniform(20, 60) + 6 * blur(grain, 8.0))
        tone = tone + (grain / grain.std() * random.uniform(0.02, 0.06) + streak * random.uniform(0, 0.08))[..., None]
    shadow = _shadow(mask, foot, middle, (cols.max() - cols.min()) / 2, random, kind, unit)
    return to_linear(np.clip(tone, 0.01, 1.0)).astype(np.float32) * shadow[..., None]


def _shadow(
    mask: np.ndarray, foot: int, middle: float, half: float, random: np.random.Generator, kind: str, unit: float
) -> np.ndarray:
    """(H, W) factor: a soft contact shadow, and a hard cast one where asked for."""
    height, width = mask.shape
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    flat = random.uniform(0.08, 0.16) * height
    pool = np.exp(
        -(((x - middle - random.uniform(-0.2, 0.2) * half) / (half * random.uniform(0.8, 1.2))) ** 2)
        - ((y - foot) / flat) ** 2
    )
    contact = blur((mask > 0.5).astype(np.float32), random.uniform(8, 25) * unit * 2)
    shadow = 1 - random.uniform(0.1, 0.5) * pool - random.uniform(0, 0.3) * contact * (y > foot - 0.1 * height)
    if kind == "hard-shadow":
        lean, squash = random.uniform(-1.2, 1.2), random.uniform(0.3, 0.6)
        up = (foot - y) / squash
        cast = sample(mask, x + lean * (foot - y), foot - up)
        shadow = shadow * (1 - random.uniform(0.3, 0.6) * blur(cast, random.uniform(0.8, 2.0)))
    return np.clip(shadow, 0.02, 1).astype(np.float32)


def _developed(linear: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Tone curve, softness or sharpening, noise and JPEG."""
    picture = to_srgb(np.clip(linear, 0, 1)).astype(np.float32)
    picture = np.clip(picture, 0, 1) ** random.uniform(0.88, 1.12)
    picture = picture + random.uniform(0, 0.15) * picture * (1 - picture) * (2 * picture - 1)
    soft = blur(picture, random.uniform(0.3, 0.8))
    picture = soft + random.uniform(-0.2, 0.5) * (picture - soft)
    grey = luma(picture)[..., None]
    picture = grey + (picture - grey) * random.uniform(0.8, 1.2)
    picture = picture + random.normal(size=picture.shape) * random.uniform(0.001, 0.010)
    stored = io.BytesIO()
    Image.fromarray((np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)).save(
        stored, "JPEG", quality=int(random.integers(82, 97))
    )
    return np.asarray(Image.open(stored))


def blank(size: int, grey: float, random: np.random.Generator) -> np.ndarray:
    """An empty backdrop, or one flat colour."""
    nothing = np.zeros((size, size), dtype=np.float32)
    if random.random() < 0.4:
        return np.full((size, size, 3), int(random.choice([0, 127, 255])), dtype=np.uint8)
    nothing[size // 2, size // 2] = 1.0  # gives the shadow a place
    return _developed(_backdrop(nothing, grey, random, "plain", size / 1024) * np.ones(3, dtype=np.float32), random)
