# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what Cycles wrote to a finished picture: passes by name, the view transform, the exact backdrop, the shadow."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import bpy
import numpy as np
from bpy.types import Scene
from numpy.typing import NDArray

from ...pipeline import references
from ...pipeline.backdrops import behind
from ...pipeline.errors import BadInput
from ...pipeline.formats import exr, png
from ...pipeline.gate.scoring.pixels.arrays import blur
from ...pipeline.lighting.view import View, view_from
from ...pipeline.settings.groups import RunSettings
from .. import compat

Plane = NDArray[np.float32]
AROUND = 1.2  # pixels, standard deviation, over which the share of scattered light is averaged
FAR = 1e9  # metres; Cycles writes 1e10 where nothing is


@dataclass(frozen=True)
class Passes:
    """All (H, W) or (H, W, 3), top row first. ``rgb`` is scene-linear and premultiplied, ``mask`` the product's coverage.

    ``depth`` is metres from the camera's plane, ``normal`` and ``position`` are in world space, all 0 where nothing is.
    ``surface`` is the diffuse colour, linear and without light: 0 where it is glass or metal, and where nothing is.
    ``scatter`` is the share 0..1 of the light that the surface scatters, (H, W): 0 on glass and metal, little in a highlight.
    ``shadow`` is what the product leaves of the ground's light, as a factor: above 1 where it adds some. ``groups`` is each
    light's part of ``noisy``, which is ``rgb`` before it was denoised.
    """

    rgb: Plane
    mask: Plane
    depth: Plane
    normal: Plane
    position: Plane
    surface: Plane
    scatter: Plane
    shadow: Plane
    noisy: Plane
    groups: Mapping[str, Plane] = field(default_factory=dict)


@dataclass(frozen=True)
class LightPasses:
    """``rgb`` scene-linear and premultiplied, ``noisy`` the same before it was denoised, ``groups`` each light's part of that."""

    rgb: Plane
    noisy: Plane
    groups: Mapping[str, Plane]


def read_groups(path: Path, groups: Iterable[str]) -> LightPasses:
    """The light groups of a render that kept them."""
    return _light_passes(exr.read(path), groups)


def _light_passes(channels: Mapping[str, Plane], groups: Iterable[str]) -> LightPasses:
    has_noisy = any(".Noisy Image." in key for key in channels)  # not where nothing was denoised
    return LightPasses(
        rgb=_planes(channels, "Combined", "RGB"),
        noisy=_planes(channels, "Noisy Image" if has_noisy else "Combined", "RGB"),
        groups={name: _planes(channels, f"Combined_{name}", "RGB") for name in groups},
    )


def _planes(channels: Mapping[str, Plane], name: str, letters: str) -> Plane:
    found = [next(value for key, value in channels.items() if key.endswith(f".{name}.{letter}")) for letter in letters]
    return np.stack(found, axis=-1) if len(found) > 1 else found[0]


def read(path: Path, groups: Iterable[str] = ()) -> Passes:
    """The passes of a render from ``render_scene``, which kept ``groups``."""
    channels = exr.read(path)

    def planes(name: str, letters: str) -> Plane:
        return _planes(channels, name, letters)

    mask = np.clip(planes("Combined", "A"), 0.0, 1.0)
    there = mask > 0.0
    depth = planes("Depth", "Z")
    has_catcher = any(".Shadow Catcher." in key for key in channels)
    shadow = planes("Shadow Catcher", "RGB") if has_catcher else np.ones((*mask.shape, 3), np.float32)
    lights = _light_passes(channels, groups)
    return Passes(
        rgb=lights.rgb,
        mask=mask,
        depth=np.where(there & (depth < FAR), depth, 0.0).astype(np.float32),
        normal=planes("Normal", "XYZ") * there[..., None],
        position=planes("Position", "XYZ") * there[..., None],
        surface=np.clip(
            planes("DiffCol" if any(".DiffCol." in key for key in channels) else "Diffuse Color", "RGB"), 0.0, 1.0
        )
        * there[..., None],
        scatter=_scattered(channels, lights.rgb) * there,
        shadow=shadow,
        noisy=lights.noisy,
        groups=lights.groups,
    )


def _scattered(channels: Mapping[str, Plane], rgb: Plane) -> Plane:
    """(H, W): diffuse light by all light, each averaged over a few pixels, since diffuse light is not denoised."""

    def diffuse(*names: str) -> Plane:
        return next(_planes(channels, name, "RGB") for name in names if any(f".{name}.R" in key for key in channels))

    light = diffuse("DiffDir", "Diffuse Direct") + diffuse("DiffInd", "Diffuse Indirect")
    scattered = (light * diffuse("DiffCol", "Diffuse Color")).mean(axis=-1)
    share = blur(scattered, AROUND) / np.maximum(blur(rgb.mean(axis=-1), AROUND), 1e-5)
    return np.clip(share, 0.0, 1.0).astype(np.float32)


def compose(passes: Passes, scene: Scene, settings: RunSettings) -> NDArray[np.uint8]:
    """(H, W, 3) as it will be seen: the product through the scene's view transform, over the exact backdrop."""
    return over_backdrop(passes, developed(passes, scene), settings, backdrop_of(settings))


def developed(passes: Passes, scene: Scene) -> Plane:
    """(H, W, 3) sRGB 0..1: the product's own colours, not premultiplied, through the scene's view transform."""
    alpha = passes.mask[..., None]
    return display(np.where(alpha > 1e-4, passes.rgb / np.maximum(alpha, 1e-4), 0.0), scene)


def backdrop_of(settings: RunSettings) -> NDArray[np.uint8]:
    """(H, W, 3) 8-bit sRGB: what is seen behind the product. Raises BadInput for a picture that can't be read."""
    width, height = settings.resolution
    return behind(settings.studio.backdrop, (height, width), load)


def cut_out(passes: Passes, product: Plane, settings: RunSettings) -> NDArray[np.uint8]:
    """(H, W, 4), not premultiplied: the ``developed`` product over nothing, its shadow as black that lets light through.

    Over white it is what ``over_backdrop`` makes of white.
    """
    cover = passes.mask[..., None]
    shade = np.zeros_like(cover)
    if settings.studio.shadow:
        lost = references.settled_shadow(references.shadow_density(passes.shadow))
        white = np.full((*lost.shape, 3), 255, np.uint8)
        shade = 1.0 - references.darkened(white, lost)[..., :1] / 255.0
    alpha = cover + (1.0 - cover) * shade
    colour = np.where(alpha > 0.0, product * cover / np.maximum(alpha, 1e-6), 0.0)
    return np.rint(np.clip(np.concatenate([colour, alpha], axis=-1), 0.0, 1.0) * 255.0).astype(np.uint8)


def over_backdrop(
    passes: Passes, product: Plane, settings: RunSettings, grey: int | NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """(H, W, 3): the ``developed`` product over exactly ``grey``, 0..255, or over a picture, with its shadow where one is wanted.

    The backdrop is mixed in after the view transform, since no view transform keeps a colour exactly.
    """
    shadow = references.settled_shadow(references.shadow_density(passes.shadow)) if settings.studio.shadow else None
    return references.composite(product * 255.0, passes.mask, shadow, grey)


def display(linear: Plane, scene: Scene) -> Plane:
    """Scene-linear (H, W, 3), not premultiplied, through the scene's view transform, as sRGB 0..1.

    Blender does the colour: the picture is saved with 16 bits and read back.
    """
    height, width = linear.shape[:2]
    pixels = np.ones((height, width, 4), np.float32)
    pixels[..., :3] = linear
    source = bpy.data.images.new("Consistency Display", width, height, alpha=True, float_buffer=True, is_data=False)
    settings = scene.render.image_settings
    before = (settings.file_format, settings.color_depth, settings.color_mode)
    try:
        source.pixels.foreach_set(np.ascontiguousarray(pixels[::-1]).ravel())
        with tempfile.TemporaryDirectory(prefix="consistency-") as folder:
            path = Path(folder) / "display.png"
            compat.set_still_format(settings, "PNG")
            settings.color_mode, settings.color_depth, settings.compression = "RGB", "16", 0
            source.save_render(str(path), scene=scene)
            return load(path)
    finally:
        bpy.data.images.remove(source)
        compat.set_still_format(settings, before[0])
        settings.color_depth, settings.color_mode = before[1], before[2]


def view_of(scene: Scene) -> View:
    """The view transform of ``scene``, for mixing pictures without Blender."""
    return view_from(lambda light: display(light, scene))


def load(path: Path, *, alpha: bool = False) -> Plane:
    """The RGB of a picture file as it is displayed, (H, W, 3) 0..1, top row first; with its ``alpha``, (H, W, 4).

    Raises BadInput for what is none.
    """
    return np.ascontiguousarray(_values(path)[..., : 4 if alpha else 3])


def load_grey(path: Path) -> Plane:
    """A grey picture file's values, (H, W) 0..1, top row first. Raises BadInput for what is none."""
    return np.ascontiguousarray(_values(path)[..., 0])


def _values(path: Path) -> Plane:
    try:
        image = bpy.data.images.load(str(path))
    except RuntimeError as error:
        raise BadInput(f"{path.name} is not a picture that Blender can read; fetch or choose it again") from error
    try:
        image.colorspace_settings.name = "Non-Color"  # the values of the file as they are
        width, height = image.size
        pixels = np.empty(width * height * 4, np.float32)
        image.pixels.foreach_get(pixels)
    finally:
        bpy.data.images.remove(image)
    return pixels.reshape(height, width, 4)[::-1]


def save(path: Path, picture: Plane, facts: Mapping[str, str] | None = None) -> None:
    """Write (H, W, 3) 0..1 as an 8-bit PNG that ``load`` reads again. Raises RunFolderError."""
    png.write(path, np.rint(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8), facts)
