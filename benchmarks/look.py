# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How near to a true photo the carried look comes in views that no still was taken of, beside what one would do else.

    python -m benchmarks.look [--cache FOLDER] [--products NAME,…] [--size 192] [--samples 12] [--out FOLDER] [--flicker] [--time]

For each product, 8 and 14 stills around it, true ones and such as generators make (a tint of 4 % a channel, a slow gain of 6 %,
a slow warp of 0.7 px at 320, in one of four a detail from elsewhere), against true photos of six views between them:

    plain        the render as it is
    projected    the stills' colours projected and blended by cos⁶, as texture bakers do
    carried      what this program does
    bought       a still for that very view, with the same drift

in dB, the mean of six views (peak signal to noise in the product's pixels, sRGB) and ΔE2000 (mean). "shared" is by how much more two carried views differ
on the surface that both see than true photos do, beside two bought ones.

With --flicker, ΔE2000 from one frame of a turn to the next, 95th percentile: "same places" is how much else the next frame carries
to the places that this one shows; "picture to picture" by how much more a place changes than it does in the renders, looked up
between the next picture's pixels, and "true photos" the same of a turn of photos, in which nothing flickers but their noise. CONSISTENCY_TEST_MODELS names a folder of GLB files.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from consistency_pipeline.pipeline.formats import png
from consistency_pipeline.pipeline.gate.scoring.pixels.arrays import blur, resize, sample
from consistency_pipeline.pipeline.gate.scoring.pixels.colour import delta_e, to_lab, to_linear, to_srgb
from consistency_pipeline.pipeline.gate.scoring.reference import Camera
from consistency_pipeline.pipeline.look import align, equal, views
from consistency_pipeline.pipeline.look.carry import carry
from consistency_pipeline.pipeline.look.lookup import DEPTH_OFF, radius, sampled, unit

from . import look_shots
from .look_shots import CLASSES, HELD_OUT, SOURCES

Picture = np.ndarray
DRIFT = {"tint": 0.04, "gain": 0.06, "warp": 0.7 / 320}
TURN = look_shots.turn(0.0, 46.0, 3.0)  # from one still over the next to between it and the third
SWAPPED = 4  # one of so many stills has a detail from elsewhere


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "consistency-look")
    parser.add_argument("--products", default="", help="names, separated by commas; all by default")
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--samples", type=int, default=12)
    parser.add_argument(
        "--flicker", action="store_true", help="in place of the table, a stretch of a turn at steps of 3°"
    )
    parser.add_argument("--time", action="store_true", help="in place of it all, what carrying takes at 1024²")
    parser.add_argument("--out", type=Path, help="a folder for pictures of what was measured")
    options = parser.parse_args()
    models = {
        path.stem: path for path in sorted(Path(os.environ.get("CONSISTENCY_TEST_MODELS") or os.devnull).glob("*.glb"))
    }
    names = options.products.split(",") if options.products else [
        name for name in CLASSES if name in models or name in look_shots.BUILT
    ]  # fmt: skip
    print(f"{options.size} px, {options.samples} samples a pixel")
    heads = ["plain", "projected", "carried", "bought", "ΔE carried (plain)", "shared carried (bought)"]
    if options.flicker:
        heads = ["same places", "picture to picture", "true photos"]
    print(f"| product | class | stills | {' | '.join(heads)} |")
    print("| --- " * (3 + len(heads)) + "|")
    for name in names:
        renders, photos = _views(options.cache, name, models, options.size, options.samples)
        if options.time:
            print(_times(name, renders, photos))
            continue
        if not options.flicker:
            for kind in ("true", "drifting"):
                for count in SOURCES:
                    print(_row(name, kind, count, renders, photos, options.out), flush=True)
        else:
            turns = {
                look: look_shots.shots(options.cache, name, look, TURN, models, options.size, options.samples)
                for look in look_shots.LOOKS
            }
            turned = [_render_of(turns["render"][angle.name]) for angle in TURN]
            true = _flicker(turned, [_picture(turns["photo"][angle.name]) for angle in TURN])
            names_of = [angle.name for angle in SOURCES[14]]
            for kind in ("true", "drifting"):
                taken = _taken(kind, photos)
                ready, light = made_ready([taken[key] for key in names_of], [renders[key] for key in names_of])
                made = [carry(frame, ready, light).rgb for frame in turned]
                steady, between = _unsteady(turned, ready, light), _flicker(turned, made)
                print(
                    f"| {name} | {CLASSES.get(name, '')} | 14 {kind} | {steady:.2f} | {between:.2f} | {true:.2f} |",
                    flush=True,
                )
    return 0


def _views(
    cache: Path, product: str, models: dict[str, Path], size: int, samples: int
) -> tuple[dict[str, views.Render], dict[str, Picture]]:
    angles = (*SOURCES[14], *HELD_OUT)
    shots = {look: look_shots.shots(cache, product, look, angles, models, size, samples) for look in look_shots.LOOKS}
    renders = {name: _render_of(shot) for name, shot in shots["render"].items()}
    return renders, {name: _picture(shot) for name, shot in shots["photo"].items()}


@dataclass
class _Found:
    plain: list[float]
    projected: list[float]
    carried: list[float]
    bought: list[float]
    away: list[float]
    away_plain: list[float]


def _row(
    name: str,
    kind: str,
    count: int,
    renders: dict[str, views.Render],
    photos: dict[str, Picture],
    out: Path | None,
) -> str:
    drifting = _taken("drifting", photos)
    taken = photos if kind == "true" else drifting
    sources = [angle.name for angle in SOURCES[count]]
    ready, light = made_ready([taken[key] for key in sources], [renders[key] for key in sources])
    found = _Found([], [], [], [], [], [])
    made: dict[str, Picture] = {}
    for angle in HELD_OUT:
        render, truth = renders[angle.name], photos[angle.name]
        inside = render.mask > 0.5
        made[angle.name] = carry(render, ready, light).rgb
        thrown = _projected(render, [(taken[key], renders[key]) for key in sources])
        found.plain.append(_psnr(render.rgb, truth, inside))
        found.projected.append(_psnr(thrown, truth, inside))
        found.carried.append(_psnr(made[angle.name], truth, inside))
        found.bought.append(_psnr(drifting[angle.name], truth, inside))
        found.away.append(_away(made[angle.name], truth, inside))
        found.away_plain.append(_away(render.rgb, truth, inside))
        if out is not None and count == 14:
            out.mkdir(parents=True, exist_ok=True)
            strip = np.concatenate([_over_white(each, render.mask) for each in (render.rgb, thrown, made[angle.name], truth)], axis=1)  # fmt: skip
            png.write(out / f"{name}.{kind}.{angle.name}.png", np.round(strip * 255).astype(np.uint8))
    held = {angle.name: renders[angle.name] for angle in HELD_OUT}
    shared = _shared(held, made) - _shared(held, photos)
    bought = _shared(held, drifting) - _shared(held, photos)
    dropped = " – " if kind == "true" else f"{np.mean(found.bought):.1f}"
    numbers = [f"{np.mean(each):.1f}" for each in (found.plain, found.projected, found.carried)]
    return (
        f"| {name} | {CLASSES.get(name, '')} | {count} {kind} | {' | '.join(numbers)} | {dropped} | "
        f"{np.mean(found.away):.1f} ({np.mean(found.away_plain):.1f}) | {shared:.1f} ({bought:.1f}) |"
    )


def _taken(kind: str, photos: dict[str, Picture]) -> dict[str, Picture]:
    """The stills, true or drifting."""
    random = np.random.default_rng(1)
    if kind == "true":
        return photos
    return {
        key: _drifting(photo, random, swap=place % SWAPPED == 1) for place, (key, photo) in enumerate(photos.items())
    }


def made_ready(stills: list[Picture], renders: list[views.Render]) -> tuple[list[views.Source], np.ndarray]:
    """As the image worker makes them ready."""
    light, sources = _sources(stills, renders)
    laid = align.agreed(stills, renders, equal.equalised(sources, renders), light)
    light, sources = _sources(laid, renders)
    return equal.equalised(sources, renders), light


def _sources(stills: list[Picture], renders: list[views.Render]) -> tuple[np.ndarray, list[views.Source]]:
    light = views.light_change([(views.change_of(*pair), pair[1]) for pair in zip(stills, renders, strict=True)])
    return light, [views.source(*pair, light) for pair in zip(stills, renders, strict=True)]


def _drifting(photo: Picture, random: np.random.Generator, *, swap: bool) -> Picture:
    height, width = photo.shape[:2]

    def slow(sigma: float) -> np.ndarray:
        noise = blur(random.normal(size=(height, width)).astype(np.float32), sigma)
        return (noise - noise.mean()) / noise.std()

    rows, columns = np.indices((height, width), dtype=np.float32)
    across, down = (slow(width / 8) * DRIFT["warp"] * width for _ in range(2))
    light = to_linear(sample(photo, columns + across, rows + down))
    light = light * (1 + random.normal(size=3) * DRIFT["tint"]) * np.exp(slow(width / 6) * DRIFT["gain"])[..., None]
    made = np.clip(to_srgb(np.clip(light, 0, 1)), 0, 1).astype(np.float32)
    if swap:
        side = width // 8
        y, x = (int(each) for each in random.integers(3 * width // 8, width // 2, 2))
        made[y : y + side, x : x + side] = made[y - side : y, x - side : x].copy()
    return made


def _projected(render: views.Render, stills: list[tuple[Picture, views.Render]]) -> Picture:
    """The stills' colours, by cos⁶, where depth agrees; the render where none sees the surface."""
    points, normals = render.position.reshape(-1, 3), render.normal.reshape(-1, 3)
    total, colour = np.full(len(points), 1e-6, np.float32), render.rgb.reshape(-1, 3) * 1e-6
    size = radius(points[render.solid.ravel()])
    for still, source in stills:
        height, width = source.mask.shape
        facing = np.einsum("ij,ij->i", normals, unit(source.camera.position.astype(np.float32) - points))
        x, y, depth = source.camera.project(points, width, height)
        good = (facing > 0.2) & (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1) & render.solid.ravel()
        planes = np.stack([*np.moveaxis(still, -1, 0), np.where(source.solid, source.depth, 0.0)]).astype(np.float32)
        seen = np.zeros((len(points), 4), np.float32)
        seen[good] = sampled(planes, x[good], y[good]).T
        good &= np.abs(seen[:, 3] - depth) < 3 * DEPTH_OFF * size
        weight = np.where(good, np.clip(facing, 0, 1) ** 6, 0.0).astype(np.float32)
        total, colour = total + weight, colour + seen[:, :3] * weight[:, None]
    return (colour / total[:, None]).reshape(render.rgb.shape)


def _shared(renders: dict[str, views.Render], pictures: dict[str, Picture]) -> float:
    """ΔE2000, in the mean, between two views on the surface that both see."""
    found = []
    names = list(renders)
    for first, second in zip(names, [*names[1:], names[0]], strict=True):
        places = _seen_by_both(renders[first], renders[second])
        if len(places[0]) > 50:
            found.append(float(_apart(pictures[first], pictures[second], places).mean()))
    return float(np.mean(found)) if found else float("nan")


def _seen_by_both(one: views.Render, other: views.Render) -> tuple[np.ndarray, ...]:
    """Rows and columns of pixels of the first view whose surface the second sees, and x, y where."""
    rows, columns = np.nonzero(one.solid)
    points = one.position[rows, columns]
    height, width = other.mask.shape
    x, y, depth = other.camera.project(points, width, height)
    facing = np.einsum("ij,ij->i", one.normal[rows, columns], unit(other.camera.position.astype(np.float32) - points))
    good = (facing > 0.3) & (x >= 1) & (y >= 1) & (x <= width - 2) & (y <= height - 2)
    there = sample(np.where(other.solid, other.depth, 0.0).astype(np.float32), x, y)
    good &= np.abs(there - depth) < DEPTH_OFF * radius(points)
    return rows[good], columns[good], x[good], y[good]


def _apart(one: Picture, other: Picture, places: tuple[np.ndarray, ...]) -> np.ndarray:
    """(N,) ΔE2000."""
    rows, columns, x, y = places
    return delta_e(to_lab(one[rows, columns]), to_lab(sample(other, x, y)))


def _flicker(frames: list[views.Render], pictures: list[Picture]) -> float:
    """ΔE2000, 95th percentile: by how much a place changes more from picture to picture than it does in the renders.

    A place lies between the second picture's pixels. What reading it there blurs counts, so that a picture with more detail than
    its render has more of it: also a true photo.
    """
    more = []
    for (one, other), pair in zip(pairwise(frames), pairwise(pictures), strict=True):
        places = _seen_by_both(one, other)
        more.append(np.maximum(_apart(*pair, places) - _apart(one.rgb, other.rgb, places), 0.0))
    return float(np.percentile(np.concatenate(more), 95))


def _unsteady(frames: list[views.Render], sources: list[views.Source], light: np.ndarray) -> float:
    """ΔE2000, 95th percentile: by how much the next frame carries something else to the same places, read nowhere between pixels."""
    apart = []
    for one, other in pairwise(frames):
        rows, columns, *_ = _seen_by_both(one, other)
        now, then = (
            carry(replace(one, camera=each.camera), sources, light).rgb[rows, columns] for each in (one, other)
        )
        apart.append(delta_e(to_lab(now), to_lab(then)))
    return float(np.percentile(np.concatenate(apart), 95))


def _enlarged(render: views.Render, side: int) -> views.Render:
    names = ("rgb", "mask", "depth", "position", "normal", "diffuse")
    return replace(render, **{name: resize(getattr(render, name), side, side).astype(np.float32) for name in names})


def _times(
    products: str, renders: dict[str, views.Render], photos: dict[str, Picture], side: int = 1024, rounds: int = 5
) -> str:
    """Of one frame with all stills: the views are enlarged, which shows as many pixels and sources as a render of that size."""
    names = [angle.name for angle in SOURCES[14]]
    large = [_enlarged(renders[name], side) for name in names]
    stills = [resize(photos[name], side, side).astype(np.float32) for name in names]
    light, sources = _sources(stills, large)
    target = _enlarged(renders[HELD_OUT[0].name], side)
    carry(target, sources, light)
    walls, processor = [], []
    for _ in range(rounds):
        began, used = time.perf_counter(), time.process_time()
        carry(target, sources, light)
        walls.append(time.perf_counter() - began)
        processor.append(time.process_time() - used)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    share = float(target.solid.mean())
    return (
        f"{products}: {side}² with 14 stills, {share:.0%} product: {np.median(walls):.2f} s (best {min(walls):.2f}), "
        f"{np.median(processor):.2f} s of processor; {peak} MiB at most, stills and all"
    )


def _render_of(shot: dict[str, np.ndarray]) -> views.Render:
    there = shot["alpha"] > 0
    share = blur(shot["diffuse"].mean(-1) * there, 1.2) / np.maximum(blur(shot["rgb"].mean(-1) * there, 1.2), 1e-5)
    return views.Render(
        rgb=_picture(shot),
        mask=shot["alpha"],
        depth=np.where(there, shot["depth"], 0.0).astype(np.float32),
        position=shot["position"],
        normal=shot["normal"],
        diffuse=(np.clip(share, 0, 1) * there).astype(np.float32),
        camera=Camera(shot["matrix_world"], shot["projection"]),
    )


def _picture(shot: dict[str, np.ndarray]) -> Picture:
    alpha = shot["alpha"][..., None]
    light = np.where(alpha > 1e-3, shot["rgb"] / np.maximum(alpha, 1e-3), 0.0)
    return np.clip(to_srgb(np.clip(light, 0, 1)), 0, 1).astype(np.float32)


def _over_white(picture: Picture, mask: np.ndarray) -> Picture:
    return picture * mask[..., None] + 1.0 - mask[..., None]


def _psnr(made: Picture, truth: Picture, inside: np.ndarray) -> float:
    return float(10 * np.log10(1 / max(float(((made - truth)[inside] ** 2).mean()), 1e-9)))


def _away(made: Picture, truth: Picture, inside: np.ndarray) -> float:
    return float(delta_e(to_lab(made[inside]), to_lab(truth[inside])).mean())


if __name__ == "__main__":
    raise SystemExit(main())
