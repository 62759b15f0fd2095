# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mixing lights costs beside rendering them anew, what keeping them costs, and what each quality gives.

    python -m benchmarks.lighting [--size 256] [--model FILE] [--angles front,three-quarter] [--quality standard]
        [--device cpu|gpu]

Printed side by side from one process. Seconds are the processor's, so that what else the machine does is left out; of a GPU's
renders they are those of the clock.

    groups    a reference's render with its lights kept, beside the same without them
    mix       one light changed, to the finished pictures, beside rendering them with that light; its longest step
    PSNR      of another mix against a render with those lights, the whole picture
    quality   draft and standard beside final: time, and PSNR in the product's pixels
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.references import _finish, _sample
from consistency_pipeline.pipeline.settings.lights import Light


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256, help="pixels of a reference's side (default 256)")
    parser.add_argument("--model", type=Path, help="a GLB (default: the sample product)")
    parser.add_argument("--angles", default="front,three-quarter", help="some of the angles")
    parser.add_argument("--quality", default="standard", help="of what is mixed (default standard)")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu", help="what renders (default cpu)")
    parser.add_argument("--no-qualities", action="store_true", help="leave the comparison of qualities out")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _report(options.model or _sample(Path(folder)), options, Path(folder))
    return 0


def _report(model: Path, options: argparse.Namespace, folder: Path) -> None:
    from consistency_pipeline.pipeline.lighting import files
    from consistency_pipeline.pipeline.lighting.mix import Mixed
    from consistency_pipeline.pipeline.settings.groups import RunSettings
    from consistency_pipeline.studio.rendering import devices, passes
    from consistency_pipeline.studio.rendering.render_scene import colour_scene

    angles = options.angles.split(",")
    plain = RunSettings(
        inputs=(str(model),), size=options.size, motion="none", quality=options.quality, device=options.device
    )
    plain = plain.model_copy(update={"angles": tuple(plain.angle(name) for name in angles)})
    others = {"key": Light(strength=1.4), "fill": Light(strength=2.0, kelvin=4500.0), "rim": Light(on=False)}
    device = devices.find(options.device).label
    print(
        f"model {model.name}, {options.size} × {options.size} pixels, {options.angles}, quality {options.quality}, {device}"
    )

    shots, _, _ = _references(model, plain, folder / "kept")
    _, bare = _renders(model, plain, groups=False)
    _, kept = _renders(model, plain, groups=True)
    print(f"groups kept / not kept: render {kept / bare:.3f}  ({kept:.1f} s, {bare:.1f} s; aim 1.10)")

    _, anew, pictures = _references(model, plain.model_copy(update={"lights": others}), folder / "anew")
    view = passes.view_of(colour_scene(plain))
    mixed = [
        Mixed(files.read_lights(shot.files["lights"]), view, 255, files.read_ground(shot.files["ground"]))
        for shot in shots
    ]
    first = _seconds(lambda: [each.mix({"key": Light(strength=1.01)}) for each in mixed])
    steps = [
        [_seconds(lambda each=each, i=i: each.mix({"key": Light(strength=1.1 + i / 100)})) for each in mixed]
        for i in range(10)
    ]
    best = min(sum(step) for step in steps)
    longest = float(np.median([max(step) for step in steps]))
    print(f"one light moved, {len(mixed)} pictures: {best * 1e3:.1f} ms, the first move {first * 1e3:.1f} ms; a picture at most {longest * 1e3:.1f} ms")  # fmt: skip
    print(f"… by the clock, a picture a thread: {_all_at_once(mixed) * 1e3:.1f} ms on {os.cpu_count()} cores (aim 50)")
    print(f"mixed / rendered anew: {best / anew:.6f}  ({anew:.1f} s; aim 0.002)")
    print(f"memory of an angle's lights: {max(each.bytes for each in mixed) / 2**20:.1f} MiB")
    for name, each, picture in zip(angles, mixed, pictures, strict=True):
        print(f"PSNR of the mix against the render: {name} {_psnr(each.mix(others)[..., :3] / 255.0, picture):.1f} dB (aim 45)")  # fmt: skip
    if not options.no_qualities:
        _qualities(model, plain)


def _all_at_once(mixed: list[Any]) -> float:
    """Seconds of the clock, the median of 20 moves of a light."""
    moves = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for i in range(20):
            began = time.perf_counter()
            list(pool.map(lambda each, i=i: each.mix({"key": Light(strength=1.3 + i / 100)}), mixed))  # type: ignore[misc]
            moves.append(time.perf_counter() - began)
    return float(np.median(moves))


def _qualities(model: Path, plain: Any) -> None:
    found = {
        word: _renders(model, plain.model_copy(update={"quality": word}), groups=False)
        for word in ("draft", "standard", "final")
    }
    truth, whole = found["final"]
    for word, (pictures, seconds) in found.items():
        quality = [_psnr(one[mask], other[mask]) for (one, mask), (other, _) in zip(pictures, truth, strict=True)]
        print(
            f"quality {word:9} {seconds / whole:6.3f} of final ({seconds:.1f} s), lowest {min(quality):.1f} dB from it"
        )


def _references(model: Path, settings: Any, folder: Path) -> tuple[list[Any], float, list[Any]]:
    """The references as a run makes them, their seconds, and the pictures."""
    from consistency_pipeline.studio import BlenderStudio
    from consistency_pipeline.studio.rendering import passes

    folder.mkdir()
    studio = BlenderStudio(settings, own_file=True)
    _finish(studio.load_product(model))
    _finish(studio.place_rig(settings))
    clock = _clock(settings)
    began, shots = clock(), []
    for angle in settings.studio.angles:
        steps = studio.render_reference(angle, settings, folder)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                shots.append(end.value)
                break
    seconds = clock() - began
    return shots, seconds, [passes.load(shot.files["image"]) for shot in shots]


def _renders(model: Path, settings: Any, *, groups: bool) -> tuple[list[tuple[Any, Any]], float]:
    """The bare renders, (picture, where the product is) each, and their seconds."""
    from consistency_pipeline.studio import compat, rig
    from consistency_pipeline.studio.model import load_product
    from consistency_pipeline.studio.rendering import devices, passes
    from consistency_pipeline.studio.rendering.render_scene import render, render_scene
    from consistency_pipeline.studio.scene.light_groups import group_lights

    compat.empty_file()
    _finish(load_product(model))
    _finish(rig.place_rig(settings))
    device, pictures, seconds, clock = devices.find(settings.studio.device), [], 0.0, _clock(settings)
    with tempfile.TemporaryDirectory() as folder, devices.chosen(device):
        for angle in settings.studio.angles:
            scene, file = (
                render_scene(settings, device, group_lights(settings) if groups else ()),
                Path(folder, "r.exr"),
            )
            began = clock()
            _finish(render(scene, rig.camera_for(angle.name), file, "references", "rendering"))
            seconds += clock() - began
            found = passes.read(file)
            pictures.append((passes.developed(found, scene), found.mask > 0.99))
    return pictures, seconds


def _clock(settings: Any) -> Callable[[], float]:
    return time.process_time if settings.studio.device == "cpu" else time.perf_counter


def _seconds(work: Any) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _psnr(one: Any, other: Any) -> float:
    return float(-10.0 * np.log10(max(float(np.mean((one - other) ** 2)), 1e-12)))


if __name__ == "__main__":
    sys.exit(main())
