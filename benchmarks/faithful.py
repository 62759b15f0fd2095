# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the dial "faithful" leaves of faults, and how near to a true photo the result stays, beside plain filters.

    python -m benchmarks.faithful [--cache FOLDER] [--products NAME,…] [--angles NAME,…] [--looks 2]

Takes what benchmarks.calibration has rendered into its cache, and renders nothing: true pictures of each product in lights,
floors and focus of their own, label faults rendered in 3D, and faults painted as generators make them. For each filter:

    fault left   mean |filtered faulty − filtered true| over where the fault shows, by the same unfiltered, in %
    nearness     peak signal to noise of the filtered true picture against the true one, in the product, in dB
    seconds      of one core for one picture, without what is derived from the render alone
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import zlib
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from consistency_pipeline.pipeline.gate.scoring.faithful import FLOOR, Ground
from consistency_pipeline.pipeline.gate.scoring.measures import detail
from consistency_pipeline.pipeline.gate.scoring.pixels.arrays import blur
from consistency_pipeline.pipeline.gate.scoring.pixels.colour import to_linear, to_srgb
from consistency_pipeline.pipeline.gate.scoring.reference import Reference

from .calibration import pictures, products, scenes, scores

Picture = np.ndarray
Filter = Callable[[Picture], Picture]
FAMILIES = {
    "label": ("label garbled", "label mirrored", "label changed", "label bent", "print melted"),
    "letters": ("hallucinated letters",),
    "added": ("added inside",),
    "erased": ("erased detail",),
    "melted": ("melted", "warp inside"),
    "texture": ("hallucinated texture",),
}
DIALS = (0.3, 0.6, 1.0)
RIDGE = 1e-3  # of the guided filter


@dataclass
class Found:
    """Of one filter: shares of faults left by family, dB, and seconds."""

    left: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    near: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "consistency-calibration")
    parser.add_argument("--products", default="", help="names, separated by commas; all by default")
    parser.add_argument("--angles", default="three-quarter,front")
    parser.add_argument("--looks", type=int, default=2, help="true pictures of a view, the looks taking turns")
    parser.add_argument("--workers", type=int, default=max(1, min(4, (os.cpu_count() or 2) - 1)))
    options = parser.parse_args()
    names = options.products.split(",") if options.products else list(products.PRODUCTS)
    views = [
        (options.cache, name, angle, scenes.LOOKS[(place + step) % 4])
        for angle in options.angles.split(",")
        for place, name in enumerate(names)
        for step in range(0, 4, max(1, 4 // max(1, options.looks)))
    ]
    views = [
        view for view in views if all(scenes.is_cached(*view[:3], each) for each in ("reference", f"{view[3]}:true:"))
    ]
    if not views:
        print(
            f"nothing is rendered in {options.cache}; run python -m benchmarks.calibration first, or name its --cache"
        )
        return 0
    whole: dict[str, Found] = defaultdict(Found)
    with ProcessPoolExecutor(options.workers) as pool:
        for found in pool.map(measured, views):
            for name, part in found.items():
                whole[name].near += part.near
                whole[name].seconds += part.seconds
                for family, shares in part.left.items():
                    whole[name].left[family] += shares
    print(f"{len(views)} true pictures of {len({view[1] for view in views})} products at {scenes.SIZE} px")
    print(table(whole))
    return 0


def table(whole: dict[str, Found]) -> str:
    count = {family: len(whole["none"].left[family]) for family in FAMILIES}
    lines = ["| filter | " + " | ".join(f"{name} ({count[name]})" for name in FAMILIES) + " | nearness | seconds |"]
    lines.append("|" + " --- |" * (len(FAMILIES) + 3))
    for name, found in whole.items():
        shares = [f"{np.mean(found.left[family]):.0%}" if found.left[family] else "–" for family in FAMILIES]
        near = f"{np.mean(found.near):.1f} dB" if name != "none" else "–"
        lines.append(f"| {name} | {' | '.join(shares)} | {near} | {np.mean(found.seconds):.2f} |")
    return "\n".join(lines)


def measured(view: tuple[Path, str, str, str]) -> dict[str, Found]:
    cache, product, angle, look = view
    shot = scenes.shot(cache, product, angle, "reference", {})
    reference, grey = scores.reference_of(shot)
    clean = pictures.composed(scenes.shot(cache, product, angle, f"{look}:true:", {}), grey)
    ground = Ground.of(reference)
    faults = dict(_faults(view, clean, grey, reference, shot["albedo"], ground))
    results: dict[str, Found] = {}
    for name, change in _filters(reference, ground).items():
        found = results[name] = Found()
        began = time.process_time()
        made = change(clean)
        found.seconds.append(time.process_time() - began)
        error = float(((made - clean)[reference.inside] ** 2).mean())
        found.near.append(10 * float(np.log10(1 / max(error, 1e-9))))
        for kind, faulty in faults.items():
            seen = pictures.visible(faulty, clean) & reference.inside
            family = next(family for family, kinds in FAMILIES.items() if kind in kinds)
            if seen.any():
                rest, all_of_it = np.abs(change(faulty) - made)[seen].mean(), np.abs(faulty - clean)[seen].mean()
                found.left[family].append(float(rest / all_of_it))
    return results


def _faults(
    view: tuple[Path, str, str, str], clean: Picture, grey: float, reference: Reference, albedo: Picture, ground: Ground
) -> list[tuple[str, Picture]]:
    cache, product, angle, look = view
    known = [kind for kinds in FAMILIES.values() for kind in kinds]
    made = []
    for kind in known:
        random = np.random.default_rng(zlib.crc32(f"{product} {angle} {look} {kind}".encode()))
        if kind in pictures.PAINTED:
            made.append((kind, pictures.painted(kind, clean, reference.mask, albedo, random)))
        elif kind == "print melted" and ground.printed.any():
            made.append((kind, _melted_print(clean, ground.printed, reference.unit, random)))
        elif scenes.is_cached(cache, product, angle, f"{look}:{kind}:"):
            made.append((kind, pictures.composed(scenes.shot(cache, product, angle, f"{look}:{kind}:", {}), grey)))
    return made


def _melted_print(clean: Picture, printed: np.ndarray, unit: float, random: np.random.Generator) -> Picture:
    """The print with its letters run into each other, as generators redraw small type."""
    noise = [blur(random.normal(size=printed.shape).astype(np.float32), 8 * unit) for _ in range(2)]
    across, down = (part / part.std() * 9 * unit * printed for part in noise)
    return pictures._displaced(clean, across, down)


def _filters(reference: Reference, ground: Ground) -> dict[str, Filter]:
    plain: dict[str, Filter] = {"none": lambda still: still}
    for sigma in (4.0, 8.0, 16.0):
        plain[f"Gauss σ {sigma:g} px"] = lambda still, s=sigma: detail.restore(
            still, reference.rgb, reference.mask, sigma=s
        )
    for radius in (8.0,):
        plain[f"guided by normals and render, {radius:g} px"] = _guided(reference, radius * reference.unit)
    for dial in DIALS:
        plain[f"faithful {dial:g}"] = lambda still, d=dial: ground.at(still, d)
    return plain


def _guided(reference: Reference, radius: float) -> Filter:
    """The quotient by a guided filter (He, Sun & Tang, Guided Image Filtering, 2010), Gaussian windows, inside the outline."""
    assert reference.normal is not None
    render = np.log(to_linear(reference.rgb) + FLOOR).astype(np.float32)
    guide = np.concatenate([np.nan_to_num(reference.normal), render.mean(axis=-1, keepdims=True)], axis=-1)
    inside = reference.inside.astype(np.float32)[..., None]
    weight = np.maximum(blur(inside, radius), 1e-4)

    def mean(values: np.ndarray) -> np.ndarray:
        flat = values.reshape(*values.shape[:2], -1)
        return (blur((flat * inside).astype(np.float32), radius) / weight).reshape(values.shape)

    middle = mean(guide)
    spread = mean(guide[..., :, None] * guide[..., None, :]) - middle[..., :, None] * middle[..., None, :]
    spread = spread + RIDGE * np.eye(guide.shape[-1], dtype=np.float32)

    def change(still: Picture) -> Picture:
        light = np.log(to_linear(still) + FLOOR).astype(np.float32) - render
        both = mean(guide[..., :, None] * light[..., None, :]) - middle[..., :, None] * mean(light)[..., None, :]
        slope = np.linalg.solve(spread, both)
        offset = mean(light) - (middle[..., :, None] * slope).sum(axis=-2)
        slow = (mean(slope) * guide[..., :, None]).sum(axis=-2) + mean(offset)
        made = np.clip(to_srgb(np.clip(np.exp(render + slow) - FLOOR, 0, 1)), 0, 1)
        return np.where(inside > 0, made, still).astype(np.float32)

    return change


if __name__ == "__main__":
    raise SystemExit(main())
