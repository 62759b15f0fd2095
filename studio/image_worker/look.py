# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stills that lend their look to other views, as tasks: files in, pictures out. The carrying itself is pipeline.look.

What is made of the stills is kept between two tasks, since a clip has many frames; it is that of the last lenders alone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np

from ...pipeline.formats import marks, png
from ...pipeline.gate.scoring.pixels.arrays import Array, shrink
from ...pipeline.gate.scoring.pixels.colour import to_linear, to_srgb
from ...pipeline.gate.scoring.reference import MATT, SIZE, Camera, Reference
from ...pipeline.json_object import JsonObject
from ...pipeline.look import align, equal, texture, views
from ...pipeline.look.carry import carry
from ...pipeline.look.coverage import coverage, seen_from_around
from ...pipeline.rig import Angle
from ...pipeline.wording.program import PROGRAM
from ..rendering import passes
from .inspected import Pose, RenderFacts
from .inspection import laid_back, reference_of

STEP = 0.02  # log light by which what others say of a still may change before views that it is in are made anew


class Lender(TypedDict):
    """A still, its reference, how its product lies in it, and what names all of that."""

    angle: str
    still: str
    shot: RenderFacts
    pose: Pose
    fingerprint: str


class Keys(TypedDict):
    """By angle, what names the look that it lends: another one where a view that it is in would look different."""

    keys: dict[str, str]


class Asked(TypedDict):
    """``asked``: the angles that had a say in a view. ``seen``: share of its product that they see."""

    asked: list[str]
    seen: float


class Further(TypedDict):
    """A further angle, and the share of the surface that is seen with it and those before it."""

    angle: str
    azimuth: float
    elevation: float
    seen: float


class Surface(TypedDict):
    """``seen``: 0..1 of the surface that a camera above the ground can see."""

    seen: float
    further: list[Further]


class Baked(TypedDict):
    """``seen``: share of the part's surface that the stills see, 0..1. ``texels``: how many show surface at all."""

    seen: float
    texels: int


@dataclass(frozen=True)
class _Look:
    angles: list[str]
    sources: list[views.Source]
    light: Array
    keys: dict[str, str]


_kept: dict[str, _Look] = {}


def prepare(lenders: list[Lender]) -> Keys:
    """Make the stills ready to lend their look, and say what names it."""
    return Keys(keys=_look(lenders).keys)


def surface_seen(mesh: str, angles: list[JsonObject], most: int = 6, picture: str = "") -> Surface:
    """What share of the product's surface ``angles`` see, and which further ones, ``most`` of them, would see the rest; the PNG
    ``picture`` shows it, where one is wanted."""
    known = [Angle(**each) for each in angles]
    with np.load(mesh) as stored:
        found = coverage(stored["vertices"], stored["triangles"], known, most=most)
        if picture:
            png.write(
                Path(picture), seen_from_around(stored["vertices"], stored["triangles"], known), {"Software": PROGRAM}
            )
    further = [
        Further(angle=angle.name, azimuth=angle.azimuth, elevation=angle.elevation, seen=round(share, 4))
        for angle, share in found.further
    ]
    return Surface(seen=round(found.seen, 4), further=further)


def bake(surface: str, out: str, side: int, size: float, colour: list[float], lenders: list[Lender]) -> Baked:
    """A part's base colour with the lenders' look in it, as the PNG ``out`` of ``side``² pixels.

    ``surface``: a NumPy file of the part's triangles: ``points``, ``normals`` (T, 3, 3) as the references have it, ``uv`` (T, 3, 2) in
    the new texture, and where its base colour is a picture ``base`` (H, W, 4), sRGB 0..1 in rows from below, with its ``base_uv``.
    ``colour``: red, green, blue, linear, by which that is multiplied, and alpha. ``size``: the product's radius in metres.
    """
    with np.load(surface) as stored:
        kept = {name: stored[name] for name in stored}
    looked = min(side, texture.FINEST)
    texel, triangle, share = texture.covered(kept["uv"], looked)
    points, normals = (np.einsum("nc,ncd->nd", share, kept[name][triangle]) for name in ("points", "normals"))
    change, known = texture.lent(points, normals, _look(lenders).sources, size)
    slow = texture.spread(looked, texel, change, known)
    if side > looked:
        texel, triangle, share = texture.covered(kept["uv"], side)
        change = texture.looked_up(slow, np.einsum("nc,ncd->nd", share, kept["uv"][triangle]))
    else:
        change = slow.reshape(-1, 3)[texel]
    base = np.broadcast_to(np.array([1.0, 1.0, 1.0, colour[3]], np.float32), (len(texel), 4)).copy()
    if "base" in kept:
        base = texture.looked_up(kept["base"], np.einsum("nc,ncd->nd", share, kept["base_uv"][triangle]))
    base[:, :3] = np.clip(to_srgb(to_linear(base[:, :3]) * np.array(colour[:3], np.float32)), 0.0, 1.0)
    made = np.rint(texture.texture(side, texel, base, change)[::-1] * 255.0).astype(np.uint8)
    is_opaque = bool((made[..., 3] == 255).all())
    png.write(Path(out), made[..., :3] if is_opaque else made, marks.composite(marks.LOOK_WORDS))
    return Baked(seen=round(float(known.mean()), 4) if len(known) else 0.0, texels=len(texel))


def carried(
    found: passes.Passes,
    product: Array,
    lenders: list[Lender],
    spin: list[list[float]],
    matrix_world: list[list[float]],
    projection: list[list[float]],
) -> tuple[Array, Asked]:
    """``product`` (H, W, 3), sRGB 0..1, developed from the passes ``found``, with the lenders' look; and who had a say in it."""
    look = _look(lenders)
    view = views.Render(
        rgb=product.astype(np.float32),
        mask=found.mask,
        depth=found.depth,
        position=found.position,
        normal=found.normal,
        diffuse=found.scatter,
        camera=Camera.of(matrix_world, projection),
    )
    made = carry(view.seen_from(np.array(spin, np.float64)), look.sources, look.light)
    seen = float(made.seen[view.solid].mean()) if view.solid.any() else 0.0
    names = [angle for angle, said in zip(look.angles, made.asked, strict=True) if said]
    return made.rgb, Asked(asked=names, seen=round(seen, 4))


def _look(lenders: list[Lender]) -> _Look:
    name = hashlib.sha256(json.dumps(sorted(each["fingerprint"] for each in lenders)).encode()).hexdigest()
    if name not in _kept:
        _kept.clear()
        _kept[name] = _made_ready(lenders)
    return _kept[name]


def _made_ready(lenders: list[Lender]) -> _Look:
    stills, renders = [], []
    for lender in lenders:
        known = reference_of(lender["shot"])
        still = laid_back(Path(lender["still"]), known.mask, lender["pose"])
        factor = max(
            1, max(known.mask.shape) // SIZE
        )  # more pixels would cost memory, and each still has as many of its own
        render = render_of(known, lender["shot"])
        stills.append(shrink(still.astype(np.float32), factor))
        renders.append(render.reduced(factor))
    light, sources = _sources(stills, renders)
    if len(stills) > 1:
        laid = align.agreed(stills, renders, equal.equalised(sources, renders), light)
        light, sources = _sources(laid, renders)
    even = equal.equalised(sources, renders)
    keys = {
        lender["angle"]: f"{lender['fingerprint']}:{_step(before, after)}:{np.rint(light / STEP).astype(int).tolist()}"
        for lender, before, after in zip(lenders, sources, even, strict=True)
    }
    return _Look([each["angle"] for each in lenders], even, light, keys)


def _sources(stills: list[Array], renders: list[views.Render]) -> tuple[Array, list[views.Source]]:
    changes = [views.change_of(*pair) for pair in zip(stills, renders, strict=True)]
    light = views.light_change(list(zip(changes, renders, strict=True)))
    made = [
        views.source(still, render, light, change)
        for still, render, change in zip(stills, renders, changes, strict=True)
    ]
    return light, made


def _step(before: views.Source, after: views.Source) -> list[int]:
    """What equalising took out of a source, as coarse as it matters."""
    weight = before.weight[..., None]
    taken = ((before.change - after.change) * weight).sum(axis=(0, 1)) / max(float(weight.sum()), 1e-6)
    return [int(each) for each in np.rint(taken / STEP)]


def render_of(known: Reference, shot: RenderFacts) -> views.Render:
    """A reference as a view; of runs that kept no share of scattered light, what its surface colour tells of it."""
    assert known.depth is not None
    assert known.position is not None
    assert known.normal is not None
    assert known.camera is not None
    if "scatter" in shot["files"]:
        scatter = passes.load(Path(shot["files"]["scatter"]))[..., 0]
    elif known.surface is not None:
        scatter = np.clip(known.surface.max(axis=-1) / MATT - 1.0, 0.0, 1.0)
    else:
        scatter = known.mask
    return views.Render(
        rgb=known.rgb.astype(np.float32),
        mask=known.mask,
        depth=known.depth,
        position=known.position,
        normal=known.normal,
        diffuse=scatter.astype(np.float32),
        camera=known.camera,
    )
