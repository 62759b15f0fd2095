# SPDX-FileCopyrightText: 2026 Consistency Pipeline contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What five references cost beside bare Cycles and beside the obvious script, and how good they are.

    python -m benchmarks.references [--size 256] [--model FILE] [--angles three-quarter,top]

Printed side by side from one run, each part in a process of its own:

    ours      the five references with mask, depth, normal, position and backdrop, as a run makes them
    bare      the same renders of the same scene without our passes, compositing and files
    obvious   one Blender process per angle at Blender's default samples, as the usual script does it
    PSNR      ours and the obvious script's against 2,048 samples, in the product's pixels, display-referred
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

TRUTH_SAMPLES = 2048


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=256, help="pixels of a reference's side (default 256)")
    parser.add_argument("--model", type=Path, help="a GLB (default: the sample product)")
    parser.add_argument("--angles", default="", help="some of the angles (default: all five)")
    parser.add_argument("--quality", default="final", help="draft, standard or final (default)")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print("RESULT " + json.dumps(_part(options.part, options.model, options)), flush=True)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or _sample(Path(folder))
        _report(model, options, Path(folder))
    return 0


def _report(model: Path, options: argparse.Namespace, folder: Path) -> None:
    size, wanted, grade = options.size, options.angles, options.quality
    ours = measure(f"ours:{wanted}", model, size, folder / "ours", grade)
    bare = measure(f"bare:{wanted}", model, size, folder / "bare", grade)
    angles = list(ours["angles"])
    obvious = [measure(f"obvious:{angle}", model, size, folder / "obvious", grade) for angle in angles]
    measure(f"truth:{wanted}", model, size, folder / "truth", grade)
    quality = {
        name: [_psnr(folder / name, folder / "truth", folder / "ours", angle) for angle in angles]
        for name in ("ours", "obvious")
    }
    # Without a denoiser the mean square error falls as one over the samples, and the time grows with them.
    scale = 10.0 ** (np.subtract(quality["ours"], quality["obvious"]) / 10.0)
    print(f"model {model.name}, {size} × {size} pixels, {', '.join(angles)}, {ours['device']}")
    for name, values in quality.items():
        print(f"PSNR {name:8} lowest {min(values):5.1f} dB, mean {np.mean(values):5.1f} dB   (aim 40 dB)")
    print(
        "                                       wall   processor   (what counts where other work goes on at the side)"
    )

    def row(name: str, values: list[float], form: str) -> None:
        print(f"{name:36}" + "".join(f"{value:9{form}}" for value in values))

    clocks = ("wall", "processor")
    each = {clock: np.array([one[clock] for one in obvious]) for clock in clocks}
    row("ours, s", [ours[clock] for clock in clocks], ".1f")
    row("bare Cycles without its start, s", [bare["rendering"][clock] for clock in clocks], ".1f")
    row(f"obvious script, s ({len(angles)} processes)", [each[clock].sum() for clock in clocks], ".1f")
    row(
        "ours / bare Cycles (aim 1.05)",
        [ours["rendering"][clock] / bare["rendering"][clock] for clock in clocks],
        ".2f",
    )
    row("ours / obvious, as Blender comes", [ours[clock] / each[clock].sum() for clock in clocks], ".2f")
    row("ours / obvious, at our PSNR (0.40)", [ours[clock] / (each[clock] @ scale) for clock in clocks], ".2f")
    print(f"peak memory               {ours['memory']:6.0f} MiB")


def measure(part: str, model: Path, size: int, out: Path, quality: str = "final") -> dict[str, Any]:
    """``part`` ("ours", "bare", "obvious", "truth"; ":" and angles, all where none is named) in a process of its own.

    Seconds of the process ("wall"; "processor", of all cores) and of rendering in it, peak memory in MiB, angles, device.
    """
    command = [
        sys.executable,
        "-m",
        "benchmarks.references",
        "--part",
        part,
        "--model",
        str(model),
        "--size",
        str(size),
        "--quality",
        quality,
    ]
    began, worked = time.monotonic(), _processor_seconds()
    done = subprocess.run([*command, "--out", str(out)], check=True, capture_output=True, text=True)
    line = next(line for line in done.stdout.splitlines() if line.startswith("RESULT "))
    found: dict[str, Any] = json.loads(line.removeprefix("RESULT "))
    return {**found, "wall": time.monotonic() - began, "processor": _processor_seconds() - worked}


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _part(part: str, model: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One of the things measured. Blender is imported here, so that its start counts in the process's time."""
    from consistency_pipeline.pipeline.settings.groups import RunSettings
    from consistency_pipeline.studio import compat, rig
    from consistency_pipeline.studio.ground_light import render_ground
    from consistency_pipeline.studio.image_worker import ImageWorker
    from consistency_pipeline.studio.model import load_product
    from consistency_pipeline.studio.references import render_reference
    from consistency_pipeline.studio.rendering import devices, passes
    from consistency_pipeline.studio.rendering.render_scene import render, render_scene

    part, _, chosen = part.partition(":")
    out: Path = options.out
    samples = TRUTH_SAMPLES if part == "truth" else None
    settings = RunSettings(inputs=(str(model),), size=options.size, quality=options.quality, samples=samples)
    compat.empty_file()
    _finish(load_product(model))
    _finish(rig.place_rig(settings))
    device = devices.find("auto")
    out.mkdir(parents=True, exist_ok=True)
    wanted = [angle for angle in settings.studio.angles if not chosen or angle.name in chosen.split(",")]
    began, worked = time.monotonic(), time.process_time()
    worker = ImageWorker()
    ground = _finish(render_ground(settings, out, device, worker)) if part == "ours" else None
    for angle in wanted:
        if part == "ours":
            _finish(render_reference(angle, settings, out, device, worker, ground))
            continue
        scene = render_scene(settings, device, catches_shadow=part != "bare")
        if part != "truth":
            _plain(scene, as_blender_comes=part == "obvious")
        else:
            scene.cycles.use_adaptive_sampling = scene.cycles.use_denoising = False
            scene.cycles.seed = 1  # or its noise would be partly the same as that of the pictures it is to judge
        file = out / f"{angle.name}.exr"
        with devices.chosen(device):
            _finish(render(scene, rig.camera_for(angle.name), file, "references", "rendering"))
    worker.close()
    rendering = {"wall": time.monotonic() - began, "processor": time.process_time() - worked}
    for angle in wanted if part != "bare" else ():
        if part == "ours":
            np.save(out / f"{angle.name}.npy", passes.load(out / f"{angle.name}.png"))
        else:
            scene = render_scene(settings, device)
            picture = passes.compose(_as_passes(out / f"{angle.name}.exr"), scene, settings)
            np.save(out / f"{angle.name}.npy", picture.astype(np.float32) / 255.0)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    return {"rendering": rendering, "angles": [a.name for a in wanted], "device": device.label, "memory": memory}


def _plain(scene: Any, *, as_blender_comes: bool) -> None:
    """No passes of ours; for the obvious script also Blender's own samples, noise threshold and no denoiser."""
    layer = scene.view_layers[0]
    layer.use_pass_z = layer.use_pass_normal = layer.use_pass_position = False
    layer.use_pass_diffuse_color = layer.use_pass_diffuse_direct = layer.use_pass_diffuse_indirect = False
    if as_blender_comes:
        scene.cycles.samples, scene.cycles.adaptive_threshold = 4096, 0.01
        scene.cycles.use_denoising = False
        scene.render.use_persistent_data = False


def _as_passes(path: Path) -> Any:
    """The passes of a render that may lack the maps."""
    from consistency_pipeline.pipeline.formats import exr
    from consistency_pipeline.studio.rendering.passes import Passes

    channels = exr.read(path)

    def planes(name: str, letters: str) -> Any:
        found = [next((v for k, v in channels.items() if k.endswith(f".{name}.{c}")), None) for c in letters]
        return None if any(plane is None for plane in found) else np.stack(found, axis=-1)

    mask = planes("Combined", "A")[..., 0]
    nothing, rgb = np.zeros((*mask.shape, 3), np.float32), planes("Combined", "RGB")
    return Passes(
        rgb=rgb,
        mask=mask,
        depth=mask,
        normal=nothing,
        position=nothing,
        surface=nothing,
        scatter=mask,
        shadow=planes("Shadow Catcher", "RGB"),
        noisy=rgb,
    )


def _psnr(picture: Path, truth: Path, masks: Path, angle: str) -> float:
    """Peak signal-to-noise ratio in dB over the product's pixels, peak 1.0."""
    from consistency_pipeline.studio.rendering import passes

    mask = passes.load(masks / f"{angle}.mask.png")[..., 0] > 0.99
    difference = np.load(picture / f"{angle}.npy")[mask] - np.load(truth / f"{angle}.npy")[mask]
    return float(-10.0 * np.log10(max(float(np.mean(difference**2)), 1e-12)))


def _sample(folder: Path) -> Path:
    code = "import pathlib, sys\nfrom consistency_pipeline.studio.scene.sample_product import build_sample\n"
    path = folder / "sample.glb"
    subprocess.run(
        [sys.executable, "-c", code + "build_sample(pathlib.Path(sys.argv[1]))", str(path)],
        check=True,
        capture_output=True,
    )
    return path


def _finish(steps: Any) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


if __name__ == "__main__":
    sys.exit(main())
