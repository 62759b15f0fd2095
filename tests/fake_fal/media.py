# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real files for the fake's answers: pictures, textured models and clips, made from what was sent. No bpy, no ffmpeg."""

from __future__ import annotations

import hashlib
import io
import random
import struct

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageOps

Size = tuple[int, int]


def decode(data: bytes) -> Image.Image:
    """The picture in these bytes, upright RGB on white. Raises OSError or ValueError if it isn't one."""
    with Image.open(io.BytesIO(data)) as image:
        rgba = ImageOps.exif_transpose(image).convert("RGBA")
    white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, rgba).convert("RGB")


def encode(image: Image.Image, kind: str) -> bytes:
    """PNG, JPEG or WebP bytes (``kind`` as in ``output_format``)."""
    out = io.BytesIO()
    if kind == "png":
        image.save(out, "PNG", compress_level=1)
    else:
        image.save(out, {"jpeg": "JPEG", "webp": "WEBP"}[kind], quality=95)
    return out.getvalue()


def fit(image: Image.Image, size: Size) -> Image.Image:
    """Cover ``size`` and cut the middle out: the geometry stays when the aspect does."""
    if image.size == size:
        return image
    scale = max(size[0] / image.width, size[1] / image.height)
    box_w, box_h = size[0] / scale, size[1] / scale
    left, top = (image.width - box_w) / 2, (image.height - box_h) / 2
    return image.resize(size, Image.Resampling.LANCZOS, box=(left, top, left + box_w, top + box_h))


def restyled(source: Image.Image, size: Size, seed: int) -> Image.Image:
    """The input picture with a little more contrast, warmth and grain: every edge stays where it was."""
    image = fit(source, size)
    image = ImageEnhance.Contrast(image).enhance(1.06)
    image = ImageEnhance.Color(image).enhance(1.10)
    pixels = np.asarray(image, dtype=np.int16)
    dice = np.random.default_rng(seed)
    warmth = np.array([3, 0, -3], dtype=np.int16) + dice.integers(-2, 3, size=3, dtype=np.int16)
    grain = dice.integers(-3, 4, size=(*pixels.shape[:2], 1), dtype=np.int16)
    return Image.fromarray(np.clip(pixels + warmth + grain, 0, 255).astype(np.uint8))


def distorted(image: Image.Image, how: str) -> Image.Image:
    """The picture with its product out of place or out of shape; ``how`` as in faults.py, "" for not at all.

    What moves in is the picture's own backdrop, as a generator would paint it.
    """
    width, height = image.size
    backdrop = image.getpixel((2, 2))
    if how == "shift":
        moves = (1, 0, -0.02 * width, 0, 1, -0.015 * height)
    elif how == "scale":
        moves = (1 / 1.04, 0, 0.02 * width, 0, 1 / 1.04, 0.02 * height)
    elif how == "stretch":
        moves = (1 / 1.15, 0, 0.065 * width, 0, 1, 0)
    elif how == "missing":
        whole = image.copy()
        ImageDraw.Draw(whole).rectangle((0, 0, width, round(0.38 * height)), fill=backdrop)
        return whole
    elif how == "other":
        return drawn("a vase", image.size, 5)
    else:
        return image
    return image.transform(image.size, Image.Transform.AFFINE, moves, Image.Resampling.BICUBIC, fillcolor=backdrop)


def drawn(prompt: str, size: Size, seed: int) -> Image.Image:
    """A picture from words: a vase of the prompt's own colour on white, as a product photo would be."""
    width, height = size
    image = Image.new("RGB", size, (255, 255, 255))
    colour = colour_of(f"{prompt}{seed}".encode())
    draw = ImageDraw.Draw(image)
    unit = min(width, height) / 10
    x, y = width / 2, height / 2
    draw.ellipse((x - 3 * unit, y + 3.2 * unit, x + 3 * unit, y + 4 * unit), fill=(225, 225, 225))
    draw.ellipse((x - 2.4 * unit, y - 1.5 * unit, x + 2.4 * unit, y + 3.6 * unit), fill=colour)
    draw.rectangle((x - 0.9 * unit, y - 3.6 * unit, x + 0.9 * unit, y), fill=colour)
    draw.ellipse((x - 1.4 * unit, y - 3.9 * unit, x + 1.4 * unit, y - 3.2 * unit), fill=colour)
    shade = Image.linear_gradient("L").rotate(90).resize(size)
    return ImageChops.multiply(image, Image.merge("RGB", [shade.point(lambda v: 200 + v * 55 // 255)] * 3))


def matte(image: Image.Image) -> Image.Image:
    """White where the picture is not as its corner is: what a model that finds the product would answer."""
    corner = Image.new("RGB", image.size, image.getpixel((2, 2))[:3])
    apart = ImageChops.difference(image.convert("RGB"), corner).convert("L")
    return apart.point(lambda value: 255 if value > 12 else 0).convert("RGB")


def colour_of(data: bytes) -> tuple[int, int, int]:
    digest = hashlib.sha256(data).digest()
    return 60 + digest[0] % 150, 60 + digest[1] % 150, 60 + digest[2] % 150


def photo(size: Size = (640, 480), seed: int = 0) -> bytes:
    """A JPEG to send as an input, for tests that need a photo of something."""
    return encode(drawn("a photo", size, seed), "jpeg")


def blank(size: Size) -> Image.Image:
    """What the safety checker leaves of a picture."""
    return Image.new("RGB", size, (0, 0, 0))


def png_bomb(side: int = 40_000) -> bytes:
    """A true PNG of a few hundred kilobytes that unpacks to gigabytes."""
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(1)
    rows = bytes((side // 8 + 1) * 400)
    body = b"".join(packer.compress(rows) for _ in range(side // 400)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def some_seed() -> int:
    return random.SystemRandom().randrange(2**31)
