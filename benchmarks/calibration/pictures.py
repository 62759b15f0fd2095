# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From rendered light to the picture that comes back: faults that generators paint, then camera and codec.

A painted fault is made on the clean picture and comes with its mask: where it differs from the clean one by more than VISIBLE.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from consistency_pipeline.pipeline.gate.scoring.pixels.arrays import (
    blur,
    dilate,
    distance_to,
    erode,
    luma,
    pull_outward,
    sample,
)
from consistency_pipeline.pipeline.gate.scoring.pixels.backdrop import backdrop_choice
from consistency_pipeline.pipeline.gate.scoring.pixels.colour import to_linear, to_srgb

Shot = dict[str, np.ndarray]
Picture = np.ndarray  # (H, W, 3) sRGB in 0..1
VISIBLE = 0.07  # of display code by which a pixel must differ …
FEWEST = 30  # … and pixels of 512 × 512 that must, for a fault to be one
BRIGHTEST = 0.9  # linear light of a picture's 98th percentile at most
WOBBLE = 0.3  # px at 1024, standard deviation of a generator's wobble of every outline


def as_reference(shot: Shot) -> tuple[Picture, float]:
    """The reference picture on the grey that the program would choose, and that grey."""
    mask = shot["alpha"]
    linear = pull_outward(shot["rgb"] / np.maximum(mask, 1e-3)[..., None], (mask > 0.6).astype(np.float32))
    linear = _exposed(linear, linear[mask > 0.95])  # the lamps are as bright for white products as for black ones
    product = np.clip(to_srgb(linear), 0, 1).astype(np.float32)
    grey, _ = backdrop_choice(product, mask, 0.85)
    whole = linear * mask[..., None] + (1 - mask[..., None]) * to_linear(np.float32(grey))
    return np.clip(to_srgb(whole), 0, 1).astype(np.float32), grey


def composed(shot: Shot, grey: float) -> Picture:
    """A look over ``grey`` where it has no floor of its own: linear light developed to sRGB, without a camera's doing."""
    alpha = shot["alpha"][..., None]
    linear = shot["rgb"] + (1 - alpha) * to_linear(np.float32(grey))
    linear = _exposed(linear, linear)
    return np.clip(to_srgb(np.clip(linear, 0, 1)), 0, 1).astype(np.float32)


def _exposed(linear: Picture, meant: np.ndarray) -> Picture:
    """``linear`` light, darker where nearly all of ``meant`` (..., 3) would burn out: nobody exposes beyond it."""
    return linear * min(1.0, BRIGHTEST / max(float(np.percentile(luma(meant), 98)), 1e-3))


def visible(faulty: Picture, clean: Picture) -> np.ndarray:
    """(H, W) bool: where the fault shows; nowhere if it is too small to be one."""
    where = np.abs(faulty - clean).max(axis=-1) > VISIBLE
    return where if where.sum() >= FEWEST * (len(where) / 512) ** 2 else np.zeros_like(where)


# faults in the whole picture


@dataclass(frozen=True)
class Move:
    """px at 1024, factors and degrees, about the picture's middle."""

    dx: float = 0.0
    dy: float = 0.0
    scale: float = 1.0
    stretch: float = 1.0
    rotation: float = 0.0


MOVES = {
    "shift": (Move(dx=6.0), Move(dx=-8.0, dy=6.0), Move(dy=-18.0)),
    "scale": (Move(scale=0.975), Move(scale=1.03)),
    "stretch": (Move(stretch=1.04), Move(stretch=0.95)),
    "rotation": (Move(rotation=1.2), Move(rotation=-2.5)),
}


def moved(picture: Picture, move: Move) -> Picture:
    height, width = picture.shape[:2]
    unit = max(height, width) / 1024
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    middle = (width / 2 - 0.5, height / 2 - 0.5)
    a, b = x - middle[0] - move.dx * unit, y - middle[1] - move.dy * unit
    turn = np.radians(move.rotation)
    across, down = np.cos(turn) * a + np.sin(turn) * b, -np.sin(turn) * a + np.cos(turn) * b
    at_x, at_y = across / (move.scale * move.stretch) + middle[0], down / move.scale + middle[1]
    return sample(picture, np.clip(at_x, 0, width - 1), np.clip(at_y, 0, height - 1))


# faults in one place


def painted(kind: str, picture: Picture, mask: np.ndarray, albedo: np.ndarray, random: np.random.Generator) -> Picture:
    """``picture`` with the fault ``kind`` of PAINTED. ``mask``, ``albedo``: of the reference, (H, W) and
    (H, W, 3) sRGB-coded, the colour of its surface."""
    return np.clip(PAINTED[kind](picture, mask > 0.5, albedo, random), 0, 1).astype(np.float32)


def _place(where: np.ndarray, random: np.random.Generator) -> tuple[float, float]:
    rows, cols = np.nonzero(where)
    if not len(rows):
        return where.shape[1] / 2, where.shape[0] / 2
    at = int(random.integers(len(rows)))
    return float(cols[at]), float(rows[at])


def _bump(shape: tuple[int, int], at: tuple[float, float], radius: float) -> np.ndarray:
    x, y = np.meshgrid(np.arange(shape[1], dtype=np.float32), np.arange(shape[0], dtype=np.float32))
    far = ((x - at[0]) ** 2 + (y - at[1]) ** 2) / radius**2
    return np.where(far < 1, (1 - far) ** 2, 0.0).astype(np.float32)


def _displaced(picture: Picture, dx: np.ndarray, dy: np.ndarray) -> Picture:
    height, width = picture.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return sample(picture, np.clip(x + dx, 0, width - 1), np.clip(y + dy, 0, height - 1))


def _warp(at_rim: bool) -> Callable[..., Picture]:
    def made(picture: Picture, inside: np.ndarray, _albedo: np.ndarray, random: np.random.Generator) -> Picture:
        unit = len(picture) / 1024
        depth = distance_to(~inside, int(90 * unit))
        where = inside & (depth < 4 * unit + 1) if at_rim else inside & (depth > 50 * unit)
        if not where.any():
            where = inside & (depth > 0.6 * depth.max())
        at = _place(where, random)
        bump = _bump(picture.shape[:2], at, random.uniform(50, 110) * unit)
        if not at_rim:
            bump = bump * (blur(erode(inside, 6 * unit).astype(np.float32), 4 * unit))
        way, size = random.uniform(0, 2 * np.pi), random.choice([5.0, 9.0, 14.0]) * unit
        return _displaced(picture, bump * size * np.cos(way), bump * size * np.sin(way))

    return made


def _melted(picture: Picture, inside: np.ndarray, _albedo: np.ndarray, random: np.random.Generator) -> Picture:
    """A swirl with noise in its displacement: edges run into each other."""
    unit = len(picture) / 1024
    at = _place(inside & (_detail(picture) > np.percentile(_detail(picture)[inside], 70)), random)
    bump = _bump(picture.shape[:2], at, random.uniform(40, 90) * unit)
    noise = [blur(random.normal(size=inside.shape).astype(np.float32), 9 * unit) for _ in range(2)]
    noise = [part / max(float(part.std()), 1e-6) * random.uniform(7, 14) * unit for part in noise]
    return _displaced(picture, bump * noise[0], bump * noise[1])


def _detail(picture: Picture) -> np.ndarray:
    grey = luma(picture)
    return blur(np.abs(grey - blur(grey, 2.0)), 5.0)


def _smooth_place(
    picture: Picture, inside: np.ndarray, random: np.random.Generator, keep: float
) -> tuple[float, float]:
    unit = len(picture) / 1024
    deep = inside & (distance_to(~inside, int(keep * unit) + 1) >= keep * unit)
    deep = deep if deep.any() else inside
    calm = _detail(picture)
    return _place(deep & (calm <= np.percentile(calm[deep], 40)), random)


def _added_inside(picture: Picture, inside: np.ndarray, _albedo: np.ndarray, random: np.random.Generator) -> Picture:
    """A button, a screw or a seam with light and shade on it."""
    unit = len(picture) / 1024
    x, y = _smooth_place(picture, inside, random, 30)
    canvas = Image.new("L", picture.shape[1::-1], 0)
    draw = ImageDraw.Draw(canvas)
    a, b = random.uniform(12, 34, 2) * unit
    if random.random() < 0.6:
        draw.ellipse((x - a, y - b, x + a, y + b), fill=255)
    else:
        draw.rounded_rectangle((x - a, y - b, x + a, y + b), radius=min(a, b) * 0.4, fill=255)
    shape = blur(np.asarray(canvas, dtype=np.float32) / 255, 0.8)
    lit = (np.roll(shape, (-2, -2), (0, 1)) - np.roll(shape, (2, 2), (0, 1)))[..., None] * 0.35
    tone = np.array(
        random.uniform(0.1, 0.9, 3) if random.random() < 0.5 else [random.uniform(0.1, 0.9)] * 3, dtype=np.float32
    )
    cover = (shape * random.uniform(0.6, 1.0))[..., None]
    return (picture * (1 - cover) + tone * cover + lit) * inside[..., None] + picture * ~inside[..., None]


def _letters(picture: Picture, inside: np.ndarray, _albedo: np.ndarray, random: np.random.Generator) -> Picture:
    """A word where the product carries none."""
    unit = len(picture) / 1024
    x, y = _smooth_place(picture, inside, random, 40)
    canvas = Image.new("L", picture.shape[1::-1], 0)
    font = ImageFont.load_default(float(random.uniform(24, 52) * unit))
    word = "".join(random.choice(list("ABCDEFGHKLMNOPRSTUXZaeionrst"), size=int(random.integers(3, 7))))
    ImageDraw.Draw(canvas).text((x, y), word, fill=255, font=font, anchor="mm")
    cover = (np.asarray(canvas, dtype=np.float32) / 255 * 0.85)[..., None] * inside[..., None]
    here = picture[int(y), int(x)]
    tone = np.full(3, 0.1 if luma(here) > 0.45 else 0.9, dtype=np.float32)
    return picture * (1 - cover) + tone * cover


def _erased(picture: Picture, inside: np.ndarray, _albedo: np.ndarray, random: np.random.Generator) -> Picture:
    """Detail painted over with what surrounds it."""
    unit = len(picture) / 1024
    deep = erode(inside, 12 * unit)
    detail = _detail(picture)
    deep = deep if deep.any() else inside
    x, y = _place(deep & (detail >= np.percentile(detail[deep], 85)), random)
    hole = _bump(picture.shape[:2], (x, y), random.uniform(24, 60) * unit) > 0.02
    hole &= inside
    filled = blur(pull_outward(picture, (~dilate(hole, 1.5) & inside).astype(np.float32)), 3 * unit)
    soft = blur(hole.astype(np.float32), 1.5 * unit)[..., None]
    return picture * (1 - soft) + filled * soft


def _texture(picture: Picture, inside: np.ndarray, _albedo: np.ndarray, random: np.random.Generator) -> Picture:
    """A grain, weave or speckle that the product's surface doesn't have."""
    unit = len(picture) / 1024
    at = _place(inside, random)
    where = np.maximum(_bump(picture.shape[:2], at, random.uniform(120, 260) * unit) ** 0.3, 0)
    x, y = np.meshgrid(np.arange(picture.shape[1]), np.arange(picture.shape[0]))
    kind = random.integers(3)
    if kind == 0:
        grain = blur(random.normal(size=inside.shape).astype(np.float32), random.uniform(1.0, 2.5))
        grain = grain / grain.std()
    elif kind == 1:
        grain = np.sin(x / random.uniform(1.2, 2.5)) * np.sin(y / random.uniform(1.2, 2.5)) * 1.6
    else:
        grain = 2.2 * (blur(random.normal(size=inside.shape).astype(np.float32), 2.0) > 0.13) - 0.4
    strength = (grain * where * inside * random.uniform(0.06, 0.12))[..., None]
    return picture * (1 + 1.5 * strength) + 0.3 * strength


def _recoloured(picture: Picture, inside: np.ndarray, albedo: np.ndarray, random: np.random.Generator) -> Picture:
    """One colour region of the product in another hue, its light and shade kept."""
    x, y = _place(inside, random)
    own = albedo[int(y), int(x)]
    near = (np.abs(albedo - own).max(axis=-1) < 0.1) & inside
    soft = blur(near.astype(np.float32), 0.7)[..., None]
    grey = luma(picture)[..., None]
    tint = random.dirichlet((0.6, 0.6, 0.6)) * 3
    return picture * (1 - soft) + np.clip(0.35 * picture + 0.65 * grey * tint, 0, 1) * soft


PAINTED: dict[str, Callable[[Picture, np.ndarray, np.ndarray, np.random.Generator], Picture]] = {
    "warp on the rim": _warp(at_rim=True),
    "warp inside": _warp(at_rim=False),
    "melted": _melted,
    "added inside": _added_inside,
    "hallucinated letters": _letters,
    "erased detail": _erased,
    "hallucinated texture": _texture,
    "region recoloured": _recoloured,
}


# camera and codec


def developed(picture: Picture, random: np.random.Generator) -> np.ndarray:
    """(H, W, 3) uint8: a tone curve, white balance, exposure, bloom, vignette, aberration, resampling, grain and a codec."""
    unit = len(picture) / 1024
    linear = to_linear(picture).astype(np.float32)
    linear = linear * 2 ** random.uniform(-0.3, 0.3) * (1 + random.normal(size=3) * 0.03).astype(np.float32)
    bright = np.maximum(linear - 0.8, 0)
    linear = linear + blur(bright, 10 * unit) * random.uniform(0, 0.3)
    height, width = picture.shape[:2]
    x, y = np.meshgrid(np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32))
    linear = linear * (1 - random.uniform(0, 0.15) * (x**2 + y**2) / 2)[..., None]
    shown = np.clip(to_srgb(np.clip(linear, 0, 1)), 0, 1).astype(np.float32)
    shown = _TONES[int(random.integers(len(_TONES)))](shown)
    shown = _wobbled(shown, random, unit)
    if random.random() < 0.4:  # lateral aberration
        shift = random.uniform(0.1, 0.5) * unit
        shown = np.stack([moved(shown[..., c : c + 1], Move(scale=1 + (c - 1) * shift / 512))[..., 0] for c in range(3)], axis=-1)  # fmt: skip
    if random.random() < 0.4:
        side = int(width * random.uniform(0.6, 0.95))
        small = Image.fromarray((np.clip(shown, 0, 1) * 255 + 0.5).astype(np.uint8)).resize((side, side * height // width), Image.Resampling.LANCZOS)  # fmt: skip
        shown = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32) / 255
    shown = shown + (shown - blur(shown, 1.2)) * random.uniform(0, 0.6)
    shown = shown + random.normal(size=shown.shape).astype(np.float32) * random.uniform(0.001, 0.012)
    stored = io.BytesIO()
    codec = "JPEG" if random.random() < 0.6 else "WEBP"
    pixels = Image.fromarray((np.clip(shown, 0, 1) * 255 + 0.5).astype(np.uint8))
    pixels.save(stored, codec, quality=int(random.integers(60, 94)))
    return np.asarray(Image.open(stored).convert("RGB"))


_TONES: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    lambda v: v,
    lambda v: v**0.9,
    lambda v: v**1.12,
    lambda v: v + 0.18 * v * (1 - v) * (2 * v - 1),
    lambda v: 0.03 + 0.94 * v,
)


def _wobbled(picture: np.ndarray, random: np.random.Generator, unit: float) -> np.ndarray:
    move = []
    for _ in range(2):
        noise = blur(random.normal(size=picture.shape[:2]).astype(np.float32), 40 * unit)
        move.append(noise / max(float(noise.std()), 1e-9) * WOBBLE * unit + random.uniform(-0.4, 0.4) * unit)
    return _displaced(picture, move[0], move[1])


def degraded(picture: Picture, random: np.random.Generator) -> dict[str, np.ndarray]:
    """The picture harmlessly worse in one way each: what a gate may never call a fault."""

    def code(quality: int) -> np.ndarray:
        stored = io.BytesIO()
        Image.fromarray((picture * 255 + 0.5).astype(np.uint8)).save(stored, "JPEG", quality=quality)
        return np.asarray(Image.open(stored), dtype=np.float32) / 255

    height, width = picture.shape[:2]
    half = Image.fromarray((picture * 255 + 0.5).astype(np.uint8)).resize(
        (width // 2, height // 2), Image.Resampling.LANCZOS
    )
    return {
        "itself": picture,
        "blur": blur(picture, 1.2 * len(picture) / 1024 + 0.4),
        "defocus": blur(picture, 3.0 * len(picture) / 1024),
        "gain": np.clip(picture * 1.12, 0, 1),
        "dark": picture * 0.85,
        "tone": picture + 0.2 * picture * (1 - picture) * (2 * picture - 1),
        "grain": np.clip(picture + random.normal(size=picture.shape).astype(np.float32) * 0.012, 0, 1),
        "jpeg": code(70),
        "half pixel": moved(picture, Move(dx=0.5 * 1024 / width, dy=0.5 * 1024 / width)),
        "half size": np.asarray(half.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32) / 255,
    }


def blank(size: int, grey: float, random: np.random.Generator) -> np.ndarray:
    """An empty backdrop."""
    return developed(np.full((size, size, 3), grey, dtype=np.float32), random)
